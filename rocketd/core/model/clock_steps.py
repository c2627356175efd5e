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

from typing import Final, NamedTuple

from rocketd.core.instant import BEGINNING, FOREVER, SECOND, Duration, Instant

PRESENT: Final = 2**62
"""The place of what is noted under the present setting."""
MAX_STEPS: Final = 64
"""How many steps are told apart; more than that, and the oldest two count as one."""
_SLACK: Final[Duration] = SECOND
"""So much later than it happens, a step may be noticed."""


class Step(NamedTuple):
    """That the clock was set."""

    position: int
    """What stands up to this place in the log was noted before."""
    by: Duration
    until: Instant
    """What it showed then."""
    since: Instant
    """What it showed afterwards."""


class ClockSteps:
    """What the clock did while this scheduler ran."""

    def __init__(self) -> None:
        self.latest: Instant = FOREVER
        """What was replayed happened no later than this, by the present setting."""
        self.count = 0
        """How many steps there were: what was worked out before the newest must be worked out anew."""
        self._began: Instant = BEGINNING
        self._steps: list[Step] = []

    def begin_replay(self, latest: Instant, now: Instant) -> None:
        """Say before a replay when the last sign of life was."""
        self.latest, self._began = latest, now
        self.count += 1

    def step(self, position: int, by: Duration, now: Instant) -> None:
        """The clock was set, so that it is `now`: what stands up to this place in the log was noted before."""
        self.count += 1
        if self.latest < FOREVER:
            self.latest += by
        self._steps.append(Step(position, by, now - by, now))
        if len(self._steps) > MAX_STEPS:
            one, other, *later = self._steps
            self._steps = [other._replace(by=one.by + other.by), *later]

    def stepped_since(self, position: int) -> Duration:
        """By how much the clock was set in all since something was noted."""
        if not self._steps or position > self._steps[-1].position:
            return 0
        return sum(step.by for step in self._steps if step.position >= position)

    def place_of(self, at: Instant, after: int) -> int:
        """Tell what place may stand for that of a record of which only the instant is known, and what it came after."""
        if after <= 0 and at < self._began:
            return 0
        since = self._began
        for step in self._steps:
            if step.position >= after and since - _SLACK <= at <= step.until + _SLACK:
                return step.position
            since = step.since
        return self._steps[-1].position + 1 if self._steps else 1

    def same_setting(self, one: int, other: int) -> bool:
        """Whether both were noted by this scheduler, and the clock was not set in between."""
        first, last = min(one, other), max(one, other)
        return first > 0 and not any(first <= place < last for place, *_ in self._steps)

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
