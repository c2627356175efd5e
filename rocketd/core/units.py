"""Units of the calendar, from the second to the year, and the points in them that conditions name.

A unit divides wall time into numbered cycles. A mark is a point in every cycle: `10:00` of a day, `Mon` of a week,
the `last` of a month. A mark that names a whole unit (a day, a month, an hour as a number) covers it when it is an
end; one that is a clock time is the point itself.
"""

import re
from abc import ABC, abstractmethod
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from rocketd.core.errors import ConditionError
from rocketd.core.instant import DAY, HOUR, MILLISECOND, MINUTE, SECOND, WEEK, Duration
from rocketd.core.wall import Wall

Written: TypeAlias = str | int
"""How a user writes a mark."""

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_FIRST_MONDAY: Final[Wall] = 4 * DAY

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONG_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONG_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_MONTH_LENGTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in each cycle of a unit."""

    text: str
    """Its normal form, quotes included."""
    clock: Duration
    """From the beginning of its day; of its unit, if that is shorter."""
    day: int = 1
    """In a week from 1, Monday; in a month from 1, or from its end from -1; 0: the whole month."""
    month: int = 1
    length: Duration = 0
    """How long `at` it is; 0: the whole month."""
    whole: bool = False
    """Whether it names a unit: as an end, it then covers it."""


class Unit(ABC):
    """Divides wall time into cycles."""

    name: str
    adverb: str
    on: str = "at"
    """How the normal form spells being at a mark: `daily.at`, `weekly.on`."""
    flows: bool = False
    """Whether its cycles go on in real time when the clock is set."""
    allowed: str
    """Marks that it knows, for hints."""
    longest: Duration
    """No cycle is longer."""
    rank_floor: int = 0
    """The rank of the cycle's own beginning."""

    @abstractmethod
    def cycle(self, wall: Wall) -> int:
        """Tell the number of the cycle around a wall time."""

    @abstractmethod
    def start(self, cycle: int) -> Wall:
        """Tell when that cycle begins."""

    @abstractmethod
    def mark(self, written: Written, *, end: bool = False) -> Mark:
        """Read a mark; raises ConditionError. Only an end may be the end of the whole cycle, such as 24:00."""

    @abstractmethod
    def rank(self, mark: Mark) -> int:
        """Order the marks of one cycle."""

    @abstractmethod
    def rank_end(self, mark: Mark) -> int:
        """Order the marks of one cycle as ends."""

    @abstractmethod
    def place(self, mark: Mark, cycle: int) -> Wall:
        """Tell where the mark is; in a cycle that lacks it, the end of the month that lacks it."""

    @abstractmethod
    def end(self, mark: Mark, cycle: int) -> Wall:
        """Tell where the mark is as an end."""

    @abstractmethod
    def has(self, mark: Mark, cycle: int) -> bool:
        """Whether this cycle has that mark at all."""

    def length(self, mark: Mark, cycle: int) -> Duration:
        """Tell how long it is `at` that mark."""
        return mark.length or self.end(mark, cycle) - self.place(mark, cycle)

    def __str__(self) -> str:
        return self.name


