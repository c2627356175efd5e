"""Which windows and ticks of the wall clock are used up, and must not be used again.

As long as nobody sets the clock, what is used up is one stretch, up to the last use. A use after the clock was set
forward begins another stretch, so that what lies between stays free.

    after a step back     what follows real time       a fixed time of day
    up to the real use    used up                      used up
    the very window       free                         used up: it stands in the record
    others it covers      free                         used up for as long as in real time; for ever if the clock was
                                                       off by no more than NEAR, as in cron(8)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.instant import BEGINNING, FOREVER, HOUR, Duration, Instant

if TYPE_CHECKING:
    from rocketd.core.model.clock_steps import ClockSteps

NEAR: Final[Duration] = 3 * HOUR
"""A clock that was off by no more than this may have been off by a zone's summer time."""
MAX_STRETCHES: Final = 16
"""How many stretches are kept apart: the clock must be set between two of them."""


class Consumed(NamedTuple):
    """A stretch of time that was used up, as it was recorded."""

    first: Instant
    last: Instant
    position: int
    """Where in the log the newest use stands."""

    def is_ahead(self, steps: ClockSteps) -> bool:
        """Whether the clock has been set back since."""
        return steps.wall_instant(self.last, self.position) < self.last

    def used_until(self, start: Instant, end: Instant, steps: ClockSteps, *, fixed: bool) -> Instant:
        """Return until when it uses up the window from `start` to `end`, or the ticks in it; BEGINNING: it does not."""
        if steps.wall_instant(self.last, self.position) >= start:
            return FOREVER
        begin = self.first if self.position > 0 else self.first - NEAR
        if not fixed or self.last < start or begin >= end:
            return BEGINNING
        really = steps.real_instant(self.last, self.position)
        if self.last < end or self.last - really <= NEAR:
            return FOREVER
        return really + max(end - start, NEAR)


def add_consumed(uses: tuple[Consumed, ...], use: Consumed, steps: ClockSteps) -> tuple[Consumed, ...]:
    """Return the stretches with one more: the newest, or one before it.

    09:00 at position 5, 10:00 at 7                                 one stretch, from 09:00 to 10:00
    09:00 at position 5, the clock set to 15:00 at 6, 15:00 at 7    two stretches: what lies between stays free
    """
    newest = uses[-1] if uses else None
    if newest is None:
        return (use,)
    if _are_one_stretch(newest, use, steps):
        joined = Consumed(min(newest.first, use.first), max(newest.last, use.last), max(newest.position, use.position))
        return (*uses[:-1], joined)
    if use.position < newest.position:
        return (*add_consumed(uses[:-1], use, steps), newest)
    return (*uses[1 - MAX_STRETCHES :], use)


def _are_one_stretch(one: Consumed, other: Consumed, steps: ClockSteps) -> bool:
    """Whether nobody has set the clock in between, as far as is known."""
    if max(one.position, other.position) <= 0:
        return max(one.last, other.last) <= steps.latest
    return steps.same_setting(one.position, other.position)


def consumed_until(uses: tuple[Consumed, ...], steps: ClockSteps) -> Instant:
    """Return up to when everything is used up for good: the last use in real time."""
    if len(uses) == 1:
        return steps.wall_instant(uses[0].last, uses[0].position)
    return max((steps.wall_instant(use.last, use.position) for use in uses), default=BEGINNING)


def window_used_until(
    uses: tuple[Consumed, ...], start: Instant, end: Instant, steps: ClockSteps, *, fixed: bool
) -> Instant:
    """Return until when that window, or its ticks, stay used up if nothing else happens; BEGINNING: they are free."""
    if len(uses) == 1:
        return uses[0].used_until(start, end, steps, fixed=fixed)
    return max((use.used_until(start, end, steps, fixed=fixed) for use in uses), default=BEGINNING)
