"""Recurrences of calendars: `RRULE` of RFC 5545, section 3.3.10, as far as one condition does the same.

FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;BYHOUR=9    calendar('Tue,Thu 09:00') & cycle('2 weeks', since='2026-12-03')

The date of `since` is the DTSTART of the recurrence; where that is not among what was written, it is an example.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, NamedTuple

from rocketd.core.language.dialects.equivalent import Equivalent

_WHAT: Final = "this is an iCalendar recurrence rule"
_DAYS: Final = {"MO": "Mon", "TU": "Tue", "WE": "Wed", "TH": "Thu", "FR": "Fri", "SA": "Sat", "SU": "Sun"}
_WORKDAYS: Final = {*_DAYS} - {"SA", "SU"}
_KNOWN: Final = frozenset(
    {
        "FREQ",
        "INTERVAL",
        "BYHOUR",
        "BYMINUTE",
        "BYSECOND",
        "BYDAY",
        "BYMONTHDAY",
        "BYMONTH",
        "BYSETPOS",
        "UNTIL",
        "WKST",
    }
)
_LONG: Final = ("WEEKLY", "MONTHLY", "YEARLY")
_EVERY: Final = {"SECONDLY": "s", "MINUTELY": "min", "HOURLY": "h", "DAILY": "days"}
_UNITS: Final = {"DAILY": "days", "WEEKLY": "weeks", "MONTHLY": "months", "YEARLY": "years"}
_VALUE: Final = re.compile(r"[A-Z0-9,-]+")
_NTH: Final = re.compile(r"([1-5]|-1)(MO|TU|WE|TH|FR|SA|SU)")
_START: Final = re.compile(r"DTSTART(?:;[^:]*)?:(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(?:\d\d)?Z?)? +(.*)")
_EXAMPLE: Final = "2026-12-03"


class _Start(NamedTuple):
    """DTSTART: when a recurrence began."""

    day: str = ""
    """As in `since`; empty: it was not written."""
    weekday: str = ""


def recurrence(text: str) -> Equivalent | None:
    """Return what does the same as `FREQ=…`, perhaps with `DTSTART:…` before it; None: no condition does."""
    start, clock = _Start(), {}
    if found := _START.fullmatch(text):
        year, month, day, hour, minute, text = found.groups()
        try:
            first = date(int(year), int(month), int(day))
        except ValueError:
            return None
        start = _Start(first.isoformat(), f"{first:%a}"[:2].upper())
        clock = {"BYHOUR": str(int(hour)), "BYMINUTE": str(int(minute))} if hour else {}
    pairs = [part.partition("=") for part in text.removeprefix("RRULE:").strip("; ").split(";")]
    rule = {name: value.replace("+", "") for name, _, value in pairs}
    if not rule.keys() <= _KNOWN or not all(map(_VALUE.fullmatch, rule.values())):
        return None
    if not re.fullmatch("[1-9][0-9]{0,2}", rule.setdefault("INTERVAL", "1")):
        return None
    if start.day and rule.get("FREQ") in _UNITS:
        rule = clock | rule
        if rule["FREQ"] == "WEEKLY" and "BYDAY" not in rule:
            rule["BYDAY"] = start.weekday
    last = _until(rule.pop("UNTIL", ""))
    equivalent = None if last is None else _condition(rule, start)
    if equivalent is None or not equivalent.condition:
        return None
    if not last:
        return equivalent
    return equivalent._replace(condition=f"{equivalent.condition} & {last}", otherwise="")


def _until(value: str) -> str | None:
    """Return the word for the last date; empty: there is none. None: it is a time of UTC, which no word names."""
    if not value:
        return ""
    return f"until('{value[:4]}-{value[4:6]}-{value[6:]}')" if re.fullmatch(r"\d{8}", value) else None


def _condition(rule: dict[str, str], start: _Start) -> Equivalent | None:
    frequency, interval = rule.get("FREQ", ""), int(rule["INTERVAL"])
    if regular := _regular(frequency, interval, rule):
        return Equivalent(_WHAT, regular)
    each = _in_each(frequency, rule)
    if not each or interval == 1:
        return Equivalent(_WHAT, each)
    if frequency not in _UNITS:
        return None
    length, starts = f"{interval} {_UNITS[frequency]}", ", week_starts='Sun'" if rule.get("WKST") == "SU" else ""
    starts = starts if frequency == "WEEKLY" else ""
    counted = f"{each} & cycle('{length}', since='{start.day or _EXAMPLE}'{starts})"
    if start.day:
        return Equivalent(_WHAT, counted)
    if frequency == "DAILY" or (frequency == "WEEKLY" and rule.get("BYDAY", "") in _DAYS):
        return Equivalent(_WHAT, f"{each} & every('{length}')", otherwise=counted)
    return Equivalent(f"{_WHAT}, and since is its DTSTART", counted)


def _regular(frequency: str, interval: int, rule: dict[str, str]) -> str:
    """Return the condition for a rule without hours and days; empty: there is none."""
    given = rule.keys() - {"FREQ", "INTERVAL", "WKST"}
    if frequency == "HOURLY" and given == {"BYMINUTE"} and interval == 1:
        return f"cron('{rule['BYMINUTE']} * * * *')"
    if given:
        return ""
    if frequency in ("DAILY", *_LONG) and interval == 1:
        return frequency.lower()
    return f"every('{interval} {_EVERY[frequency]}')" if frequency in _EVERY else ""


def _in_each(frequency: str, rule: dict[str, str]) -> str:
    """Return the condition for each day, week, month or year; empty: there is none."""
    if "BYSETPOS" in rule:
        return _position(frequency, rule)
    if (nth := _NTH.fullmatch(rule.get("BYDAY", ""))) and frequency in ("MONTHLY", "YEARLY"):
        return _nth(nth, rule)
    days = _days(frequency, rule)
    return "" if days is None else f"calendar('{' '.join(filter(None, [days, _clock(rule)]))}')"


def _position(frequency: str, rule: dict[str, str]) -> str:
    """Return the condition for the first or last of the days from Monday to Friday of a month; empty: it is another."""
    which = {"1": "1W", "-1": "LW"}.get(rule["BYSETPOS"])
    if frequency != "MONTHLY" or which is None or {*rule.get("BYDAY", "").split(",")} != _WORKDAYS:
        return ""
    return f"cron('{rule.get('BYMINUTE', '0')} {rule.get('BYHOUR', '0')} {which} {rule.get('BYMONTH', '*')} *')"


def _clock(rule: dict[str, str]) -> str:
    parts = [_two(rule.get(name, "0")) for name in ("BYHOUR", "BYMINUTE")]
    second = rule.get("BYSECOND", "0")
    return ":".join([*parts, *([_two(second)] if second != "0" else [])])


def _two(numbers: str) -> str:
    return ",".join(one.zfill(2) if one.isdecimal() else one for one in numbers.split(","))


def _days(frequency: str, rule: dict[str, str]) -> str | None:
    """Return the days of a calendar line; None: there is no such line."""
    weekdays, monthdays = rule.get("BYDAY", ""), rule.get("BYMONTHDAY", "")
    months = _two(rule.get("BYMONTH", "*"))
    named = [day for day in weekdays.split(",") if day]
    if not all(day in _DAYS for day in named) or frequency not in ("DAILY", *_LONG):
        return None
    if frequency != "DAILY" and not monthdays and not named:
        return None  # on the day on which it began
    spelled = ",".join(_DAYS[day] for day in named)
    if monthdays.startswith("-") and "," not in monthdays:
        date = f"*-{months}~{_two(monthdays[1:])}"
    elif "-" in monthdays:
        return None
    else:
        date = f"*-{months}-{_two(monthdays or '*')}" if monthdays or months != "*" else ""
    return " ".join(filter(None, [spelled, date]))


def _nth(nth: re.Match[str], rule: dict[str, str]) -> str:
    which = "L" if nth[1] == "-1" else f"#{nth[1]}"
    weekday = f"{_DAYS[nth[2]].lower()}{which}"
    return f"cron('{rule.get('BYMINUTE', '0')} {rule.get('BYHOUR', '0')} * {rule.get('BYMONTH', '*')} {weekday}')"
