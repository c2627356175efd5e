"""The executor of what our own program is to do: `Executor` of `daemon/ports.py`."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from threading import Semaphore
from typing import Protocol, TypeAlias

from rocketd.core.events import Finished, Spawned
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.records import OpenRun
from rocketd.core.run import Cause, Run, RunKey
from rocketd.core.task import Call, Execution, Task
from rocketd.executor.answer import Outcome, end_of
from rocketd.executor.errand import Errand
from rocketd.executor.tree import start_time
from rocketd.executor.ways import InChild, InLoop, InMain, InThread, Starter, Way

Report: TypeAlias = Callable[[Spawned | Finished], None]


class Clock(Protocol):
    """What this executor needs of a clock; in microseconds."""

    def now(self) -> Instant: ...
    def monotonic(self) -> Duration: ...


class Program(Protocol):
    """Whose functions these are."""

    def prepare(self, task: Task, run: Run) -> Errand:
        """Say what to call for a run. What it raises means that the run could not be set up."""
        ...

    def answered(self, run: Run, outcome: Outcome) -> Outcome:
        """Hear what became of a call, and say what is to be reported."""
        ...


class _Going:
    """One run that is going on."""

    def __init__(self, task: Task, began: Duration) -> None:
        self.task = task
        self.began = began
        self.asked: Cause | None = None
        """Why it was asked to stop."""
        self.way: Way | None = None


class InProcessExecutor:
    """Calls functions. Make it on the thread of a running loop."""

    def __init__(self, report: Report, program: Program, *, clock: Clock, processes: int) -> None:
        """`processes` is how many functions may be in child processes at once; more wait for their turn."""
        self._report = report
        self._program = program
        self._clock = clock
        self._slots = Semaphore(processes)
        self._loop = asyncio.get_running_loop()
        self._starter = Starter()
        self._going: dict[RunKey, _Going] = {}

    def start(self, task: Task, run: Run) -> None:
        """Begin the call. Raises what `Program.prepare` raises."""
        errand = self._program.prepare(task, run)
        going = self._going[run.key] = _Going(task, self._clock.monotonic())
        going.way = self._begin(task, run, errand)

    def together(self) -> AbstractContextManager[None]:
        """No different: a call begins as soon as it is started."""
        return nullcontext()

    def _begin(self, task: Task, run: Run, errand: Errand) -> Way:
        def over(outcome: Outcome) -> None:
            self._over(run, outcome)

        match task.work:
            case Call(Execution.MAIN):
                return InMain(errand, over, self._loop)
            case Call(Execution.ASYNC):
                return InLoop(errand, over, self._loop)
            case Call(Execution.PROCESS):
                born = lambda pid: self._report(Spawned(run, pid, start_time(pid)))  # noqa: E731 - a callback
                return InChild(errand, over, self._loop, self._starter.begin, born=born, slots=self._slots)
        return InThread(errand, over, self._loop, self._starter.begin)

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

    def _over(self, run: Run, outcome: Outcome) -> None:
        going = self._going.pop(run.key)
        outcome = self._program.answered(run, outcome)
        end = end_of(outcome, going.asked, self._clock.now(), self._clock.monotonic() - going.began)
        self._report(Finished(run, end))
