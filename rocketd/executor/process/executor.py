"""The executor that makes every run a process of this host: `Executor` of `daemon/ports.py`.

All is asked for and reported on the loop's thread. `Spawned`, and `Finished` or `Withdrawn` of a run that cannot be
started, are reported before `start` returns, or by the end of `batch`: waiting for a child to get hold of its
program is most of what a start takes, and several can be waited for at the same time.
"""

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeAlias

from rocketd.core.errors import ResourceShortage, RocketdError
from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.output_path import output_path
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Action, Cause, End, Run, RunKey
from rocketd.core.model.task import Call, Task
from rocketd.executor.process.environment import clean_environment, own_identity
from rocketd.executor.process.environment_files import EnvironmentFiles
from rocketd.executor.process.fd_watcher import FdWatcher
from rocketd.executor.process.launch import LaunchContext, build_launch, cannot_start
from rocketd.executor.process.network_mounts import Mounts
from rocketd.executor.process.orphans import terminate_orphans
from rocketd.executor.process.output import LIMIT
from rocketd.executor.process.output_file import OutputFile
from rocketd.executor.process.output_writer_process import OutputWriterProcess, start_writer
from rocketd.executor.process.path_trust import PathTrust
from rocketd.executor.process.pending_spawn import PendingSpawn
from rocketd.executor.process.process_tree import ProcessScanner
from rocketd.executor.process.programs import Programs
from rocketd.executor.process.spawn_pool import THREADS, SpawnPool
from rocketd.executor.process.spawner import Spawner, unshare
from rocketd.executor.process.supervised_run import Child, Clock, RunSupervisor, SupervisorContext
from rocketd.executor.shortage import shortage_of

AT_ONCE: Final = 16
"""How many are started at the same time at most: each has twice its descriptors until it has been reported."""

Report: TypeAlias = Callable[[Spawned | Finished | Withdrawn], None]
TellLine: TypeAlias = Callable[[Run, str, str], object]
"""Takes a run, the name of a stream (`stdout` or `stderr`) and a line without its end; False: it could not be told."""

PATIENCE: Final = 10.0
"""Seconds that runs wait for those who are told what they print; then lines are left out."""


