"""Ticks: recurring points in time, as a cron line or a calendar line gives them.

There are two kinds of patterns of wall times, which differ when the clock is set. A *fixed* time of day becomes the
instant at which it is reached (`wall_clock`): a gap moves it to the first instant after the gap, a repeated hour has
it once, and a date that does not exist does not have it. Any other pattern follows real time: it matches whenever the
wall clock does, in both occurrences of an hour.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from rocketd.core.calendar.wall_clock import (
    HIGHEST,
    LOWEST,
    change_after,
    change_before,
    exists,
    highest,
    is_known,
    offset_at,
    reached,
)
from rocketd.core.instant import BEGINNING, DAY, FOREVER, HOUR, MINUTE, Duration, Instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from rocketd.core.calendar.wall_clock import Wall

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_DECEMBER: Final = 12

_SETTLED: Final[Duration] = 2 * DAY
"""Longer than any clock is ever set by: a change does not bring a tick nearer that is further away than this."""
FIRST_YEAR: Final = 990
LAST_YEAR: Final = 9010
"""A little more than the years of all instants."""


class AdjacentTicks(NamedTuple):
    """The ticks before and after an instant; BEGINNING and FOREVER where there is none."""

    newest: Instant
    """The newest at or before it."""
    next: Instant
    """The first later than it."""


class Ticks(ABC):
    """Recurring points in time. Immutable but for a memo, and equal to any other whose text is the same."""

    __slots__ = ("_near",)

    _near: tuple[tzinfo, AdjacentTicks] | None
    fixed: bool
    """Whether they are fixed times of day rather than following real time."""

    @abstractmethod
    def newest(self, at: Instant, zone: tzinfo) -> Instant | None:
        """Return the newest tick at or before that instant."""

    @abstractmethod
    def next(self, after: Instant, zone: tzinfo) -> Instant | None:
        """Return the first tick later than that instant."""

    def around(self, at: Instant, zone: tzinfo) -> AdjacentTicks:
        """Return the ticks around that instant; cheap while the questions are between the same two."""
        kept: tuple[tzinfo, AdjacentTicks] | None = getattr(self, "_near", None)
        if kept is not None and kept[0] is zone and kept[1].newest <= at < kept[1].next:
            return kept[1]
        near = _adjacent_ticks(self, at, zone)
        if is_known(at):  # outside the known years there are no ticks, which must not be kept for instants inside
            object.__setattr__(self, "_near", (zone, near))  # a memo: one tuple, so that threads cannot tear it
        return near

    def first_from(self, at: Instant, zone: tzinfo) -> Instant:
        """Return the first tick at or after that instant, FOREVER if there is none; cheap if asked again and again."""
        return _adjacent_ticks(self, at - 1, zone).next


@lru_cache(maxsize=1024)  # tasks with the same ticks are judged at the same instants, one after another
def _adjacent_ticks(ticks: Ticks, at: Instant, zone: tzinfo) -> AdjacentTicks:
    newest, later = ticks.newest(at, zone), ticks.next(at, zone)
    return AdjacentTicks(BEGINNING if newest is None else newest, FOREVER if later is None else later)


class Days(Protocol):
    """Which days match."""

    def has(self, day: date) -> bool:
        """Whether that date matches."""
        ...

    def of(self, year: int, month: int) -> Sequence[int]:
        """Return the matching days of that month, ascending."""
        ...


class Pattern(Ticks):
    """Ticks at wall times: those whose every part is among the allowed ones."""

    __slots__ = ()

    seconds: tuple[Duration, ...]
    """From the beginning of the minute."""
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: Days
    months: tuple[int, ...]

    @property
    def years(self) -> range | tuple[int, ...]:
        """The allowed years, ascending."""
        return _ALL_YEARS

    def newest(self, at: Instant, zone: tzinfo) -> Instant | None:
        """Return the newest tick at or before that instant."""
        if not is_known(at):
            return None
        return self._newest_fixed(at, zone) if self.fixed else self._newest_flowing(at, zone)

    def next(self, after: Instant, zone: tzinfo) -> Instant | None:
        """Return the first tick later than that instant."""
        if not is_known(after):
            return None
        return self._next_fixed(after, zone) if self.fixed else self._from_flowing(after + 1, zone)

    def _newest_fixed(self, at: Instant, zone: tzinfo) -> Instant | None:
        wall = self.wall_before(highest(at, zone))
        while wall is not None and not exists(wall - wall % DAY, zone):
            wall = self.wall_before(wall - wall % DAY - 1)
        return None if wall is None else reached(wall, zone)

    def _next_fixed(self, after: Instant, zone: tzinfo) -> Instant | None:
        wall = self.wall_after(highest(after, zone) + 1)
        while wall is not None and not exists(wall - wall % DAY, zone):
            wall = self.wall_after(wall - wall % DAY + DAY)
        return None if wall is None else reached(wall, zone)

    def _newest_flowing(self, at: Instant, zone: tzinfo) -> Instant | None:
        while at >= LOWEST:
            offset = offset_at(at, zone)
            wall = self.wall_before(at + offset)
            tick = BEGINNING if wall is None else wall - offset
            far = tick < at - 2 * _SETTLED
            change = change_before(at, at - _SETTLED if far else tick, zone)
            if change is not None:
                at = change - 1
            elif not far or wall is None:
                return None if wall is None else tick
            else:
                at = tick + _SETTLED
        return None

    def _from_flowing(self, at: Instant, zone: tzinfo) -> Instant | None:
        while at < HIGHEST:
            offset = offset_at(at, zone)
            wall = self.wall_after(at + offset)
            tick = FOREVER if wall is None else wall - offset
            far = tick > at + 2 * _SETTLED
            change = change_after(at, at + _SETTLED if far else tick, zone)
            if change is not None:
                at = change
            elif not far or wall is None:
                return None if wall is None else tick
            else:
                at = tick - _SETTLED
        return None

    def wall_before(self, wall: Wall) -> Wall | None:
        """Return the latest matching wall time at or before that one."""
        clock = self._clock_before(wall % DAY)
        day = self._day_before(wall // DAY - (clock is None))
        if day is None:
            return None
        if clock is None or day != wall // DAY:
            clock = _clock((self.hours[-1], self.minutes[-1], self.seconds[-1]))
        return day * DAY + clock

    def wall_after(self, wall: Wall) -> Wall | None:
        """Return the first matching wall time at or after that one."""
        clock = self._clock_after(wall % DAY)
        day = self._day_after(wall // DAY + (clock is None))
        if day is None:
            return None
        if clock is None or day != wall // DAY:
            clock = _clock((self.hours[0], self.minutes[0], self.seconds[0]))
        return day * DAY + clock

    def _clock_before(self, clock: Duration) -> Duration | None:
        """Return the latest matching time of day at or before that one."""
        found = _latest((self.hours, self.minutes, self.seconds), _parts(clock))
        return None if found is None else _clock(found)

    def _clock_after(self, clock: Duration) -> Duration | None:
        """Return the first matching time of day at or after that one."""
        found = _first((self.hours, self.minutes, self.seconds), _parts(clock))
        return None if found is None else _clock(found)

    def _day_before(self, day: int) -> int | None:
        """Return the latest matching date at or before that one, in days since 1970."""
        start = date.fromordinal(day + _EPOCH_DAY)
        if self._has_month(start.year, start.month) and self.days.has(start):
            return day
        year, month, latest = start.year, start.month, start.day
        while year >= self.years[0]:
            if self._has_month(year, month):
                days = self.days.of(year, month)
                if found := bisect_right(days, latest):
                    return date(year, month, days[found - 1]).toordinal() - _EPOCH_DAY
            year, month, latest = (year, month - 1, 31) if month > 1 else (year - 1, _DECEMBER, 31)
        return None

    def _day_after(self, day: int) -> int | None:
        """Return the first matching date at or after that one, in days since 1970."""
        start = date.fromordinal(day + _EPOCH_DAY)
        if self._has_month(start.year, start.month) and self.days.has(start):
            return day
        year, month, first = start.year, start.month, start.day
        while year <= self.years[-1]:
            if self._has_month(year, month):
                days = self.days.of(year, month)
                found = bisect_left(days, first)
                if found < len(days):
                    return date(year, month, days[found]).toordinal() - _EPOCH_DAY
            year, month, first = (year, month + 1, 1) if month < _DECEMBER else (year + 1, 1, 1)
        return None

    def _has_month(self, year: int, month: int) -> bool:
        return month in self.months and year in self.years


_ALL_YEARS: Final = range(FIRST_YEAR, LAST_YEAR + 1)

_Numbers = tuple[int, ...]


def _parts(clock: Duration) -> _Numbers:
    return clock // HOUR, clock % HOUR // MINUTE, clock % MINUTE


def _clock(parts: _Numbers) -> Duration:
    hour, minute, second = parts
    return hour * HOUR + minute * MINUTE + second


def _latest(allowed: tuple[_Numbers, ...], limit: _Numbers) -> _Numbers | None:
    """Return the latest combination of allowed numbers that is not above the limit.

    allowed (9, 17) and (0, 30), limit (10, 15)    (9, 30)
    the same, limit (9, 15)                        (9, 0)
    the same, limit (8, 59)                        None
    """
    if not allowed:
        return ()
    numbers = allowed[0]
    found = bisect_right(numbers, limit[0])
    if found and numbers[found - 1] == limit[0]:
        rest = _latest(allowed[1:], limit[1:])
        if rest is not None:
            return (limit[0], *rest)
        found -= 1
    return (numbers[found - 1], *(one[-1] for one in allowed[1:])) if found else None


def _first(allowed: tuple[_Numbers, ...], limit: _Numbers) -> _Numbers | None:
    """Return the first combination of allowed numbers that is not below the limit."""
    if not allowed:
        return ()
    numbers = allowed[0]
    found = bisect_left(numbers, limit[0])
    if found < len(numbers) and numbers[found] == limit[0]:
        rest = _first(allowed[1:], limit[1:])
        if rest is not None:
            return (limit[0], *rest)
        found += 1
    return (numbers[found], *(one[0] for one in allowed[1:])) if found < len(numbers) else None
