"""Intervals, recurrences and calendar lines as others write them.

5m, 30 s, 10 minutes            a span of time alone
PT5M, R/2026-01-01T03:00Z/P1D   ISO 8601
rate(5 minutes), at(…)          AWS
RRULE:FREQ=WEEKLY;BYDAY=MO      RFC 5545
OnUnitActiveSec=15min           a timer of systemd
Mon..Fri 03:00                  a line of OnCalendar=
"""

from __future__ import annotations

import re
from typing import Final

from rocketd.core.calendar.oncalendar import CalendarLine
from rocketd.core.duration import parse_duration
from rocketd.core.errors import ConditionError
from rocketd.core.language.dialects.equivalent import Equivalent
from rocketd.core.language.dialects.rrule import recurrence

_RATE: Final = re.compile(r"rate\s*\(\s*['\"]?(\d+\s*[a-z]+)['\"]?\s*\)", re.IGNORECASE)
_AT: Final = re.compile(
    r"(?:at\s*\(\s*)?['\"]?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.0+)?(Z|\+00:00)?['\"]?\s*\)?"
)
_ISO: Final = re.compile(
    r"P(?:(?P<y>\d+)Y)?(?:(?P<mo>\d+)M)?(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?"
    r"(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?",
    re.IGNORECASE,
)
_REPEATING: Final = re.compile(r"R-?\d*/(?:(?P<start>[^/]+)/)?(?P<span>P[^/]+)", re.IGNORECASE)
_RRULE: Final = re.compile(r"rrule(?:str)?\s*\(\s*['\"]([^'\"]*)['\"]\s*\)", re.IGNORECASE)
_TIMER: Final = re.compile(r"(On\w+)\s*=\s*(.*)", re.IGNORECASE)
_OCCASION: Final = re.compile(
    r"(?:(?:on|at|every|after) |@)?(?:each )?(?:system )?((?:re)?boot|start ?up|shutdown)", re.IGNORECASE
)
_CLOCK: Final = re.compile(r"(?:at )?(\d{1,2}):(\d\d)")
_OURS: Final = frozenset({"minutely", "hourly", "daily", "weekly", "monthly", "yearly"})
_UNITS: Final = {"y": "year", "mo": "month", "w": "week", "d": "day", "h": "h", "m": "min", "s": "s"}


def advice(text: str) -> Equivalent | None:
    """Say what does the same as an interval, a recurrence, an occasion or a setting of a timer."""
    text = " ".join(text.split())
    if found := _TIMER.fullmatch(text):
        return _timer(found[1].lower(), found[2])
    if found := _RRULE.fullmatch(text):
        text = found[1]
    if text.upper().startswith(("RRULE:", "FREQ=", "DTSTART")):
        return recurrence(text.upper().removeprefix("RRULE:"))
    return _point(text) or _iso(text) or _span(text)


def _point(text: str) -> Equivalent | None:
    """Read a point in time, a time of day or an occasion; and `rate(…)`, which comes with `at(…)`."""
    if found := _OCCASION.fullmatch(text):
        occasion = found[1].lower().removeprefix("re").replace("start up", "startup")
        return Equivalent("this is an occasion, not a condition", settings=(f'on = "{occasion}"',))
    if found := _RATE.fullmatch(text):
        return Equivalent("rate() is an AWS expression", f"every('{found[1]}')")
    if found := _AT.fullmatch(text):
        zone = " UTC" if found[3] else ""
        return Equivalent("this is one point in time", f"calendar('{found[1]} {found[2]}{zone}')")
    if found := _CLOCK.fullmatch(text):
        clock = f"{int(found[1])}:{found[2]}"
        return Equivalent("this is a time of day", f"daily at {clock}", otherwise=f"calendar('{clock.zfill(5)}')")
    return None


def calendar_advice(text: str) -> Equivalent | None:
    """Say that this is a line of systemd's OnCalendar=."""
    line = " ".join(text.split())
    if not re.search(r"[\d*]|^\w+$|\.\.", line) or "'" in line or line.lower() in _OURS:
        return None
    words = line.split()
    if len(words) > 1 and re.fullmatch(r"[A-Z][A-Za-z_]+(?:/[\w+-]+)+", words[-1]):
        words = words[:-1]  # the zone: whoever reads the condition knows it, or not
    try:
        CalendarLine.parse(" ".join(words))
    except ConditionError:
        return None
    return Equivalent("this is a systemd calendar line", f"calendar('{line}')")


def _timer(setting: str, value: str) -> Equivalent | None:
    what = "this is a setting of a systemd timer"
    match setting:
        case "oncalendar":
            word = value.lower()
            inner = Equivalent(what, f"calendar('{word}')", otherwise=word) if word in _OURS else calendar_advice(value)
            return inner and inner._replace(what=what)
        case "onunitactivesec" | "onactivesec":
            return Equivalent(what, f"every('{value}')")
        case "onunitinactivesec":
            return Equivalent(what, f"every('{value}', based='finish')")
        case "onbootsec":
            return Equivalent(what, settings=('on = "boot"',))
        case "onstartupsec":
            return Equivalent(what, settings=('on = "startup"',))
    return None


def _span(text: str) -> Equivalent | None:
    written = text.removeprefix("every").strip().strip("\"'")
    if not re.search(r"\d\s*[a-zA-Zµμ]", written):
        return None
    try:
        parse_duration(written)
    except ConditionError:
        return None
    return Equivalent("this is a time span", f"every('{written}')")


def _iso(text: str) -> Equivalent | None:
    """Read a duration of ISO 8601, or an interval that repeats, whose beginning gives a time of day to whole days."""
    repeating = _REPEATING.fullmatch(text)
    found = _ISO.fullmatch(repeating["span"] if repeating else text)
    parts = [f"{count} {_UNITS[name]}" for name, count in found.groupdict().items() if count] if found else []
    if not parts:
        return None
    what = "this is an ISO 8601 interval"
    start = _AT.fullmatch(repeating["start"]) if repeating and repeating["start"] else None
    if start and parts in (["1 day"], ["24 h"], ["1 week"]):
        return Equivalent(what, f"calendar('{_weekday(start[1], parts)}{start[2]}{' UTC' if start[3] else ''}')")
    if start and parts == ["1 h"]:
        return Equivalent(what, f"cron('{int(start[2][3:5])} * * * *')")
    if parts in (["1 month"], ["1 year"]):
        return Equivalent(what, "monthly" if parts == ["1 month"] else "yearly")
    return Equivalent(what, f"every('{' '.join(parts)}')")


def _weekday(date: str, parts: list[str]) -> str:
    from datetime import date as dates  # noqa: PLC0415 - only here

    try:
        return f"{dates.fromisoformat(date):%a} " if parts == ["1 week"] else ""
    except ValueError:
        return ""
