"""The store whose records also go to another repository.

The run log in the state directory is still written, and conditions only use that: a repository that is unavailable,
slow or read-only cannot keep a task from running. The same transaction adds each record to the outbox, from which the
`Replicator` sends it to the repository. At start, records that only the repository has are imported: all of them on a
new host, the newest where the state directory was restored from an older copy.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from rocketd.core.instant import Duration, Instant
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.events import Finished, Missed, Started, Withdrawn
from rocketd.core.model.records import Change
from rocketd.core.model.run import Action
from rocketd.store.rejected_lines import ReportDamage
from rocketd.store.replication import outbox
from rocketd.store.replication.importing import Followed, import_missing
from rocketd.store.replication.replicator import Replicator
from rocketd.store.sqlite import run_log, task_names, task_state
from rocketd.store.sqlite.connection import Durability
from rocketd.store.sqlite.rows import Origin, Row, row_of
from rocketd.store.sqlite.schema import is_end
from rocketd.store.sqlite.store import SqliteStore

_ENDED: Final = f"SELECT 1 FROM log WHERE task_name = ? AND number = ? AND {is_end()}"  # noqa: S608 - our own words
_NONE: Final[Followed] = {}
_MISSED: Final = "SELECT 1 FROM log WHERE run_id = ? AND action = 'missed'"


class ReplicatedStore(SqliteStore):
    """Keeps records in `rocketd.db` in the state directory, and passes each to a `Replicator`."""

    def __init__(
        self,
        directory: Path,
        replicator: Replicator,
        *,
        durability: Durability = "full",
        origin: Origin | None = None,
        report_damage: ReportDamage = lambda _, __: None,
    ) -> None:
        """The caller closes the replicator, before this; `report_damage` is called for what is damaged."""
        super().__init__(
            directory, durability=durability, origin=origin, report_damage=report_damage, lock=replicator.lock
        )
        self._replicator = replicator
        self._may_be_there = False
        """Whether what is written may be in the repository already."""

    def write(self, changes: Sequence[Change]) -> None:
        """Write all of them or none; see `Store.write`."""
        self._database.check_available()  # a repair of the store holds the lock for as long as it takes
        with self._replicator.lock, self._database.writing() as database:
            for renamed, part in task_names.parts(changes):
                task_names.rename(database, renamed)
                new_rows = self._new_rows(database, part)
                run_log.insert(database, part, self._origin)
                outbox.add(database, new_rows)
                task_state.apply(database, part, self._origin)
        self._replicator.wake()

    def _new_rows(self, database: sqlite3.Connection, changes: Iterable[Change]) -> list[tuple[Row, bool]]:
        """Return the records that are new in the log, each with whether the repository may have it."""
        return [(row, again or self._may_be_there) for row, again in _new_rows(database, changes, self._origin)]

    def prune(self, before: Instant, protected: Mapping[tuple[str, Action], Duration], now: Instant, limit: int) -> int:
        """Delete up to `limit` records, here now and in the repository later; see `Store.prune`."""
        self._database.check_available()
        with self._replicator.lock:
            deleted = super().prune(before, protected, now, limit)
        if deleted == 0:
            self._replicator.prune(before, now)
        return deleted

    def save_trusted_reading(self, reading: ClockReading) -> None:
        """Note up to when time is trusted to have come; see `Store.save_trusted_reading`."""
        with self._replicator.lock:
            super().save_trusted_reading(reading)

    def import_rows(self, rows: Iterable[Row], fingerprints: Mapping[str, str], followed: Followed = _NONE) -> int:
        """Import records that only the repository has; return how many."""
        with self._replicator.lock, self._database.writing() as database:
            return import_missing(database, rows, fingerprints, followed)


def _new_rows(database: sqlite3.Connection, changes: Iterable[Change], origin: Origin) -> Iterator[tuple[Row, bool]]:
    for change in changes:
        match change:
            case Started():
                yield row_of(change, origin), False
            case Finished(run) | Withdrawn(run) if not _exists(database, _ENDED, *run.key):
                yield row_of(change, origin), False
            case Missed(_, run_id):
                yield row_of(change, origin), _exists(database, _MISSED, run_id)


def _exists(database: sqlite3.Connection, query: str, *values: object) -> bool:
    return database.execute(query, values).fetchone() is not None
