"""Numbers that conditions compare: how many times, how many runs."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, cast

from rocketd.core.errors import ConditionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocketd.core.model.condition import Condition

Comparison: TypeAlias = Literal["<", "<=", "==", "!=", ">=", ">"]

COMPARISONS: Final[dict[Comparison, Callable[[int, int], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}

_MOST: Final = 10**9


class Count(NamedTuple):
    """How a number is compared."""

    comparison: Comparison
    number: int

    def holds(self, number: int) -> bool:
        """Whether it holds for that number."""
        return COMPARISONS[self.comparison](number, self.number)

    def spell(self, word: str) -> str:
        """Return the comparison of a word, in brackets; without a comparison, the word alone."""
        return word if self == AT_LEAST_ONE else f"({word} {self.comparison} {self.number})"


AT_LEAST_ONE: Final = Count(">=", 1)


class CountableCondition(ABC):
    """A condition that a comparison with a number turns into another one of its kind."""

    __slots__ = ()

    @abstractmethod
    def counted(self, count: Count) -> Condition:
        """Return the condition with that comparison; raises ConditionError."""

    @property
    @abstractmethod
    def identity(self) -> tuple[object, ...]:
        """What makes it equal to another of its kind."""

    def compared(self, comparison: Comparison, number: int) -> Condition:
        """Compare its number; raises ConditionError. One that is compared already has to hold as well."""
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _MOST:
            raise ConditionError("a number to compare with is 0 or more", about=number)
        counted = self.counted(Count(comparison, number))
        was_compared = getattr(self, "count", AT_LEAST_ONE) is not AT_LEAST_ONE  # `is`: a written >= 1 is a bound, too
        return cast("Condition", self) & counted if was_compared else counted

    def __lt__(self, number: int) -> Condition:
        return self.compared("<", number)

    def __le__(self, number: int) -> Condition:
        return self.compared("<=", number)

    def __gt__(self, number: int) -> Condition:
        return self.compared(">", number)

    def __ge__(self, number: int) -> Condition:
        return self.compared(">=", number)

    def __eq__(self, other: object) -> bool | Condition:  # type: ignore[override] # a number makes a condition
        if isinstance(other, int):
            return self.compared("==", other)
        return type(other) is type(self) and isinstance(other, CountableCondition) and self.identity == other.identity

    def __ne__(self, other: object) -> bool | Condition:  # type: ignore[override] # a number makes a condition
        return self.compared("!=", other) if isinstance(other, int) else not self == other

    def __hash__(self) -> int:
        return hash((type(self), self.identity))
