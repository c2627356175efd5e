"""The wall clock of a zone: the only place where instants meet zones.

A wall time is what the clock on the wall shows, as microseconds since it showed 1970-01-01 00:00.
A zone skips some wall times and repeats others; one rule covers both: a wall time is *reached* at the first instant
at which the clock shows it or a later one. So one that does not exist becomes the first instant after the gap, one
that exists twice is its first occurrence, and later wall times are never reached earlier.
"""

from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, TypeAlias

from rocketd.core.instant import DAY, HOUR, SECOND, Duration, Instant, instant_of

Wall: TypeAlias = int
"""Microseconds since the wall clock showed 1970-01-01 00:00."""

_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - wall times have no zone

LOWEST: Final[Instant] = instant_of(datetime.fromisoformat("1000-01-01T00:00Z"))
HIGHEST: Final[Instant] = instant_of(datetime.fromisoformat("9000-01-01T00:00Z"))
"""Calendars are asked between these two only: Python's end in the years 1 and 9999."""

_LONGEST_SHIFT: Final[Duration] = 26 * HOUR
"""No zone ever set its clock by more (Manila, Kwajalein and Apia changed the date)."""

_STEADY: Final[Duration] = 14 * DAY
"""No zone changes its offset and changes it back within less."""


def is_known(instant: Instant) -> bool:
    """Whether calendars can be asked about that instant."""
    return LOWEST <= instant < HIGHEST


def _microseconds(offset: timedelta | None) -> Duration:
    return 0 if offset is None else (offset.days * 86_400 + offset.seconds) * SECOND + offset.microseconds


def _looked_up(instant: Instant, zone: tzinfo) -> Duration:
    utc = _NAIVE_EPOCH + timedelta(microseconds=instant)
    return _microseconds(zone.fromutc(utc.replace(tzinfo=zone)).utcoffset())


@lru_cache(maxsize=1024)
def _fortnight(number: int, zone: tzinfo) -> Duration | None:
    """The offset that holds from the beginning of that fortnight to that of the next; None: it changes meanwhile."""
    start = number * _STEADY
    offset = _looked_up(start, zone)
    return offset if _looked_up(start + _STEADY, zone) == offset else None


def _steady(start: Instant, end: Instant, zone: tzinfo) -> Duration | None:
    """The offset that holds from one instant to another, less than a fortnight later; None: it may change meanwhile."""
    first, last = start // _STEADY, end // _STEADY
    offset = _fortnight(first, zone)
    return offset if first == last or _fortnight(last, zone) == offset else None


def offset_at(instant: Instant, zone: tzinfo) -> Duration:
    """How far the wall clock is ahead of UTC."""
    offset = _fortnight(instant // _STEADY, zone)
    return _looked_up(instant, zone) if offset is None else offset


def wall_at(instant: Instant, zone: tzinfo) -> Wall:
    """What the wall clock shows."""
    return instant + offset_at(instant, zone)


def reached(wall: Wall, zone: tzinfo) -> Instant:
    """The first instant at which the clock shows this wall time, or a later one if it skips it."""
    steady = _steady(wall - _LONGEST_SHIFT, wall + _LONGEST_SHIFT, zone)
    if steady is not None:
        return wall - steady
    local = _NAIVE_EPOCH + timedelta(microseconds=wall)
    first = _microseconds(zone.utcoffset(local))
    second = _microseconds(zone.utcoffset(local.replace(fold=1)))
    if first >= second:
        return wall - first
    return _change(wall - second, wall - first, zone)  # in a gap


def exists(day: Wall, zone: tzinfo) -> bool:
    """Whether the date that begins at this wall time exists at all (Apia had no 2011-12-30)."""
    return reached(day, zone) < reached(day + DAY, zone)


def highest(instant: Instant, zone: tzinfo) -> Wall:
    """The latest wall time that the clock has shown so far: just after it was set back, more than it shows."""
    steady = _steady(instant - _LONGEST_SHIFT, instant, zone)
    if steady is not None:
        return instant + steady
    shown = wall_at(instant, zone)
    earlier = instant - _LONGEST_SHIFT
    before = offset_at(earlier, zone)
    if before <= shown - instant:
        return shown
    return max(shown, _change(earlier, instant, zone) + before - 1)


def change_before(instant: Instant, after: Instant, zone: tzinfo) -> Instant | None:
    """The latest change of the zone's offset in (after, instant]."""
    offset = offset_at(instant, zone)
    while after < instant:
        earlier = max(after, instant - _STEADY)
        if offset_at(earlier, zone) != offset:
            return _change(earlier, instant, zone)
        instant = earlier
    return None


def change_after(instant: Instant, until: Instant, zone: tzinfo) -> Instant | None:
    """The first change of the zone's offset in (instant, until]."""
    offset = offset_at(instant, zone)
    while instant < until:
        later = min(until, instant + _STEADY)
        if offset_at(later, zone) != offset:
            return _change(instant, later, zone)
        instant = later
    return None


def _change(before: Instant, after: Instant, zone: tzinfo) -> Instant:
    """Find the change between an instant before it and one at or after it; zones change at whole seconds."""
    offset = offset_at(before, zone)
    low, high = before // SECOND, after // SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(middle * SECOND, zone) == offset:
            low = middle
        else:
            high = middle
    return high * SECOND
