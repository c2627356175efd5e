"""Messages that wait while their reader is too slow: bounded, and those that do not fit are counted.

A task that floods its output must not displace the messages about runs. So lines of output may fill only half of the
backlog; once one of them has been dropped, the following ones are dropped too until everything that waits has been
sent: this makes one gap, with one count, in its place. The backlog is congested long before that, and the output of
tasks should not be read meanwhile.

With room for 10 lines, and a reader that does not read:

5 lines of output    waiting
1 line of output     dropped: it would be in the second half
4 messages           waiting
1 line of output     dropped, even if some room is free again by now
the reader reads     5 lines, 4 messages, then one message about 2 dropped ones
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

EncodedMessage: TypeAlias = Sequence[str | bytes]
"""A message as it is sent: the fields for journald, the line for a terminal."""

DEFAULT_SIZE: Final = 8 * 1024 * 1024
"""Characters that may wait."""

OVERHEAD: Final = 100
"""What each part of a message counts in addition to its characters."""


class Backlog:
    """Encoded messages, in their order."""

    def __init__(self, size: int = DEFAULT_SIZE) -> None:
        self._size = size
        self._waiting: deque[EncodedMessage] = deque()
        self._used = 0
        self.dropped = 0
        """Messages that did not fit, since this was last set to 0."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def pending(self) -> bool:
        """Whether anything has to be sent, even if only the number of dropped messages."""
        return bool(self._waiting or self.dropped)

    @property
    def congested(self) -> bool:
        """Whether so much waits that no more output should be read."""
        return self._used > self._size // 8

    def add(self, encoded: EncodedMessage, *, is_output: bool) -> bool:
        """Add a message, or count it as dropped; return whether it was added."""
        cost = _cost(encoded)
        limit = self._size // 2 if is_output else self._size
        if self._used + cost > limit or (is_output and self.dropped):
            self.dropped += 1
            return False
        self._waiting.append(encoded)
        self._used += cost
        return True

    def drain(self, send: Callable[[EncodedMessage], bool], limit: int) -> None:
        """Send up to `limit` messages, oldest first, until `send` returns False."""
        for _ in range(min(limit, len(self._waiting))):
            if not send(self._waiting[0]):
                return
            self._used -= _cost(self._waiting.popleft())


def _cost(encoded: EncodedMessage) -> int:
    return sum(OVERHEAD + len(part) for part in encoded)
