"""A reading of the clocks of a host: a later one can tell a step of the wall clock from elapsed time."""

from typing import NamedTuple

from rocketd.core.instant import Duration, Instant


class ClockReading(NamedTuple):
    """A reading of the clocks."""

    wall: Instant
    boot_id: str
    """Which boot of the host it was."""
    boottime: Duration
    """How long the host had been up, suspends included: nobody sets this clock."""

    def elapsed_until(self, now: "ClockReading") -> Duration | None:
        """Return the real time from this reading to `now`; None: the host was down in between, for an unknown time."""
        return max(0, now.boottime - self.boottime) if now.boot_id == self.boot_id else None


def trusted_reading(before: ClockReading, now: ClockReading) -> ClockReading:
    """Return the latest instant that has surely been reached, given that `before` had been.

    It goes on no faster than the host is up: a clock that was set forward, or is wrong since the start, moves nothing.
    """
    passed = before.elapsed_until(now)
    return now._replace(wall=min(now.wall, before.wall + (now.boottime if passed is None else passed)))
