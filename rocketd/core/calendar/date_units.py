"""Units whose marks are dates: weeks, months, quarters, years."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING, Final

from rocketd.core.calendar.clock_units import Fixed
from rocketd.core.calendar.period_marks import (
    clock_after,
    day_number,
    day_of_month,
    mistake,
    named,
    number,
    or_last_after,
    quoted,
    spell_time,
)
from rocketd.core.calendar.unit import Mark, Unit, Written
from rocketd.core.instant import DAY, WEEK, Duration

if TYPE_CHECKING:
    from rocketd.core.calendar.wall_clock import Wall
    from rocketd.core.errors import ConditionError

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_FIRST_MONDAY: Final[Wall] = 4 * DAY

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONG_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONG_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_DAY_BEFORE_MONTH: Final = re.compile(
    r"\s*(?:(?P<day>[0-9]{1,2})\.?\s+(?P<name>[A-Za-z]+)|(?P<number>[0-9]{1,2})-(?P<last>[0-9]{1,2}))\s*"
)
_MONTH_LENGTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Week(Fixed):
    name, adverb, on = "week", "weekly", "on"
    size, step, first = WEEK, DAY, _FIRST_MONDAY
    allowed = 'a day, "Mon" or "Monday", with a time, "Mon 10:00", or as a number from 1 (Monday) to 7'

    def mark(self, written: Written, *, end: bool = False) -> Mark:
        if isinstance(written, str):
            return self._named(written, end=end)
        return self._named(_WEEKDAYS[number(written, 1, 7, self) - 1], end=end)

    def _named(self, text: str, *, end: bool) -> Mark:
        name, _, rest = text.strip().partition(" ")
        day = named(name, _WEEKDAYS, _LONG_WEEKDAYS)
        if day is None:
            raise mistake(self, text, f"{quoted(name)} is not a day of the week", word=name)
        clock = clock_after(self, text, rest, end=end)
        spelled = _WEEKDAYS[day - 1] + ("" if clock is None else f" {spell_time(clock)}")
        return Mark(quoted(spelled), clock or 0, day, length=DAY, whole=clock is None)


class Month(Unit):
    name, adverb, on = "month", "monthly", "on"
    longest = 31 * DAY
    allowed = 'a day from 1 to 31, or from the end "last", "-1" … "-31", with a time, "5 10:00", also "31 or last"'
    months = 1
    """How many months it has."""
    _from_end = 100
    """More than it has days: marks from its end come after all others."""

    def cycle(self, wall: Wall) -> int:
        day = date.fromordinal(wall // DAY + _EPOCH_DAY)
        return (day.year * 12 + day.month - 1) // self.months

    def start(self, cycle: int) -> Wall:
        month = cycle * self.months
        return (date(month // 12, month % 12 + 1, 1).toordinal() - _EPOCH_DAY) * DAY

    def mark(self, written: Written, *, end: bool = False) -> Mark:
        if not isinstance(written, str):
            return self._made(day_number(self, written, written), None)
        name, _, rest = written.strip().partition(" ")
        day = day_of_month(self, written, name)
        or_last, rest = or_last_after(self, written, day, rest)
        return self._made(day, clock_after(self, written, rest, end=end), or_last=or_last)

    def _made(self, day: int, clock: Duration | None, *, or_last: bool = False) -> Mark:
        spelled = f"{day} or last" if or_last else f"{day}"
        text = quoted(spelled) if or_last else spelled
        if clock is None:
            return Mark(text, 0, day, length=DAY, whole=True, or_last=or_last)
        return Mark(quoted(f"{spelled} {spell_time(clock)}"), clock, day, length=DAY, or_last=or_last)

    def rank(self, mark: Mark) -> int:
        return (mark.day - 1 if mark.day > 0 else self._from_end + mark.day) * DAY + mark.clock

    def rank_end(self, mark: Mark) -> int:
        return self.rank(mark) + (DAY if mark.whole else 0)

    def has(self, mark: Mark, cycle: int) -> bool:
        return mark.or_last or abs(mark.day) <= self._days(cycle)

    def place(self, mark: Mark, cycle: int) -> Wall:
        if not self.has(mark, cycle):
            return self.start(cycle + 1) if mark.day > 0 else self.start(cycle)
        days = self._days(cycle)
        day = min(mark.day, days) - 1 if mark.day > 0 else days + mark.day
        return self.start(cycle) + day * DAY + mark.clock

    def end(self, mark: Mark, cycle: int) -> Wall:
        covers = mark.whole and self.has(mark, cycle)
        return self.place(mark, cycle) + (DAY if covers else 0)

    def _days(self, cycle: int) -> int:
        return monthrange(cycle // 12, cycle % 12 + 1)[1]


class Quarter(Month):
    name, adverb, on = "quarter", "quarterly", "on"
    longest = 92 * DAY
    allowed = 'a day from 1 to 92, or from the end "last", "-1" … "-92", with a time, "5 10:00", also "92 or last"'
    months = 3
    _from_end = 200

    def _days(self, cycle: int) -> int:
        return (self.start(cycle + 1) - self.start(cycle)) // DAY


_MONTH: Final = Month()


class Year(Unit):
    name, adverb, on = "year", "yearly", "on"
    longest = 366 * DAY
    rank_floor = 1000 * DAY
    allowed = 'a month, "Jan" or "January", with a day and a time, "Dec 24 18:00", or as a number from 1 to 12'

    def cycle(self, wall: Wall) -> int:
        return date.fromordinal(wall // DAY + _EPOCH_DAY).year

    def start(self, cycle: int) -> Wall:
        return (date(cycle, 1, 1).toordinal() - _EPOCH_DAY) * DAY

    def _no_month(self, text: str, name: str) -> ConditionError:
        error = mistake(self, text, f"{quoted(name)} is not a month", word=name)
        if found := _DAY_BEFORE_MONTH.fullmatch(text):  # 24 Dec, 24. December, 12-24
            month = named(found["name"], _MONTHS, _LONG_MONTHS) if found["name"] else int(found["number"])
            if month is not None and 1 <= month <= len(_MONTHS):
                error.hint = f'write "{_MONTHS[month - 1]} {int(found["day"] or found["last"])}"'
        return error

    def mark(self, written: Written, *, end: bool = False) -> Mark:
        text = written if isinstance(written, str) else _MONTHS[number(written, 1, 12, self) - 1]
        name, _, rest = text.strip().partition(" ")
        month = named(name, _MONTHS, _LONG_MONTHS)
        if month is None:
            raise self._no_month(text, name)
        if not rest.strip():
            return Mark(quoted(_MONTHS[month - 1]), 0, 0, month, whole=True)
        name, _, rest = rest.strip().partition(" ")
        day = day_of_month(self, text, name)
        or_last, rest = or_last_after(self, text, day, rest)
        return self._dated(text, (month, day), clock_after(self, text, rest, end=end), or_last=or_last)

    def _dated(self, text: str, of: tuple[int, int], clock: Duration | None, *, or_last: bool) -> Mark:
        month, day = of
        longest = _MONTH_LENGTHS[month - 1]
        if abs(day) > longest:
            raise mistake(self, text, f"{_MONTHS[month - 1]} has no day {day}", f"it has {longest} days at most")
        spelled = f"{_MONTHS[month - 1]} {day}{' or last' if or_last else ''}"
        spelled += "" if clock is None else f" {spell_time(clock)}"
        return Mark(quoted(spelled), clock or 0, day, month, length=DAY, whole=clock is None, or_last=or_last)

    def rank(self, mark: Mark) -> int:
        return mark.month * 1000 * DAY + (_MONTH.rank(mark) if mark.day else 0)

    def rank_end(self, mark: Mark) -> int:
        if not mark.day:
            return (mark.month + 1) * 1000 * DAY
        return mark.month * 1000 * DAY + _MONTH.rank_end(mark)

    def has(self, mark: Mark, cycle: int) -> bool:
        return _MONTH.has(mark, _month(mark, cycle))

    def place(self, mark: Mark, cycle: int) -> Wall:
        month = _month(mark, cycle)
        return _MONTH.place(mark, month) if mark.day else _MONTH.start(month)

    def end(self, mark: Mark, cycle: int) -> Wall:
        month = _month(mark, cycle)
        return _MONTH.end(mark, month) if mark.day else _MONTH.start(month + 1)


def _month(mark: Mark, year: int) -> int:
    return year * 12 + mark.month - 1
