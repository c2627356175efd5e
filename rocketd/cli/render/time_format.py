"""Times for people: local, with their distance from now.

The zone is that of the process (TZ, else the host's); now is an argument.
"""

import time
from typing import Final

from rocketd.core.duration import approximate_duration
from rocketd.core.instant import DAY, SECOND, Duration, Instant, datetime_of

NEVER: Final = "-"

_LONGEST: Final = 365 * 8000 * DAY


def local(instant: Instant | None) -> str:
    """Write an instant to the second as `Tue 2026-11-24 03:00:00`."""
    if instant is None or abs(instant) > _LONGEST:
        return NEVER
    return time.strftime("%a %Y-%m-%d %H:%M:%S", time.localtime(instant // SECOND))


def short(instant: Instant | None, now: Instant) -> str:
    """Write an instant as briefly as it stays clear: `03:00` today, `Tue 03:00` this week, `11-24 03:00`, a date."""
    if instant is None or abs(instant) > _LONGEST:
        return NEVER
    at, today = time.localtime(instant // SECOND), time.localtime(now // SECOND)
    if at[:3] == today[:3]:
        return time.strftime("%H:%M:%S" if at.tm_sec else "%H:%M", at)
    if 0 < instant - now < 6 * DAY:
        return time.strftime("%a %H:%M", at)
    if abs(instant - now) < 300 * DAY:
        return time.strftime("%m-%d %H:%M", at)
    return time.strftime("%Y-%m-%d", at)


def local_with_zone(instant: Instant | None) -> str:
    """Return the same as `local`, with the zone's abbreviation."""
    if instant is None or abs(instant) > _LONGEST:
        return NEVER
    return time.strftime("%a %Y-%m-%d %H:%M:%S %Z", time.localtime(instant // SECOND))


def in_zone(instant: Instant, zone: str) -> str:
    """Return the same as `local`, by the clock of this zone; raises ZoneInfoNotFoundError, a KeyError."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - most verbs need no zones

    return NEVER if abs(instant) > _LONGEST else datetime_of(instant, ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M:%S")


def offset(instant: Instant) -> Duration:
    """Return how far the local clock is ahead of UTC at that instant."""
    return time.localtime(instant // SECOND).tm_gmtoff * SECOND


def offset_in(zone: str, instant: Instant) -> Duration | None:
    """Return how far the clock of a zone is ahead of UTC at that instant; None: this host does not know the zone."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - most verbs need no zones

    try:
        ahead = datetime_of(instant, ZoneInfo(zone)).utcoffset()
    except (OSError, ValueError, KeyError):
        return None
    return None if ahead is None else round(ahead.total_seconds()) * SECOND


def left(instant: Instant | None, now: Instant) -> str:
    """Write how far ahead an instant is: `in 3h 20min`, `now`, or `late by 5min` for one that has passed."""
    if instant is None or abs(instant) > _LONGEST:
        return NEVER
    if not (distance := _distance(instant, now)):
        return "now"
    return f"in {distance}" if instant > now else f"late by {distance}"


def passed(instant: Instant | None, now: Instant) -> str:
    """Write how long ago an instant was: `3h 20min ago`."""
    if instant is None or abs(instant) > _LONGEST:
        return NEVER
    if not (distance := _distance(instant, now)):
        return "now"
    return f"{distance} ago" if instant < now else f"in {distance}"


def _distance(instant: Instant, now: Instant) -> str:
    """Write how far apart they are, in whole seconds; empty: less than one."""
    whole = abs(instant - now) // SECOND * SECOND
    return approximate_duration(whole) if whole else ""
