"""The heartbeat: the service manager hears that loop and record writer work, the store that the daemon runs."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from rocketd.core.clock import Clock
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.records import Alive, Change
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.health import Health
from rocketd.daemon.ports import ServiceManager
from rocketd.daemon.record_writer import RecordWriter

HEARTBEAT_INTERVAL: Final[Duration] = 60 * SECOND
"""The time between two heartbeats, where no watchdog needs more."""


class HeartbeatContext(Protocol):
    """The loop as seen by its heartbeat."""

    scheduler: Scheduler
    clock: Clock
    manager: ServiceManager
    health: Health

    @property
    def recorder(self) -> RecordWriter: ...
    def record(self, changes: Sequence[Change]) -> None: ...
    def now(self) -> Instant: ...
    def wake(self) -> None: ...


class Heartbeat:
    """Checks the record writer, and then notifies the service manager: so a heartbeat means that both work."""

    def __init__(self, loop: HeartbeatContext, hooks: Sequence[Callable[[Instant], None]]) -> None:
        """`hooks` are called at each heartbeat, so that they need no timers of their own."""
        self._loop = loop
        self._hooks = hooks
        self._asyncio = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def beat(self) -> None:
        """Beat now, and from now on."""
        loop = self._loop
        interval = min(HEARTBEAT_INTERVAL, (loop.manager.watchdog or 4 * HEARTBEAT_INTERVAL) // 4)
        self._timer = self._asyncio.call_later(interval / SECOND, self.beat)
        if loop.health.can_record:
            loop.record([Alive(loop.clock.now(), loop.clock.boottime())])
        loop.health.expect_write()
        loop.recorder.check_alive(self._writer_answered)

    def close(self) -> None:
        """Beat no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _writer_answered(self) -> None:
        loop = self._loop
        loop.health.write_done()
        loop.manager.heartbeat()
        if loop.scheduler.draining:
            loop.manager.extend_timeout(2 * HEARTBEAT_INTERVAL)
            loop.wake()
        now = loop.now()
        for hook in self._hooks:
            hook(now)
