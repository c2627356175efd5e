"""An index of tasks: in the order of a number, and of their names where that is the same; kept while that changes."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection
from typing import Final

Place = tuple[int, str]
"""Where a task is in an order."""

FEW: Final = 16
"""One task in so many may have another place for each of them to be moved alone: for more, all are sorted again."""


class TaskIndex:
    """The places of tasks. What has changed is put in order when somebody asks."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._places: list[Place] = []
        self._moved: dict[str, int | None] = {}
        """Tasks whose number has changed, with the one by which they are in `_places`; None: they are not there yet."""

    def clear(self) -> None:
        """Forget all tasks."""
        self._numbers.clear()
        self._places.clear()
        self._moved.clear()

    def put(self, task: str, number: int) -> None:
        """Give a task its number."""
        if (before := self._numbers.get(task)) != number:
            self._moved.setdefault(task, before)
            self._numbers[task] = number

    def number(self, task: str) -> int:
        """Return the number of a task; raises KeyError."""
        return self._numbers[task]

    def after(self, place: Place | None, wanted: Collection[str], limit: int) -> list[str]:
        """Return the first `limit` of the wanted tasks after that place, or from the beginning."""
        if len(wanted) * FEW < len(self._numbers):
            places = sorted((self._numbers[task], task) for task in wanted)
            begin = bisect_right(places, place) if place else 0
            return [task for _, task in places[begin : begin + limit]]
        self._sort()
        found: list[str] = []
        for index in range(bisect_right(self._places, place) if place else 0, len(self._places)):
            task = self._places[index][1]
            if task in wanted:
                found.append(task)
                if len(found) == limit:
                    break
        return found

    def _sort(self) -> None:
        if len(self._moved) * FEW > len(self._numbers):
            self._places = sorted((number, task) for task, number in self._numbers.items())
        else:
            for task, before in self._moved.items():
                if before is not None:
                    del self._places[bisect_left(self._places, (before, task))]
                insort(self._places, (self._numbers[task], task))
        self._moved.clear()
