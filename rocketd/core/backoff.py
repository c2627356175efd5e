"""Exponential backoff: pauses between tries that get longer with each failure."""

from typing import Generic, TypeVar

from rocketd.core.dataclass import dataclass

N = TypeVar("N", int, float)


@dataclass(frozen=True)  # no slots: in Python 3.11 a generic class with both cannot be made as Backoff[N](…)
class Backoff(Generic[N]):
    """Each pause is twice the last, from `first` to `longest`; both in the unit of the caller.

    Backoff(1, 30): 1, 2, 4, 8, 16, 30, 30 …
    """

    first: N
    longest: N

    def after(self, pause: N) -> N:
        """Return the pause that follows this one; after 0, the first."""
        return min(2 * pause or self.first, self.longest)
