"""Steps of equal length from an instant on: in real time, or on the wall, where each day is as long as any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rocketd.core.calendar.wall_clock import is_known, offset_at, reached

if TYPE_CHECKING:
    from datetime import tzinfo

    from rocketd.core.calendar.wall_clock import Wall
    from rocketd.core.instant import Duration, Instant


class Steps(NamedTuple):
    """The instants `first`, one `length` later, two lengths later, and so on."""

    first: Instant
    length: Duration
    zone: tzinfo | None
    """Whose wall clock they are measured on; None: real time."""

    def at(self, number: int) -> Instant:
        """Return where the step of that number is; 0 is the first."""
        if self.zone is not None and number and is_known(self.first):
            wall = _wall(self.first, self.zone) + number * self.length
            if is_known(wall):
                return reached(wall, self.zone)
        return self.first + number * self.length

    def count(self, at: Instant) -> int:
        """Return how many steps are over at that instant, which is not before the first."""
        number = (at - self.first) // self.length
        if self.zone is not None:
            while self.at(number + 1) <= at:
                number += 1
            while number and self.at(number) > at:
                number -= 1
        return number


def _wall(at: Instant, zone: tzinfo) -> Wall:
    """Return which wall time was reached there: where the clock skips some, the first of them.

    02:30 that became 03:00, as the clock skipped an hour: 02:00, so that 02:30 a day later is a day later.
    """
    return at + min(offset_at(at - 1, zone), offset_at(at, zone))
