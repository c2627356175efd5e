"""One run that is going on.

    going ──▶ its process ends ──▶ its pipes are empty, and closed or PIPE_GRACE old ──▶ over
       │                                                     ▲
       └─ stop ──▶ ending: the tree is told, waited for, killed

A run ends when its own process ends. What that left running goes on, as under cron, but is not read any more: a
grandchild that holds the pipe holds up nothing. A stopped run is over when its whole tree is gone, so that its task,
or another with its mutex, never runs beside what is left of it; until then the first process stays unreaped, which
keeps its number from becoming another's.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeAlias

from rocketd.core.errors import ResourceShortage
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.events import Withdrawn
from rocketd.core.model.outcome import action_of
from rocketd.core.model.run import Action, Cause, End, Run
from rocketd.core.model.task import Task
from rocketd.executor.process.fd_watcher import FdWatcher
from rocketd.executor.process.function_protocol import read_report
from rocketd.executor.process.launch import Launch, cannot_start
from rocketd.executor.process.launcher import LauncherProgress
from rocketd.executor.process.launcher_status import LauncherStatus
from rocketd.executor.process.output import Output, Tell
from rocketd.executor.process.output_file import OutputFile
from rocketd.executor.process.pipes import Pipes
from rocketd.executor.process.process_tree import Process, ProcessScanner, ProcessTree
from rocketd.executor.process.termination import TreeTermination

PIPE_GRACE: Final = 0.1
"""Seconds to go on reading after the process has ended, while somebody else holds its pipes."""
HELD: Final = "a background process still holds its output; anything it prints is discarded"


class Clock(Protocol):
    """What an executor needs of a clock; in microseconds."""

    def now(self) -> Instant: ...
    def monotonic(self) -> Duration: ...


@dataclass(frozen=True, slots=True)
class SupervisorContext:
    """What all runs share."""

    loop: asyncio.AbstractEventLoop
    watch: FdWatcher
    """For what happens to processes."""
    pipes: FdWatcher
    """For what they print: it may have to wait."""
    limit: Callable[[], int]
    """How many bytes a run may tell within a minute, where its task says nothing else."""
    census: ProcessScanner
    clock: Clock


class Child(NamedTuple):
    """A process that was started for a run, and our ends of its pipes; a tuple, as one is made for each run."""

    launch: Launch
    began: Duration
    """By the monotonic clock."""
    pid: int
    start: int
    """Field 22 of /proc/PID/stat."""
    pidfd: int
    readers: Sequence[int]
    """Of stdout, of stderr if it has a pipe of its own, and of the report if it is a function's."""
    progress: LauncherProgress | None
    """Of its launcher, if it has one."""


OnEnd: TypeAlias = Callable[["RunSupervisor", End | Withdrawn], None]


