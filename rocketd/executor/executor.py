"""The executor that makes every run a process of this host: `Executor` of `daemon/ports.py`.

Everything happens on the loop's thread and returns at once. `Spawned`, and `Finished` of a run that cannot be started,
are reported before `start` returns.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeAlias

from rocketd.core.errors import RocketdError
from rocketd.core.events import Finished, Spawned
from rocketd.core.records import OpenRun
from rocketd.core.run import Action, Cause, End, Run, RunKey
from rocketd.core.task import Task
from rocketd.executor.command import Host, Launch, launch_of
from rocketd.executor.environment import clean_environment
from rocketd.executor.going import Child, Clock, Going, Means
from rocketd.executor.leftovers import clear
from rocketd.executor.mounts import Mounts
from rocketd.executor.spawn import Spawner
from rocketd.executor.tree import Census, now_in_ticks, start_time
from rocketd.executor.watch import Watch
from rocketd.executor.wrappers import Wrappers

Report: TypeAlias = Callable[[Spawned | Finished], None]
TellLine: TypeAlias = Callable[[Run, str, str], None]
"""Takes a run, the name of a stream (`stdout` or `stderr`) and a line without its end."""


class ProcessExecutor:
    """Starts, follows and ends processes. Make it on the thread of a running loop, and early: see `spawn`."""

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
        self._host = Host(Wrappers(), Mounts(), clean)
        self._spawner = Spawner(open_files)
        self._means = Means(loop, Watch(loop), Census(), clock)
        self._going: dict[RunKey, Going] = {}

    def start(self, task: Task, run: Run) -> None:
        """Start it; what is wrong with its definition becomes the message of its end."""
        try:
            launch = launch_of(task.work, run, self._host)
            child = self._start(launch)
        except RocketdError as error:
            self._report(Finished(run, self._not_started(error.message, error.hint)))
            return
        going = Going(task, run, child, self._means, tell=partial(self._output, run), over=self._over)
        self._going[run.key] = going
        self._report(Spawned(run, going.pid, going.pid_start))

    def stop(self, run: Run, cause: Cause) -> None:
        """End its process tree; a run that is not going on here is left alone."""
        going = self._going.get(run.key)
        if going is not None:
            going.stop(cause, going.task.kill_grace)

    def kill(self) -> None:
        """Kill every process tree; the groups of their first processes before this returns."""
        for going in tuple(self._going.values()):
            going.kill()

    @property
    def going(self) -> int:
        """How many runs have begun here and not been reported as finished."""
        return len(self._going)

    def adopt(self, runs: Sequence[OpenRun]) -> Sequence[RunKey]:  # noqa: ARG002 - none of them, whichever
        """None: a process whose parent went down is nobody's to wait for."""
        return ()

    async def clear(self, runs: Sequence[OpenRun]) -> None:
        """Stop what these runs left behind on this boot of this host."""
        await clear(runs, self._means.census, self._means.watch)

    async def close(self) -> None:
        """Let go of everything."""
        self._means.watch.close()
        self._spawner.close()
        self._host.mounts.close()

    def _over(self, going: Going, end: End) -> None:
        del self._going[going.run.key]
        self._report(Finished(going.run, end))

    def _not_started(self, why: str, hint: str) -> End:
        message = f"cannot start: {why}" + (f" ({hint})" if hint else "")
        return End(Action.FAIL, Cause.EXIT, self._means.clock.now(), message=message)

    def _start(self, launch: Launch) -> Child:
        """Spawn it with new pipes; of a start that fails nothing is left."""
        readers: list[int] = []
        writers: list[int] = []
        began = self._means.clock.monotonic()
        try:
            for _ in range(3 if launch.reports else 2):
                reader, writer = os.pipe2(os.O_CLOEXEC)
                readers.append(reader)
                writers.append(writer)
            ticks = now_in_ticks()
            pid = self._spawner.spawn(launch, writers)
            start = ticks if ticks == now_in_ticks() else start_time(pid)
            return Child(launch, began, pid, start, _hold(pid), readers)
        except OSError as error:
            _close(readers)
            raise RocketdError(f"{launch.target}: {error.strerror}") from None
        except RocketdError:
            _close(readers)
            raise
        finally:
            _close(writers)


def _want_exit_statuses() -> None:
    """Undo what a parent may have left us: where SIGCHLD is ignored, the kernel throws exit statuses away."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _hold(pid: int) -> int:
    """Get a pidfd of our new child; where that fails, e.g. for want of descriptors, the child must not go on."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        with suppress(ProcessLookupError):  # it is not yet the leader of its group, or ended
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
