"""The executor that calls functions of its own program: `Executor` of `daemon/ports.py`."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from threading import Semaphore
from typing import Protocol

from rocketd.core.clock import Clock
from rocketd.core.errors import ResourceShortage
from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.events import Finished, Report, Spawned, Withdrawn
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Cause, Run, RunKey
from rocketd.core.model.task import Call, Execution, Task
from rocketd.executor.daemon_bound import DaemonBoundExecutor
from rocketd.executor.inprocess.call import BoundCall, CallOutcome, end_from_outcome
from rocketd.executor.inprocess.strategies import (
    CallObserver,
    CallStrategy,
    CoroutineCall,
    MainThreadCall,
    ProcessCall,
    ThreadCall,
    ThreadStarter,
)
from rocketd.executor.process.process_files import spawned_time


class Program(Protocol):
    """The program whose functions are called."""

    def prepare(self, task: Task, run: Run) -> BoundCall:
        """Return the call to make for a run. An exception means that the run could not be set up."""
        ...

    def handle_outcome(self, run: Run, outcome: CallOutcome) -> CallOutcome:
        """Handle the outcome of a call; return the one to report."""
        ...


class _RunningCall:
    """One active run."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.started_at: Duration | None = None
        """By the monotonic clock; None: waiting for a process slot."""
        self.stop_cause: Cause | None = None
        """Why a stop was requested; None: it was not."""
        self.strategy: CallStrategy | None = None


class InProcessExecutor(DaemonBoundExecutor):
    """Calls functions. Create it on the thread of a running loop."""

    def __init__(self, report: Report, program: Program, *, clock: Clock, processes: int) -> None:
        """`processes` is how many functions may run in child processes at the same time; others wait."""
        self._report = report
        self._program = program
        self._clock = clock
        self._slots = Semaphore(processes)
        self._loop = asyncio.get_running_loop()
        self._starter = ThreadStarter()
        self._running: dict[RunKey, _RunningCall] = {}

    def start(self, task: Task, run: Run) -> None:
        """Start the call. Raises what `Program.prepare` raises."""
        call = self._program.prepare(task, run)
        running = self._running[run.key] = _RunningCall(task)
        running.strategy = self._begin(task, run, call)

    def batch(self) -> AbstractContextManager[None]:
        """Return a context that does nothing: each call starts at once."""
        return nullcontext()

    def _begin(self, task: Task, run: Run, call: BoundCall) -> CallStrategy:
        observer = CallObserver(partial(self._started, run), partial(self._finished, run))
        match task.work:
            case Call(Execution.MAIN):
                return MainThreadCall(call, observer, self._loop)
            case Call(Execution.ASYNC):
                return CoroutineCall(call, observer, self._loop)
            case Call(Execution.PROCESS):
                return ProcessCall(call, observer, self._loop, self._starter.begin, slots=self._slots)
        return ThreadCall(call, observer, self._loop, self._starter.begin)

    def _started(self, run: Run, pid: int) -> None:
        if run.key in self._running:
            self._running[run.key].started_at = self._clock.monotonic()
            self._report(Spawned(run, pid, spawned_time(pid) if pid else 0, self._clock.now()))

    def stop(self, run: Run, cause: Cause) -> None:
        """Request a stop, by whatever means its strategy has."""
        running = self._running.get(run.key)
        if running is not None and running.stop_cause is None and running.strategy is not None:
            running.stop_cause = cause
            running.strategy.stop(running.task.kill_grace / SECOND)

    def kill(self) -> None:
        """Stop all calls at once; a thread that does not end is abandoned."""
        for running in tuple(self._running.values()):
            running.stop_cause = running.stop_cause or Cause.SHUTDOWN
            if running.strategy is not None:
                running.strategy.kill()

    @property
    def active_count(self) -> int:
        """The number of runs that have begun here and have not been reported as finished."""
        return len(self._running)

    async def clean_up(self, runs: Sequence[OpenRun]) -> None:
        """Nothing to do: a child process dies with its program, see `child_process.py`."""

    async def close(self) -> None:
        """Release all resources."""
        self._starter.close()

    def _finished(self, run: Run, outcome: CallOutcome) -> None:
        running, now = self._running.pop(run.key), self._clock.now()
        if isinstance(outcome.error, ResourceShortage) and not outcome.prepared:
            self._report(Withdrawn(run, now, outcome.error.message, shared=outcome.error.shared))
            return
        outcome = self._program.handle_outcome(run, outcome)
        runtime = 0 if running.started_at is None else self._clock.monotonic() - running.started_at
        end = end_from_outcome(outcome, running.stop_cause, now, runtime)
        self._report(Finished(run, end))
