"""Sends records from the outbox to a repository, in batches where it can, and each record once."""

from collections.abc import Sequence
from threading import Lock
from typing import Final

from rocketd.store.redbird.sink import RepositorySink
from rocketd.store.rejected_lines import ReportDamage, move_rejected, rejected_lines_message
from rocketd.store.replication import outbox
from rocketd.store.replication.delivery import Delivery
from rocketd.store.replication.outbox import OutboxRow
from rocketd.store.sqlite.connection import Database

_BATCH: Final = 500
"""Records that are sent before they are removed from the outbox, in one transaction."""


class OutboxSender:
    """Sends the outbox. A record that may have arrived unnoticed is looked up before it is sent again."""

    def __init__(self, database: Database, lock: Lock, report_damage: ReportDamage) -> None:
        self._report_damage = report_damage
        self._database = database
        self._lock = lock
        self._delivery = Delivery()

    def send_some(self, sink: RepositorySink) -> bool:
        """Send the next records, and remove those that arrived from the outbox; return whether there were any."""
        with self._lock, self._database.reading() as database:
            waiting, unreadable = outbox.read_pending(database, _BATCH)
        if unreadable:
            self._reject(unreadable)
        sent: list[OutboxRow] = []
        try:
            self._delivery.add(sink, waiting, sent)
        finally:
            if sent:
                with self._lock, self._database.writing() as database:
                    outbox.delete(database, [one.id for one in sent])
        return bool(waiting or unreadable)

    def _reject(self, unreadable: Sequence[tuple[int, bytes]]) -> None:
        """Set aside records that cannot be read, so that the others are sent."""
        directory = self._database.path.parent
        move_rejected(directory, [record for _, record in unreadable])
        with self._lock, self._database.writing() as database:
            outbox.delete(database, [key for key, _ in unreadable])
        self._report_damage("spool", rejected_lines_message(directory))

    def repair(self, sink: RepositorySink) -> None:
        """Remove a partly written record: the daemon or the repository failed during a write."""
        with self._lock, self._database.reading() as database:
            waiting, _ = outbox.read_pending(database, _BATCH)
        self._delivery.repair(sink, waiting)
