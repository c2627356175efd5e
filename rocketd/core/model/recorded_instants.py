"""When something happened, again and again: as far back as the loaded conditions ask."""

from bisect import bisect_left
from collections import Counter

from rocketd.core.instant import Duration, Instant
from rocketd.core.model.clock_steps import ClockSteps


class RecordedInstants:
    """Instants as they were recorded, and as they count."""

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
        """Keep one that was noted just now, and forget those that are older by more than `reach`."""
        counted, at_once = self.counted, self._steps.wall_instant(at, position)
        if self._positions and self._steps.same_setting(self._positions[-1], position):
            position = self._positions[-1]  # one number for all takes less memory
        self._recorded.append(at)
        self._positions.append(position)
        counted.append(at_once)
        if len(counted) > 1 and counted[-2] > at_once:
            counted.sort()  # ends of runs that went on side by side
        self._forget(self._steps.aged_instant(at, position) - reach)

    def _forget(self, oldest: Instant) -> None:
        old = 0
        while self._steps.aged_instant(self._recorded[old], self._positions[old]) < oldest:
            old += 1
        for noted in zip(self._recorded[:old], self._positions, strict=False):
            del self._counted[bisect_left(self._counted, self._steps.wall_instant(*noted))]
        del self._recorded[:old], self._positions[:old]

    def recall(self, found: Counter[Instant]) -> None:
        """Keep these as well, which the store has: as often as it has them."""
        older = sorted((found - Counter(self._recorded)).elements())
        self._recorded[:0] = older
        self._positions[:0] = [0] * len(older)
        self._count = -1

    def remove(self, at: Instant) -> None:
        """Forget the newest one that was recorded so: it turned out not to have happened."""
        for place in reversed(range(len(self._recorded))):
            if self._recorded[place] == at:
                del self._recorded[place], self._positions[place]
                self._count = -1
                return
