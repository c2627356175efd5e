"""A process that is being started for a run.

Its descriptors are opened on the loop's thread; it is spawned on any thread, several at the same time; its result is
fetched on the loop's thread again.
"""

import os
from collections.abc import Mapping, Sequence

from rocketd.core.clock import Clock
from rocketd.core.errors import RocketdError
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.run import Run
from rocketd.core.model.task import Task
from rocketd.executor.process.launch import Launch
from rocketd.executor.process.launcher_protocol import LauncherProgress
from rocketd.executor.process.process_files import current_start_time
from rocketd.executor.process.run_supervisor import Child
from rocketd.executor.process.spawner import Spawner, open_child_pidfd
from rocketd.executor.shortage import cannot, shortage_of


class PendingSpawn:
    """A process that is being started. Creating one opens its pipes; raises RocketdError."""

    def __init__(self, task: Task, run: Run, launch: Launch, spawner: Spawner, clock: Clock) -> None:
        self.task, self.run = task, run
        self._launch = launch
        self._spawner = spawner
        self._clock = clock
        self._started_at: Duration = 0
        self.spawned_at: Instant = 0
        """The instant of the spawn, by the wall clock."""
        self._readers: list[int] = []
        self._writers: list[int] = []
        self._status: tuple[int, int] | None = None
        self.pid = self._start = 0
        self._error: Exception | None = None
        try:
            self._open(1 + task.separate_stderr + launch.reports)
            if launch.request is not None:
                self._status = os.pipe2(os.O_CLOEXEC)
        except OSError as error:
            raise self._abandon(error) from None

    def spawn(self) -> None:
        """Start the process, on any thread; an error is kept for `child`, which is called on the loop's thread."""
        ticks = current_start_time()
        self._started_at, self.spawned_at = self._clock.monotonic(), self._clock.now()
        try:
            self.pid = self._spawner.spawn(self._launch, self._outputs, self._status[1] if self._status else -1)
        except Exception as error:  # noqa: BLE001 - whatever it is
            self._error = error
        else:
            self._start = ticks if ticks == current_start_time() else 0

    @property
    def lacks_start_time(self) -> bool:
        """Whether there is a process after `spawn`, and only the kernel knows in which tick it started."""
        return bool(self.pid) and not self._start

    def child(self, start_times: Mapping[int, int]) -> Child:
        """Return the process after `spawn`. Raises RocketdError if there is none; its descriptors are closed then.

        `start_times` has the start time, in ticks since boot, of each process that lacks one, by pid.
        """
        if self._error is not None:
            raise self._abandon(self._error)
        start = self._start or start_times[self.pid]
        _close(self._writers)  # first: this frees the descriptor that the pidfd needs
        self._writers = []
        try:
            pidfd = open_child_pidfd(self.pid)
        except OSError as error:
            raise self._abandon(error) from None
        return Child(self._launch, self._started_at, self.pid, start, pidfd, self._readers, self._progress())

    def cancel(self) -> None:
        """Close its pipes, instead of `spawn`."""
        _close((*self._readers, *self._writers, *(self._status or ())))

    @property
    def _outputs(self) -> Sequence[int]:
        """Its descriptors 1, 2 and so on; stdout and stderr usually share a pipe, so that lines keep their order."""
        return self._writers if self.task.separate_stderr else (self._writers[0], *self._writers)

    def _progress(self) -> LauncherProgress | None:
        if self._status is None:
            return None
        reader, writer = self._status
        os.close(writer)
        return LauncherProgress(reader)

    def _open(self, pipes: int) -> None:
        for _ in range(pipes):
            reader, writer = os.pipe2(os.O_CLOEXEC)
            self._readers.append(reader)
            self._writers.append(writer)

    def _abandon(self, error: Exception) -> RocketdError:
        self.cancel()
        if isinstance(error, RocketdError):
            return error
        if isinstance(error, OSError):
            return cannot(self._launch.target, error)
        return shortage_of(error) or RocketdError(f"{self._launch.target}: {error!r}")


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
