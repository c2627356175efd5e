"""What waits to be told while the other side does not listen: bounded, and what does not fit is counted.

A task that floods must not push out the entries that say what happened.
So lines of output may fill half of it only, and once one has been left out the others are too, until all that
waits has been told: one gap with one count, at the place where it is. It is crowded long before that, and whoever reads
what tasks print had better wait.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

Formed: TypeAlias = Sequence[str | bytes]
"""An entry in the form in which it is told: the fields of journald, the line of a terminal."""

SIZE: Final = 8 * 1024 * 1024
"""Characters that may wait."""

OVERHEAD: Final = 100
"""What a part of an entry costs beside its characters."""


class Backlog:
    """Entries in the order in which they came."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._waiting: deque[Formed] = deque()
        self._taken = 0
        self.left_out = 0
        """Entries that did not fit, since this was last set to 0."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def owes(self) -> bool:
        """Whether anything is still to be told, be it only how many were left out."""
        return bool(self._waiting or self.left_out)

    @property
    def crowded(self) -> bool:
        """Whether so much waits that no more output should come."""
        return self._taken > self._size // 8

    def keep(self, formed: Formed, *, is_output: bool) -> bool:
        """Keep it for later, or count it as left out; whether it is kept."""
        cost = _cost(formed)
        room = self._size // 2 if is_output else self._size
        if self._taken + cost > room or (is_output and self.left_out):
            self.left_out += 1
            return False
        self._waiting.append(formed)
        self._taken += cost
        return True

    def drain(self, send: Callable[[Formed], bool], most: int) -> None:
        """Send up to that many, oldest first, until one is refused."""
        for _ in range(min(most, len(self._waiting))):
            if not send(self._waiting[0]):
                return
            self._taken -= _cost(self._waiting.popleft())


def _cost(formed: Formed) -> int:
    return sum(OVERHEAD + len(part) for part in formed)
