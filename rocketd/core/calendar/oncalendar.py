"""Calendar lines: systemd's OnCalendar, as `Mon..Fri *-*-1..7 08:00/30:00`.

Source: systemd.time(7), "Calendar Events". Every form of it is read: weekdays with ranges, dates with years, lists,
ranges, repetitions and days from the end of the month (`~`), times with fractions of seconds, shorthands, time zones,
and `@` with the seconds since 1970.
As with cron lines, one whose hour or minute begins with `*` follows real time, any other is a fixed time of day
(ticks.py); systemd itself leaves out what a gap skips.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from rocketd.core.calendar.oncalendar_fields import DAYS, HINT, HOURS, MINUTES, MONTHS, SECONDS, YEARS, Chain, mistaken
from rocketd.core.calendar.ticks import Pattern
from rocketd.core.dataclass import dataclass, field
from rocketd.core.errors import ConditionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, tzinfo

    from rocketd.core.instant import Duration, Instant

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

_TIMES: Final = re.compile(r"[0-9]{1,2}:[0-9]{1,2}(?:,[0-9]{1,2}:[0-9]{1,2})+", re.ASCII)
_SINCE_1970: Final = re.compile(r"@[0-9]{1,10}", re.ASCII)

_Placed: TypeAlias = tuple[str, int]
"""A word, and where it begins."""

Zones: TypeAlias = "Callable[[str], tzinfo]"
"""Finds a time zone by its name, as whoever reads the line knows them; raises ConditionError."""


def no_zones(name: str) -> tzinfo:
    """Find only UTC, which needs no lookup."""
    raise ConditionError(f"the time zone {name} is not known here", hint="UTC is")


_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


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
    zone: tzinfo | None = field(compare=False)
    """Its own; None: that of the task."""

    @classmethod
    def parse(cls, text: str, zones: Zones = no_zones) -> CalendarLine:
        """Read a calendar line; raises ConditionError with the offsets of the mistake in this text."""
        return cls._of(text, _zone(_words(text), text, zones))

    @classmethod
    @lru_cache(maxsize=4096)  # tasks share their lines
    def _of(cls, text: str, zone: tzinfo | None) -> CalendarLine:
        """Read what stands before the zone."""
        words = _words(text)
        words = words if zone is None else words[:-1]
        if words and _SINCE_1970.fullmatch(words[-1][0]):
            zone = UTC
        parts = _Parts.of(list(words), text)
        line = cls(
            " ".join(word for word, _ in _words(text)),
            seconds=parts.second,
            minutes=parts.minute,
            hours=parts.hour,
            days=_CalendarDays(parts.weekdays, frozenset(parts.day), parts.from_end),
            months=parts.month,
            years=parts.year,
            fixed=not parts.starred,
            zone=zone,
        )
        if not any(line.days.of(year, month) for year in line.years for month in line.months):
            message = f"{text.strip()} never happens: there is no such day"
            raise ConditionError(message, hint="check day, month and weekday", end=len(text), about=text)
        return line

    def newest(self, at: Instant, zone: tzinfo) -> Instant | None:
        return Pattern.newest(self, at, self.zone or zone)

    def next(self, after: Instant, zone: tzinfo) -> Instant | None:
        return Pattern.next(self, after, self.zone or zone)

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

    @classmethod
    def of(cls, words: list[_Placed], line: str) -> _Parts:
        """Return the words of a line apart: weekdays, date, time; any of them may be missing."""
        if len(words) == 1 and (shorthand := _SHORTHANDS.get(words[0][0].lower())):
            words = [(word, 0) for word in shorthand.split()]
        if words and _SINCE_1970.fullmatch(words[-1][0]):
            words[-1:] = [(word, 0) for word in str(datetime.fromtimestamp(int(words[-1][0][1:]), UTC))[:19].split()]
        if advice := _advice([word for word, _ in words]):
            raise mistaken(words[0][0], words[0][1], line, *advice)
        weekdays, dated, clock = frozenset(range(7)), ("*-*-*", 0), ("00:00:00", 0)
        if not words:
            raise ConditionError("a calendar line is missing", hint=HINT, end=len(line), about=line)
        if words and words[0][0][0].isalpha():
            weekdays = _weekdays(*words.pop(0), line)
        if words and ":" not in words[0][0]:
            dated = words.pop(0)
        if words and ":" in words[0][0]:
            clock = words.pop(0)
        if words:
            raise mistaken(words[0][0], words[0][1], line, f"{words[0][0]} is not expected here")
        year, month, day, from_end = _date(*dated, line)
        hour, minute, second = _time(*clock, line)
        starred = clock[0].startswith("*") or clock[0].split(":")[1].startswith("*")
        return cls(weekdays, year, month, day, from_end, hour, minute, second, starred)


def _advice(words: list[str]) -> tuple[str, str] | None:
    """Return what is wrong with the first of several words, and what to write, if that is often written.

    * *-*-* 09:00    write *-*-* 09:00
    Mon, Fri 10:00   write Mon,Fri 10:00
    daily 10:00      write *-*-* 10:00
    """
    if len(words) < 2:  # noqa: PLR2004 - the first and another
        return None
    first, rest = words[0], " ".join(words[1:])
    shorthand, _, midnight = _SHORTHANDS.get(first.lower(), "").rpartition(" ")
    if first == "*":
        return "a day of the week is not *", f"leave it out: {rest}"
    if first.endswith(",") and words[1][0].isalpha():
        return "a list has no blanks", f"write {first}{rest}"
    if midnight == "00:00:00" and ":" in words[1]:
        return f"{first} has its own time of day", f"write {shorthand} {rest}"
    return None


def _words(text: str) -> list[_Placed]:
    return [(found[0], found.start()) for found in re.finditer(r"\S+", text)]


def _zone(words: list[_Placed], line: str, zones: Zones) -> tzinfo | None:
    """Find the time zone at the end: UTC, or what begins with a letter and is not the only word."""
    name, start = words[-1] if words else ("", 0)
    if name.upper() == "UTC":
        return UTC
    if len(words) < 2 or not name[0].isalpha() or any(name.lower().startswith(day[:3]) for day in _WEEKDAYS):  # noqa: PLR2004 - see above
        return None
    try:
        return zones(name)
    except ConditionError as error:
        raise mistaken(name, start, line, error.message, error.hint) from None


def _weekdays(text: str, start: int, line: str) -> frozenset[int]:
    """Read `Mon,Wed..Fri`; a hyphen is an old spelling of the two dots."""
    found: set[int] = set()
    for item in text.rstrip(",").split(","):
        first, dots, last = item.replace("-", "..").partition("..")
        begin = _weekday(first, start, line)
        end = _weekday(last, start, line) if dots else begin
        if begin > end:
            hint = f"write {first}..Sun,Mon..{last}"
            raise mistaken(item, start, line, f"{item} is a range that runs backwards", hint)
        found.update(range(begin, end + 1))
        start += len(item) + 1
    return frozenset(found)


def _weekday(name: str, start: int, line: str) -> int:
    for number, weekday in enumerate(_WEEKDAYS):
        if name.lower() in (weekday, weekday[:3]):
            return number
    raise mistaken(name, start, line, f"{name or 'nothing'} is not a day of the week", HINT)


def _date(text: str, start: int, line: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], bool]:
    """Read `year-month-day`, or without the year; `~` before the day counts it from the end of the month."""
    match = re.fullmatch(r"(?:(?P<year>[^-~]+)-)?(?P<month>[^-~]+)(?P<sign>[-~])(?P<day>[^-~]+)", text)
    if not match:
        raise mistaken(text, start, line, f"{text} is neither a date nor a time", HINT)
    year = Chain(YEARS, match["year"] or "*", start + max(match.start("year"), 0), line)
    month = Chain(MONTHS, match["month"], start + match.start("month"), line)
    day = Chain(DAYS, match["day"], start + match.start("day"), line)
    from_end = match["sign"] == "~"
    return year.numbers(), month.numbers(), day.numbers(down=from_end), from_end


def several_times(text: str) -> str:
    """Return what to write for several times of day, such as `10:00,12:00`; empty: they are not that.

    10:00,12:00    write 10,12:00
    10:00,12:30    write calendar("10:00") | calendar("12:30")
    """
    if not _TIMES.fullmatch(text):
        return ""
    times = [time.split(":") for time in text.split(",")]
    if len({minute for _, minute in times}) == 1:
        return f"write {','.join(hour for hour, _ in times)}:{times[0][1]}"
    lines = [f'calendar("{hour}:{minute}")' for hour, minute in times]
    return f"write {' | '.join(lines)}"


def _time(text: str, start: int, line: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Read `hour:minute` or `hour:minute:second`."""
    words = text.split(":")
    if len(words) not in (2, 3):
        raise mistaken(text, start, line, f"{text} is not a time", several_times(text) or HINT)
    chains = []
    for kind, word in zip((HOURS, MINUTES, SECONDS), [*words, "0"][:3], strict=True):
        chains.append(Chain(kind, word, start, line).numbers())
        start += len(word) + 1
    hour, minute, second = chains
    return hour, minute, second
