"""The ticks around an instant: of one line, or of several that act as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rocketd.core.instant import BEGINNING, FOREVER, Instant

if TYPE_CHECKING:
    from collections.abc import Iterable


class TickLine(NamedTuple):
    """The ticks around an instant; BEGINNING and FOREVER where there is none."""

    newest: Instant
    """The newest at or before it."""
    next: Instant
    """The first later than it; with a splay, when that begins."""
    closes: Instant = FOREVER
    """With a splay: when the newest one is not good any longer, if no other comes before."""
    begins: Instant = BEGINNING
    """With a splay: when the newest one has begun; a start after that uses it up."""
    fixed: bool = True
    """Whether that is a fixed time of day rather than following real time."""

    def merged_with(self, other: TickLine | None) -> TickLine:
        """Return the ticks of both."""
        return self if other is None else max(self, other)._replace(next=min(self.next, other.next))


def merge_lines(lines: Iterable[TickLine | None]) -> TickLine | None:
    """Return the ticks of all these lines together; None: there is no line."""
    found: TickLine | None = None
    for line in lines:
        found = found if line is None else line.merged_with(found)
    return found
