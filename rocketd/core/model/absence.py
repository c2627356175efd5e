"""A time in which the scheduler decided nothing: the daemon was down, or the host slept."""

from __future__ import annotations

from typing import Final, NamedTuple

from rocketd.core.instant import MINUTE, Duration, Instant

RESUME_SPREAD: Final[Duration] = MINUTE
"""The default time over which starts that became due in an absence are spread."""


class Absence(NamedTuple):
    """The last time in which the scheduler decided nothing."""

    start: Instant
    end: Instant

    def moved(self, now: Instant, by: Duration, spread: Duration) -> Absence:
        """Return the last absence once the clock was set, or the host slept, so that it is `now`.

        While the starts of the last one are being spread, it moves with the clock: a clock that is corrected shortly
        after a boot must not start everything at once.
        """
        if now - by < self.end + spread:
            return self._replace(end=self.end + by)
        return Absence(now - by, now) if by > 0 else Absence(min(self.start, now), min(self.end, now))
