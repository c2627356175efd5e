"""The executor that runs every task as a process of this host: `Executor` of `daemon/ports.py`.

Everything is called and reported on the loop's thread. `Spawned`, and `Finished` or `Withdrawn` of a run that cannot be
started, are reported before `start` returns, or by the end of `batch`: a start spends most of its time waiting for the
child to execute its program, and several starts can wait at the same time.
"""

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

from rocketd.core.clock import Clock
from rocketd.core.errors import ResourceShortage, RocketdError
from rocketd.core.instant import Instant
from rocketd.core.model.events import Finished, Report, Spawned, Withdrawn
from rocketd.core.model.output_path import output_path
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Action, Cause, End, Run, RunKey, Trigger
from rocketd.core.model.task import Call, Task
from rocketd.executor.callbacks import EmitLine
from rocketd.executor.daemon_bound import DaemonBoundExecutor
from rocketd.executor.process.capabilities import is_confined
from rocketd.executor.process.environment import clean_environment, own_identity, run_variables
from rocketd.executor.process.environment_files import EnvironmentFiles
from rocketd.executor.process.fd_watcher import FdWatcher
from rocketd.executor.process.launch import LaunchContext, build_launch, cannot_start
from rocketd.executor.process.network_mounts import Mounts
from rocketd.executor.process.orphans import terminate_orphans
from rocketd.executor.process.output import DEFAULT_LIMIT
from rocketd.executor.process.output_file import OutputFile
from rocketd.executor.process.output_writer_process import OutputWriterProcess, start_writer
from rocketd.executor.process.path_trust import PathTrust
from rocketd.executor.process.pending_spawn import PendingSpawn
from rocketd.executor.process.process_files import spawned_times
from rocketd.executor.process.process_tree import ProcessScanner
from rocketd.executor.process.programs import Programs
from rocketd.executor.process.run_supervisor import Child, RunSupervisor, SupervisorContext
from rocketd.executor.process.spawn_pool import THREADS, SpawnPool
from rocketd.executor.process.spawner import Spawner, unshare
from rocketd.executor.shortage import shortage_of

MAX_PENDING: Final = 16
"""The largest number of starts in progress: each holds twice its descriptors until it has been reported."""
HOLD_LIMIT: Final = 10.0
"""Seconds for which runs wait for a slow consumer of their output; after that, lines are dropped."""


