"""Points in time as people write them on a command line: `2h ago`, `yesterday 10:00`, `2026-11-24 10:00`.

A selection of systemd.time(7), "Parsing Timestamps", with the same meanings.
"""

import re
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from rocketd.core.calendar.wall_clock import reached
from rocketd.core.duration import parse_duration
from rocketd.core.errors import RocketdError
from rocketd.core.instant import SECOND, Instant, datetime_of, instant_of

ALLOWED: Final = (
    "write 2h ago, in 2h, yesterday, today 10:00, 10:00, 2026-11-24 10:00, 2026-11-24T10:00:00+01:00 or @1795514400"
)

_DAYS: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_AWAY: Final = re.compile(
    r"-\s*(?P<minus>[0-9.].*)|(?P<ago>[0-9.].*?)\s+ago|\+\s*(?P<plus>[0-9.].*)|in\s+(?P<ahead>[0-9.].*)",
    re.IGNORECASE | re.ASCII,
)
_EPOCH: Final = re.compile(r"@(?P<seconds>-?[0-9]{1,15})(\.(?P<fraction>[0-9]{1,6}))?")
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - what a wall clock shows has no zone


def parse_time_point(text: str, now: Instant, zone: tzinfo) -> Instant:
    """Read a point in time, in `zone` if it names none. Raises RocketdError, which says what is allowed.

    A wall time that the zone skips is the first instant after the gap, one that it repeats is the first of the two.
    """
    wanted = " ".join(text.split())
    try:
        point = _point(wanted, now, zone)
        datetime_of(point, zone)  # fails here if it is outside the calendar, rather than where it is shown
    except (ValueError, OverflowError):
        msg = f"{text!r} is not a point in time"
        raise RocketdError(msg, hint=_hint(wanted)) from None
    return point


def _point(wanted: str, now: Instant, zone: tzinfo) -> Instant:
    if wanted.lower() == "now":
        return now
    if match := _EPOCH.fullmatch(wanted):
        return int(match["seconds"]) * SECOND + int((match["fraction"] or "").ljust(6, "0"))
    if match := _AWAY.fullmatch(wanted):
        return _away(match, now)
    written = _written(_without_weekday(wanted), now, zone)
    if written.tzinfo is not None:
        return instant_of(written)
    return reached((written - _NAIVE_EPOCH) // timedelta(microseconds=1), zone)


def _away(match: re.Match[str], now: Instant) -> Instant:
    past = match["minus"] or match["ago"]
    try:
        span = parse_duration(past or match["plus"] or match["ahead"])
    except RocketdError as error:
        msg = f"{match[0]!r} is not a point in time: {error.message}"
        raise RocketdError(msg, hint=error.hint or ALLOWED) from None
    return now - span if past else now + span


def _written(wanted: str, now: Instant, zone: tzinfo) -> datetime:
    first, _, rest = wanted.partition(" ")
    today = datetime_of(now, zone).date()
    if first.lower() in _DAYS:
        day = today + timedelta(days=_DAYS[first.lower()])
        return datetime.combine(day, time.fromisoformat(rest) if rest else time())
    if ":" in first and "-" not in first[:5]:
        return datetime.combine(today, time.fromisoformat(wanted))
    return datetime.fromisoformat(re.sub(r" ?(UTC|Z)$", "+00:00", wanted, flags=re.IGNORECASE))


def _without_weekday(wanted: str) -> str:
    """Remove the weekday that rocketctl's own output puts first; raises ValueError for a wrong one."""
    first, _, rest = wanted.partition(" ")
    weekday = first.lower()[:3]
    if weekday not in _WEEKDAYS or not rest:
        return wanted
    if date.fromisoformat(rest[:10]).weekday() != _WEEKDAYS.index(weekday):
        msg = f"{rest[:10]} is not a {first}"
        raise ValueError(msg)
    return rest


def _hint(wanted: str) -> str:
    """Return the hint: for a bare time span the two directions, else all that is allowed."""
    try:
        parse_duration(wanted)
    except RocketdError:
        return ALLOWED
    return f"write {wanted} ago, or in {wanted}"
