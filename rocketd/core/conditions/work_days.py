"""Working days and holidays: `workday`, `holiday`, `dates`, the n-th working day, the day to which one is moved."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

from rocketd.core.calendar.units import MONTH
from rocketd.core.conditions.calendar_word import CalendarWord
from rocketd.core.conditions.day_word import ordinal_of, wall_of
from rocketd.core.dataclass import dataclass
from rocketd.core.errors import ConditionError

if TYPE_CHECKING:
    from rocketd.core.calendar.unit import Mark, Unit, Written
    from rocketd.core.model.work_calendar import Calendars, WorkCalendar

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MOST: Final = {"week": 7, "month": 31, "quarter": 92, "year": 366}
"""How many working days a unit can have."""

Roll: TypeAlias = Literal["before", "after", "nearest"]
_ROLLS: Final[dict[str, Roll]] = {"before": "before", "after": "after", "nearest": "nearest"}


def calendar_name(name: str) -> str:
    """Check the name of a calendar; raises ConditionError."""
    if not _NAME.fullmatch(name):
        hint = "letters, digits, '.', '_' and '-', the first a letter or a digit"
        raise ConditionError(f'"{name[:40]}" cannot be the name of a calendar', hint=hint, end=len(name), about=name)
    return name


def _of(calendar: str) -> str:
    return f'("{calendar}")' if calendar else ""


@dataclass(frozen=True, slots=True)
class Workday(CalendarWord):
    """For on working days: outside of the weekend, no holiday, or made one by a file."""

    calendar: str = ""

    def __call__(self, calendar: str) -> Workday:
        """Ask another calendar; raises ConditionError."""
        return Workday(calendar_name(calendar))

    def holds_on(self, day: int, calendar: WorkCalendar) -> bool | None:
        return calendar.is_workday(day)

    def edge_after(self, day: int, calendar: WorkCalendar) -> int | None:
        return day + 1 if calendar.weekend else calendar.edge_after(day)

    def edge_before(self, day: int, calendar: WorkCalendar) -> int | None:
        return day if calendar.weekend else calendar.edge_before(day)

    def __str__(self) -> str:
        return f"workday{_of(self.calendar)}"


class _DateWord(CalendarWord):
    __slots__ = ()

    def holds_on(self, day: int, calendar: WorkCalendar) -> bool | None:
        return calendar.is_holiday(day)

    def edge_after(self, day: int, calendar: WorkCalendar) -> int | None:
        return calendar.edge_after(day)

    def edge_before(self, day: int, calendar: WorkCalendar) -> int | None:
        return calendar.edge_before(day)


@dataclass(frozen=True, slots=True)
class Holiday(_DateWord):
    """For on the dates that the files of a calendar list."""

    calendar: str = ""

    def __call__(self, calendar: str) -> Holiday:
        """Ask another calendar; raises ConditionError."""
        return Holiday(calendar_name(calendar))

    def __str__(self) -> str:
        return f"holiday{_of(self.calendar)}"


@dataclass(frozen=True, slots=True)
class Dates(_DateWord):
    """For on the dates that one file lists."""

    calendar: str

    @classmethod
    def of(cls, path: str) -> Dates:
        """Read the path of the file; raises ConditionError."""
        if not path.startswith("/") or "\0" in path or path.endswith("/"):
            hint = 'write the path from /: "/etc/rocketd/freeze.dates"'
            raise ConditionError(f'"{path[:40]}" is not the path of a file', hint=hint, end=len(path), about=path)
        return cls(path)

    def source(self, calendars: Calendars) -> WorkCalendar:
        return calendars.file(self.calendar)

    def __str__(self) -> str:
        escaped = self.calendar.replace("\\", "\\\\").replace('"', '\\"')
        return f'dates("{escaped}")'


# -- the n-th ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkdaysOf:
    """The word before `.on` or `.between`: which unit, by which calendar. No condition yet."""

    unit: Unit
    calendar: str = ""

    def __call__(self, calendar: str) -> WorkdaysOf:
        """Count by another calendar; raises ConditionError."""
        return WorkdaysOf(self.unit, calendar_name(calendar))

    def on(self, *numbers: Written) -> NthWorkday:
        """Take these working days of the unit, counted from 1, or from its end from -1. Raises ConditionError."""
        if not numbers:
            raise ConditionError("on needs a number", hint=f"write workday_of_{self.unit}.on(1)")
        read = [self._number(number) for number in numbers]
        for place, number in enumerate(read):
            if number in read[:place]:
                raise ConditionError(f"{number} is given twice", about=numbers[place])
        return NthWorkday(self.unit, "on", tuple(sorted(read, key=_rank)), self.calendar)

    def between(self, first: Written, last: Written) -> NthWorkday:
        """Take the working days from one to another, both included. Raises ConditionError."""
        begin, end = self._number(first), self._number(last)
        if (begin > 0) is (end > 0) and begin > end:
            hint = "both ends are included, and it does not reach over the end of the unit"
            raise ConditionError(f"{begin} comes after {end}", hint=hint, about=last)
        return NthWorkday(self.unit, "between", (begin, end), self.calendar)

    def _number(self, written: Written) -> int:
        text, most = str(written).strip(), _MOST[self.unit.name]
        number = -1 if text.lower() == "last" else int(text) if _NUMBER.fullmatch(text) else 0
        if 1 <= abs(number) <= most:
            return number
        end = len(written) if isinstance(written, str) else 0
        if self.unit is MONTH and _DAY_AND_TIME.match(text):
            hint = 'it is a count; for a date write workday_at(15, roll="before"), and join the time of day'
        else:
            hint = f'working days of a {self.unit} are 1 to {most}, or from its end "last", -1 … -{most}'
        message = f'"{text[:40]}" is not the number of a working day'
        raise ConditionError(message, hint=hint, end=end, about=written)


_NUMBER: Final = re.compile(r"-?[0-9]{1,3}")
_DAY_AND_TIME: Final = re.compile(r"-?[0-9]{1,2}\s+[0-9]")


def _rank(number: int) -> tuple[bool, int]:
    return number < 0, number


@dataclass(frozen=True, slots=True)
class NthWorkday(CalendarWord):
    """For on the n-th working day of each week, month, quarter or year; a unit that has fewer has no such day."""

    unit: Unit
    how: Literal["on", "between"]
    numbers: tuple[int, ...]
    calendar: str = ""

    def holds_on(self, day: int, calendar: WorkCalendar) -> bool | None:
        days = self._days(day, calendar)
        return None if days is None else day in days

    def edge_after(self, day: int, calendar: WorkCalendar) -> int | None:
        edges = (edge for held in self._days(day, calendar) or () for edge in (held, held + 1))
        return min((edge for edge in edges if edge > day), default=self.unit_around(day)[1])

    def edge_before(self, day: int, calendar: WorkCalendar) -> int | None:
        edges = (edge for held in self._days(day, calendar) or () for edge in (held, held + 1))
        return max((edge for edge in edges if edge <= day), default=self.unit_around(day)[0])

    def unknown_year(self, day: int, calendar: WorkCalendar) -> int:
        first, following = self.unit_around(day)
        unknown = next((one for one in (day, first, following - 1) if not calendar.knows(one)), day)
        return date.fromordinal(unknown).year

    def _days(self, day: int, calendar: WorkCalendar) -> tuple[int, ...] | None:
        """Return the dates of the unit around that one on which it holds; None: not known."""
        return _nth_days(self, calendar, self.unit_around(day))

    def unit_around(self, day: int) -> tuple[int, int]:
        """Return the first date of the unit around that one, and the first of the next."""
        cycle = self.unit.cycle(wall_of(day))
        return ordinal_of(self.unit.start(cycle)), ordinal_of(self.unit.start(cycle + 1))

    def chosen(self, workdays: list[int]) -> tuple[int, ...]:
        """Return which of the working days of a unit these are."""
        count = len(workdays)
        places = [number - 1 if number > 0 else count + number for number in self.numbers]
        if self.how == "between":
            return tuple(workdays[max(places[0], 0) : max(places[1] + 1, 0)])
        return tuple(sorted({workdays[place] for place in places if 0 <= place < count}))

    def __str__(self) -> str:
        numbers = ", ".join(map(str, self.numbers))
        return f"workday_of_{self.unit}{_of(self.calendar)}.{self.how}({numbers})"


@lru_cache(maxsize=4096)
def _nth_days(word: NthWorkday, calendar: WorkCalendar, unit: tuple[int, int]) -> tuple[int, ...] | None:
    if not (calendar.knows(unit[0]) and calendar.knows(unit[1] - 1)):
        return None
    return word.chosen([day for day in range(*unit) if calendar.is_workday(day)])


# -- a date that is moved ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RolledWorkday(CalendarWord):
    """For on the day to which a day of the month is moved if it is no working day; itself if it is one."""

    mark: Mark
    roll: Roll
    calendar: str = ""

    reach: ClassVar[int] = 1_500

    @classmethod
    def of(cls, day: Written, *, roll: str, calendar: str = "") -> RolledWorkday:
        """Read the arguments of the word; raises ConditionError."""
        mark = MONTH.mark(day)
        if not mark.whole:
            end = len(day) if isinstance(day, str) else 0
            message = "workday_at takes a day of the month, without a time"
            raise ConditionError(message, hint="join time_of_day, or a cron line, for the hours", end=end, about=day)
        if roll not in _ROLLS:
            raise ConditionError(f"{roll} is not a roll", hint=_ROLL_HINT, end=len(roll), about=roll)
        return cls(mark, _ROLLS[roll], calendar_name(calendar) if calendar else "")

    def holds_on(self, day: int, calendar: WorkCalendar) -> bool | None:
        own = calendar.is_workday(day)
        if own is False:
            return False
        if self.roll == "nearest":
            return self._is_nearest(day, calendar)
        nominal = self._nominal(day)
        between = range(day + 1, nominal + 1) if self.roll == "before" else range(nominal, day)
        return _and_none(own, between, calendar)

    def unknown_year(self, day: int, calendar: WorkCalendar) -> int:
        year = date.fromordinal(day).year
        return year if not calendar.knows(day) else year + (1 if self.roll == "before" else -1)

    def _nominal(self, day: int) -> int:
        """Return the first such day of a month that is not earlier, or the last that is not later."""
        step = 1 if self.roll == "before" else -1
        month = MONTH.cycle(wall_of(day))
        while True:
            if MONTH.has(self.mark, month):
                nominal = ordinal_of(MONTH.place(self.mark, month))
                if (nominal - day) * step >= 0:
                    return nominal
            month += step

    def _is_nearest(self, day: int, calendar: WorkCalendar) -> bool | None:
        month = MONTH.cycle(wall_of(day))
        if not MONTH.has(self.mark, month):
            return False
        nominal = ordinal_of(MONTH.place(self.mark, month))
        first, following = ordinal_of(MONTH.start(month)), ordinal_of(MONTH.start(month + 1))
        away = abs(day - nominal)
        nearer = [*range(max(first, nominal - away + 1), min(following, nominal + away))]
        if day > nominal and nominal - away >= first:
            nearer.append(nominal - away)  # of two that are equally near, the earlier
        return _and_none(calendar.is_workday(day), nearer, calendar)

    def __str__(self) -> str:
        of = f', calendar="{self.calendar}"' if self.calendar else ""
        return f'workday_at({self.mark.text}, roll="{self.roll}"{of})'


_ROLL_HINT: Final = 'write roll="before", roll="after", or roll="nearest", which stays in the month'


def _and_none(own: bool | None, others: range | list[int], calendar: WorkCalendar) -> bool | None:  # noqa: FBT001 - an answer
    """Whether a date is a working day and none of the others is; None: not known."""
    for day in others:
        answer = calendar.is_workday(day)
        if answer:
            return False
        own = None if answer is None else own
    return own
