"""Putting records into a repository, many at a time where it can, and each once."""

from collections.abc import Sequence

from rocketd.store.redbird.sink import RepositorySink
from rocketd.store.replication.outbox import OutboxRow


class Delivery:
    """Knows up to which record the repository may have them; these are looked for before they are added again."""

    def __init__(self) -> None:
        self._doubted = 0  # up to this id, records may have arrived without anybody having heard of it

    def add(self, sink: RepositorySink, coming: Sequence[OutboxRow], arrived: list[OutboxRow]) -> None:
        """Add them in order; `arrived` gets those that are there, also if one of them raises."""
        if self._together(sink, coming):
            arrived += coming
        else:
            self._one_by_one(sink, coming, arrived)

    def repair(self, sink: RepositorySink, coming: Sequence[OutboxRow]) -> None:
        """Take away what may be half there of these: we died, or the repository failed, while it was written."""
        if not self._doubted:  # the one before us may have sent them
            self._doubted = max((one.id for one in coming), default=0)
        sink.repair((one.id, sink.storable_row(one.row)) for one in coming)

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
