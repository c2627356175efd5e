"""Putting records into a repository, many at a time where it can, and each once."""

from collections.abc import Sequence

from rocketd.store.redbird.sink import RepositorySink
from rocketd.store.replication.outbox import OutboxRow


class Delivery:
    """Knows up to which record the repository may have them; these are looked for before they are added again."""

    def __init__(self) -> None:
        self._uncertain_until = 0  # up to this id, records may have arrived without anybody having heard of it

    def add(self, sink: RepositorySink, outbox_rows: Sequence[OutboxRow], sent: list[OutboxRow]) -> None:
        """Add them in order; `sent` gets those that are there, also if one of them raises."""
        if self._send_batch(sink, outbox_rows):
            sent += outbox_rows
        else:
            self._send_each(sink, outbox_rows, sent)

    def repair(self, sink: RepositorySink, outbox_rows: Sequence[OutboxRow]) -> None:
        """Take away what may be half there of these: we died, or the repository failed, while it was written."""
        if not self._uncertain_until:  # the one before us may have sent them
            self._uncertain_until = max((one.id for one in outbox_rows), default=0)
        sink.repair((one.id, sink.storable_row(one.row)) for one in outbox_rows)

    def _may_exist(self, one: OutboxRow) -> bool:
        return one.may_exist or one.id <= self._uncertain_until

    def _send_batch(self, sink: RepositorySink, outbox_rows: Sequence[OutboxRow]) -> bool:
        """Send them in one transaction, if the repository has such and it adds no record twice."""
        names = {(one.row.run_id, one.row.action) for one in outbox_rows}  # a stretch of missed times is told again
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
