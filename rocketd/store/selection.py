"""Which records of a log still matter, told in one walk over it: for repositories that cannot be asked so precisely.

The same answer as `run_log` gets from its indexes; see `Store.past`.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from rocketd.core.history import CRASHES_KEPT
from rocketd.core.instant import Duration, Instant
from rocketd.core.run import Action, Cause, RunKey, Trigger
from rocketd.store.rows import Row, seconds

Reach: TypeAlias = Mapping[tuple[str, Action], Duration]
Placed: TypeAlias = tuple[int, Row]
"""A record and its place in the log."""

_NO_END: Final = (Action.RUN, Action.MISSED)


def key_of(row: Row) -> RunKey:
    """The run that a record tells of; 0 for none."""
    return (row.task_name, row.number or 0)


def is_end(row: Row) -> bool:
    """Whether a run ends with this record."""
    return row.action not in _NO_END


def _is_hand(row: Row) -> bool:
    return row.trigger == Trigger.HAND


class Selection:
    """Takes the records of a log in their order, and keeps those that still matter."""

    def __init__(self, reach: Reach, now: Instant) -> None:
        self._since = {(task, action.value): seconds(now - age) for (task, action), age in reach.items()}
        self._newest: dict[tuple[str, str, bool], Placed] = {}
        self._failed: dict[tuple[str, bool], Placed] = {}
        self._crashes: defaultdict[str, deque[Placed]] = defaultdict(lambda: deque(maxlen=CRASHES_KEPT))
        self._young: list[Placed] = []

    def take(self, placed: Placed) -> None:
        """Look at the next record."""
        row = placed[1]
        self._newest[row.task_name, row.action, _is_hand(row)] = placed
        if is_end(row):
            self._take_end(placed)
        since = self._since.get((row.task_name, row.action))
        if since is not None and row.created >= since:
            self._young.append(placed)

    def _take_end(self, placed: Placed) -> None:
        row = placed[1]
        crashed, hand = row.action == Action.CRASH, _is_hand(row)
        if crashed and row.cause != Cause.SHUTDOWN:
            self._failed[row.task_name, hand] = placed
        if not hand and crashed:
            self._crashes[row.task_name].append(placed)
        elif not hand:
            self._crashes.pop(row.task_name, None)

    def kept(self) -> dict[int, Row]:
        """The records that matter, by their place."""
        series = (placed for crashes in self._crashes.values() for placed in crashes)
        return dict([*self._newest.values(), *self._failed.values(), *series, *self._young])

    def begun(self) -> set[RunKey]:
        """The runs whose newest start is among them: how they ended matters, too."""
        return {key_of(row) for (_, action, _), (_, row) in self._newest.items() if action == Action.RUN}


def needed(log: Iterable[Placed], again: Iterable[Placed], reach: Reach, now: Instant) -> dict[int, Row]:
    """The records that matter, by their place; `again` is the same log for a second walk, begun only if it must be."""
    selection = Selection(reach, now)
    for placed in log:
        selection.take(placed)
    kept = selection.kept()
    ended = {key_of(row) for row in kept.values() if is_end(row)}
    return kept | dict(_ends_of(selection.begun() - ended, again))


def _ends_of(begun: set[RunKey], log: Iterable[Placed]) -> Iterator[Placed]:
    if begun:
        yield from ((place, row) for place, row in log if is_end(row) and key_of(row) in begun)
