"""Points in time as people write them on a command line: `2h ago`, `yesterday 10:00`, `2026-11-24 10:00`.

A selection of systemd.time(7), with the same meanings.
"""

import re
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from rocketd.core.duration import parse_duration
from rocketd.core.errors import RocketdError
from rocketd.core.instant import SECOND, Instant, datetime_of, instant_of

ALLOWED: Final = (
    "write 2h ago, in 2h, yesterday, today 10:00, 10:00, 2026-11-24 10:00, 2026-11-24T10:00:00+01:00 or @1795514400"
)

_DAYS: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHIFTED: Final = re.compile(
    r"(?P<before>-)\s*(?P<a>.+)|(?P<b>.+?)\s+(?P<ago>ago)|(?:\+|in\s)\s*(?P<c>.+)", re.IGNORECASE
)
_EPOCH: Final = re.compile(r"@-?\d+(\.\d+)?")


def parse_time_point(text: str, now: Instant, zone: tzinfo) -> Instant:
    """Read a point in time, in `zone` if it names none. Raises RocketdError, which says what is allowed."""
    wanted = " ".join(text.split())
    if wanted.lower() == "now":
        return now
    try:
        if _EPOCH.fullmatch(wanted):
            return round(float(wanted[1:]) * SECOND)
        if match := _SHIFTED.fullmatch(wanted):
            return _shifted(match, now)
        return instant_of(_written(wanted, now, zone))
    except (ValueError, OverflowError):
        msg = f"{text!r} is not a point in time"
        raise RocketdError(msg, hint=_hint(wanted)) from None


def _shifted(match: re.Match[str], now: Instant) -> Instant:
    try:
        span = parse_duration(match["a"] or match["b"] or match["c"])
    except RocketdError as error:
        msg = f"{match[0]!r} is not a point in time: {error.message}"
        raise RocketdError(msg, hint=error.hint or ALLOWED) from None
    point = now - span if match["before"] or match["ago"] else now + span
    datetime_of(point)  # outside the calendar it raises OverflowError here and not where it is printed
    return point


def _written(wanted: str, now: Instant, zone: tzinfo) -> datetime:
    wanted = _without_weekday(wanted)
    first, _, rest = wanted.partition(" ")
    today = datetime_of(now, zone).date()
    if first.lower() in _DAYS:
        day = today + timedelta(days=_DAYS[first.lower()])
        return datetime.combine(day, time.fromisoformat(rest) if rest else time(), zone)
    if ":" in first:
        return datetime.combine(today, time.fromisoformat(wanted), zone)
    return _dated(wanted, zone)


def _dated(wanted: str, zone: tzinfo) -> datetime:
    wanted = re.sub(r"\s*(UTC|Z)$", "+00:00", wanted, flags=re.IGNORECASE)
    point = datetime.fromisoformat(wanted)
    return point if point.tzinfo else point.replace(tzinfo=zone)


def _without_weekday(wanted: str) -> str:
    """Leave out the weekday that our own output puts first; a wrong one is a mistake somewhere."""
    first, _, rest = wanted.partition(" ")
    weekday = first.lower()[:3]
    if weekday not in _WEEKDAYS or not rest:
        return wanted
    if date.fromisoformat(rest[:10]).weekday() != _WEEKDAYS.index(weekday):
        msg = "not that weekday"
        raise ValueError(msg)
    return rest


def _hint(wanted: str) -> str:
    try:
        parse_duration(wanted)
    except RocketdError:
        return ALLOWED
    return f"write {wanted} ago, or in {wanted}"
