"""When the next pass comes: at once after an event, else at an instant of the wall clock.

A start from rest costs several times what the same start costs in a busy daemon, as nothing of it is in the caches of
the processor. So the alarm for an instant at which a run is expected rings twice: REHEARSAL_LEAD before, to use code
and data once for nothing, and at the instant itself.

    the first set           rehearsal at once, as the first of all takes longer than the lead
    set(10:00:00)           rings at 09:59:59.9985: rehearsal, and no pass
                            rings at 10:00:00: pass
    an event in between     pass, as ever; the alarm is set anew
    the clock is set        rings, as ever: pass, or a rehearsal and at most REHEARSAL_LEAD later a pass
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from rocketd.core.clock import Clock
from rocketd.core.instant import FOREVER, MILLISECOND, Duration, Instant
from rocketd.daemon.clock import TimerAlarm

REHEARSAL_LEAD: Final[Duration] = 3 * MILLISECOND // 2
"""How long before an expected start the rehearsal is: longer than it takes."""
REST: Final[Duration] = 100 * MILLISECOND
"""A daemon that had a pass this short a time before is warm."""


class Rehearsal(Protocol):
    """Uses once what a start takes, without any effect."""

    def is_useful(self, at: Instant) -> bool:
        """Whether a start is expected at that instant."""
        ...

    def __call__(self, at: Instant) -> None: ...


class PassTimer:
    """Calls `run_pass` when it is time. On the running loop's thread."""

    def __init__(self, clock: Clock, run_pass: Callable[[], None], rehearsal: Rehearsal) -> None:
        self._clock = clock
        self._run_pass = run_pass
        self._rehearsal = rehearsal
        self._asyncio = asyncio.get_running_loop()
        self._alarm = TimerAlarm(self._on_alarm)
        self._is_scheduled = False
        self._is_rehearsed = False
        self.at: Instant = FOREVER
        """When the next pass comes, if no event comes before."""

    def wake(self) -> None:
        """Schedule a pass; any number of calls before it make one."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._asyncio.call_soon(self._start_pass)

    def set(self, at: Instant, now: Instant) -> None:
        """Have the next pass at that instant, which replaces the one that was set before."""
        self.at = at
        early = at - REHEARSAL_LEAD
        is_useful = early > now + REST and self._rehearsal.is_useful(at)
        if is_useful and not self._is_rehearsed:
            self._is_rehearsed = True
            self._asyncio.call_soon(self._rehearsal, at)
        self._alarm.set(early if is_useful else at)

    def close(self) -> None:
        """Start no further pass by the clock."""
        self._alarm.close()

    def _start_pass(self) -> None:
        self._is_scheduled = False
        self._run_pass()

    def _on_alarm(self) -> None:
        if 0 < self.at - self._clock.now() <= REHEARSAL_LEAD and not self._is_scheduled:
            self._alarm.set(self.at)
            self._rehearsal(self.at)
        else:
            self.wake()
