"""Delivers records to a repository, in batches where it can, and each record once."""

from collections.abc import Sequence

from rocketd.store.redbird.sink import RepositorySink
from rocketd.store.replication.outbox import OutboxRow


class Delivery:
    """Knows which records the repository may already have; it looks for these before it adds them again."""

    def __init__(self) -> None:
        self._uncertain_until = 0  # records up to this id may have arrived without an acknowledgement

    def add(self, sink: RepositorySink, outbox_rows: Sequence[OutboxRow], sent: list[OutboxRow]) -> None:
        """Add records in order; `sent` collects the delivered ones, also if one of them raises."""
        if self._send_batch(sink, outbox_rows):
            sent += outbox_rows
        else:
            self._send_each(sink, outbox_rows, sent)

    def repair(self, sink: RepositorySink, outbox_rows: Sequence[OutboxRow]) -> None:
        """Remove partly written records: the daemon or the repository failed during a write."""
        if not self._uncertain_until:  # the previous daemon may have sent them
            self._uncertain_until = max((one.id for one in outbox_rows), default=0)
        sink.repair((one.id, sink.storable_row(one.row)) for one in outbox_rows)

    def _may_exist(self, one: OutboxRow) -> bool:
        return one.may_exist or one.id <= self._uncertain_until

    def _send_batch(self, sink: RepositorySink, outbox_rows: Sequence[OutboxRow]) -> bool:
        """Send records in one transaction, if the repository supports that and refuses duplicates."""
        names = {(one.row.run_id, one.row.action) for one in outbox_rows}  # an interval of misses comes as it grows
        if not sink.has_transactions or not outbox_rows or len(names) < len(outbox_rows):
            return False
        rows = [(one, sink.storable_row(one.row)) for one in outbox_rows]
        existing = sink.existing([row for one, row in rows if self._may_exist(one)])
        self._uncertain_until = max(self._uncertain_until, outbox_rows[-1].id)
        new_rows = [row for _, row in rows if row not in existing]
        for row in existing:
            sink.update(row)
        return sink.add_all(new_rows)

    def _send_each(self, sink: RepositorySink, outbox_rows: Sequence[OutboxRow], sent: list[OutboxRow]) -> None:
        for one in outbox_rows:
            may_exist = self._may_exist(one)
            self._uncertain_until = max(self._uncertain_until, one.id)
            sink.write(sink.storable_row(one.row), one.id, may_exist=may_exist)
            sent.append(one)
