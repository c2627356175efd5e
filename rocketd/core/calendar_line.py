"""Calendar lines: systemd's OnCalendar, as `Mon..Fri *-*-1..7 08:00/30:00`.

Source: systemd.time(7), "Calendar Events". Every form of it is read: weekdays with ranges, dates with years, lists,
ranges, repetitions and days from the end of the month (`~`), times with fractions of seconds, shorthands, `UTC`.
As with cron lines, one whose hour or minute begins with `*` goes on in real time, any other is a fixed time of day
(ticks.py); systemd itself leaves out what a gap skips.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.errors import ConditionError
from rocketd.core.instant import SECOND, Duration
from rocketd.core.ticks import Pattern

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from rocketd.core.instant import Instant

_SHORTHANDS: Final = {
    "minutely": "*-*-* *:*:00",
    "hourly": "*-*-* *:00:00",
    "daily": "*-*-* 00:00:00",
    "weekly": "Mon *-*-* 00:00:00",
    "monthly": "*-*-01 00:00:00",
    "quarterly": "*-01,04,07,10-01 00:00:00",
    "semiannually": "*-01,07-01 00:00:00",
    "semi-annually": "*-01,07-01 00:00:00",
    "biannually": "*-01,07-01 00:00:00",
    "bi-annually": "*-01,07-01 00:00:00",
    "yearly": "*-01-01 00:00:00",
    "annually": "*-01-01 00:00:00",
    "anually": "*-01-01 00:00:00",
}

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HINT: Final = "as in Mon..Fri 03:00, *-*-01 12:00, *-02~01 or *:0/15"

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2199
"""As far as systemd looks."""
_MOST: Final = 10_000


class _Kind(NamedTuple):
    name: str
    least: int
    most: int
    """In units of `scale`."""
    scale: int = 1

    @property
    def one(self) -> str:
        """Its name with an article."""
        return f"{'an' if self.name == 'hour' else 'a'} {self.name}"


_YEAR: Final = _Kind("year", _FIRST_YEAR, _LAST_YEAR)
_MONTH: Final = _Kind("month", 1, 12)
_DAY: Final = _Kind("day of the month", 1, 31)
_HOUR: Final = _Kind("hour", 0, 23)
_MINUTE: Final = _Kind("minute", 0, 59)
_SECOND: Final = _Kind("second", 0, 60 * SECOND - 1, SECOND)


@dataclass(frozen=True, slots=True)
class _CalendarDays:
    """Which days match: weekdays from 0, Monday, and days of the month, perhaps from its end."""

    weekdays: frozenset[int]
    numbers: frozenset[int]
    from_end: bool

    def has(self, day: date) -> bool:
        number = monthrange(day.year, day.month)[1] - day.day + 1 if self.from_end else day.day
        return number in self.numbers and day.weekday() in self.weekdays

    def of(self, year: int, month: int) -> list[int]:
        first, length = monthrange(year, month)
        days = range(1, length + 1)
        return [
            day
            for day in days
            if (length - day + 1 if self.from_end else day) in self.numbers and (first + day - 1) % 7 in self.weekdays
        ]


@dataclass(frozen=True, slots=True)
class CalendarLine(Pattern):
    """The ticks of one calendar line. Equal to any other whose text is the same."""

    text: str
    """As written, with single blanks."""
    seconds: tuple[Duration, ...] = field(compare=False)
    minutes: tuple[int, ...] = field(compare=False)
    hours: tuple[int, ...] = field(compare=False)
    days: _CalendarDays = field(compare=False)
    months: tuple[int, ...] = field(compare=False)
    years: tuple[int, ...] = field(compare=False)
    fixed: bool = field(compare=False)
    utc: bool = field(compare=False)

    @classmethod
    @lru_cache(maxsize=4096)  # tasks share their lines
    def parse(cls, text: str) -> CalendarLine:
        """Read a calendar line; raises ConditionError with the offsets of the mistake in this text."""
        words = [(found[0], found.start()) for found in re.finditer(r"\S+", text)]
        parts = _Parts.of(words, text)
        line = cls(
            " ".join(word for word, _ in words),
            seconds=parts.second,
            minutes=parts.minute,
            hours=parts.hour,
            days=_CalendarDays(parts.weekdays, frozenset(parts.day), parts.from_end),
            months=parts.month,
            years=parts.year,
            fixed=not parts.starred,
            utc=parts.utc,
        )
        if not any(line.days.of(year, month) for year in line.years for month in line.months):
            message = f"{text.strip()} never happens: there is no such day"
            raise ConditionError(message, hint="check day, month and weekday", end=len(text), about=text)
        return line

    def newest(self, at: Instant, zone: tzinfo) -> Instant | None:
        return Pattern.newest(self, at, UTC if self.utc else zone)

    def next(self, after: Instant, zone: tzinfo) -> Instant | None:
        return Pattern.next(self, after, UTC if self.utc else zone)

    def __str__(self) -> str:
        return self.text


class _Parts(NamedTuple):
    """What a line allows, part by part."""

    weekdays: frozenset[int]
    year: tuple[int, ...]
    month: tuple[int, ...]
    day: tuple[int, ...]
    from_end: bool
    hour: tuple[int, ...]
    minute: tuple[int, ...]
    second: tuple[int, ...]
    starred: bool
    utc: bool

    @classmethod
    def of(cls, words: list[tuple[str, int]], line: str) -> _Parts:
        """Tell the words of a line apart: weekdays, date, time, zone; any of them may be missing."""
        words, utc = _without_zone(list(words), line)
        if len(words) == 1 and (shorthand := _SHORTHANDS.get(words[0][0].lower())):
            words = [(word, 0) for word in shorthand.split()]
        weekdays, dated, clock = frozenset(range(7)), ("*-*-*", 0), ("00:00:00", 0)
        if not words:
            raise ConditionError("a calendar line is missing", hint=_HINT, end=len(line), about=line)
        if words and words[0][0][0].isalpha():
            weekdays = _weekdays(*words.pop(0), line)
        if words and ":" not in words[0][0]:
            dated = words.pop(0)
        if words and ":" in words[0][0]:
            clock = words.pop(0)
        if words:
            raise _mistake(words[0][0], words[0][1], line, f"{words[0][0]} is not expected here")
        year, month, day, from_end = _date(*dated, line)
        hour, minute, second = _time(*clock, line)
        starred = clock[0].startswith("*") or clock[0].split(":")[1].startswith("*")
        return cls(weekdays, year, month, day, from_end, hour, minute, second, starred, utc)


def _without_zone(words: list[tuple[str, int]], line: str) -> tuple[list[tuple[str, int]], bool]:
    """Take a time zone off the end."""
    if not words:
        return words, False
    last, start = words[-1]
    if last.upper() == "UTC":
        return words[:-1], True
    if "/" in last and last[0].isalpha():
        hint = f'write timezone = "{last}" in the task: a line takes UTC or the zone of its task'
        raise _mistake(last, start, line, f"{last} cannot stand here", hint)
    return words, False


def _weekdays(text: str, start: int, line: str) -> frozenset[int]:
    """Read `Mon,Wed..Fri`; a hyphen is an old spelling of the two dots."""
    found: set[int] = set()
    for item in text.rstrip(",").split(","):
        first, dots, last = item.replace("-", "..").partition("..")
        begin = _weekday(first, start, line)
        end = _weekday(last, start, line) if dots else begin
        if begin > end:
            hint = f"write {first}..Sun,Mon..{last}"
            raise _mistake(item, start, line, f"{item} is a range that runs backwards", hint)
        found.update(range(begin, end + 1))
        start += len(item) + 1
    return frozenset(found)


def _weekday(name: str, start: int, line: str) -> int:
    for number, weekday in enumerate(_WEEKDAYS):
        if name.lower() in (weekday, weekday[:3]):
            return number
    raise _mistake(name, start, line, f"{name or 'nothing'} is not a day of the week", _HINT)


def _date(text: str, start: int, line: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], bool]:
    """Read `year-month-day`, or without the year; `~` before the day counts it from the end of the month."""
    match = re.fullmatch(r"(?:(?P<year>[^-~]+)-)?(?P<month>[^-~]+)(?P<sign>[-~])(?P<day>[^-~]+)", text)
    if not match:
        raise _mistake(text, start, line, f"{text} is neither a date nor a time", _HINT)
    year = _Chain(_YEAR, match["year"] or "*", start + max(match.start("year"), 0), line)
    month = _Chain(_MONTH, match["month"], start + match.start("month"), line)
    day = _Chain(_DAY, match["day"], start + match.start("day"), line)
    from_end = match["sign"] == "~"
    return year.numbers(), month.numbers(), day.numbers(down=from_end), from_end


def _time(text: str, start: int, line: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Read `hour:minute` or `hour:minute:second`."""
    words = text.split(":")
    if len(words) not in (2, 3):
        raise _mistake(text, start, line, f"{text} is not a time", _HINT)
    chains = []
    for kind, word in zip((_HOUR, _MINUTE, _SECOND), [*words, "0"][:3], strict=True):
        chains.append(_Chain(kind, word, start, line).numbers())
        start += len(word) + 1
    hour, minute, second = chains
    return hour, minute, second


