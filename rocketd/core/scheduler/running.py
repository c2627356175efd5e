"""The runs that are going on, and what they hold: slots, mutexes, deadlines."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Final

from rocketd.core.instant import FOREVER, Duration, Instant
from rocketd.core.model.events import Stop
from rocketd.core.model.run import Cause, Run, RunKey
from rocketd.core.model.task import Task

NO_SLOT: Final = "all slots are in use"
"""Why a task that is due cannot start when `max_running` runs are active."""


class RunningRuns:
    """Who holds what, and until when. A run keeps the task it began with, whatever becomes of its file."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        """How many runs may go on at the same time."""
        self._runs: dict[RunKey, tuple[Run, Task]] = {}
        self._spawned: set[RunKey] = set()
        self._stopping: set[RunKey] = set()
        self._mutexes: dict[str, RunKey] = {}
        self._waiters: dict[str, dict[str, None]] = {}
        self._deadlines: list[tuple[Instant, RunKey]] = []

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter([run for run, _ in self._runs.values()])

    def __contains__(self, key: RunKey) -> bool:
        return key in self._runs

    @property
    def is_full(self) -> bool:
        """Whether no slot is free."""
        return len(self._runs) >= self.slots

    def add(self, run: Run, task: Task) -> None:
        """Note that the run was started: it holds what it needs."""
        self._runs[run.key] = (run, task)
        if task.mutex:
            self._mutexes[task.mutex] = run.key

    def mark_spawned(self, key: RunKey, at: Instant) -> None:
        """Note that it is carried out since then: now its time is running."""
        task = self._runs[key][1] if key in self._runs else None
        if task is None or key in self._spawned:
            return
        self._spawned.add(key)
        if task.timeout is not None:
            heappush(self._deadlines, (at + task.timeout, key))

    @property
    def spawned_count(self) -> int:
        """How many of them are carried out by now: the others have been decided, and wait for their record."""
        return len(self._spawned)

    def remove(self, key: RunKey) -> list[str]:
        """Note that the run is over, and name the tasks that waited for what it held."""
        self._stopping.discard(key)
        self._spawned.discard(key)
        _, task = self._runs.pop(key, (None, None))
        if task is None or self._mutexes.get(task.mutex) != key:
            return []
        del self._mutexes[task.mutex]
        return list(self._waiters.pop(task.mutex, ()))

    def holder(self, mutex: str) -> RunKey | None:
        """Say which run holds that mutex."""
        return self._mutexes.get(mutex)

    def add_waiter(self, mutex: str, name: str) -> None:
        """Have `end` name this task when the mutex is free."""
        self._waiters.setdefault(mutex, {})[name] = None

    def remove_waiter(self, mutex: str, name: str) -> None:
        """Take that back."""
        self._waiters.get(mutex, {}).pop(name, None)

    def stop(self, run: Run, cause: Cause) -> Iterator[Stop]:
        """Decide to stop it, unless that has been decided already or it is over."""
        if run.key in self._runs and run.key not in self._stopping:
            self._stopping.add(run.key)
            yield Stop(self._runs[run.key][0], cause)  # as it was recorded

    def overdue(self, now: Instant) -> Iterator[Stop]:
        """Stop the runs whose timeout is over."""
        while self.next_deadline() <= now:
            _, key = heappop(self._deadlines)
            yield from self.stop(self._runs[key][0], Cause.TIMEOUT)

    def next_deadline(self) -> Instant:
        """When the next timeout is over."""
        while self._deadlines and self._deadlines[0][1] not in self._runs:
            heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else FOREVER

    def shift(self, by: Duration) -> None:
        """Move the deadlines along with a clock that was set: a timeout is elapsed time."""
        self._deadlines = [(at + by, key) for at, key in self._deadlines]
        heapify(self._deadlines)