class _Fixed(Unit):
    """A unit whose cycles are all of the same length on the wall clock."""

    size: Duration
    first: Wall = 0
    step: Duration
    """How long a mark given as a number is."""

    def __init__(self) -> None:
        self.longest = self.size

    def cycle(self, wall: Wall) -> int:
        return (wall - self.first) // self.size

    def start(self, cycle: int) -> Wall:
        return cycle * self.size + self.first

    def rank(self, mark: Mark) -> int:
        return (mark.day - 1) * DAY + mark.clock

    def rank_end(self, mark: Mark) -> int:
        return self.rank(mark) + (mark.length if mark.whole else 0)

    def place(self, mark: Mark, cycle: int) -> Wall:
        return self.start(cycle) + self.rank(mark)

    def end(self, mark: Mark, cycle: int) -> Wall:
        return self.start(cycle) + self.rank_end(mark)

    def has(self, mark: Mark, cycle: int) -> bool:  # noqa: ARG002 - every cycle has all
        return True

    def mark(self, written: Written, *, end: bool = False) -> Mark:
        if isinstance(written, str):
            mark = self.read(written)
        else:
            mark = self.numbered(_number(written, 0, self.size // self.step - 1, self))
        if self.rank(mark) > self.size or (self.rank(mark) == self.size and not end):
            raise _mistake(self, written, f"{_quoted(written)} is beyond the {self.name}")
        return mark

    def numbered(self, number: int) -> Mark:
        """Make the mark of a number: a whole step."""
        return Mark(str(number), number * self.step, length=self.step, whole=True)

    def read(self, text: str) -> Mark:
        """Make the mark of a text: a point in time."""
        clock = self.clock(text)
        return Mark(_quoted(self.spell(clock)), clock, length=self.step)

    def clock(self, text: str) -> Duration:
        """Read a clock time of this unit."""
        raise _mistake(self, text, f"{_quoted(text)} is not a time of a {self.name}")

    def spell(self, clock: Duration) -> str:
        """Spell a clock time of this unit."""
        return str(clock)


_FRACTION: Final = r"(?:\.(?P<fraction>[0-9]{1,6}))?"


def _fraction(found: re.Match[str]) -> Duration:
    return int((found["fraction"] or "0").ljust(6, "0"))


def _spell_fraction(clock: Duration) -> str:
    return f".{clock % SECOND:06d}".rstrip("0") if clock % SECOND else ""


class _Second(_Fixed):
    name, adverb, flows = "second", "secondly", True
    size, step = SECOND, MILLISECOND
    allowed = 'milliseconds from 0 to 999, as numbers or as text, "500" or "0.5"'

    def clock(self, text: str) -> Duration:
        found = re.fullmatch(r"(?P<millisecond>[0-9]{1,4})|0?" + _FRACTION, text.strip(), re.ASCII)
        if not found or not found[0]:
            return super().clock(text)
        return int(found["millisecond"]) * MILLISECOND if found["millisecond"] else _fraction(found)

    def spell(self, clock: Duration) -> str:
        return str(clock // MILLISECOND) if clock % MILLISECOND == 0 else f"0{_spell_fraction(clock)}"


class _Minute(_Fixed):
    name, adverb, flows = "minute", "minutely", True
    size, step = MINUTE, SECOND
    allowed = 'seconds from 0 to 59, as numbers or as text, "30" or "30.5"'

    def clock(self, text: str) -> Duration:
        found = re.fullmatch(r"(?P<second>[0-9]{1,2})" + _FRACTION, text.strip(), re.ASCII)
        return int(found["second"]) * SECOND + _fraction(found) if found else super().clock(text)

    def spell(self, clock: Duration) -> str:
        return f"{clock // SECOND:02d}{_spell_fraction(clock)}"


class _Hour(_Fixed):
    name, adverb, flows = "hour", "hourly", True
    size, step = HOUR, MINUTE
    allowed = 'minutes from 0 to 59, as numbers or as text with their seconds, "15:00"'

    def clock(self, text: str) -> Duration:
        found = re.fullmatch(r"(?P<minute>[0-9]{1,2}):(?P<second>[0-5][0-9])" + _FRACTION, text.strip(), re.ASCII)
        if found:
            return int(found["minute"]) * MINUTE + int(found["second"]) * SECOND + _fraction(found)
        if re.fullmatch("[0-9]{1,2}", text.strip(), re.ASCII):
            hint = f'write minutes and seconds, "{int(text):02d}:00"'
            raise _mistake(self, text, f"{_quoted(text)} is not a time of an hour", hint)
        return super().clock(text)

    def spell(self, clock: Duration) -> str:
        return f"{clock // MINUTE:02d}:{clock % MINUTE // SECOND:02d}{_spell_fraction(clock)}"


class _Day(_Fixed):
    name, adverb = "day", "daily"
    size, step = DAY, HOUR
    allowed = 'a time of day, "10:00" or "22:30:15", or an hour as a number from 0 to 23'

    def clock(self, text: str) -> Duration:
        clock = _time_of_day(text)
        if clock is not None:
            return clock
        if re.fullmatch("[0-9]{1,2}", text.strip(), re.ASCII):
            raise _mistake(self, text, f"{_quoted(text)} is not a time of day", f'write "{int(text):02d}:00"')
        raise _mistake(self, text, f"{_quoted(text)} is not a time of day")

    def spell(self, clock: Duration) -> str:
        return _spell_time(clock)


class _Week(_Fixed):
    name, adverb, on = "week", "weekly", "on"
    size, step, first = WEEK, DAY, _FIRST_MONDAY
    allowed = 'a day, "Mon" or "Monday", with a time, "Mon 10:00", or as a number from 1 (Monday) to 7'

    def mark(self, written: Written, *, end: bool = False) -> Mark:
        if isinstance(written, str):
            return self._named(written, end=end)
        return self._named(_WEEKDAYS[_number(written, 1, 7, self) - 1], end=end)

    def _named(self, text: str, *, end: bool) -> Mark:
        name, _, rest = text.strip().partition(" ")
        day = _name(name, _WEEKDAYS, _LONG_WEEKDAYS)
        if day is None:
            raise _mistake(self, text, f"{_quoted(name)} is not a day of the week", word=name)
        clock = _clock_after(self, text, rest, end=end)
        spelled = _WEEKDAYS[day - 1] + ("" if clock is None else f" {_spell_time(clock)}")
        return Mark(_quoted(spelled), clock or 0, day, length=DAY, whole=clock is None)


class _Month(Unit):
    name, adverb, on = "month", "monthly", "on"
    longest = 31 * DAY
    allowed = 'a day from 1 to 31, or from the end "last", "-1" … "-31", with a time, "5 10:00"'

    def cycle(self, wall: Wall) -> int:
        day = date.fromordinal(wall // DAY + _EPOCH_DAY)
        return day.year * 12 + day.month - 1

    def start(self, cycle: int) -> Wall:
        return (date(cycle // 12, cycle % 12 + 1, 1).toordinal() - _EPOCH_DAY) * DAY

    def mark(self, written: Written, *, end: bool = False) -> Mark:
        if not isinstance(written, str):
            return self._made(_day_number(self, written, written), None)
        name, _, rest = written.strip().partition(" ")
        return self._made(_day(self, written, name), _clock_after(self, written, rest, end=end))

    def _made(self, day: int, clock: Duration | None) -> Mark:
        if clock is None:
            return Mark(str(day), 0, day, length=DAY, whole=True)
        return Mark(_quoted(f"{day} {_spell_time(clock)}"), clock, day, length=DAY)

    def rank(self, mark: Mark) -> int:
        return (mark.day - 1 if mark.day > 0 else 100 + mark.day) * DAY + mark.clock

    def rank_end(self, mark: Mark) -> int:
        return self.rank(mark) + (DAY if mark.whole else 0)

    def has(self, mark: Mark, cycle: int) -> bool:
        return abs(mark.day) <= self._days(cycle)

    def place(self, mark: Mark, cycle: int) -> Wall:
        if not self.has(mark, cycle):
            return self.start(cycle + 1) if mark.day > 0 else self.start(cycle)
        day = mark.day - 1 if mark.day > 0 else self._days(cycle) + mark.day
        return self.start(cycle) + day * DAY + mark.clock

    def end(self, mark: Mark, cycle: int) -> Wall:
        covers = mark.whole and self.has(mark, cycle)
        return self.place(mark, cycle) + (DAY if covers else 0)

    def _days(self, cycle: int) -> int:
        return monthrange(cycle // 12, cycle % 12 + 1)[1]


class _Year(Unit):
    name, adverb, on = "year", "yearly", "on"
    longest = 366 * DAY
    rank_floor = 1000 * DAY
    allowed = 'a month, "Jan" or "January", with a day and a time, "Dec 24 18:00", or as a number from 1 to 12'

    def cycle(self, wall: Wall) -> int:
        return date.fromordinal(wall // DAY + _EPOCH_DAY).year

    def start(self, cycle: int) -> Wall:
        return (date(cycle, 1, 1).toordinal() - _EPOCH_DAY) * DAY

    def mark(self, written: Written, *, end: bool = False) -> Mark:
        text = written if isinstance(written, str) else _MONTHS[_number(written, 1, 12, self) - 1]
        name, _, rest = text.strip().partition(" ")
        month = _name(name, _MONTHS, _LONG_MONTHS)
        if month is None:
            raise _mistake(self, text, f"{_quoted(name)} is not a month", word=name)
        if not rest.strip():
            return Mark(_quoted(_MONTHS[month - 1]), 0, 0, month, whole=True)
        name, _, rest = rest.strip().partition(" ")
        return self._dated(text, month, _day(self, text, name), _clock_after(self, text, rest, end=end))

    def _dated(self, text: str, month: int, day: int, clock: Duration | None) -> Mark:
        longest = _MONTH_LENGTHS[month - 1]
        if abs(day) > longest:
            raise _mistake(self, text, f"{_MONTHS[month - 1]} has no day {day}", f"it has {longest} days at most")
        spelled = f"{_MONTHS[month - 1]} {day}" + ("" if clock is None else f" {_spell_time(clock)}")
        return Mark(_quoted(spelled), clock or 0, day, month, length=DAY, whole=clock is None)

    def rank(self, mark: Mark) -> int:
        return mark.month * 1000 * DAY + (MONTH.rank(mark) if mark.day else 0)

    def rank_end(self, mark: Mark) -> int:
        if not mark.day:
            return (mark.month + 1) * 1000 * DAY
        return mark.month * 1000 * DAY + MONTH.rank_end(mark)

    def has(self, mark: Mark, cycle: int) -> bool:
        return MONTH.has(mark, _month(mark, cycle))

    def place(self, mark: Mark, cycle: int) -> Wall:
        month = _month(mark, cycle)
        return MONTH.place(mark, month) if mark.day else MONTH.start(month)

    def end(self, mark: Mark, cycle: int) -> Wall:
        month = _month(mark, cycle)
        return MONTH.end(mark, month) if mark.day else MONTH.start(month + 1)


def _month(mark: Mark, year: int) -> int:
    return year * 12 + mark.month - 1


def _mistake(unit: Unit, written: Written, message: str, hint: str = "", *, word: str = "") -> ConditionError:
    """Say what is wrong; `word` is the part at fault, if it is not all of it."""
    size = len(written) if isinstance(written, str) else 0
    start = written.rfind(word) if word and isinstance(written, str) else 0
    end = start + len(word) if word else size
    return ConditionError(message, hint=hint or f"allowed here: {unit.allowed}", start=start, end=end, about=written)


def _quoted(written: Written) -> str:
    return f'"{written[:40]}"' if isinstance(written, str) else str(written)


def _number(number: int, least: int, most: int, unit: Unit) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise _mistake(unit, number, f"{str(number)[:40]} is not from {least} to {most}")
    return number


def _name(name: str, short: tuple[str, ...], long: tuple[str, ...]) -> int | None:
    wanted = name.lower()
    for number, (one, other) in enumerate(zip(short, long, strict=True), 1):
        if wanted in (one.lower(), other):
            return number
    return None


_DAY: Final = re.compile(r"(?P<number>-?[0-9]{1,2})(?:st|nd|rd|th|\.)?", re.ASCII | re.IGNORECASE)


def _day(unit: Unit, text: str, name: str) -> int:
    """Read a day of the month: `5`, `5th`, `-1`, `last`."""
    if name.lower() == "last":
        return -1
    found = _DAY.fullmatch(name)
    if not found:
        raise _mistake(unit, text, f"{_quoted(name)} is not a day of the month", word=name)
    return _day_number(unit, text, int(found["number"]))


def _day_number(unit: Unit, written: Written, number: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= abs(number) <= 31:  # noqa: PLR2004 - the longest month
        message = f"{str(number)[:40]} is not a day of the month"
        raise _mistake(unit, written, message, 'days are 1 to 31, or from the end "last", "-1" … "-31"')
    return number


def _clock_after(unit: Unit, text: str, rest: str, *, end: bool) -> Duration | None:
    """Read the time of day that may follow a day."""
    if not rest.strip():
        return None
    clock = _time_of_day(rest)
    if clock is None or (clock == DAY and not end):
        hint = 'write a time of day after the day, "10:00"'
        raise _mistake(unit, text, f"{_quoted(rest.strip())} is not a time of day", hint, word=rest.strip())
    return clock


_TIME: Final = re.compile(
    rf"(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]){_FRACTION})?(?:\s*(?P<half>[ap]m))?",
    re.ASCII | re.IGNORECASE,
)
_HALF: Final = re.compile(r"(?P<hour>[0-9]{1,2})\s*(?P<half>[ap]m)", re.ASCII | re.IGNORECASE)
_NOON: Final = 12


def _time_of_day(text: str) -> Duration | None:
    """Read `10:00`, `10:00:15.5`, `10 am`, `10:30 pm`, `24:00`."""
    if found := _HALF.fullmatch(text.strip()):
        return _half_day(int(found["hour"]), found["half"], 0)
    found = _TIME.fullmatch(text.strip())
    if not found:
        return None
    rest = int(found["minute"]) * MINUTE + int(found["second"] or 0) * SECOND + _fraction(found)
    if found["half"]:
        return _half_day(int(found["hour"]), found["half"], rest)
    clock = int(found["hour"]) * HOUR + rest
    return clock if clock <= DAY else None


def _half_day(hour: int, half: str, rest: Duration) -> Duration | None:
    if not 1 <= hour <= _NOON:
        return None
    return (hour % _NOON + (_NOON if half.lower() == "pm" else 0)) * HOUR + rest


def _spell_time(clock: Duration) -> str:
    text = f"{clock // HOUR:02d}:{clock % HOUR // MINUTE:02d}"
    if clock % MINUTE:
        text += f":{clock % MINUTE // SECOND:02d}{_spell_fraction(clock)}"
    return text


SECOND_UNIT: Final = _Second()
MINUTE_UNIT: Final = _Minute()
HOUR_UNIT: Final = _Hour()
DAY_UNIT: Final = _Day()
WEEK_UNIT: Final = _Week()
MONTH: Final = _Month()
YEAR: Final = _Year()

UNITS: Final[tuple[Unit, ...]] = (SECOND_UNIT, MINUTE_UNIT, HOUR_UNIT, DAY_UNIT, WEEK_UNIT, MONTH, YEAR)
"""From the shortest to the longest."""
