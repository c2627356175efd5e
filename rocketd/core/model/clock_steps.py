"""The steps of the wall clock; they convert an instant recorded under an earlier setting to the present one.

A record keeps the instant it was made with, whatever the clock does: when a wrong clock comes right again, everything
counts as it was recorded. What an instant counts as meanwhile is computed where it is asked for:

    recorded                               `real_instant`, for lengths      `wall_instant`, for windows
    since the last step                    as recorded                      as recorded
    before a step back                     earlier, by the step             earlier, by the step
    before a step forward                  later, by the step               as recorded
    before this scheduler began (replay)   as recorded, but no later than the last sign of life

For example, recorded at 12:00, after which the clock was set back by an hour: both are 11:00. Had it been set forward
by an hour: `real_instant` is 13:00, `wall_instant` stays 12:00, as the wall showed no instant twice.

An end that waited for the store is recorded after a step that came after it: `note_delay` tells under which setting it
was noted.

The position in the log tells which of two was recorded first. Positions from 1 on are of this scheduler, those below of
what the store gave it.
"""

from typing import Final, NamedTuple

from rocketd.core.instant import BEGINNING, FOREVER, SECOND, Duration, Instant

PRESENT: Final = 2**62
"""The place of what is noted under the present setting."""
MAX_STEPS: Final = 64
"""How many steps are kept apart; more than that, and the oldest two count as one."""
MAX_DELAYS: Final = 10_000
"""For how many records that came late it is kept under which setting they happened."""
_SLACK: Final[Duration] = SECOND
"""How much later than it happens a step may be noticed."""


class Step(NamedTuple):
    """A change of the clock."""

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
        self._noted: dict[int, int] = {}
        """For what was recorded only after a step of the clock: the position of the log when it happened."""

    def begin_replay(self, latest: Instant, now: Instant) -> None:
        """Begin a replay; `latest` is the last sign of life, None: not known."""
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

    def note_delay(self, position: int, noted: int | None) -> None:
        """Note that what is recorded at `position` happened when the log stood at `noted`; None: just now."""
        if noted is not None and self._steps and noted <= self._steps[-1].position:
            self._noted[position] = noted
            if len(self._noted) > MAX_DELAYS:
                del self._noted[min(self._noted)]

    def stepped_since(self, position: int) -> Duration:
        """By how much the clock was set in all since something was noted."""
        position = self._noted.get(position, position) if self._noted else position
        if not self._steps or position > self._steps[-1].position:
            return 0
        return sum(step.by for step in self._steps if step.position >= position)

    def place_of(self, at: Instant, after: int) -> int:
        """Return the position for a record of which only the instant is known, and which came after `after`."""
        if after <= 0 and at < self._began:
            return 0
        since = self._began
        for step in self._steps:
            if step.position >= after and since - _SLACK <= at <= step.until + _SLACK:
                return step.position
            since = step.since
        return self._steps[-1].position + 1 if self._steps else 1

    def same_setting(self, one: int, other: int) -> bool:
        """Whether this scheduler recorded both, and the clock was not set in between."""
        if not self._steps:
            return one > 0 and other > 0
        first, last = sorted(self._noted.get(place, place) for place in (one, other))
        return first > 0 and not any(first <= place < last for place, *_ in self._steps)

    def real_instant(self, at: Instant, position: int) -> Instant:
        """Return when it happened in real time, by the present setting: for lengths of time."""
        return at + self.stepped_since(position) if position > 0 else min(at, self.latest)

    def latest_noted(self, at: Instant, position: int, now: Instant) -> Instant:
        """Return `at`, or what the clock showed then if that is in the future: it was read just before a step back."""
        return at - max(self.real_instant(at, position) - now, 0)

    def aged_instant(self, at: Instant, position: int) -> Instant:
        """Return when it happened if the clock was right until this scheduler began: decides what is forgotten."""
        moved = at + self.stepped_since(position)
        return moved if position > 0 else min(moved, self.latest)

    def wall_instant(self, at: Instant, position: int) -> Instant:
        """Return when it counts as having happened on a wall clock that shows no time twice: for windows and ticks."""
        if position > 0 and not self._steps:  # as it is nearly always, and it is asked for at each judgement
            return at
        return min(at, self.real_instant(at, position))


NEVER_SET: Final = ClockSteps()
"""For a history without steps of the clock; never changed."""
