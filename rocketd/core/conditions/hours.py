"""Words whose period can be narrowed to some hours: `daily.after("10:00")`, `started.today.before("18:00")`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from rocketd.core.calendar.period import How, Period
from rocketd.core.errors import ConditionError

if TYPE_CHECKING:
    from rocketd.core.calendar.unit import Written


class Hours(ABC):
    """The methods that narrow a word to a part of its period; each makes a new condition of the same word."""

    __slots__ = ()

    @abstractmethod
    def narrowed(self, how: How, written: tuple[Written, ...]) -> Self:
        """Make this word with that period; raises ConditionError."""

    def between(self, start: Written, end: Written) -> Self:
        """Narrow it to the time from one mark to another, past the end of the unit if the second is earlier."""
        return self.narrowed("between", (start, end))

    def after(self, start: Written) -> Self:
        """Narrow it to the time from a mark to the end of the unit."""
        return self.narrowed("after", (start,))

    def before(self, end: Written) -> Self:
        """Narrow it to the time from the beginning of the unit to a mark."""
        return self.narrowed("before", (end,))

    def starting(self, start: Written) -> Self:
        """Begin the unit elsewhere: `daily.starting("06:00")` is 06:00 to 06:00."""
        return self.narrowed("starting", (start,))

    def at(self, *marks: Written, span: Written | None = None) -> Self:
        """Narrow it to the natural unit from each mark on: an hour of a day, a day of a week or a month.

        `span` is one more mark, by the name that it has in Rocketry.
        """
        if span is not None:
            marks = (*marks, span)
        if not marks:
            raise ConditionError("at needs a time")
        return self.narrowed("at", marks)

    on = at


def spell_hours(period: Period) -> str:
    """Spell how a period narrows its unit, as a method call; empty if it does not."""
    if period.how == "whole":
        return ""
    how = period.unit.on if period.how == "at" else period.how
    return f".{how}({', '.join(mark.text for mark in period.marks)})"


def narrow(period: Period, how: How, written: tuple[Written, ...]) -> Period:
    """Narrow a whole period; raises ConditionError if it is narrowed already."""
    if period.how != "whole":
        raise ConditionError(f"it is already narrowed to {spell_hours(period)[1:]}", hint="join two conditions with &")
    return Period.parse(period.unit, how, written)