class RunSupervisor:
    """Follows the process of one run to its end, and calls `over` once."""

    def __init__(  # noqa: PLR0913 - what it connects
        self,
        task: Task,
        run: Run,
        child: Child,
        means: SupervisorContext,
        *,
        tell: Tell,
        over: OnEnd,
        file: OutputFile | None = None,
    ) -> None:
        self.task, self.run, self.pid = task, run, child.pid
        self.pid_start = child.start
        self._child = child
        self._means = means
        self._over = over
        self._ended: Duration | None = None
        self._cause = Cause.EXIT
        self._ending: TreeTermination | None = None
        self._ender: asyncio.Task[list[Process]] | None = None  # the loop itself holds tasks only weakly
        self._survivors: list[Process] = []
        self._timer: asyncio.TimerHandle | None = None
        self._grace_over = False
        self._reaped = False
        self._status: int | None = None
        limit = means.limit() if task.output_limit is None else task.output_limit
        output = Output(task.output_tail, tell, means.clock.monotonic, limit)
        self._file = file
        self._pipes = Pipes(means.pipes, output, self._pipes_settled, file)
        self._launching: LauncherStatus | None = None
        if child.progress is not None and child.launch.orders is not None:
            self._launching = LauncherStatus(child.launch.orders, child.progress, tell, means.loop)
        self._follow(child)

    def stop(self, cause: Cause, grace: Duration) -> None:
        """End the whole tree; changes nothing if that has begun, or if the process has ended."""
        if self._ending is not None or self._ended is not None or self._dead():
            return
        self._cause = cause
        if self._launching is not None:
            self._launching.stopped()
        tree = ProcessTree(self.run.run_id, self.pid, self.pid_start)
        self._ending = TreeTermination(tree, grace / SECOND, self._means.census, self._means.watch)
        self._ender = self._means.loop.create_task(self._ending.run())
        self._ender.add_done_callback(self._tree_gone)

    def kill(self) -> None:
        """End the whole tree at once; as a stop by the daemon's own, if it was not being stopped already."""
        self.stop(Cause.SHUTDOWN, 0)
        if self._ending is not None and not self._reaped:  # or else its group's number may be another's
            self._ending.hurry()

    def _follow(self, child: Child) -> None:
        readers = list(child.readers)
        if child.launch.reports:
            self._pipes.add_report(readers.pop())
        for reader, name in zip(readers, ("stdout", "stderr"), strict=False):
            self._pipes.add_stream(reader, name)
        self._means.watch.add(child.pidfd, self._process_ended)

    def _dead(self) -> bool:
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def _process_ended(self) -> None:
        stopped = self._ending is not None  # then it stays unreaped until its tree is gone
        if not (self._dead() if stopped else self._reap()):  # called for nothing
            return
        self._means.watch.drop(self._child.pidfd)
        self._ended = self._means.clock.monotonic()
        if not stopped:
            self._leave_pipes()

    def _tree_gone(self, ending: "asyncio.Task[list[Process]]") -> None:
        if ending.cancelled():  # the loop is going down
            return
        error = ending.exception()
        if error is None:
            self._survivors = ending.result()
        else:  # our bug, and no reason to keep the run for ever
            self._means.loop.call_exception_handler({"message": f"ending {self.run.run_id}", "exception": error})
        self._reap()
        self._leave_pipes()

    def _reap(self) -> bool:
        """Take its exit status if it has ended; says whether it has."""
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # code beside us in this process waits for any child
            self._reaped = True
            return True
        if pid:
            self._reaped, self._status = True, status
        return self._reaped

    def _leave_pipes(self) -> None:
        """Be done with the pipes: as soon as they are empty, if nobody else holds them."""
        if self._file is not None:
            self._file.leave()
        self._pipes.leave()
        if self._pipes.open:
            self._timer = self._means.loop.call_later(PIPE_GRACE, self._pipe_grace_over)
        else:
            self._finish()

    def _pipe_grace_over(self) -> None:
        self._grace_over = True
        self._pipes_settled()

    def _pipes_settled(self) -> None:
        if self._timer is not None and (not self._pipes.open or (self._grace_over and self._pipes.settled)):
            self._finish()

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held = self._pipes.held()
        output, shortfall, report = self._pipes.close()
        outcome = self._withdrawn() or self._end(output, report, (HELD if held else "", shortfall))
        self._let_go()
        if self._file is None:
            self._over(self, outcome)
        else:
            self._file.close(partial(self._file_closed, outcome))

    def _file_closed(self, outcome: End | Withdrawn, trouble: str) -> None:
        if isinstance(outcome, End):
            outcome = replace(outcome, message="; ".join(filter(None, (outcome.message, trouble))))
        self._over(self, outcome)

    def _withdrawn(self) -> Withdrawn | None:
        """Say so if its program was never executed, through no fault of the task; what an operator ends has ended."""
        if self._launching is None or self._survivors:
            return None
        failure, now = self._launching.failure(), self._means.clock.now()
        if isinstance(failure, ResourceShortage) and self._cause is not Cause.OPERATOR:
            return Withdrawn(self.run, now, failure.message, shared=failure.shared)
        if self._launching.awaited and self._cause is not Cause.OPERATOR:
            cause = Cause.SHORTAGE if self._cause is Cause.TIMEOUT else self._cause
            return Withdrawn(self.run, now, self._launching.awaited, cause)
        return None

    def _let_go(self) -> None:
        if self._launching is not None:
            self._launching.close()
        self._means.watch.drop(self._child.pidfd)
        if self._reaped:
            os.close(self._child.pidfd)
        else:  # it would not die: reap it when it does
            self._means.watch.add(self._child.pidfd, self._bury)

    def _bury(self) -> None:
        if self._reap():
            self._means.watch.drop(self._child.pidfd)
            os.close(self._child.pidfd)

    def _end(self, output: str, report: bytes, besides: Iterable[str]) -> End:
        failure = None if self._launching is None else self._launching.failure()
        at = self._means.clock.now()
        runtime = (self._means.clock.monotonic() if self._ended is None else self._ended) - self._child.began
        if failure is not None and self._cause is Cause.EXIT:
            message = cannot_start(failure)
            return End(Action.FAIL, Cause.EXIT, at, message=message, output=output, runtime=runtime)
        code = None if self._status is None else os.waitstatus_to_exitcode(self._status)
        told = read_report(report)
        exit_code = code if code is not None and code >= 0 else None
        return End(
            action=action_of(self.task.work, exit_code, self._cause, inaction=told.inaction),
            cause=self._cause,
            at=at,
            exit_code=exit_code,
            signal=-code if code is not None and code < 0 else None,
            message="; ".join(filter(None, (self._message(told.message), *besides))),
            exc_text=told.exc_text,
            output=output,
            runtime=runtime,
        )

    def _message(self, told: str) -> str:
        if self._reaped and self._status is None:
            return "exit status unknown: another waiter reaped the process"
        awaited = "" if self._launching is None else self._launching.awaited
        if not self._survivors:
            return awaited or told
        pids = ", ".join(str(process.pid) for process in self._survivors[:10])
        survived = f"{len(self._survivors)} of its processes did not die of KILL: {pids}"
        return f"{awaited}; {survived}" if awaited else survived