_VALUE: Final = re.compile(
    r"(?P<start>[0-9]+(?:\.[0-9]+)?)(?:\.\.(?P<stop>[0-9]+(?:\.[0-9]+)?))?(?:/(?P<step>[0-9]+(?:\.[0-9]+)?))?",
    re.ASCII,
)


class _Chain(NamedTuple):
    """A list of values, ranges and repetitions."""

    kind: _Kind
    text: str
    start: int
    line: str

    def numbers(self, *, down: bool = False) -> tuple[int, ...]:
        """Tell every number it allows, ascending; `down`: they count from the end, so that repetitions go down."""
        kind = self.kind
        if self.text == "*":
            return tuple(range(kind.least, kind.most + 1, kind.scale))
        items = [self._item(item, down=down) for item in self.text.split(",")]
        if sum(map(len, items)) > _MOST:  # counted before they are made
            raise self._mistake(self.text, f"more than {_MOST} values are not read")
        return tuple(sorted({number for item in items for number in item}))

    def _item(self, item: str, *, down: bool) -> range | tuple[int, ...]:
        match = _VALUE.fullmatch(item)
        if not match:
            hint = f"write 0{item[1:]}" if item.startswith("*/") else _HINT
            raise self._mistake(item, f"{item or 'nothing'} is not {self.kind.one}", hint)
        first = self._number(match["start"])
        stop = self._number(match["stop"]) if match["stop"] else None
        step = self._scaled(match["step"]) if match["step"] else 0
        if stop is not None and stop < first:
            raise self._mistake(item, f"{item} is a range that runs backwards")
        if match["step"] and not self._fits(first, stop, step, down=down):
            raise self._mistake(item, f"a step of {match['step']} leads beyond what {self.kind.one} can be")
        if stop is None and not step:
            return (first,)
        if stop is None and down:
            return range(first, self.kind.least - 1, -step)
        return range(first, (self.kind.most if stop is None else stop) + 1, step or self.kind.scale)

    def _fits(self, first: int, stop: int | None, step: int, *, down: bool) -> bool:
        """Whether there is a second one; in a range systemd does not ask for it."""
        if stop is not None:
            return step > 0
        return step > 0 and (first - step >= self.kind.least if down else first + step <= self.kind.most)

    def _number(self, text: str) -> int:
        number = self._scaled(text)
        if self.kind is _YEAR and len(text) <= 2:  # noqa: PLR2004 - two digits: 1970 to 2069
            number += 2000 if number < 70 else 1900  # noqa: PLR2004 - as above
        if not self.kind.least <= number <= self.kind.most:
            raise self._mistake(text, f"{text} is not {self.kind.one}", self._allowed)
        return number

    def _scaled(self, text: str) -> int:
        whole, _, fraction = text.partition(".")
        if len(text) > 20 or (fraction and self.kind.scale == 1):  # noqa: PLR2004 - more digits than any value has
            raise self._mistake(text, f"{text[:20]} is not {self.kind.one}", self._allowed)
        rounded = (int(fraction[:7].ljust(7, "0")) + 5) // 10 if fraction else 0
        return int(whole) * self.kind.scale + rounded

    @property
    def _allowed(self) -> str:
        return f"{self.kind.one} is {self.kind.least} to {self.kind.most // self.kind.scale}"

    def _mistake(self, part: str, message: str, hint: str = _HINT) -> ConditionError:
        return _mistake(part, self.start + max(self.text.find(part), 0), self.line, message, hint)


def _mistake(part: str, start: int, line: str, message: str, hint: str = _HINT) -> ConditionError:
    return ConditionError(message, hint=hint, start=start, end=start + max(len(part), 1), about=line)
