"""Every second week, every third month, … counted from a date: whole units of the calendar."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from rocketd.core.conditions.day_word import DateRule, DayStretch
from rocketd.core.dataclass import dataclass
from rocketd.core.errors import ConditionError

_LENGTH: Final = re.compile(r"\s*(?P<number>\d{1,6})?\s*(?P<unit>[A-Za-z]+)\s*")
_UNITS: Final = ("day", "week", "month", "quarter", "year")
_SHORTER: Final = frozenset(["s", "sec", "second", "min", "minute", "h", "hr", "hour"])
_WORDS: Final = {"day": "daily", "week": "weekly", "month": "monthly", "quarter": "quarterly", "year": "yearly"}
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_MOST: Final = 1_000
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
FIRST_DATE: Final = date(1000, 1, 1)
LAST_DATE: Final = date(8999, 12, 31)


@dataclass(frozen=True, slots=True)
class Cycle(DateRule):
    """For on the dates from one on that lie in every n-th unit, counted from the unit in which that one lies."""

    number: int
    unit: str
    since: date
    week_starts: int = 0
    """0: Monday; for weeks alone."""

    @classmethod
    def of(cls, length: str, *, since: str, week_starts: str | None = None) -> Cycle:
        """Read the arguments of the word; raises ConditionError."""
        number, unit = _length(length)
        if week_starts is not None and unit != "week":
            raise ConditionError(f"week_starts is for weeks, not for {unit}s", about=week_starts)
        return cls(number, unit, read_date(since), 0 if week_starts is None else _weekday(week_starts))

    def stretch(self, day: int) -> DayStretch:
        first, begin = self._unit_of(self.since.toordinal()), self.since.toordinal()
        if day < begin:
            return DayStretch(None, begin, inside=False)
        passed = (self._unit_of(day) - first) % self.number
        cycle = self._unit_of(day) - passed
        if passed == 0:
            return DayStretch(max(begin, self._begin(cycle)), self._begin(cycle + 1), inside=True)
        return DayStretch(self._begin(cycle + 1), self._begin(cycle + self.number), inside=False)

    def place(self, day: int) -> tuple[int, int]:
        """Return in which unit of the cycle a date lies, from 1, and when the next that counts begins."""
        first, unit = self._unit_of(self.since.toordinal()), self._unit_of(day)
        passed = (unit - first) % self.number
        return passed + 1, self._begin(unit - passed + self.number)

    def _unit_of(self, day: int) -> int:
        if self.unit == "day":
            return day
        if self.unit == "week":
            return (day - 1 - self.week_starts) // 7
        when = date.fromordinal(day)
        return (when.year * 12 + when.month - 1) // _MONTHS[self.unit]

    def _begin(self, unit: int) -> int:
        """Return the first date of that unit; of one beyond the calendar, a date that is too."""
        if self.unit == "day":
            return unit
        if self.unit == "week":
            return unit * 7 + 1 + self.week_starts
        month = unit * _MONTHS[self.unit]
        return date(min(month // 12, 9999), month % 12 + 1, 1).toordinal()

    def __str__(self) -> str:
        starts = f', week_starts="{_WEEKDAYS[self.week_starts]}"' if self.week_starts else ""
        return f'cycle("{self.number} {self.unit}s", since="{self.since}"{starts})'


def _length(text: str) -> tuple[int, str]:
    found = _LENGTH.fullmatch(text)
    unit = found["unit"].lower() if found else ""
    unit = unit if unit in _UNITS else unit.removesuffix("s")
    if found and unit in _SHORTER:
        raise _mistake(text, "a cycle is of whole days or longer", f'for an interval write every("{text.strip()}")')
    if not found or unit not in _UNITS:
        raise _mistake(text, f'"{text[:40]}" is not a cycle length', 'write "2 weeks"; units are day to year')
    number = int(found["number"] or 1)
    if number == 1:
        raise _mistake(text, f"a cycle of one {unit} is no cycle", f"every {unit} is {_WORDS[unit]}")
    if not 1 < number <= _MOST:
        raise _mistake(text, f"{number} is not from 2 to {_MOST}", 'write "2 weeks"')
    return number, unit


def _weekday(text: str) -> int:
    names = [name.lower() for name in _WEEKDAYS]
    if text.lower()[:3] not in names or len(text) > len("Wednesday"):
        raise ConditionError(f'"{text[:40]}" is not a day of the week', hint='write "Mon" or "Sun"', about=text)
    return names.index(text.lower()[:3])


def read_date(text: str) -> date:
    """Read a date such as 2026-12-03; raises ConditionError."""
    written = text.strip()
    if not _DATE.fullmatch(written):
        time = " " in written or "T" in written
        hint = "join time_of_day, or a cron line, for the hours" if time else 'write it as "2026-12-03"'
        raise _mistake(text, f'"{text[:40]}" is not a date', hint)
    try:
        found = date.fromisoformat(written)
    except ValueError:
        raise _mistake(text, f"there is no {written}", "") from None
    if not FIRST_DATE <= found <= LAST_DATE:
        raise _mistake(text, f"{written} is not from {FIRST_DATE} to {LAST_DATE}", "")
    return found


def _mistake(text: str, message: str, hint: str) -> ConditionError:
    return ConditionError(message, hint=hint, end=len(text), about=text)
