"""Recurrences of calendars: `RRULE` of RFC 5545, section 3.3.10, as far as one condition does the same."""

from __future__ import annotations

import re
from typing import Final

from rocketd.core.language.dialects.equivalent import Equivalent

_WHAT: Final = "this is an iCalendar recurrence rule"
_DAYS: Final = {"MO": "Mon", "TU": "Tue", "WE": "Wed", "TH": "Thu", "FR": "Fri", "SA": "Sat", "SU": "Sun"}
_KNOWN: Final = frozenset(
    {"FREQ", "INTERVAL", "BYHOUR", "BYMINUTE", "BYSECOND", "BYDAY", "BYMONTHDAY", "BYMONTH", "WKST"}
)
_LONG: Final = ("WEEKLY", "MONTHLY", "YEARLY")
_EVERY: Final = {"SECONDLY": "s", "MINUTELY": "min", "HOURLY": "h", "DAILY": "days"}
_VALUE: Final = re.compile(r"[A-Z0-9,-]+")
_NTH: Final = re.compile(r"([1-5]|-1)(MO|TU|WE|TH|FR|SA|SU)")


def recurrence(text: str) -> Equivalent | None:
    """Return what does the same as `FREQ=…`; None: no condition does."""
    pairs = [part.partition("=") for part in text.strip("; ").split(";")]
    rule = {name: value.replace("+", "") for name, _, value in pairs}
    if not rule.keys() <= _KNOWN or not all(map(_VALUE.fullmatch, rule.values())):
        return None
    if not re.fullmatch("[1-9][0-9]{0,3}", rule.setdefault("INTERVAL", "1")):
        return None
    frequency, interval = rule.get("FREQ", ""), int(rule["INTERVAL"])
    condition = _regular(frequency, interval, rule) or (
        _in_each(frequency, rule) if interval == 1 else _apart(frequency, interval, rule)
    )
    return Equivalent(_WHAT, condition) if condition else None


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
    if (nth := _NTH.fullmatch(rule.get("BYDAY", ""))) and frequency in ("MONTHLY", "YEARLY"):
        return _nth(nth, rule)
    days = _days(frequency, rule)
    return "" if days is None else f"calendar('{' '.join(filter(None, [days, _clock(rule)]))}')"


def _apart(frequency: str, weeks: int, rule: dict[str, str]) -> str:
    """Return the condition for one weekday, every second week or less often. Of several days, the first is unknown."""
    weekday = _DAYS.get(rule.get("BYDAY", ""))
    if frequency != "WEEKLY" or weekday is None or rule.keys() & {"BYMONTH", "BYMONTHDAY"}:
        return ""
    return f"calendar('{weekday} {_clock(rule)}', within='1h') & every('{7 * weeks - 1} days')"


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
