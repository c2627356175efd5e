"""Watches the clocks for steps and suspends, and tells the scheduler."""

from rocketd.core.clock import Clock
from rocketd.core.instant import Instant
from rocketd.core.messages import daemon_messages
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.clock import Drift, Steadiness
from rocketd.daemon.ports import Journal


class ClockMonitor:
    """Compares the clocks each time one is read. On the loop's thread."""

    def __init__(self, clock: Clock, scheduler: Scheduler, journal: Journal) -> None:
        self._clock = clock
        self._scheduler = scheduler
        self._journal = journal
        self._drift = Drift(clock.now(), clock.monotonic(), clock.boottime())
        self.steadiness = Steadiness(clock.boottime)
        """For how long the clock has not been set."""

    def check(self, now: Instant) -> bool:
        """Return whether the clock was set or the host slept since the last check; if so, inform the scheduler."""
        stepped, slept = self._drift.update(now, self._clock.monotonic(), self._clock.boottime())
        if stepped:
            self.steadiness.reset()
            self._journal.write(daemon_messages.clock_step(stepped))
        if slept:
            self._journal.write(daemon_messages.suspended(slept))
        if stepped or slept:
            for name in self._scheduler.clock_stepped(now, stepped, slept):
                self._journal.write(daemon_messages.far_ahead(name))
        return bool(stepped or slept)
