"""Units of the calendar, and the points in them that conditions name.

A unit divides wall time into numbered cycles. A mark is a point in every cycle: `10:00` of a day, `Mon` of a week,
the `last` of a month. A mark that names a whole unit (a day, a month, an hour as a number) covers it when it is an
end; one that is a clock time is the point itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeAlias

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import Duration

if TYPE_CHECKING:
    from rocketd.core.calendar.wall_clock import Wall

Written: TypeAlias = str | float
"""How a user writes a mark."""


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
    or_last: bool = False
    """Whether it is the last day of a month, or quarter, that lacks its day."""


class Unit(ABC):
    """Divides wall time into cycles."""

    name: str
    adverb: str
    on: str = "at"
    """How the normal form spells being at a mark: `daily.at`, `weekly.on`."""
    flows: bool = False
    """Whether its cycles follow real time when the clock is set."""
    allowed: str
    """The allowed marks, for hints."""
    longest: Duration
    """No cycle is longer."""
    rank_floor: int = 0
    """The rank of the cycle's own beginning."""

    @abstractmethod
    def cycle(self, wall: Wall) -> int:
        """Return the number of the cycle around a wall time."""

    @abstractmethod
    def start(self, cycle: int) -> Wall:
        """Return when that cycle begins."""

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
        """Return where the mark is; in a cycle that lacks it, the end of the month that lacks it."""

    @abstractmethod
    def end(self, mark: Mark, cycle: int) -> Wall:
        """Return where the mark is as an end."""

    @abstractmethod
    def has(self, mark: Mark, cycle: int) -> bool:
        """Whether this cycle has that mark at all."""

    def length(self, mark: Mark, cycle: int) -> Duration:
        """Return how long it is `at` that mark."""
        return mark.length or self.end(mark, cycle) - self.place(mark, cycle)

    def __str__(self) -> str:
        return self.name
