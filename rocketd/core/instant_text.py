"""Instants in sentences: the one place that writes them for people, each answer in one zone.

    when         `at 10:00`, `tomorrow at 10:00`, `on 2026-11-27 at 10:00`
    clock_time   the same after since, from or until: `10:00`, `2026-11-27 10:00`
    time_range   `10:00-12:00`, `2026-11-23 to 2026-11-30`
    timestamp    `2026-11-27 10:00:05`, and with the zone where it is read elsewhere

Times of day are those of a zone, and relative to the day of `now`. Seconds are shown where there are any.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Final

from rocketd.core.calendar.wall_clock import HIGHEST, LOWEST
from rocketd.core.instant import Instant, datetime_of

_NEAR_DAYS: Final = {-1: "yesterday ", 0: "", 1: "tomorrow "}
_DAY: Final = timedelta(days=1)


def when(instant: Instant, now: Instant, zone: tzinfo) -> str:
    """Return when that is: `at 10:00`, `tomorrow at 10:00`, `on 2026-11-27 at 10:00`; `never`, `long ago`."""
    if not _has_date(instant):
        return _without_date(instant, now)
    local = datetime_of(instant, zone)
    near = _near_day(local, now, zone)
    day = f"on {local.date()} " if near is None else near
    return f"{day}at {_time_of_day(local)}"


def clock_time(instant: Instant, now: Instant, zone: tzinfo) -> str:
    """Return the same as it stands after since or until: `10:00`, `tomorrow at 10:00`, `2026-11-27 10:00`."""
    if not _has_date(instant):
        return _without_date(instant, now)
    local = datetime_of(instant, zone)
    near = _near_day(local, now, zone)
    if near is None:
        return f"{local.date()} {_time_of_day(local)}"
    return f"{near}at {_time_of_day(local)}" if near else _time_of_day(local)


def time_range(start: Instant, end: Instant, now: Instant, zone: tzinfo) -> str:
    """Return from when to when: `10:00-12:00` and `00:00-24:00` of today, else `2026-11-23 to 2026-11-30`."""
    if _has_date(start) and _has_date(end):
        first, last = datetime_of(start, zone), datetime_of(end, zone)
        if _near_day(first, now, zone) == "" and last.date() == first.date():
            return f"{_time_of_day(first)}-{_time_of_day(last)}"
        if _near_day(first, now, zone) == "" and _is_midnight(last) and last.date() == first.date() + _DAY:
            return f"{_time_of_day(first)}-24:00"
        if _is_midnight(first) and _is_midnight(last):
            return f"{first.date()} to {last.date()}"
    return f"{clock_time(start, now, zone)} to {clock_time(end, now, zone)}"


def timestamp(instant: Instant, zone: tzinfo | None = None) -> str:
    """Return date and time to the second, `2026-11-27 10:00:05`; None: in the zone of the process.

    Raises OverflowError outside the years 1 to 9999.
    """
    return datetime_of(instant).astimezone(zone).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def timestamp_with_zone(instant: Instant, zone: tzinfo) -> str:
    """Return the same with the zone, `2026-11-27 10:00:05 CET`: for what is read elsewhere, mails and records."""
    return f"{timestamp(instant, zone)} {datetime_of(instant, zone).tzname()}"


def _has_date(instant: Instant) -> bool:
    return LOWEST <= instant < HIGHEST


def _without_date(instant: Instant, now: Instant) -> str:
    return "never" if instant > now else "long ago"


def _near_day(local: datetime, now: Instant, zone: tzinfo) -> str | None:
    """Name the day if it is yesterday, today (empty) or tomorrow; None: it is not."""
    return _NEAR_DAYS.get((local.date() - datetime_of(now, zone).date()) // _DAY)


def _time_of_day(local: datetime) -> str:
    seconds = "" if local.second == local.microsecond == 0 else f":{local.second:02d}"
    return f"{local:%H:%M}{seconds}"


def _is_midnight(local: datetime) -> bool:
    return local.hour == local.minute == local.second == local.microsecond == 0
