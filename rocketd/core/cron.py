"""Cron lines: five fields, or six with leading seconds, read as every cron reads them.

Sources: crontab(5) of cronie for fields, for "both day fields" and for what a change of the clock does; `L` and `#`
as in the crons that have them. A line whose minute or hour field begins with `*` goes by the clock on the wall in
real time, in both occurrences of an hour; any other line is a fixed time, which a gap moves to the first instant after
it and a repeated hour meets once.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, DAY, FOREVER, SECOND, Duration, Instant
from rocketd.core.ticks import Ticks
from rocketd.core.wall import (
    HIGHEST,
    LOWEST,
    Wall,
    change_after,
    change_before,
    exists,
    highest,
    offset_at,
    reached,
)

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class _Kind(NamedTuple):
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()


_SECOND: Final = _Kind("second", 0, 59)
_MINUTE: Final = _Kind("minute", 0, 59)
_HOUR: Final = _Kind("hour", 0, 23)
_DAY: Final = _Kind("day of the month", 1, 31)
_MONTH: Final = _Kind("month", 1, 12, _MONTHS)
_WEEKDAY: Final = _Kind("day of the week", 0, 7, _WEEKDAYS)
_KINDS: Final = (_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)

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
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
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
    either: bool
    """Both fields are given, so that one of them is enough."""

    def has(self, day: date) -> bool:
        """Whether that date matches."""
        return self._matches(day.day, day.isoweekday() % _WEEK, monthrange(day.year, day.month)[1])

    def of(self, year: int, month: int) -> list[int]:
        """Tell the matching days of that month, ascending."""
        first, length = monthrange(year, month)
        days = range(1, length + 1)
        return [day for day in days if self._matches(day, (first + day) % _WEEK, length)]

    def _matches(self, day: int, weekday: int, length: int) -> bool:
        by_date = day in self.numbers or (self.last and day == length)
        by_weekday = (
            weekday in self.weekdays
            or (weekday, (day + 6) // _WEEK) in self.nth
            or (day + _WEEK > length and (weekday, -1) in self.nth)
        )
        return by_date or by_weekday if self.either else by_date and by_weekday


@dataclass(frozen=True, slots=True)
class Cron(Ticks):
    """The ticks of one cron line. Equal to any other whose text is the same."""

    text: str
    """Its normal form: single blanks, lower-case names, no nickname."""
    seconds: tuple[int, ...] = field(compare=False)
    minutes: tuple[int, ...] = field(compare=False)
    hours: tuple[int, ...] = field(compare=False)
    days: _Days = field(compare=False)
    months: tuple[int, ...] = field(compare=False)
    fixed: bool = field(compare=False)
    """Whether it is a fixed time of day rather than going on in real time."""

    @classmethod
    @lru_cache(maxsize=4096)  # tasks share their lines
    def parse(cls, text: str) -> Cron:
        """Read a cron line; raises ConditionError with the offsets of the mistake in this text."""
        fields = _fields(text)
        second, minute, hour, day, month, weekday = (
            _Field.read(kind, one, start, text) for kind, (one, start) in zip(_KINDS, fields, strict=True)
        )
        either = not (day.starred or weekday.starred)
        days = _Days(day.numbers, day.last, weekday.weekdays, weekday.nth, either)
        shown = fields if len(text.split()) == len(_KINDS) else fields[1:]
        line = cls(
            " ".join(_normal(one) for one, _ in shown),
            seconds=second.sorted,
            minutes=minute.sorted,
            hours=hour.sorted,
            days=days,
            months=month.sorted,
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

    def newest(self, at: Instant, zone: tzinfo) -> Instant | None:
        """Tell the newest tick at or before that instant."""
        if not LOWEST <= at < HIGHEST:
            return None
        return self._newest_fixed(at, zone) if self.fixed else self._newest_flowing(at, zone)

    def next(self, after: Instant, zone: tzinfo) -> Instant | None:
        """Tell the first tick later than that instant."""
        if not LOWEST <= after < HIGHEST:
            return None
        return self._next_fixed(after, zone) if self.fixed else self._from_flowing(after + 1, zone)

    def _newest_fixed(self, at: Instant, zone: tzinfo) -> Instant | None:
        wall = self.wall_before(highest(at, zone))
        while wall is not None and not exists(wall - wall % DAY, zone):
            wall = self.wall_before(wall - wall % DAY - 1)
        return None if wall is None else reached(wall, zone)

    def _next_fixed(self, after: Instant, zone: tzinfo) -> Instant | None:
        wall = self.wall_after(highest(after, zone) + 1)
        while wall is not None and not exists(wall - wall % DAY, zone):
            wall = self.wall_after(wall - wall % DAY + DAY)
        return None if wall is None else reached(wall, zone)

    def _newest_flowing(self, at: Instant, zone: tzinfo) -> Instant | None:
        while at >= LOWEST:
            offset = offset_at(at, zone)
            wall = self.wall_before(at + offset)
            tick = BEGINNING if wall is None else wall - offset
            change = change_before(at, max(tick, LOWEST), zone)
            if change is None:
                return None if wall is None else tick
            at = change - 1
        return None

    def _from_flowing(self, at: Instant, zone: tzinfo) -> Instant | None:
        while at < HIGHEST:
            offset = offset_at(at, zone)
            wall = self.wall_after(at + offset)
            tick = FOREVER if wall is None else wall - offset
            change = change_after(at, min(tick, HIGHEST), zone)
            if change is None:
                return None if wall is None else tick
            at = change
        return None

    def wall_before(self, wall: Wall) -> Wall | None:
        """Tell the latest matching wall time at or before that one."""
        clock = self._clock_before(wall % DAY)
        day = self._day_before(wall // DAY - (clock is None))
        if day is None:
            return None
        if clock is None or day != wall // DAY:
            clock = ((self.hours[-1] * 60 + self.minutes[-1]) * 60 + self.seconds[-1]) * SECOND
        return day * DAY + clock

    def wall_after(self, wall: Wall) -> Wall | None:
        """Tell the first matching wall time at or after that one."""
        clock = self._clock_after(wall % DAY)
        day = self._day_after(wall // DAY + (clock is None))
        if day is None:
            return None
        if clock is None or day != wall // DAY:
            clock = ((self.hours[0] * 60 + self.minutes[0]) * 60 + self.seconds[0]) * SECOND
        return day * DAY + clock

    def _clock_before(self, clock: Duration) -> Duration | None:
        """Tell the latest matching time of day at or before that one."""
        second = clock // SECOND
        found = _latest((self.hours, self.minutes, self.seconds), (second // 3600, second // 60 % 60, second % 60))
        return None if found is None else ((found[0] * 60 + found[1]) * 60 + found[2]) * SECOND

    def _clock_after(self, clock: Duration) -> Duration | None:
        """Tell the first matching time of day at or after that one."""
        second = -(-clock // SECOND)
        found = _first((self.hours, self.minutes, self.seconds), (second // 3600, second // 60 % 60, second % 60))
        return None if found is None else ((found[0] * 60 + found[1]) * 60 + found[2]) * SECOND

    def _day_before(self, day: int) -> int | None:
        """Tell the latest matching date at or before that one, in days since 1970."""
        start = date.fromordinal(day + _EPOCH_DAY)
        if start.month in self.months and self.days.has(start):
            return day
        year, month, latest = start.year, start.month, start.day
        while year >= _FIRST_YEAR:
            if month in self.months:
                days = self.days.of(year, month)
                if found := bisect_right(days, latest):
                    return date(year, month, days[found - 1]).toordinal() - _EPOCH_DAY
            year, month, latest = (year, month - 1, 31) if month > 1 else (year - 1, 12, 31)
        return None

    def _day_after(self, day: int) -> int | None:
        """Tell the first matching date at or after that one, in days since 1970."""
        start = date.fromordinal(day + _EPOCH_DAY)
        if start.month in self.months and self.days.has(start):
            return day
        year, month, first = start.year, start.month, start.day
        while year <= _LAST_YEAR:
            if month in self.months:
                days = self.days.of(year, month)
                found = bisect_left(days, first)
                if found < len(days):
                    return date(year, month, days[found]).toordinal() - _EPOCH_DAY
            year, month, first = (year, month + 1, 1) if month < len(_MONTHS) else (year + 1, 1, 1)
        return None

    def __str__(self) -> str:
        return self.text


class _Field(NamedTuple):
    """What one field says."""

    starred: bool
    numbers: frozenset[int]
    last: bool = False
    weekdays: frozenset[int] = frozenset()
    nth: frozenset[tuple[int, int]] = frozenset()

    @property
    def sorted(self) -> tuple[int, ...]:
        """The numbers, ascending."""
        return tuple(sorted(self.numbers))

    @classmethod
    def read(cls, kind: _Kind, text: str, start: int, line: str) -> _Field:
        """Read a field that begins at that offset of the line."""
        numbers: set[int] = set()
        nth: set[tuple[int, int]] = set()
        last = False
        for item in text.split(","):
            place = _Place(kind, item, start, line)
            if kind is _DAY and item.upper() == "L":
                last = True
            elif kind is _WEEKDAY and (found := _NTH.fullmatch(item)):
                nth.add((place.number(found["day"]) % _WEEK, int(found["nth"] or -1)))
            else:
                numbers.update(place.numbers())
            start += len(item) + 1
        weekdays = frozenset(number % _WEEK for number in numbers)
        return cls(text.startswith("*"), frozenset(numbers), last, weekdays, frozenset(nth))


_NTH: Final = re.compile(r"(?P<day>[a-z]{3}|[0-9])(?:#(?P<nth>[1-5])|L)", re.ASCII | re.IGNORECASE)


class _Place(NamedTuple):
    """One item of a list, and where it stands."""

    kind: _Kind
    item: str
    start: int
    line: str

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
            raise self._mistake(text, f"{text[:20] or 'nothing'} is not a {kind.name}", self._allowed)
        if not kind.least <= int(text) <= kind.most:
            raise self._mistake(text, f"{text} is not a {kind.name}", self._allowed)
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
            message = f"a step of {text} is more than a {self.kind.name} field has"
            raise self._mistake(text, message, 'for an interval of any length write every("90 min")')
        return int(text)

    @property
    def _allowed(self) -> str:
        names = f" or {self.kind.names[0]} … {self.kind.names[-1]}" if self.kind.names else ""
        return f"a {self.kind.name} is {self.kind.least} to {self.kind.most}{names}; also * , - / in between"

    def _mistake(self, part: str, message: str, hint: str) -> ConditionError:
        start = self.start + max(self.item.find(part), 0)
        return ConditionError(message, hint=hint, start=start, end=start + max(len(part), 1), about=self.line)


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
        hint = "minute hour day month weekday, as in 0 3 * * 1-5; or 6 fields with seconds before them"
        raise ConditionError(message, hint=hint, end=len(text), about=text)
    return words


def _nickname(name: str, text: str) -> list[tuple[str, int]]:
    line = _NICKNAMES.get(name.lower())
    if line is None:
        hints = {"@reboot": 'write on = "boot" in the task instead', "@every": 'write every("10 min") instead'}
        hint = hints.get(name.lower(), f"nicknames are {' '.join(_NICKNAMES)}")
        raise ConditionError(f"{name[:20]} is not a cron line", hint=hint, end=len(text), about=text)
    return [("0", 0), *((word, 0) for word in line.split())]


def _normal(text: str) -> str:
    """Spell a field the one way that it is compared by."""
    return re.sub(r"[a-z]+", _normal_name, text, flags=re.IGNORECASE)


def _normal_name(found: re.Match[str]) -> str:
    name = found[0].lower()
    if name[:-1] in (*_WEEKDAYS, "") and name[-1] == "l":
        return f"{name[:-1]}L"
    return name


_FIRST_YEAR: Final = 990
_LAST_YEAR: Final = 9010

_Clock = tuple[int, ...]


def _latest(allowed: tuple[_Clock, ...], wanted: _Clock) -> _Clock | None:
    """Tell the latest combination of allowed numbers that is not above the wanted one."""
    if not allowed:
        return ()
    numbers = allowed[0]
    found = bisect_right(numbers, wanted[0])
    if found and numbers[found - 1] == wanted[0]:
        rest = _latest(allowed[1:], wanted[1:])
        if rest is not None:
            return (wanted[0], *rest)
        found -= 1
    return (numbers[found - 1], *(one[-1] for one in allowed[1:])) if found else None


def _first(allowed: tuple[_Clock, ...], wanted: _Clock) -> _Clock | None:
    """Tell the first combination of allowed numbers that is not below the wanted one."""
    if not allowed:
        return ()
    numbers = allowed[0]
    found = bisect_left(numbers, wanted[0])
    if found < len(numbers) and numbers[found] == wanted[0]:
        rest = _first(allowed[1:], wanted[1:])
        if rest is not None:
            return (wanted[0], *rest)
        found += 1
    return (numbers[found], *(one[0] for one in allowed[1:])) if found < len(numbers) else None