class ProcessExecutor:
    """Starts, follows and ends processes. Make it on the thread of a running loop, and early: see `spawner`."""

    def __init__(
        self,
        report: Report,
        output: TellLine,
        *,
        clock: Clock,
        base_environment: Mapping[str, str] | None = None,
        open_files: tuple[int, int] | None = None,
    ) -> None:
        """Take what runs tell and what they print.

        `base_environment` is the clean one that all get (default: PATH and the daemon's LANG), `open_files` the
        RLIMIT_NOFILE (soft, hard) that they get where the daemon has raised its own (`raise_open_files`).
        """
        loop = asyncio.get_running_loop()
        _want_exit_statuses()
        self._report = report
        self._output = output
        clean = clean_environment(os.environ.get("LANG", "")) if base_environment is None else base_environment
        self._mounts = Mounts()
        self._trust = trust = PathTrust(self._mounts, os.geteuid())
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        self._host = LaunchContext(own_identity(), nice, EnvironmentFiles(trust), Programs(trust), clean)
        self._spawner = Spawner(open_files)
        self._hands = SpawnPool(unshare, most=0 if self._spawner.shared else THREADS)
        self._births: deque[PendingSpawn] = deque()
        self._together = False
        self.output_limit = LIMIT
        """What a run may tell within a minute, in bytes, where its task says nothing else."""
        self._means = SupervisorContext(
            loop, FdWatcher(loop), FdWatcher(loop), lambda: self.output_limit, ProcessScanner(), clock
        )
        self._patience: asyncio.TimerHandle | None = None
        self._going: dict[RunKey, RunSupervisor] = {}

    def start(self, task: Task, run: Run) -> None:
        """Start it; what is wrong with its definition becomes the message of its end."""
        try:
            launch = build_launch(task.work, run, self._host)
            birth = PendingSpawn(task, run, launch, self._spawner, self._means.clock)
        except RocketdError as error:
            self._not_started(run, error)
            return
        except (OSError, MemoryError, RuntimeError) as error:
            if (shortage := shortage_of(error)) is None:
                raise
            self._not_started(run, shortage)
            return
        self._births.append(birth)
        self._hands.begin(birth.spawn)
        if not self._together or len(self._births) == AT_ONCE:
            self._settle()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Start at the same time what is started inside; by the end of it all is reported, in order."""
        self._together = True
        try:
            yield
        finally:
            self._together = False
            self._settle()

    def stop(self, run: Run, cause: Cause) -> None:
        """End its process tree; a run that is not going on here is left alone."""
        going = self._going.get(run.key)
        if going is not None:
            going.stop(cause, going.task.kill_grace)

    def kill(self) -> None:
        """Kill every process tree; the groups of their first processes before this returns."""
        for going in tuple(self._going.values()):
            going.kill()

    def hold_output(self, hold: bool) -> None:  # noqa: FBT001 - what is told is whether
        """Read nothing of what runs print meanwhile, for PATIENCE at most: they wait once their pipes are full."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if hold:
            self._means.pipes.hold()
            self._patience = self._means.loop.call_later(PATIENCE, self._means.pipes.release)
        else:
            self._means.pipes.release()

    @property
    def active_count(self) -> int:
        """How many runs have begun here and not been reported as finished."""
        return len(self._going) + len(self._births)

    def adopt(self, runs: Sequence[OpenRun]) -> Sequence[RunKey]:  # noqa: ARG002 - none of them, whichever
        """None: a process whose parent went down is nobody's to wait for."""
        return ()

    async def clean_up(self, runs: Sequence[OpenRun]) -> None:
        """Stop what these runs left behind on this boot of this host."""
        await terminate_orphans(runs, self._means.census, self._means.watch)

    async def close(self) -> None:
        """Let go of everything."""
        self.hold_output(False)  # noqa: FBT003 - nor is its timer to be left behind
        self._means.watch.close()
        self._means.pipes.close()
        self._hands.close()
        self._spawner.close()
        self._trust.close()
        self._mounts.close()

    def _over(self, going: RunSupervisor, outcome: End | Withdrawn) -> None:
        del self._going[going.run.key]
        self._report(outcome if isinstance(outcome, Withdrawn) else Finished(going.run, outcome))

    def _settle(self) -> None:
        """Report what became of the starts that have begun, in their order."""
        self._hands.finish()
        while self._births:
            birth = self._births.popleft()
            try:
                child = birth.child()
            except RocketdError as error:
                self._not_started(birth.run, error)
            else:
                self._follow(birth, child)

    def _follow(self, birth: PendingSpawn, child: Child) -> None:
        run = birth.run
        tell, file = partial(self._output, run), self._output_file(birth.task, run)
        going = RunSupervisor(birth.task, run, child, self._means, tell=tell, over=self._over, file=file)
        self._going[run.key] = going
        self._report(Spawned(run, going.pid, going.pid_start, birth.at))

    def _output_file(self, task: Task, run: Run) -> OutputFile | None:
        if not task.output_file or isinstance(task.work, Call):
            return None
        path = output_path(task.output_file, run, task.zone)
        writer: OutputWriterProcess | str
        try:
            writer = start_writer(path, task.work.surroundings.identity, run, self._host, self._spawner)
        except (OSError, RocketdError) as error:
            writer = f"no process can be started to write it: {error}"
        return OutputFile(path, writer, self._means.loop, self._means.watch, partial(self._output, run))

    def _not_started(self, run: Run, error: RocketdError) -> None:
        now = self._means.clock.now()
        if isinstance(error, ResourceShortage):
            self._report(Withdrawn(run, now, error.message, shared=error.shared))
        else:
            self._report(Finished(run, End(Action.FAIL, Cause.EXIT, now, message=cannot_start(error))))


def _want_exit_statuses() -> None:
    """Undo what a parent may have left us: where SIGCHLD is ignored, the kernel throws exit statuses away."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
