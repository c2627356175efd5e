"""An executor for tests of everything above it: it does what a script says, without a process.

It passes the same contract suite as the real one (`contract/test_executor.py`).
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from rocketd.core.instant import Duration, Instant
from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.outcome import action_of
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import NO_USAGE, Action, Cause, End, Run, RunKey, Usage
from rocketd.core.model.task import Task
from rocketd.executor.daemon_bound import DaemonBoundExecutor


@dataclass(frozen=True)
class Script:
    """What a run does."""

    lines: tuple[tuple[str, str], ...] = ()
    """Stream and line, printed at its start."""
    exit_code: int | None = 0
    signal: int | None = None
    """What ends it; then there is no exit code."""
    goes_on: bool = False
    """Until it is stopped, or the test says `finish`."""
    trouble: str = ""
    """Why it cannot be started."""
    lacking: str = ""
    """What the host does not give it."""
    usage: Usage = NO_USAGE


@dataclass
class Doing:
    """One run that is going on."""

    task: Task
    run: Run
    script: Script
    cause: Cause | None = None
    tail: str = field(default="")


Later = Callable[[Callable[[], None]], None]


class ScriptedExecutor(DaemonBoundExecutor):
    """Does what `script` says of each run. `later` calls back soon: `loop.call_soon`, or the simulation's own."""

    def __init__(
        self,
        report: Callable[[Spawned | Finished | Withdrawn], None],
        output: Callable[[Run, str, str], object],
        script: Callable[[Task, Run], Script],
        later: Later,
        now: Callable[[], Instant],
    ) -> None:
        self._report = report
        self._output = output
        self._script = script
        self._later = later
        self._now = now
        self._pid = 1000
        self.doing: dict[RunKey, Doing] = {}
        self.cleared: list[RunKey] = []
        """The open runs whose left-overs were to be ended."""

    def start(self, task: Task, run: Run) -> None:
        doing = Doing(task, run, self._script(task, run))
        if doing.script.trouble:
            message = f"cannot start: {doing.script.trouble}"
            self._report(Finished(run, End(Action.FAIL, Cause.EXIT, self._now(), message=message)))
            return
        if doing.script.lacking:
            self._report(Withdrawn(run, self._now(), doing.script.lacking, shared=True))
            return
        self.doing[run.key] = doing
        self._pid += 1
        self._report(Spawned(run, self._pid, self._pid * 7, self._now()))
        self._later(lambda: self._carry_on(doing))

    def batch(self) -> AbstractContextManager[None]:
        return nullcontext()

    def stop(self, run: Run, cause: Cause) -> None:
        doing = self.doing.get(run.key)
        if doing is not None and doing.cause is None:
            doing.cause = cause
            self._later(lambda: self._end(doing, None, 15))

    def kill(self) -> None:
        for doing in tuple(self.doing.values()):
            self.stop(doing.run, Cause.SHUTDOWN)

    def finish(self, run: Run, exit_code: int = 0, runtime: Duration = 0) -> None:
        """Let a run that goes on end by itself."""
        self._end(self.doing[run.key], exit_code, None, runtime)

    @property
    def active_count(self) -> int:
        return len(self.doing)

    async def clean_up(self, runs: Sequence[OpenRun]) -> None:
        self.cleared += [run.run.key for run in runs]

    async def close(self) -> None:
        pass

    def _carry_on(self, doing: Doing) -> None:
        if doing.run.key not in self.doing or doing.cause is not None:
            return
        for stream, line in doing.script.lines:
            doing.tail += line + "\n"
            self._output(doing.run, stream, line)
        if not doing.script.goes_on:
            signal = doing.script.signal
            self._end(doing, doing.script.exit_code if signal is None else None, signal)

    def _end(self, doing: Doing, exit_code: int | None, signal: int | None, runtime: Duration = 0) -> None:
        if self.doing.pop(doing.run.key, None) is None:
            return
        cause = doing.cause or Cause.EXIT
        action = action_of(doing.task.work, exit_code, cause)
        usage = doing.script.usage
        end = End(action, cause, self._now(), exit_code, signal, output=doing.tail, runtime=runtime, usage=usage)
        self._report(Finished(doing.run, end))
