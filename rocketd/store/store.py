"""The store with the run log in it: one SQLite file in the state directory."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rocketd.core.events import Event
from rocketd.core.instant import Duration, Instant
from rocketd.core.records import Change, OpenRun, RunFilter, RunPart, RunView, TaskState
from rocketd.core.run import Action
from rocketd.store import past, run_log, run_view, state
from rocketd.store.database import Database, Durability
from rocketd.store.retention import Retention
from rocketd.store.rows import Origin
from rocketd.store.schema import FILE_NAME
from rocketd.store.version import check, upgrade

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def this_origin() -> Origin:
    """This host and its boot (proc(5), /proc/sys/kernel/random/boot_id)."""
    return Origin(os.uname().nodename, _BOOT_ID.read_text(encoding="ascii").strip())


class SqliteReader:
    """Looks into a store, beside a running daemon or without one. One thread at a time. Methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def states(self) -> Mapping[str, TaskState]:
        """What is kept beside the records, of every task ever seen."""
        with self._database.reading() as database:
            return state.states(database)

    def past(self, reach: Mapping[tuple[str, Action], Duration], now: Instant) -> Sequence[Event]:
        """The events that still matter, of all tasks, in log order; without output and tracebacks."""
        with self._database.reading() as database:
            return list(past.past(database, reach, now))

    def open_runs(self) -> Sequence[OpenRun]:
        """The runs without an end, in the order in which they were decided."""
        with self._database.reading() as database:
            return state.open_runs(database)

    def last_alive(self) -> Instant | None:
        """The newest sign of life; None: there was none."""
        with self._database.reading() as database:
            return state.last_alive(database)

    def runs(self, wanted: RunFilter) -> Sequence[RunView]:
        """Runs, newest start first; a stretch of missed times is one without a number."""
        with self._database.reading() as database:
            return run_view.find(database, wanted)

    def part(self, wanted: RunFilter, after: int) -> RunPart:
        """The next of the runs that are wanted after this place in the log, the first recorded first."""
        with self._database.reading() as database:
            return run_view.part(database, wanted, after)

    def old(self, before: Instant, spare: Mapping[tuple[str, Action], Duration], now: Instant) -> int:
        """How many records `Store.prune` would delete in all."""
        return Retention(self._database).count(before, spare, now)

    def close(self) -> None:
        """Close it; using it again opens it again."""
        self._database.close()


class SqliteStore(SqliteReader):
    """Keeps records and what belongs to the tasks in `rocketd.db`. The state directory's lock is the caller's to hold.

    Making it creates the file or brings an older one up to date. Raises StoreError, also for a store that is newer
    than this program, which is left untouched.
    """

    def __init__(self, directory: Path, *, durability: Durability = "full", origin: Origin | None = None) -> None:
        self.path = directory / FILE_NAME
        upgrade(self.path)
        super().__init__(Database(self.path, durability=durability))
        self._origin = origin or this_origin()
        self._retention = Retention(self._database)
        with self._database.writing():  # whoever cannot be written to is refused now, not at the first run
            pass

    def write(self, changes: Sequence[Change]) -> None:
        """Write all of them or none; see `Store.write`. An end or a `Missed` may come again, a start may not."""
        with self._database.writing() as database:
            run_log.insert(database, changes, self._origin)
            state.apply(database, changes, self._origin)

    def prune(self, before: Instant, spare: Mapping[tuple[str, Action], Duration], now: Instant, limit: int) -> int:
        """Delete up to `limit` records, both of a run together; see `Store.prune`."""
        return self._retention.prune(before, spare, now, limit)

    def reader(self) -> SqliteReader:
        """Open another connection, for another thread."""
        return SqliteReader(Database(self.path, read_only=True))


def open_reader(directory: Path) -> SqliteReader:
    """Look into the store of a state directory without changing anything. Raises StoreError."""
    path = directory / FILE_NAME
    check(path)
    return SqliteReader(Database(path, read_only=True))
