"""A word of the condition language: its name, its arguments, and what may follow it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, cast

from rocketd.core.conditions.work_days import WorkdaysOf
from rocketd.core.dataclass import dataclass
from rocketd.core.model.condition import Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rocketd.core.calendar.oncalendar import Zones
    from rocketd.core.language.parsed_argument import ParsedArgument


class ArgumentKind(Enum):
    """The kinds of arguments, as errors name them."""

    MARK = "a time in quotes, or a number"
    DURATION = 'a duration in quotes, such as "10 min"'
    CRON = 'a cron line in quotes, such as "0 3 * * 1-5"'
    CALENDAR = 'a calendar line in quotes, such as "Mon..Fri 03:00"'
    CYCLE = 'a cycle length in quotes, such as "2 weeks"'
    DATE = 'a date in quotes, such as "2026-12-03"'
    WALL = 'a date in quotes, perhaps with a time, such as "2026-12-01 09:00"'
    WEEK = '"even", "odd", or the number of a week'
    CALENDAR_NAME = 'the name of a calendar in quotes, such as "nyse"'
    WORKDAY = "the number of a working day"
    ROLL = '"before", "after" or "nearest"'
    TASK = "the name of a task in quotes"
    COUNT = "a whole number"
    NUMBER = "a number"
    CHOICE = "a text in quotes"
    PATH = "a path from / in quotes"
    UNIT = 'the name of a unit in quotes, such as "postgresql.service"'
    COMMAND = 'a command line for /bin/sh in quotes, such as "pg_isready -q"'
    VARIABLE = "the name of a variable in quotes"

    @property
    def types(self) -> tuple[type, ...]:
        """The types it may have."""
        if self in (ArgumentKind.MARK, ArgumentKind.WEEK, ArgumentKind.WORKDAY):
            return (str, int)
        if self is ArgumentKind.COUNT:
            return (int,)
        return (int, float) if self is ArgumentKind.NUMBER else (str,)


@dataclass(frozen=True, slots=True)
class WordArgument:
    """One argument of a word."""

    name: str
    kind: ArgumentKind
    required: bool = True
    many: bool = False
    by_name: bool = False
    """Whether it must be given by name."""


ConditionFactory: TypeAlias = Callable[..., Condition]
Unfinished: TypeAlias = WorkdaysOf
"""What is no condition before a name follows it."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or a name that may follow one after a dot."""

    name: str
    about: str
    """One sentence for the reference page."""
    example: str
    value: Condition | ConditionFactory | Unfinished | None = None
    """Its condition, or a function from its arguments to one; None: it is an attribute of the word before."""
    arguments: tuple[WordArgument, ...] | None = None
    """None: it takes no brackets."""
    follows: tuple[Word, ...] = ()
    phrase: str = ""
    """An example of its other spelling, in text only; it means the same as the example."""

    for_several: str = ""
    """The hint for several values where it takes one."""

    @property
    def bare(self) -> bool:
        """Whether it may stand without brackets."""
        return self.arguments is None or isinstance(self.value, Condition) or self.must_go_on

    @property
    def must_go_on(self) -> bool:
        """Whether it is no condition before a name that follows: `workday_of_month.on(1)`."""
        return self.value is not None and not isinstance(self.value, Condition) and bool(self.follows)

    def build(
        self,
        value: Condition | ConditionFactory | Unfinished | None,
        given: Sequence[ParsedArgument] | None,
        zones: Zones | None = None,
    ) -> Condition:
        """Build the condition, from the word's value or from what it follows; raises ConditionError."""
        if self.value is None:
            value = getattr(value, self.name)
        if given is None:
            return cast("Condition", value)
        places = [one.value for one in given if not one.name]
        names: dict[str, object] = {one.name: one.value for one in given if one.name}
        if zones is not None and any(argument.kind is ArgumentKind.CALENDAR for argument in self.arguments or ()):
            names["zones"] = zones
        return cast("ConditionFactory", value)(*places, **names)
