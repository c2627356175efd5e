"""The steps of the wall clock, and when by its present setting something happened that was noted under an earlier one.

What was noted stays as it was noted, whatever the clock does: when a clock that was wrong comes right again, everything
counts as it was recorded. What an instant counts as meanwhile is worked out where it is asked for:

    noted                                  `really`, for lengths of time    `on_wall`, for windows and ticks
    since the last step                    as noted                         as noted
    before a step back                     earlier, by the step             earlier, by the step
    before a step forward                  later, by the step               as noted
    before this scheduler began (replay)   as noted, but no later than the last sign of life

Which of two was noted first, its place in the log tells. Places from 1 on are of this scheduler, those below of what it
was given by the store.
"""

from typing import Final

from rocketd.core.instant import FOREVER, Duration, Instant

PRESENT: Final = 2**62
"""The place of what is noted under the present setting."""
MAX_STEPS: Final = 64
"""How many steps are told apart; more than that, and the oldest two count as one."""


class ClockSteps:
    """What the clock did while this scheduler ran."""

    def __init__(self) -> None:
        self.latest: Instant = FOREVER
        """What was replayed happened no later than this, by the present setting."""
        self.count = 0
        """How many steps there were: what was worked out before the newest must be worked out anew."""
        self._steps: list[tuple[int, Duration]] = []

    def begin_replay(self, latest: Instant) -> None:
        """Say before a replay when the last sign of life was."""
        self.latest = latest
        self.count += 1

    def step(self, position: int, by: Duration) -> None:
        """The clock was set: what stands up to this place in the log was noted before."""
        self.count += 1
        if self.latest < FOREVER:
            self.latest += by
        self._steps.append((position, by))
        if len(self._steps) > MAX_STEPS:
            (_, one), (place, other), *later = self._steps
            self._steps = [(place, one + other), *later]

    def stepped_since(self, position: int) -> Duration:
        """By how much the clock was set in all since something was noted."""
        if not self._steps or position > self._steps[-1][0]:
            return 0
        return sum(by for place, by in self._steps if place >= position)

    def same_setting(self, one: int, other: int) -> bool:
        """Whether both were noted by this scheduler, and the clock was not set in between."""
        first, last = min(one, other), max(one, other)
        return first > 0 and not any(first <= place < last for place, _ in self._steps)

    def real_instant(self, at: Instant, position: int) -> Instant:
        """When it happened, by the present setting."""
        return at + self.stepped_since(position) if position > 0 else min(at, self.latest)

    def aged_instant(self, at: Instant, position: int) -> Instant:
        """When it happened, if the clock was right until this scheduler began: by that it is forgotten."""
        moved = at + self.stepped_since(position)
        return moved if position > 0 else min(moved, self.latest)

    def wall_instant(self, at: Instant, position: int) -> Instant:
        """When it counts as having happened on a wall whose clock shows no time twice."""
        return min(at, self.real_instant(at, position))


NEVER_SET: Final = ClockSteps()
"""For a past that nothing is told of the clock: nobody changes it."""
