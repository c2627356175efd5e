"""Units whose cycles are all of one length on the wall clock: seconds, minutes, hours, days."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TYPE_CHECKING

from rocketd.core.calendar.period_marks import (
    FRACTION,
    fraction,
    mistake,
    number,
    quoted,
    spell_fraction,
    spell_time,
    time_of_day,
)
from rocketd.core.calendar.unit import Mark, Unit, Written
from rocketd.core.instant import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Duration

if TYPE_CHECKING:
    from rocketd.core.calendar.wall_clock import Wall
    from rocketd.core.errors import ConditionError


class Fixed(Unit):
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


class _Clock(Fixed):
    """A unit whose marks are clock times, or numbers of its steps."""

    takes_fractions = False
    """Whether a number of its steps may be a float, which is a point in time and not a whole step."""

    def mark(self, written: Written, *, end: bool = False) -> Mark:
        if isinstance(written, str):
            mark = self.read(written)
        elif isinstance(written, float) and self.takes_fractions and 0 <= written < self.size / self.step:
            mark = self.point(round(written * self.step))
        else:
            mark = self.numbered(number(written, 0, self.size // self.step - 1, self))
        if self.rank(mark) > self.size or (self.rank(mark) == self.size and not end):
            error = mistake(self, written, f"{quoted(written)} is beyond the {self.name}")
            if self.rank(mark) == self.size:
                error.hint = f"the {self.name} begins at {self.point(0).text}"
            raise error
        return mark

    def numbered(self, number: int) -> Mark:
        """Make the mark of a number: a whole step."""
        return Mark(str(number), number * self.step, length=self.step, whole=True)

    def read(self, text: str) -> Mark:
        """Make the mark of a text: a point in time."""
        return self.point(self.clock(text))

    def point(self, clock: Duration) -> Mark:
        """Make the mark of a point in time."""
        return Mark(quoted(self.spell(clock)), clock, length=self.step)

    @abstractmethod
    def clock(self, text: str) -> Duration:
        """Read a clock time of this unit; raises ConditionError."""

    @abstractmethod
    def spell(self, clock: Duration) -> str:
        """Spell a clock time of this unit."""

    def _no_time(self, text: str) -> ConditionError:
        return mistake(self, text, f"{quoted(text)} is not a time of the {self.name}")


class Second(_Clock):
    name, adverb, flows = "second", "secondly", True
    size, step, takes_fractions = SECOND, MILLISECOND, True
    allowed = 'milliseconds from 0 to 999, as numbers or as text, "500" or "0.5"'

    def clock(self, text: str) -> Duration:
        found = re.fullmatch(r"(?P<millisecond>[0-9]{1,4})|0?" + FRACTION, text.strip(), re.ASCII)
        if not found or not found[0]:
            raise self._no_time(text)
        return int(found["millisecond"]) * MILLISECOND if found["millisecond"] else fraction(found)

    def spell(self, clock: Duration) -> str:
        return str(clock // MILLISECOND) if clock % MILLISECOND == 0 else f"0{spell_fraction(clock)}"


class Minute(_Clock):
    name, adverb, flows = "minute", "minutely", True
    size, step, takes_fractions = MINUTE, SECOND, True
    allowed = 'seconds from 0 to 59, as numbers or as text, "30" or "30.5"'

    def clock(self, text: str) -> Duration:
        found = re.fullmatch(r"(?P<second>[0-9]{1,2})" + FRACTION, text.strip(), re.ASCII)
        if not found:
            raise self._no_time(text)
        return int(found["second"]) * SECOND + fraction(found)

    def spell(self, clock: Duration) -> str:
        return f"{clock // SECOND:02d}{spell_fraction(clock)}"


class Hour(_Clock):
    name, adverb, flows = "hour", "hourly", True
    size, step = HOUR, MINUTE
    allowed = 'minutes from 0 to 59, as numbers or as text with their seconds, "15:00"'

    def clock(self, text: str) -> Duration:
        found = re.fullmatch(r"(?P<minute>[0-9]{1,2}):(?P<second>[0-5][0-9])" + FRACTION, text.strip(), re.ASCII)
        if found:
            return int(found["minute"]) * MINUTE + int(found["second"]) * SECOND + fraction(found)
        if re.fullmatch("[0-9]{1,2}", text.strip(), re.ASCII):
            hint = f'write minutes and seconds, "{int(text):02d}:00"'
            raise mistake(self, text, f"{quoted(text)} is not a time of the hour", hint)
        raise self._no_time(text)

    def spell(self, clock: Duration) -> str:
        return f"{clock // MINUTE:02d}:{clock % MINUTE // SECOND:02d}{spell_fraction(clock)}"


class Day(_Clock):
    name, adverb = "day", "daily"
    size, step = DAY, HOUR
    allowed = 'a time of day, "10:00" or "22:30:15", or an hour as a number from 0 to 23'

    def clock(self, text: str) -> Duration:
        clock = time_of_day(text)
        if clock is not None:
            return clock
        if re.fullmatch("[0-9]{1,2}", text.strip(), re.ASCII):
            raise mistake(self, text, f"{quoted(text)} is not a time of day", f'write "{int(text):02d}:00"')
        raise mistake(self, text, f"{quoted(text)} is not a time of day")

    def spell(self, clock: Duration) -> str:
        return spell_time(clock)
