"""Windows on the time line: stretches inside a period, and the gaps between them."""

from typing import NamedTuple

from rocketd.core.instant import Instant


class Window(NamedTuple):
    """A stretch of the time line: [start, end) is a window, or the gap between two."""

    start: Instant
    end: Instant
    inside: bool


class Turn(NamedTuple):
    """What a period says about a stretch of the time line: the newest window that has begun, and when the next does."""

    start: Instant
    end: Instant
    following: Instant

    def window(self, at: Instant) -> Window:
        """Return the window around that instant, or the gap after it."""
        if at < self.end:
            return Window(self.start, self.end, inside=True)
        return Window(self.end, self.following, inside=False)
