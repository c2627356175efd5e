"""Whether a command succeeds: it is run as a task's is, with the whole care for its process tree."""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from rocketd.core.conditions.host_conditions import CommandSucceeds
from rocketd.core.duration import format_duration
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import Command, Surroundings, Task
from rocketd.core.signal_names import signal_name
from rocketd.probes.prober import Tell

AT_ONCE: Final = 8
"""How many commands may run at the same time; the others wait."""

_NOT_RUN: Final = frozenset({126, 127})
"""With these exit codes a shell says that it could not run the command."""
_TAIL: Final = 300
_GRACE: Final[Duration] = SECOND

Report: TypeAlias = Callable[[Spawned | Finished | Withdrawn], None]


class Runner(Protocol):
    """The part of an executor that is needed: see `Executor` of `daemon/ports.py`."""

    def start(self, task: Task, run: Run) -> None: ...
    def stop(self, run: Run, cause: Cause) -> None: ...
    def kill(self) -> None: ...
    async def close(self) -> None: ...


class CommandObserver:
    """Runs each command at its interval, and stops one that takes too long."""

    def __init__(self, runner: Callable[[Report], Runner], now: Callable[[], Instant]) -> None:
        """`runner` makes the executor, once there is a command to run."""
        self._make_runner = runner
        self._now = now
        self._runner: Runner | None = None
        self._going: dict[CommandSucceeds, _CommandPolling] = {}
        self._running: dict[int, _CommandPolling] = {}
        self._waiting: deque[_CommandPolling] = deque()
        self._count = 0

    def begin(self, probe: CommandSucceeds, tell: Tell) -> None:
        """Try it now, and at its interval."""
        self._going[probe] = tried = _CommandPolling(probe, tell, self._try)
        tried.go()

    def end(self, probe: CommandSucceeds) -> None:
        """Try it no more; if it is running, stop it."""
        tried = self._going.pop(probe, None)
        if tried is None:
            return
        tried.over()
        if tried in self._waiting:
            self._waiting.remove(tried)
        if tried.run is not None:
            self.runner.stop(tried.run, Cause.OPERATOR)

    async def close(self) -> None:
        """Let go of everything; what is running is killed."""
        for tried in self._going.values():
            tried.over()
        self._waiting.clear()
        if self._runner is not None:
            self._runner.kill()
            await self._runner.close()

    @property
    def runner(self) -> Runner:
        """Who runs them."""
        if self._runner is None:
            self._runner = self._make_runner(self._heard)
        return self._runner

    def _try(self, tried: "_CommandPolling") -> None:
        self._waiting.append(tried)
        self._start_next()

    def _start_next(self) -> None:
        while self._waiting and len(self._running) < AT_ONCE:
            tried = self._waiting.popleft()
            self._count += 1
            self._running[self._count] = tried
            task = tried.task
            run_id = f"probe-{os.getpid()}-{self._count}"
            now = self._now()
            tried.run = Run(task.name, self._count, run_id, 1, now, now, Trigger.SCHEDULE, "")
            tried.watch(lambda run=tried.run: self.runner.stop(run, Cause.TIMEOUT))  # type: ignore[misc] # bound now
            self.runner.start(task, tried.run)

    def _heard(self, event: Spawned | Finished | Withdrawn) -> None:
        if isinstance(event, Spawned):
            return
        tried = self._running.pop(event.run.number)
        end = (
            event.end if isinstance(event, Finished) else End(Action.FAIL, event.cause, event.at, message=event.reason)
        )
        tried.ended(end)
        self._start_next()


class _CommandPolling:
    """One command: its task, and its timers."""

    def __init__(self, probe: CommandSucceeds, tell: Tell, start: Callable[["_CommandPolling"], None]) -> None:
        self.task = Task(
            str(probe),
            Command(("/bin/sh", "-c", probe.command), surroundings=Surroundings(directory="/")),
            kill_grace=_GRACE,
            output_tail=_TAIL,
        )
        self.run: Run | None = None
        """While it is running."""
        self._probe = probe
        self._tell = tell
        self._start = start
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.TimerHandle | None = None
        self._timeout: asyncio.TimerHandle | None = None
        self._began = 0.0
        self._over = False

    def go(self) -> None:
        """Try it as soon as there is room."""
        self._began = self._loop.time()
        self._start(self)

    def watch(self, stop: Callable[[], None]) -> None:
        """Stop it when its time is up."""
        self._timeout = self._loop.call_later(self._probe.timeout / SECOND, stop)

    def ended(self, end: End) -> None:
        """Tell how it ended, and try again when the interval is over."""
        self.run = None
        if self._timeout is not None:
            self._timeout.cancel()
        if self._over:
            return
        self._tell(*_answer(end, self._probe.timeout))
        self._next = self._loop.call_at(max(self._began + self._probe.every / SECOND, self._loop.time()), self.go)

    def over(self) -> None:
        """Try it no more."""
        self._over = True
        for handle in (self._next, self._timeout):
            if handle is not None:
                handle.cancel()


def _answer(end: End, timeout: Duration) -> tuple[bool | None, str]:
    """Say whether it holds; None and why, where that cannot be said."""
    if end.cause is Cause.TIMEOUT:
        return None, f"it took longer than {format_duration(timeout)}"
    if end.action is Action.SUCCESS:
        return True, ""
    if end.exit_code is None:
        how = "ended without an exit code" if end.signal is None else f"was killed by {signal_name(end.signal)}"
        return None, end.message or f"it {how}"
    if end.exit_code in _NOT_RUN:
        return None, end.output.strip().rpartition("\n")[2] or f"it could not be run: exit code {end.exit_code}"
    return False, ""
