"""Times for people: local, with how far away they are.

The zone is the process's own (TZ, else the host's); now is an argument.
"""

import time
from typing import Final

from rocketd.core.instant import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Duration, Instant, datetime_of

NEVER: Final = "-"

_UNITS: Final = ((365 * DAY, "y"), (30 * DAY, "month"), (DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"))
_LONGEST: Final = 365 * 8000 * DAY


def local(instant: Instant | None) -> str:
    """Write an instant to the second as `Tue 2026-11-24 03:00:00`."""
    if instant is None or abs(instant) > _LONGEST:
        return NEVER
    return time.strftime("%a %Y-%m-%d %H:%M:%S", time.localtime(instant // SECOND))


def local_with_zone(instant: Instant | None) -> str:
    """As `local`, with the zone's abbreviation: for the only place where a page says it."""
    if instant is None or abs(instant) > _LONGEST:
        return NEVER
    return time.strftime("%a %Y-%m-%d %H:%M:%S %Z", time.localtime(instant // SECOND))


def offset(instant: Instant) -> Duration:
    """How far the local clock is ahead of UTC then."""
    return time.localtime(instant // SECOND).tm_gmtoff * SECOND


def offset_in(zone: str, instant: Instant) -> Duration | None:
    """How far the clock of a zone is ahead of UTC then; None: this host does not know the zone."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - most verbs need no zones

    try:
        ahead = datetime_of(instant, ZoneInfo(zone)).utcoffset()
    except (OSError, ValueError, KeyError):
        return None
    return None if ahead is None else round(ahead.total_seconds()) * SECOND


def span(duration: Duration) -> str:
    """Write how long something takes in its two largest units: `3h 20min`, `250ms`."""
    duration = abs(duration)
    if duration < SECOND:
        return f"{duration // MILLISECOND}ms"
    if duration < 10 * SECOND:  # a second more or less matters there
        return f"{duration / SECOND:.3g}s"
    parts: list[str] = []
    for unit, name in _UNITS:
        count, duration = divmod(duration, unit)
        if count:
            parts.append(f"{count}{name}")
        elif parts:
            break  # `3h 5s` would say more than it knows
    return " ".join(parts[:2])


def left(instant: Instant | None, now: Instant) -> str:
    """Write how far ahead an instant is: `in 3h 20min`, `now`, or `late by 5min` for one that has passed."""
    if instant is None or abs(instant) > _LONGEST:
        return NEVER
    if abs(instant - now) < SECOND:
        return "now"
    return f"in {span(instant - now)}" if instant > now else f"late by {span(now - instant)}"


def passed(instant: Instant | None, now: Instant) -> str:
    """Write how long ago an instant was: `3h 20min ago`."""
    if instant is None or abs(instant) > _LONGEST:
        return NEVER
    if abs(instant - now) < SECOND:
        return "now"
    return f"{span(now - instant)} ago" if instant < now else f"in {span(instant - now)}"