class ProcessExecutor(DaemonBoundExecutor):
    """Starts, supervises and stops processes. Create it on the thread of a running loop, and early: see `spawner`."""

    def __init__(  # noqa: PLR0913 - what it connects
        self,
        report: Report,
        output: EmitLine,
        *,
        clock: Clock,
        base_environment: Mapping[str, str] | None = None,
        open_files: tuple[int, int] | None = None,
        variables: Callable[[Run], Mapping[str, str]] = run_variables,
    ) -> None:
        """`report` gets the events of runs, `output` the lines that they print.

        `base_environment` is the clean environment of all processes (default: PATH and the daemon's LANG), `open_files`
        their RLIMIT_NOFILE (soft, hard) where the daemon has raised its own (`raise_open_files`), `variables` what
        tells a process which run it is.
        """
        loop = asyncio.get_running_loop()
        _restore_sigchld()
        self._report = report
        self._emit = output
        clean = clean_environment(os.environ.get("LANG", "")) if base_environment is None else base_environment
        self._mounts = Mounts()
        self._trust = trust = PathTrust(self._mounts, os.geteuid())
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        self._launch_context = LaunchContext(
            own_identity(), nice, EnvironmentFiles(trust), Programs(trust), clean, variables, is_confined()
        )
        self._spawner = Spawner(open_files)
        self._pool = SpawnPool(unshare, max_threads=0 if self._spawner.single_threaded else THREADS)
        self._pending: deque[PendingSpawn] = deque()
        self._batching = False
        self.output_limit = DEFAULT_LIMIT
        """How much of a run's output is passed on within a minute, in bytes, unless its task sets its own limit."""
        self._context = SupervisorContext(
            loop, FdWatcher(loop), FdWatcher(loop), lambda: self.output_limit, ProcessScanner(), clock
        )
        self._hold_timer: asyncio.TimerHandle | None = None
        self._active: dict[RunKey, RunSupervisor] = {}

    def start(self, task: Task, run: Run) -> None:
        """Start the run; a fault in its task becomes the message of its end."""
        try:
            launch = build_launch(task.work, run, self._launch_context)
            pending = PendingSpawn(task, run, launch, self._spawner, self._context.clock)
        except RocketdError as error:
            self._report_not_started(run, error)
            return
        except (OSError, MemoryError, RuntimeError) as error:
            if (shortage := shortage_of(error)) is None:
                raise
            self._report_not_started(run, shortage)
            return
        self._pending.append(pending)
        self._pool.submit(pending.spawn)
        if not self._batching or len(self._pending) == MAX_PENDING:
            self._report_spawned()

    def rehearse(self, task: Task, at: Instant) -> None:
        """Put a launch together, and open and close its pipes."""
        with suppress(RocketdError, OSError, MemoryError):
            run = Run(task.name, 1, "", 1, at, at, Trigger.SCHEDULE, "")
            launch = build_launch(task.work, run, self._launch_context)
            PendingSpawn(task, run, launch, self._spawner, self._context.clock).cancel()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Start the runs of the `with` block at the same time; report all of them, in order, by its end."""
        self._batching = True
        self._trust.recheck(once=True)
        try:
            yield
        finally:
            self._batching = False
            self._report_spawned()

    def stop(self, run: Run, cause: Cause) -> None:
        """Stop the process tree of the run; does nothing if the run is not active here."""
        supervisor = self._active.get(run.key)
        if supervisor is not None:
            supervisor.stop(cause, supervisor.task.kill_grace)

    def kill(self) -> None:
        """Kill every process tree; the process groups of the runs are killed before this returns."""
        for supervisor in tuple(self._active.values()):
            supervisor.kill()

    def output_of(self, run: Run) -> str:
        """Return the end of what an active run has printed; empty if it is not active here."""
        supervisor = self._active.get(run.key)
        return "" if supervisor is None else supervisor.output

    def hold_output(self, hold: bool) -> None:  # noqa: FBT001 - a callback that takes the new state
        """Stop or continue reading output. Runs block once their pipes are full, for HOLD_LIMIT at most."""
        if self._hold_timer is not None:
            self._hold_timer.cancel()
            self._hold_timer = None
        if hold:
            self._context.pipe_watcher.hold()
            self._hold_timer = self._context.loop.call_later(HOLD_LIMIT, self._context.pipe_watcher.release)
        else:
            self._context.pipe_watcher.release()

    @property
    def active_count(self) -> int:
        """The number of runs that have begun here and have not been reported as finished."""
        return len(self._active) + len(self._pending)

    async def clean_up(self, runs: Sequence[OpenRun]) -> None:
        """Stop the processes that these runs left behind on this boot of this host."""
        await terminate_orphans(runs, self._context.scanner, self._context.watcher)

    async def close(self) -> None:
        """Release all resources."""
        self.hold_output(False)  # noqa: FBT003 - cancels its timer as well
        self._context.watcher.close()
        self._context.pipe_watcher.close()
        self._pool.close()
        self._spawner.close()
        self._trust.close()
        self._mounts.close()

    def _on_end(self, supervisor: RunSupervisor, outcome: End | Withdrawn) -> None:
        del self._active[supervisor.run.key]
        self._report(outcome if isinstance(outcome, Withdrawn) else Finished(supervisor.run, outcome))

    def _report_spawned(self) -> None:
        """Report the results of the pending starts, in their order."""
        self._trust.recheck(once=self._batching)
        self._pool.wait()
        start_times = spawned_times([pending.pid for pending in self._pending if pending.lacks_start_time])
        while self._pending:
            pending = self._pending.popleft()
            try:
                child = pending.child(start_times)
            except RocketdError as error:
                self._report_not_started(pending.run, error)
            else:
                self._supervise(pending, child)

    def _supervise(self, pending: PendingSpawn, child: Child) -> None:
        run = pending.run
        emit, file = partial(self._emit, run), self._output_file(pending.task, run)
        supervisor = RunSupervisor(pending.task, run, child, self._context, emit=emit, on_end=self._on_end, file=file)
        self._active[run.key] = supervisor
        self._report(Spawned(run, supervisor.pid, supervisor.pid_start, pending.spawned_at))

    def _output_file(self, task: Task, run: Run) -> OutputFile | None:
        if not task.output_file or isinstance(task.work, Call):
            return None
        path = output_path(task.output_file, run, task.zone)
        writer: OutputWriterProcess | str
        try:
            writer = start_writer(path, task.work.surroundings.identity, run, self._launch_context, self._spawner)
        except (OSError, RocketdError) as error:
            writer = f"cannot start its writer process: {error}"
        return OutputFile(path, writer, self._context.loop, self._context.watcher, partial(self._emit, run))

    def _report_not_started(self, run: Run, error: RocketdError) -> None:
        now = self._context.clock.now()
        if isinstance(error, ResourceShortage):
            self._report(Withdrawn(run, now, error.message, shared=error.shared, own_limit=error.own_limit))
        else:
            self._report(Finished(run, End(Action.FAIL, Cause.EXIT, now, message=cannot_start(error))))


def _restore_sigchld() -> None:
    """Restore SIGCHLD if the parent process left it ignored: the kernel would discard exit statuses."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
