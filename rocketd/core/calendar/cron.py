"""Cron lines: five fields, or six with leading seconds, read as every cron reads them.

Sources: crontab(5) of cronie for the fields, for "both day fields" and for what a change of the clock does: a line
whose minute or hour field begins with `*` follows real time, any other is a fixed time of day (ticks.py). `L`,
`#`, `W` and `?` mean what they mean in the crons that have them.
"""

from __future__ import annotations

import re
from calendar import monthrange
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.calendar.cron_days import WEEKDAYS, moved_day, normal_field, read_moved, refuse_quartz_numbers
from rocketd.core.calendar.ticks import Pattern
from rocketd.core.dataclass import dataclass, field
from rocketd.core.errors import ConditionError
from rocketd.core.instant import SECOND, Duration

if TYPE_CHECKING:
    from datetime import date

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class _Kind(NamedTuple):
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    size: int = 1
    """Of one, in what ticks are counted in."""

    @property
    def one(self) -> str:
        """Its name with an article."""
        return f"{'an' if self.name == 'hour' else 'a'} {self.name}"


_SECOND: Final = _Kind("second", 0, 59, size=SECOND)
_MINUTE: Final = _Kind("minute", 0, 59)
_HOUR: Final = _Kind("hour", 0, 23)
_DAY: Final = _Kind("day of the month", 1, 31)
_MONTH: Final = _Kind("month", 1, 12, _MONTHS)
_WEEKDAY: Final = _Kind("day of the week", 0, 7, WEEKDAYS)
_KINDS: Final = (_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)
_FIELDS: Final = "minute hour day month weekday, as in 0 3 * * 1-5; or 6 fields with seconds before them"

_NICKNAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_WEEK: Final = 7
_SAMPLE_YEARS: Final = range(2001, 2029)
"""28 years hold every date on every day of the week."""


