"""The port to the clocks of the host; an adapter is in `daemon`."""

from typing import Protocol

from rocketd.core.instant import Duration, Instant


class Clock(Protocol):
    """Wall time and elapsed time."""

    def now(self) -> Instant:
        """The wall clock (CLOCK_REALTIME)."""
        ...

    def monotonic(self) -> Duration:
        """Time since some fixed point, without suspends and clock steps (CLOCK_MONOTONIC)."""
        ...

    def boottime(self) -> Duration:
        """As `monotonic`, suspends included (CLOCK_BOOTTIME)."""
        ...
