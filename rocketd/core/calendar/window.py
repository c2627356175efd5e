"""Windows on the time line: stretches inside a period, and the gaps between them."""

from typing import NamedTuple

from rocketd.core.instant import Instant


class Window(NamedTuple):
    """A stretch of the time line: [start, end) is a window, or the gap between two."""

    start: Instant
    end: Instant
    inside: bool


class OpenedWindow(NamedTuple):
    """A window that has opened, whether or not it has closed since, and when the next one opens."""

    start: Instant
    end: Instant
    following: Instant

    def window(self, at: Instant) -> Window:
        """Return the window around that instant, or the gap after it."""
        if at < self.end:
            return Window(self.start, self.end, inside=True)
        return Window(self.end, self.following, inside=False)
