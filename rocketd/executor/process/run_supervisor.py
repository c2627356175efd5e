"""Supervises the process of one run.

    running ──▶ its process exits ──▶ its pipes are empty, and closed or PIPE_GRACE has passed ──▶ ended
       │                                                     ▲
       └─ stop ──▶ termination of the tree: TERM, grace, KILL

A run ends when its own process exits. What that process left running continues, as under cron, but its output is not
read any longer: a grandchild that holds the pipe delays nothing. A stopped run ends when its whole tree is gone, so
that its task, or another one with the same mutex, never runs beside what is left of it; until then the first process
stays unreaped, so that its pid cannot be reused.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from rocketd.core.clock import Clock
from rocketd.core.dataclass import dataclass
from rocketd.core.errors import ResourceShortage
from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.events import Withdrawn
from rocketd.core.model.outcome import action_of, unwanted_output
from rocketd.core.model.run import NO_USAGE, Action, Cause, End, Run
from rocketd.core.model.task import Task
from rocketd.executor.oom_kills import HOST, PROBABLY, was_killed
from rocketd.executor.process.fd_watcher import FdWatcher
from rocketd.executor.process.function_protocol import read_report
from rocketd.executor.process.launch import Launch, cannot_start
from rocketd.executor.process.launcher_protocol import LauncherProgress
from rocketd.executor.process.launcher_status import LauncherStatus
from rocketd.executor.process.output import Emit, Output
from rocketd.executor.process.output_file import OutputFile
from rocketd.executor.process.pipes import Pipes
from rocketd.executor.process.process_tree import Process, ProcessScanner, ProcessTree
from rocketd.executor.process.termination import TreeTermination
from rocketd.executor.process.usage import usage_of

PIPE_GRACE: Final = 0.1
"""Seconds to continue reading after the process has exited, while another process holds its pipes."""
OUTPUT_STILL_HELD: Final = "a background process still holds its output; anything it prints is discarded"


@dataclass(frozen=True, slots=True)
class SupervisorContext:
    """What the supervisors of all runs share."""

    loop: asyncio.AbstractEventLoop
    watcher: FdWatcher
    """For the ends of processes."""
    pipe_watcher: FdWatcher
    """For their output, which may be held (`ProcessExecutor.hold_output`)."""
    output_limit: Callable[[], int]
    """How much of a run's output is passed on within a minute, in bytes, unless its task sets a limit of its own."""
    scanner: ProcessScanner
    clock: Clock


class Child(NamedTuple):
    """The process of a run, and the daemon's ends of its pipes; a tuple, as one is made for each run."""

    launch: Launch
    started_at: Duration
    """By the monotonic clock."""
    pid: int
    start: int
    """Field 22 of /proc/PID/stat."""
    pidfd: int
    readers: Sequence[int]
    """Of stdout, of stderr if it has a separate pipe, and of the report if the task is a function."""
    progress: LauncherProgress | None
    """The progress of its launcher, if it has one."""


OnEnd: TypeAlias = Callable[["RunSupervisor", End | Withdrawn], None]


