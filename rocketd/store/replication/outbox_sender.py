"""Taking records from the spool to a repository, many at a time where it can, and each once."""

from collections.abc import Sequence
from threading import Lock
from typing import Final

from rocketd.store.redbird.sink import RepositorySink
from rocketd.store.rejected_lines import ReportDamage, move_rejected, rejected_lines_message
from rocketd.store.replication import outbox
from rocketd.store.replication.outbox import OutboxRow
from rocketd.store.sqlite.connection import Database

_AT_ONCE: Final = 500
"""Records that are sent before they are taken out of the spool, in one transaction."""


class OutboxSender:
    """What is on its way. What may have arrived without our knowing is looked for before it is sent again."""

    def __init__(self, database: Database, lock: Lock, found: ReportDamage) -> None:
        self._found = found
        self._database = database
        self._lock = lock
        self._doubted = 0  # up to this id, records may have arrived without being taken out of the spool

    def send_some(self, sink: RepositorySink) -> bool:
        """Send the next records, and take out of the spool those that arrived; whether there were any."""
        with self._lock, self._database.reading() as database:
            waiting, unreadable = outbox.read_pending(database, _AT_ONCE)
        if unreadable:
            self._set_aside(unreadable)
        arrived: list[OutboxRow] = []
        try:
            if self._together(sink, waiting):
                arrived += waiting
            else:
                self._one_by_one(sink, waiting, arrived)
        finally:
            if arrived:
                with self._lock, self._database.writing() as database:
                    outbox.delete(database, [one.id for one in arrived])
        return bool(waiting or unreadable)

    def _set_aside(self, unreadable: Sequence[tuple[int, bytes]]) -> None:
        """Let the others go on: nobody can send these."""
        directory = self._database.path.parent
        move_rejected(directory, [record for _, record in unreadable])
        with self._lock, self._database.writing() as database:
            outbox.delete(database, [key for key, _ in unreadable])
        self._found("spool", rejected_lines_message(directory))

    def repair(self, sink: RepositorySink) -> None:
        """Take away what may be half there: we died, or the repository failed, while it was written."""
        with self._lock, self._database.reading() as database:
            waiting, _ = outbox.read_pending(database, _AT_ONCE)
        if not self._doubted:  # the one before us may have sent them
            self._doubted = max((one.id for one in waiting), default=0)
        sink.repair((one.id, sink.storable_row(one.row)) for one in waiting)

    def _is_doubted(self, one: OutboxRow) -> bool:
        return one.may_exist or one.id <= self._doubted

    def _together(self, sink: RepositorySink, waiting: Sequence[OutboxRow]) -> bool:
        """Send them in one transaction, if the repository has such and it adds no record twice."""
        names = {(one.row.run_id, one.row.action) for one in waiting}  # a stretch of missed times is told again
        if not sink.has_transactions or not waiting or len(names) < len(waiting):
            return False
        rows = [(one, sink.storable_row(one.row)) for one in waiting]
        there = sink.existing([row for one, row in rows if self._is_doubted(one)])
        self._doubted = max(self._doubted, waiting[-1].id)
        fresh = [row for _, row in rows if row not in there]
        for row in there:
            sink.update(row)
        return sink.add_all(fresh)

    def _one_by_one(self, sink: RepositorySink, waiting: Sequence[OutboxRow], arrived: list[OutboxRow]) -> None:
        for one in waiting:
            again = self._is_doubted(one)
            self._doubted = max(self._doubted, one.id)
            sink.write(sink.storable_row(one.row), one.id, again=again)
            arrived.append(one)
