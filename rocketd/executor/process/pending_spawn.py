"""How a run gets its process.

What it needs is opened on the loop's thread; it is spawned on any, perhaps beside others; it is handed over on the
loop's again.
"""

import os
from collections.abc import Sequence

from rocketd.core.errors import RocketdError
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.run import Run
from rocketd.core.model.task import Task
from rocketd.executor.process.launch import Launch
from rocketd.executor.process.launcher import LauncherProgress
from rocketd.executor.process.process_tree import now_in_ticks, start_time
from rocketd.executor.process.spawner import Spawner, hold
from rocketd.executor.process.supervised_run import Child, Clock
from rocketd.executor.shortage import cannot, shortage_of


class PendingSpawn:
    """A process that is about to be there. Making one opens its pipes; raises RocketdError."""

    def __init__(self, task: Task, run: Run, launch: Launch, spawner: Spawner, clock: Clock) -> None:
        self.task, self.run = task, run
        self._launch = launch
        self._spawner = spawner
        self._clock = clock
        self._began: Duration = 0
        self.at: Instant = 0
        """Since when the process is there."""
        self._readers: list[int] = []
        self._writers: list[int] = []
        self._status: tuple[int, int] | None = None
        self._pid = self._start = 0
        self._error: Exception | None = None
        try:
            self._open(1 + task.separate_stderr + launch.reports)
            if launch.orders is not None:
                self._status = os.pipe2(os.O_CLOEXEC)
        except OSError as error:
            raise self._given_up(error) from None

    def spawn(self) -> None:
        """Start it; what goes wrong is kept for `child`, as this may be another thread than the one to tell."""
        ticks = now_in_ticks()
        self._began, self.at = self._clock.monotonic(), self._clock.now()
        try:
            self._pid = self._spawner.spawn(self._launch, self._outputs, self._status[1] if self._status else -1)
        except Exception as error:  # noqa: BLE001 - whatever it is
            self._error = error
        else:
            self._start = ticks if ticks == now_in_ticks() else start_time(self._pid)

    def child(self) -> Child:
        """The process, once it has been spawned. Raises RocketdError if there is none, and leaves nothing of it."""
        if self._error is not None:
            raise self._given_up(self._error)
        _close(self._writers)  # first, which leaves room for one more descriptor
        self._writers = []
        try:
            pidfd = hold(self._pid)
        except OSError as error:
            raise self._given_up(error) from None
        return Child(self._launch, self._began, self._pid, self._start, pidfd, self._readers, self._progress())

    @property
    def _outputs(self) -> Sequence[int]:
        """Its descriptors 1, 2 and so on: stdout and stderr are one pipe, so that what is written keeps its order."""
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

    def _given_up(self, error: Exception) -> RocketdError:
        _close((*self._readers, *self._writers, *(self._status or ())))
        if isinstance(error, RocketdError):
            return error
        if isinstance(error, OSError):
            return cannot(self._launch.target, error)
        return shortage_of(error) or RocketdError(f"{self._launch.target}: {error!r}")


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
