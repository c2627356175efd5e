"""The active runs, and what they hold: slots, mutexes, deadlines."""

from collections.abc import Iterator
from dataclasses import replace
from heapq import heapify, heappop, heappush
from typing import Final

from rocketd.core.instant import FOREVER, Duration, Instant
from rocketd.core.model.events import Stop
from rocketd.core.model.run import Cause, Run, RunKey
from rocketd.core.model.task import Task

NO_SLOT: Final = "all slots are in use"
"""Why a task that is due cannot start when `max_running` runs are active."""


class RunningRuns:
    """The active runs. A run keeps the task it started with, even if its file changes."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        """How many runs may be active at the same time."""
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
        """Add a run that was started: it takes its slot and mutex."""
        self._runs[run.key] = (run, task)
        if task.mutex:
            self._mutexes[task.mutex] = run.key

    def mark_spawned(self, key: RunKey, at: Instant) -> None:
        """Mark the run as having a process since then: its timeout counts from there."""
        task = self._runs[key][1] if key in self._runs else None
        if task is None or key in self._spawned:
            return
        self._spawned.add(key)
        if task.timeout is not None:
            heappush(self._deadlines, (at + task.timeout, key))

    @property
    def spawned_count(self) -> int:
        """How many of them have a process by now; the others wait for their record to be written."""
        return len(self._spawned)

    def remove(self, key: RunKey) -> list[str]:
        """Remove a run that is over, and return the tasks that waited for its mutex."""
        self._stopping.discard(key)
        self._spawned.discard(key)
        _, task = self._runs.pop(key, (None, None))
        if task is None or self._mutexes.get(task.mutex) != key:
            return []
        del self._mutexes[task.mutex]
        return list(self._waiters.pop(task.mutex, ()))

    def rename(self, old: str, new: str) -> None:
        """Give the active runs of a task another name."""

        def key_of(key: RunKey) -> RunKey:
            return (new, key[1]) if key[0] == old else key

        self._runs = {
            key_of(key): (replace(run, task=new), replace(task, name=new)) if key[0] == old else (run, task)
            for key, (run, task) in self._runs.items()
        }
        self._spawned, self._stopping = set(map(key_of, self._spawned)), set(map(key_of, self._stopping))
        self._mutexes = {mutex: key_of(key) for mutex, key in self._mutexes.items()}
        self._deadlines = [(at, key_of(key)) for at, key in self._deadlines]
        heapify(self._deadlines)

    def holder(self, mutex: str) -> RunKey | None:
        """Return the run that holds that mutex; None: it is free."""
        return self._mutexes.get(mutex)

    def add_waiter(self, mutex: str, name: str) -> None:
        """Have `remove` return this task when the mutex is free."""
        self._waiters.setdefault(mutex, {})[name] = None

    def waiters(self, mutex: str) -> list[str]:
        """Return the tasks that wait for that mutex."""
        return list(self._waiters.get(mutex, ()))

    def remove_waiter(self, mutex: str, name: str) -> None:
        """Undo `add_waiter`."""
        self._waiters.get(mutex, {}).pop(name, None)

    def stop(self, run: Run, cause: Cause) -> Iterator[Stop]:
        """Yield the decision to stop it, unless that has been decided already or it is over."""
        if run.key in self._runs and run.key not in self._stopping:
            self._stopping.add(run.key)
            yield Stop(self._runs[run.key][0], cause)  # as it was recorded

    def overdue(self, now: Instant) -> Iterator[Stop]:
        """Yield the decisions to stop the runs whose timeout is over."""
        while self.next_deadline() <= now:
            _, key = heappop(self._deadlines)
            yield from self.stop(self._runs[key][0], Cause.TIMEOUT)

    def next_deadline(self) -> Instant:
        """Return when the next timeout is over."""
        while self._deadlines and self._deadlines[0][1] not in self._runs:
            heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else FOREVER

    def shift(self, by: Duration) -> None:
        """Shift the deadlines with a step of the clock: a timeout is elapsed time."""
        self._deadlines = [(at + by, key) for at, key in self._deadlines]
        heapify(self._deadlines)
