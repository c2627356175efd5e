"""Decides when a clock that may be wrong since the start can be trusted: earlier misses are reported then."""

from collections.abc import Callable
from typing import Final

from rocketd.core.instant import MINUTE, Duration, Instant
from rocketd.daemon.clock import is_synchronized
from rocketd.daemon.loop import Loop

STEADY_TIME: Final[Duration] = 10 * MINUTE
"""A clock that nobody keeps right, and nobody has set for so long, is taken for right."""


def clock_trust(loop: Loop, synchronized: Callable[[], bool] = is_synchronized) -> Callable[[Instant], None]:
    """Make what is done at each heartbeat."""

    def on_heartbeat(_: Instant) -> None:
        if loop.scheduler.awaits_trusted_clock and (loop.steadiness.duration >= STEADY_TIME or synchronized()):
            loop.scheduler.trust_clock()
            loop.wake()

    return on_heartbeat
