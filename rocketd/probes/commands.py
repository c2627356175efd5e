"""Observes whether commands succeed. They run like those of tasks, by an executor that follows the process tree."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol
from uuid import uuid4

from rocketd.core.conditions.host_conditions import CommandSucceeds
from rocketd.core.duration import format_duration
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.events import Finished, Report, Spawned, Withdrawn
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import Command, Surroundings, Task
from rocketd.core.signal_names import signal_name
from rocketd.probes.prober import ReportValue

MAX_RUNNING: Final = 8
"""The most commands that run at the same time; the others wait."""

_CANNOT_RUN: Final = frozenset({126, 127})
"""The exit codes with which a shell reports that it could not run the command."""
_DESCRIPTION: Final = "a command of conditions"
_TAIL: Final = 300
_GRACE: Final[Duration] = SECOND


class Runner(Protocol):
    """The part of `Executor` of `daemon/ports.py` that is needed here."""

    def start(self, task: Task, run: Run) -> None: ...
    def stop(self, run: Run, cause: Cause) -> None: ...
    def kill(self) -> None: ...
    async def close(self) -> None: ...


class CommandObserver:
    """Runs each command at its interval, and stops one that takes too long."""

    def __init__(self, runner: Callable[[Report], Runner], now: Callable[[], Instant]) -> None:
        """`runner` creates the executor when there is a first command to run."""
        self._make_runner = runner
        self._now = now
        self._runner: Runner | None = None
        self._pollings: dict[CommandSucceeds, _CommandPolling] = {}
        self._running: dict[int, _CommandPolling] = {}
        self._waiting: deque[_CommandPolling] = deque()
        self._count = 0

    def start(self, probe: CommandSucceeds, report: ReportValue) -> None:
        """Run the command now, and at its interval."""
        self._pollings[probe] = polling = _CommandPolling(probe, report, self._enqueue)
        polling.request_run()

    def stop(self, probe: CommandSucceeds) -> None:
        """Stop observing; a command that is running is stopped."""
        polling = self._pollings.pop(probe, None)
        if polling is None:
            return
        polling.cancel()
        if polling in self._waiting:
            self._waiting.remove(polling)
        if polling.run is not None:
            self.runner.stop(polling.run, Cause.OPERATOR)

    async def close(self) -> None:
        """Release all resources; running commands are killed."""
        for polling in self._pollings.values():
            polling.cancel()
        self._waiting.clear()
        if self._runner is not None:
            self._runner.kill()
            await self._runner.close()

    @property
    def runner(self) -> Runner:
        """The executor, created on first use."""
        if self._runner is None:
            self._runner = self._make_runner(self._on_event)
        return self._runner

    def _enqueue(self, polling: "_CommandPolling") -> None:
        self._waiting.append(polling)
        self._start_next()

    def _start_next(self) -> None:
        while self._waiting and len(self._running) < MAX_RUNNING:
            polling = self._waiting.popleft()
            self._count += 1
            self._running[self._count] = polling
            task = polling.task
            now = self._now()
            polling.run = Run(task.name, self._count, str(uuid4()), 1, now, now, Trigger.SCHEDULE, _DESCRIPTION)
            polling.set_timeout(lambda run=polling.run: self.runner.stop(run, Cause.TIMEOUT))  # type: ignore[misc] # bound now
            self.runner.start(task, polling.run)

    def _on_event(self, event: Spawned | Finished | Withdrawn) -> None:
        if isinstance(event, Spawned):
            return
        polling = self._running.pop(event.run.number)
        end = (
            event.end if isinstance(event, Finished) else End(Action.FAIL, event.cause, event.at, message=event.reason)
        )
        polling.on_end(end)
        self._start_next()


class _CommandPolling:
    """One command with its task and its timers."""

    def __init__(self, probe: CommandSucceeds, report: ReportValue, start: Callable[["_CommandPolling"], None]) -> None:
        self.task = Task(
            str(probe),
            Command(("/bin/sh", "-c", probe.command), surroundings=Surroundings(directory="/")),
            kill_grace=_GRACE,
            output_tail=_TAIL,
        )
        self.run: Run | None = None
        """None while it is not running."""
        self._probe = probe
        self._report = report
        self._request = start
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.TimerHandle | None = None
        self._timeout: asyncio.TimerHandle | None = None
        self._requested_at = 0.0
        self._cancelled = False

    def request_run(self) -> None:
        """Have it run as soon as fewer than MAX_RUNNING commands run."""
        self._requested_at = self._loop.time()
        self._request(self)

    def set_timeout(self, stop: Callable[[], None]) -> None:
        """Call `stop` when its timeout expires."""
        self._timeout = self._loop.call_later(self._probe.timeout / SECOND, stop)

    def on_end(self, end: End) -> None:
        """Report the result, and schedule the next run."""
        self.run = None
        if self._timeout is not None:
            self._timeout.cancel()
        if self._cancelled:
            return
        self._report(*_value_from_end(end, self._probe.timeout))
        self._next = self._loop.call_at(
            max(self._requested_at + self._probe.every / SECOND, self._loop.time()), self.request_run
        )

    def cancel(self) -> None:
        """Cancel all timers and ignore a run that is still active."""
        self._cancelled = True
        for handle in (self._next, self._timeout):
            if handle is not None:
                handle.cancel()


def _value_from_end(end: End, timeout: Duration) -> tuple[bool | None, str]:
    """Return whether the probe holds; if that is unknown, None and the reason."""
    if end.cause is Cause.TIMEOUT:
        return None, f"it took longer than {format_duration(timeout)}"
    if end.action is Action.SUCCESS:
        return True, ""
    if end.exit_code is None:
        how = "ended without an exit code" if end.signal is None else f"was killed by {signal_name(end.signal)}"
        return None, end.message or f"it {how}"
    if end.exit_code in _CANNOT_RUN:
        return None, end.output.strip().rpartition("\n")[2] or f"it could not be run: exit code {end.exit_code}"
    return False, ""
