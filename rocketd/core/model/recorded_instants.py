"""The instants of repeated events, as far back as the loaded conditions ask."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence

from rocketd.core.instant import Duration, Instant
from rocketd.core.model.clock_steps import ClockSteps
from rocketd.core.model.events import Event, Finished, Missed, Started, Withdrawn
from rocketd.core.model.run import Action


class RecordedInstants:
    """Instants as recorded, and as they count on the wall clock."""

    __slots__ = ("_count", "_counted", "_positions", "_recorded", "_steps")

    def __init__(self, steps: ClockSteps) -> None:
        self._steps = steps
        self._recorded: list[Instant] = []
        """In the order of the log."""
        self._positions: list[int] = []
        """Where in the log each of them stands, or one that was noted under the same setting of the clock."""
        self._counted: list[Instant] = []
        self._count = steps.count

    @property
    def counted(self) -> list[Instant]:
        """When they happened as it counts on the wall, ascending. Not to be changed."""
        if self._count != self._steps.count:
            noted = zip(self._recorded, self._positions, strict=True)
            self._counted, self._count = sorted(self._steps.wall_instant(*one) for one in noted), self._steps.count
        return self._counted

    def between(self, start: Instant, end: Instant) -> list[Instant]:
        """Those in [start, end)."""
        counted = self.counted
        return counted[bisect_left(counted, start) : bisect_left(counted, end)]

    def add(self, at: Instant, position: int, reach: Duration) -> None:
        """Add one that was recorded just now, and forget those older than `reach`."""
        counted, at_once = self.counted, self._steps.wall_instant(at, position)
        if self._positions and self._steps.same_setting(self._positions[-1], position):
            position = self._positions[-1]  # one number for all takes less memory
        self._recorded.append(at)
        self._positions.append(position)
        counted.append(at_once)
        if len(counted) > 1 and counted[-2] > at_once:
            counted.sort()  # ends of runs that overlapped
        self._forget(self._steps.aged_instant(at, position) - reach)

    def _forget(self, oldest: Instant) -> None:
        old = 0
        while self._steps.aged_instant(self._recorded[old], self._positions[old]) < oldest:
            old += 1
        for noted in zip(self._recorded[:old], self._positions, strict=False):
            del self._counted[bisect_left(self._counted, self._steps.wall_instant(*noted))]
        del self._recorded[:old], self._positions[:old]

    def recall(self, found: Sequence[tuple[Instant, int]]) -> None:
        """Add these from the store, instants and positions in log order, as often as it has them."""
        known = Counter(self._recorded)
        older: list[tuple[Instant, int]] = []
        for one in found:
            if known[one[0]] > 0:
                known[one[0]] -= 1
            else:
                older.append(one)
        self._recorded[:0] = [at for at, _ in older]
        self._positions[:0] = [position for _, position in older]
        self._count = -1

    def without(self, instants: Container[Instant]) -> "RecordedInstants":
        """Return them without those that were recorded with these instants."""
        others = RecordedInstants(self._steps)
        noted = zip(self._recorded, self._positions, strict=True)
        others.recall([(at, position) for at, position in noted if at not in instants])
        return others

    def remove(self, at: Instant) -> None:
        """Remove the newest one recorded with that instant: it did not happen after all."""
        for place in reversed(range(len(self._recorded))):
            if self._recorded[place] == at:
                del self._recorded[place], self._positions[place]
                self._count = -1
                return


def instants_of(events: Iterable[Event], steps: ClockSteps) -> Mapping[tuple[str, Action], list[tuple[Instant, int]]]:
    """Return when each action of each task happened, with a position in the log that may stand for its own."""
    found: dict[tuple[str, Action], list[tuple[Instant, int]]] = defaultdict(list)
    place = 0
    for event in events:
        match event:
            case Started(run):
                place = steps.place_of(run.start, place)
                found[run.task, Action.RUN].append((run.start, place))
            case Finished(run, end):
                place = steps.place_of(end.at, place)
                found[run.task, end.action].append((end.at, place))
            case Missed(task):
                place = steps.place_of(event.at, place)
                found[task, Action.MISSED].append((event.at, place))
            case Withdrawn(run):
                starts = found[run.task, Action.RUN]
                starts[:] = [one for one in starts if one[0] != run.start]
    return found
