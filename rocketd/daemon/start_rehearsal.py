"""Uses once, for nothing, what makes a start from rest slow: the scheduler, the writing thread, the executor.

Nothing is decided, learned, recorded or reported by it.
"""

from collections.abc import Callable
from typing import TypeAlias

from rocketd.core.instant import Instant
from rocketd.core.model.task import Task
from rocketd.core.scheduler.rehearsal import DecisionRehearsal
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.ports import Store
from rocketd.daemon.record_writer import RecordWriter

RehearseStart: TypeAlias = Callable[[Task, Instant], None]
"""Does what a start of that task at that instant takes, and undoes it; does not raise."""


class StartRehearsal:
    """A rehearsal for the next expected start. On the loop's thread."""

    def __init__(self, scheduler: Scheduler, recorder: RecordWriter, start: RehearseStart) -> None:
        self._rehearsal = DecisionRehearsal(scheduler)
        self._recorder = recorder
        self._start = start
        self._is_writing = False

    def is_useful(self, at: Instant) -> bool:
        """Whether a start is expected at that instant."""
        return self._rehearsal.expected_task(at) is not None

    def __call__(self, at: Instant) -> None:
        """Do it, unless what was expected is not any longer."""
        task = self._rehearsal.expected_task(at)
        if task is None:
            return
        if not self._is_writing:  # else the store hangs
            self._is_writing = True
            self._recorder.submit(_write_nothing, self._written)
        self._rehearsal.rehearse(task, at)
        self._start(task, at)

    def _written(self, _: int) -> None:
        self._is_writing = False


def _write_nothing(store: Store) -> int:
    """Open and commit a transaction."""
    store.write(())
    return 0