class RunSupervisor:
    """Supervises the process of one run to its end, and calls `on_end` once."""

    def __init__(  # noqa: PLR0913 - what it connects
        self,
        task: Task,
        run: Run,
        child: Child,
        context: SupervisorContext,
        *,
        emit: Emit,
        on_end: OnEnd,
        file: OutputFile | None = None,
    ) -> None:
        self.task, self.run, self.pid = task, run, child.pid
        self.pid_start = child.start
        self._child = child
        self._context = context
        self._on_end = on_end
        self._ended_at: Duration | None = None
        self._cause = Cause.EXIT
        self._termination: TreeTermination | None = None
        self._termination_task: asyncio.Task[list[Process]] | None = (
            None  # the loop itself holds only weak references to tasks
        )
        self._survivors: list[Process] = []
        self._timer: asyncio.TimerHandle | None = None
        self._pipe_grace_expired = False
        self._reaped = False
        self._status: int | None = None
        self._usage = NO_USAGE
        self._oom_kills = HOST.before_start()
        output_limit = context.output_limit() if task.output_limit is None else task.output_limit
        self._output = Output(task.output_tail, emit, context.clock.monotonic, output_limit)
        self._file = file
        self._pipes = Pipes(context.pipe_watcher, self._output, self._on_drained, file)
        self._launcher_status: LauncherStatus | None = None
        if child.progress is not None and child.launch.request is not None:
            self._launcher_status = LauncherStatus(child.launch.request, child.progress, emit, context.loop)
        self._watch(child)

    @property
    def output(self) -> str:
        """The end of what it has printed so far, in whole lines."""
        return self._pipes.output_tail

    def stop(self, cause: Cause, grace: Duration) -> None:
        """Terminate the whole tree; does nothing if that has begun already, or if the process has exited."""
        if self._termination is not None or self._ended_at is not None or self._has_exited():
            return
        self._cause = cause
        if self._launcher_status is not None:
            self._launcher_status.note_stop()
        tree = ProcessTree(self.run.run_id, self.pid, self.pid_start)
        self._termination = TreeTermination(tree, grace / SECOND, self._context.scanner, self._context.watcher)
        self._termination_task = self._context.loop.create_task(self._termination.run())
        self._termination_task.add_done_callback(self._on_tree_terminated)

    def kill(self) -> None:
        """Kill the whole tree at once; counts as a stop by the daemon's shutdown if no stop has begun."""
        self.stop(Cause.SHUTDOWN, 0)
        if self._termination is not None and not self._reaped:  # afterwards the number of its group may be reused
            self._termination.kill_now()

    def _watch(self, child: Child) -> None:
        readers = list(child.readers)
        if child.launch.reports:
            self._pipes.add_report(readers.pop())
        for reader, name in zip(readers, ("stdout", "stderr"), strict=False):
            self._pipes.add_stream(reader, name)
        self._context.watcher.add(child.pidfd, self._on_exit)

    def _has_exited(self) -> bool:
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def _on_exit(self) -> None:
        stopping = self._termination is not None  # it stays unreaped then until its tree is gone
        if not (self._has_exited() if stopping else self._reap()):  # a spurious call
            return
        self._context.watcher.remove(self._child.pidfd)
        self._ended_at = self._context.clock.monotonic()
        if not stopping:
            self._drain_pipes()

    def _on_tree_terminated(self, ending: "asyncio.Task[list[Process]]") -> None:
        if ending.cancelled():  # the loop is shutting down
            return
        error = ending.exception()
        if error is None:
            self._survivors = ending.result()
        else:  # a bug, and no reason to keep the run active for ever
            self._context.loop.call_exception_handler({"message": f"terminating {self.run.run_id}", "exception": error})
        self._reap()
        self._drain_pipes()

    def _reap(self) -> bool:
        """Collect the exit status; return whether the process has exited."""
        try:
            pid, status, used = os.wait4(self.pid, os.WNOHANG)
        except ChildProcessError:  # other code in this process waits for any child
            self._reaped = True
            return True
        if pid:
            self._reaped, self._status, self._usage = True, status, usage_of(used)
        return self._reaped

    def _drain_pipes(self) -> None:
        """Finish as soon as the pipes are empty, or PIPE_GRACE later if another process holds them."""
        if self._file is not None:
            self._file.note_run_end()
        self._pipes.drain()
        if self._pipes.open:
            self._timer = self._context.loop.call_later(PIPE_GRACE, self._on_pipe_grace_expired)
        else:
            self._finish()

    def _on_pipe_grace_expired(self) -> None:
        self._pipe_grace_expired = True
        self._on_drained()

    def _on_drained(self) -> None:
        if self._timer is not None and (not self._pipes.open or (self._pipe_grace_expired and self._pipes.drained)):
            self._finish()

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        still_open = self._pipes.still_open()
        output, shortfall, report = self._pipes.close()
        outcome = self._withdrawn() or self._end(output, report, (OUTPUT_STILL_HELD if still_open else "", shortfall))
        self._release()
        if self._file is None:
            self._on_end(self, outcome)
        else:
            self._file.close(partial(self._file_closed, outcome))

    def _file_closed(self, outcome: End | Withdrawn, trouble: str) -> None:
        if isinstance(outcome, End):
            outcome = replace(outcome, message="; ".join(filter(None, (outcome.message, trouble))))
        self._on_end(self, outcome)

    def _withdrawn(self) -> Withdrawn | None:
        """Return the event of a run whose program was never executed, through no fault of the task; else None.

        A run that an operator stopped is not withdrawn: it has ended.
        """
        if self._launcher_status is None or self._survivors:
            return None
        launch_error, now = self._launcher_status.launch_error(), self._context.clock.now()
        if isinstance(launch_error, ResourceShortage) and self._cause is not Cause.OPERATOR:
            return Withdrawn(
                self.run, now, launch_error.message, shared=launch_error.shared, own_limit=launch_error.own_limit
            )
        if self._launcher_status.interrupted_wait and self._cause is not Cause.OPERATOR:
            cause = Cause.SHORTAGE if self._cause is Cause.TIMEOUT else self._cause
            return Withdrawn(self.run, now, self._launcher_status.interrupted_wait, cause)
        return None

    def _release(self) -> None:
        if self._launcher_status is not None:
            self._launcher_status.close()
        self._context.watcher.remove(self._child.pidfd)
        if self._reaped:
            os.close(self._child.pidfd)
        else:  # it survived KILL: reap it when it exits
            self._context.watcher.add(self._child.pidfd, self._reap_late)

    def _reap_late(self) -> None:
        if self._reap():
            self._context.watcher.remove(self._child.pidfd)
            os.close(self._child.pidfd)

    def _end(self, output: str, report: bytes, notes: Iterable[str]) -> End:
        launch_error = None if self._launcher_status is None else self._launcher_status.launch_error()
        at = self._context.clock.now()
        ended_at = self._context.clock.monotonic() if self._ended_at is None else self._ended_at
        runtime = ended_at - self._child.started_at
        if launch_error is not None and self._cause is Cause.EXIT:
            message = cannot_start(launch_error)
            return End(Action.FAIL, Cause.EXIT, at, message=message, output=output, runtime=runtime)
        code = None if self._status is None else os.waitstatus_to_exitcode(self._status)
        function_report = read_report(report)
        exit_code = code if code is not None and code >= 0 else None
        signal = -code if code is not None and code < 0 else None
        work, streams = self.task.work, self._output.streams
        messages = (
            self._end_message(function_report.message),
            self._memory_note(exit_code, signal),
            unwanted_output(work, streams) if self._cause is Cause.EXIT else "",
        )
        return End(
            action=action_of(work, exit_code, self._cause, inaction=function_report.inaction, streams=streams),
            cause=self._cause,
            at=at,
            exit_code=exit_code,
            signal=signal,
            message="; ".join(filter(None, (*messages, *notes))),
            exc_text=function_report.exc_text,
            output=output,
            runtime=runtime,
            usage=self._usage,
        )

    def _memory_note(self, exit_code: int | None, signal: int | None) -> str:
        if self._cause is not Cause.EXIT or not was_killed(exit_code, signal):
            return ""
        return PROBABLY if self._oom_kills.has_risen() else ""

    def _end_message(self, reported: str) -> str:
        if self._reaped and self._status is None:
            return "exit status unknown: another waiter reaped the process"
        interrupted_wait = "" if self._launcher_status is None else self._launcher_status.interrupted_wait
        if not self._survivors:
            return interrupted_wait or reported
        pids = ", ".join(str(process.pid) for process in self._survivors[:10])
        survived = f"{len(self._survivors)} of its processes survived SIGKILL: {pids}"
        return f"{interrupted_wait}; {survived}" if interrupted_wait else survived