class _Days(NamedTuple):
    """Which days of a month match."""

    numbers: frozenset[int]
    last: bool
    """`L` in the day field."""
    weekdays: frozenset[int]
    """0 is Sunday."""
    nth: frozenset[tuple[int, int]]
    """(weekday, which in the month); -1 is the last: `5#2`, `5L`."""
    moved: frozenset[tuple[str, int]]
    """Days that depend on the month: `15W`, `LW`, `L-3` (cron_days.py)."""
    either: bool
    """Both fields are given, so that one of them is enough."""

    def has(self, day: date) -> bool:
        """Whether that date matches."""
        return self._matches(day.day, day.isoweekday() % _WEEK, monthrange(day.year, day.month)[1])

    @lru_cache(maxsize=4096)  # noqa: B019 - small and bounded; most lines have one of a few day fields
    def of(self, year: int, month: int) -> tuple[int, ...]:
        """Return the matching days of that month, ascending."""
        first, length = monthrange(year, month)
        days = range(1, length + 1)
        return tuple(day for day in days if self._matches(day, (first + day) % _WEEK, length))

    def _matches(self, day: int, weekday: int, length: int) -> bool:
        by_date = (
            day in self.numbers
            or (self.last and day == length)
            or any(moved_day(one, length, (weekday - day) % _WEEK) == day for one in self.moved)
        )
        by_weekday = (
            weekday in self.weekdays
            or (weekday, (day + 6) // _WEEK) in self.nth
            or (day + _WEEK > length and (weekday, -1) in self.nth)
        )
        return by_date or by_weekday if self.either else by_date and by_weekday


@dataclass(frozen=True, slots=True)
class Cron(Pattern):
    """The ticks of one cron line. Equal to any other whose text is the same."""

    text: str
    """Its normal form: single blanks, lower-case names, no nickname."""
    seconds: tuple[Duration, ...] = field(compare=False)
    minutes: tuple[int, ...] = field(compare=False)
    hours: tuple[int, ...] = field(compare=False)
    days: _Days = field(compare=False)
    months: tuple[int, ...] = field(compare=False)
    fixed: bool = field(compare=False)

    @classmethod
    @lru_cache(maxsize=4096)  # tasks share their lines
    def parse(cls, text: str) -> Cron:
        """Read a cron line; raises ConditionError with the offsets of the mistake in this text."""
        if not isinstance(text, str):
            raise ConditionError(f"{text!r} is not a cron line: a cron line is text", hint=_FIELDS, about=text)
        fields = _fields(text)
        refuse_quartz_numbers(fields[3][0], *fields[5], line=text)
        second, minute, hour, day, month, weekday = (
            _read(kind, one, start, text) for kind, (one, start) in zip(_KINDS, fields, strict=True)
        )
        shown = fields if len(text.split()) == len(_KINDS) else fields[1:]
        line = cls(
            " ".join(normal_field(one) for one, _ in shown),
            seconds=second.ticks,
            minutes=minute.ticks,
            hours=hour.ticks,
            days=_days(day, weekday),
            months=month.ticks,
            fixed=not (minute.starred or hour.starred),
        )
        if not line.happens:
            start, end = fields[3][1], fields[4][1] + len(fields[4][0])
            message = f"{text.strip()} never happens: there is no such day"
            raise ConditionError(message, hint="check the day and the month", start=start, end=end, about=text)
        return line

    @property
    def happens(self) -> bool:
        """Whether there is any day on which it ticks."""
        return any(self.days.of(year, month) for year in _SAMPLE_YEARS for month in self.months)

    def __str__(self) -> str:
        return self.text


class _Field(NamedTuple):
    """What one field says."""

    starred: bool
    numbers: frozenset[int]
    ticks: tuple[int, ...]
    """The numbers, ascending, in what ticks are counted in."""
    last: bool
    weekdays: frozenset[int]
    nth: frozenset[tuple[int, int]]
    moved: frozenset[tuple[str, int]]

    @classmethod
    @lru_cache(maxsize=1024)  # a host's lines share their fields, which saves memory as well as time
    def read(cls, kind: _Kind, text: str) -> _Field:
        """Read a field; raises ConditionError with offsets in it."""
        start = 0
        numbers: set[int] = set()
        nth: set[tuple[int, int]] = set()
        moved: set[tuple[str, int]] = set()
        last = False
        if text == "?" and kind in (_DAY, _WEEKDAY):
            text = "*"
        for item in text.split(","):
            place = _Place(kind, item, start)
            if kind is _DAY and item.upper() == "L":
                last = True
            elif kind is _DAY and (found_moved := read_moved(item, start)):
                moved.add(found_moved)
            elif kind is _WEEKDAY and (found := _NTH.fullmatch(item)):
                nth.add((place.number(found["day"]) % _WEEK, int(found["nth"] or -1)))
            else:
                numbers.update(place.numbers())
            start += len(item) + 1
        ticks = tuple(number * kind.size for number in sorted(numbers))
        weekdays = frozenset(number % _WEEK for number in numbers)
        return cls(text.startswith("*"), frozenset(numbers), ticks, last, weekdays, frozenset(nth), frozenset(moved))


def _read(kind: _Kind, text: str, start: int, line: str) -> _Field:
    """Read a field that begins at that offset of the line."""
    try:
        return _Field.read(kind, text)
    except ConditionError as error:
        where = {"start": error.start + start, "end": error.end + start}
        raise ConditionError(error.message, hint=error.hint, about=line, **where) from None


@lru_cache(maxsize=1024)
def _days(day: _Field, weekday: _Field) -> _Days:
    either = not (day.starred or weekday.starred)
    return _Days(day.numbers, day.last, weekday.weekdays, weekday.nth, day.moved, either)


_NTH: Final = re.compile(r"(?P<day>[a-z]{3}|[0-9])(?:#(?P<nth>[1-5])|L)", re.ASCII | re.IGNORECASE)


class _Place(NamedTuple):
    """One item of a list, and where it stands."""

    kind: _Kind
    item: str
    start: int

    def numbers(self) -> range:
        """Read `*`, `a`, `a-b`, each with a step or without."""
        base, slash, step = self.item.partition("/")
        kind = self.kind
        if base == "*":
            first, end = kind.least, kind.most - (kind is _WEEKDAY)
        elif "-" in base:
            first, end = self._range(*base.split("-", 1))
        else:
            first = self.number(base)
            end = max(first, kind.most - (kind is _WEEKDAY)) if slash else first
        return range(first, end + 1, self._step(step) if slash else 1)

    def number(self, text: str) -> int:
        """Read a number or a name."""
        kind = self.kind
        if text.lower() in kind.names:
            return kind.names.index(text.lower()) + (kind.least if kind is _MONTH else 0)
        if not re.fullmatch("[0-9]{1,4}", text, re.ASCII):
            raise self._mistake(text, f"{text[:20] or 'nothing'} is not {kind.one}", self._allowed)
        if not kind.least <= int(text) <= kind.most:
            raise self._mistake(text, f"{text} is not {kind.one}", self._allowed)
        return int(text)

    def _range(self, begin: str, finish: str) -> tuple[int, int]:
        first, end = self.number(begin), self.number(finish)
        if self.kind is _WEEKDAY and end == 0 < first:
            end = _WEEK  # sat-sun
        if first > end:
            hint = f"write {begin}-{self.kind.most},{self.kind.least}-{finish}"
            raise self._mistake(self.item, f"{begin}-{finish} is a range that runs backwards", hint)
        return first, end

    def _step(self, text: str) -> int:
        if not re.fullmatch("[0-9]{1,4}", text, re.ASCII) or int(text) == 0:
            raise self._mistake(text, f"{text[:20] or 'nothing'} is not a step", "a step is a number from 1 on")
        most = self.kind.most - self.kind.least + 1
        if int(text) > most:
            message = f"a step of {text} is more than the {self.kind.name} field has"
            raise self._mistake(text, message, 'for an interval of any length write every("90 min")')
        return int(text)

    @property
    def _allowed(self) -> str:
        names = f" or {self.kind.names[0]} … {self.kind.names[-1]}" if self.kind.names else ""
        return f"{self.kind.one} is {self.kind.least} to {self.kind.most}{names}; also * , - / in between"

    def _mistake(self, part: str, message: str, hint: str) -> ConditionError:
        start = self.start + max(self.item.find(part), 0)
        return ConditionError(message, hint=hint, start=start, end=start + max(len(part), 1))


def _words(text: str) -> list[tuple[str, int]]:
    """Split a line into its words and where they begin."""
    return [(found[0], found.start()) for found in re.finditer(r"\S+", text)]


def _fields(text: str) -> list[tuple[str, int]]:
    """Split a line into six fields and where they begin."""
    words = _words(text)
    if words and words[0][0].startswith("@"):
        return _nickname(words[0][0], text)
    if len(words) == len(_KINDS) - 1:
        return [("0", 0), *words]
    if len(words) != len(_KINDS):
        message = f"a cron line has 5 fields, this one has {len(words)}"
        raise ConditionError(message, hint=_FIELDS, end=len(text), about=text)
    return words


def _nickname(name: str, text: str) -> list[tuple[str, int]]:
    line = _NICKNAMES.get(name.lower())
    if line is None:
        hints = {"@reboot": 'write on = "boot" in the task instead', "@every": 'write every("10 min") instead'}
        hint = hints.get(name.lower(), f"nicknames are {' '.join(_NICKNAMES)}")
        raise ConditionError(f"{name[:20]} is not a cron line", hint=hint, end=len(text), about=text)
    return [("0", 0), *((word, 0) for word in line.split())]
