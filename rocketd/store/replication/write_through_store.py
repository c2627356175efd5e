"""The store of a program with a repository and a temporary state directory: records go to the repository first.

The directory is removed with the program, so nothing may depend on it: a start is in the repository before its run
begins, an end before anything reacts to it. While the repository is unavailable, nothing can be recorded; or, if the
program chooses to continue, records wait in the outbox, as those of a `ReplicatedStore`, and may be lost with it.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from rocketd.core.errors import StoreError
from rocketd.core.model.records import Change
from rocketd.store.redbird.sink import RepositorySink, translating_repo_errors
from rocketd.store.rejected_lines import ReportDamage
from rocketd.store.replication import outbox
from rocketd.store.replication.delivery import Delivery
from rocketd.store.replication.outbox import OutboxRow
from rocketd.store.replication.replicated_store import ReplicatedStore
from rocketd.store.replication.replicator import Replicator
from rocketd.store.sqlite.rows import Row
from rocketd.store.sqlite.store import SqliteStore

ANSWER_TIMEOUT: Final = 10.0
"""Seconds that a repository may take for a batch of records."""


class WriteThroughStore(ReplicatedStore):
    """Writes records to the repository, and then to the database, which conditions use."""

    def __init__(
        self, directory: Path, replicator: Replicator, *, survives_outage: bool, report_damage: ReportDamage
    ) -> None:
        """`survives_outage`: whether the program continues without the repository; the rest: see `ReplicatedStore`."""
        super().__init__(directory, replicator, durability="normal", report_damage=report_damage)
        self._survives_outage = survives_outage
        self._delivery = Delivery()
        self._last_id = 0

    def write(self, changes: Sequence[Change]) -> None:
        """Write all of them or none; see `Store.write`."""
        self._database.check_available()
        with self._replicator.lock, self._database.reading() as database:
            rows = self._new_rows(database, changes)
            waits = outbox.count(database) > 0
        if rows and (waits or not self._deliver(rows)):
            super().write(changes)
            return
        with self._replicator.lock:
            SqliteStore.write(self, changes)
        self._may_be_there = self._may_be_there and not rows

    def _deliver(self, rows: Sequence[tuple[Row, bool]]) -> bool:
        """Return whether the repository has them now. Raises StoreError if the program must not continue without it."""
        outbox_rows = self._with_ids(rows)
        needs_repair, self._may_be_there = self._may_be_there, True
        delivery = self._replicator.deliver(partial(self._add, outbox_rows, needs_repair))
        try:
            delivery.result(ANSWER_TIMEOUT)
        except (StoreError, TimeoutError) as error:
            delivery.cancel()
            if self._survives_outage:
                return False
            raise _no_answer() if isinstance(error, TimeoutError) else error from None
        self._last_id = outbox_rows[-1].id
        return True

    def _with_ids(self, rows: Sequence[tuple[Row, bool]]) -> list[OutboxRow]:
        """Return records with ids: the record's microsecond or the next free one; the same ids until they arrive."""
        outbox_rows: list[OutboxRow] = []
        for row, may_exist in rows:
            last = outbox_rows[-1].id if outbox_rows else self._last_id
            outbox_rows.append(OutboxRow(max(last + 1, round(row.created * 1_000_000)), may_exist, row))
        return outbox_rows

    def _add(self, outbox_rows: Sequence[OutboxRow], needs_repair: bool, sink: RepositorySink) -> None:  # noqa: FBT001 - bound by position
        """Add them, on the replicator's thread."""
        with translating_repo_errors():
            if needs_repair:
                self._delivery.repair(sink, outbox_rows)
            self._delivery.add(sink, outbox_rows, [])


def _no_answer() -> StoreError:
    return StoreError(f"the run log's repository has not answered for {ANSWER_TIMEOUT:g} s", temporary=True)
