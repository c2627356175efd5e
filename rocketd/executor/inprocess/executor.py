"""The executor of what our own program is to do: `Executor` of `daemon/ports.py`."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from threading import Semaphore
from typing import Protocol, TypeAlias

from rocketd.core.errors import ResourceShortage
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Cause, Run, RunKey
from rocketd.core.model.task import Call, Execution, Task
from rocketd.executor.inprocess.call import BoundCall, CallOutcome, end_from_outcome
from rocketd.executor.inprocess.strategies import (
    CallStrategy,
    CoroutineCall,
    MainThreadCall,
    ProcessCall,
    ThreadCall,
    ThreadStarter,
    Watched,
)
from rocketd.executor.process.process_tree import start_time

Report: TypeAlias = Callable[[Spawned | Finished | Withdrawn], None]


class Clock(Protocol):
    """What this executor needs of a clock; in microseconds."""

    def now(self) -> Instant: ...
    def monotonic(self) -> Duration: ...


class Program(Protocol):
    """Whose functions these are."""

    def prepare(self, task: Task, run: Run) -> BoundCall:
        """Say what to call for a run. What it raises means that the run could not be set up."""
        ...

    def answered(self, run: Run, outcome: CallOutcome) -> CallOutcome:
        """Hear what became of a call, and say what is to be reported."""
        ...


class _RunningCall:
    """One run that is going on."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.began: Duration | None = None
        """By the monotonic clock; None: it waits for its turn."""
        self.asked: Cause | None = None
        """Why it was asked to stop."""
        self.way: CallStrategy | None = None


class InProcessExecutor:
    """Calls functions. Make it on the thread of a running loop."""

    def __init__(self, report: Report, program: Program, *, clock: Clock, processes: int) -> None:
        """`processes` is how many functions may be in child processes at once; more wait for their turn."""
        self._report = report
        self._program = program
        self._clock = clock
        self._slots = Semaphore(processes)
        self._loop = asyncio.get_running_loop()
        self._starter = ThreadStarter()
        self._going: dict[RunKey, _RunningCall] = {}

    def start(self, task: Task, run: Run) -> None:
        """Begin the call. Raises what `Program.prepare` raises."""
        errand = self._program.prepare(task, run)
        going = self._going[run.key] = _RunningCall(task)
        going.way = self._begin(task, run, errand)

    def together(self) -> AbstractContextManager[None]:
        """No different: a call begins as soon as it is started."""
        return nullcontext()

    def _begin(self, task: Task, run: Run, errand: BoundCall) -> CallStrategy:
        watched = Watched(partial(self._begun, run), partial(self._over, run))
        match task.work:
            case Call(Execution.MAIN):
                return MainThreadCall(errand, watched, self._loop)
            case Call(Execution.ASYNC):
                return CoroutineCall(errand, watched, self._loop)
            case Call(Execution.PROCESS):
                return ProcessCall(errand, watched, self._loop, self._starter.begin, slots=self._slots)
        return ThreadCall(errand, watched, self._loop, self._starter.begin)

    def _begun(self, run: Run, pid: int) -> None:
        if run.key in self._going:
            self._going[run.key].began = self._clock.monotonic()
            self._report(Spawned(run, pid, start_time(pid) if pid else 0, self._clock.now()))

    def stop(self, run: Run, cause: Cause) -> None:
        """Ask it to end, in whatever way it can be asked."""
        going = self._going.get(run.key)
        if going is not None and going.asked is None and going.way is not None:
            going.asked = cause
            going.way.stop(going.task.kill_grace / SECOND)

    def kill(self) -> None:
        """End everything; a thread that does not end is left behind."""
        for going in tuple(self._going.values()):
            going.asked = going.asked or Cause.SHUTDOWN
            if going.way is not None:
                going.way.kill()

    @property
    def going(self) -> int:
        """How many runs have begun here and not been reported as finished."""
        return len(self._going)

    def adopt(self, runs: Sequence[OpenRun]) -> Sequence[RunKey]:  # noqa: ARG002 - none of them, whichever
        """None: a call ends with the program that made it."""
        return ()

    async def clear(self, runs: Sequence[OpenRun]) -> None:
        """Leave nothing behind: a child process dies with its program, see `offspring`."""

    async def close(self) -> None:
        """Let go of everything."""
        self._starter.close()

    def _over(self, run: Run, outcome: CallOutcome) -> None:
        going, now = self._going.pop(run.key), self._clock.now()
        if isinstance(outcome.error, ResourceShortage) and not outcome.prepared:
            self._report(Withdrawn(run, now, outcome.error.message, shared=outcome.error.shared))
            return
        outcome = self._program.answered(run, outcome)
        runtime = 0 if going.began is None else self._clock.monotonic() - going.began
        end = end_from_outcome(outcome, going.asked, now, runtime)
        self._report(Finished(run, end))
