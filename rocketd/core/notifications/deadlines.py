"""Deadlines that nothing but the clock can miss: a task that has not succeeded for too long, a run that takes too long.

Nothing polls: the nearest deadline is known, and each is looked at once more when it comes, as a success may have moved
it, the clock may have been set, or the task may have been paused.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from typing import Final, Protocol

from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import FOREVER, Duration, Instant
from rocketd.core.model.run import Action, End, Run, RunKey
from rocketd.core.model.task import Task
from rocketd.core.model.task_history import TaskHistory
from rocketd.core.notifications.occasions import Overdue, Slow

SAMPLES: Final = 20
"""How many of its last successful runs tell how long a task usually takes."""
MIN_SAMPLES: Final = 3
"""With fewer, nothing is known of it."""


def last_good(history: TaskHistory) -> Instant | None:
    """Return when the task succeeded last, or had nothing to do, by the wall clock; None: never."""
    known = (history.last_instant(Action.SUCCESS), history.last_instant(Action.INACTION))
    return max((at for at in known if at is not None), default=None)


def overdue_since(history: TaskHistory) -> Instant:
    """Return from when the age of a task counts: its last success, or else when it was loaded for the first time."""
    good = last_good(history)
    return history.armed if good is None else good


def overdue_at(task: Task, history: TaskHistory) -> Instant | None:
    """Return when the task is overdue, unless it succeeds before; None: never."""
    return None if task.max_age is None else overdue_since(history) + task.max_age


class LoadedTask(Protocol):
    """A loaded task as the scheduler has it."""

    @property
    def task(self) -> Task: ...
    @property
    def paused(self) -> object: ...


class Histories(Protocol):
    """The histories of all tasks."""

    def of(self, task: str, /) -> TaskHistory: ...


@dataclass(slots=True)
class UsualRuntimes:
    """How long the last successful runs of tasks took."""

    _runtimes: dict[str, deque[Duration]] = field(default_factory=dict)

    def learn(self, task: str, runtime: Duration) -> None:
        """Learn of a success."""
        self._runtimes.setdefault(task, deque(maxlen=SAMPLES)).append(runtime)

    def replace(self, task: str, runtimes: Iterable[Duration]) -> None:
        """Know these alone, the oldest first."""
        self._runtimes[task] = deque(runtimes, maxlen=SAMPLES)

    def usual(self, task: str) -> Duration | None:
        """Return the median; None: too little is known."""
        known = self._runtimes.get(task, ())
        return sorted(known)[len(known) // 2] if len(known) >= MIN_SAMPLES else None


class DeadlineMonitor:
    """Knows which deadlines come next, and what was reported already."""

    def __init__(self, told: Mapping[str, Instant] | None = None) -> None:
        """`told` are tasks that were reported as overdue, and since when they are."""
        self.runtimes = UsualRuntimes()
        self.told = dict(told or {})
        self._heap: list[tuple[Instant, str, int]] = []
        """When to look, at which task, and at which of its runs; 0: at the task itself."""
        self._slow: set[RunKey] = set()
        """The active runs that were reported as slow."""
        self._paused: set[str] = set()
        """What is overdue and paused: looked at again at each pass."""

    def expect_success(self, task: Task, history: TaskHistory) -> None:
        """Note the deadline of a task: when it is loaded, and after each success."""
        at = overdue_at(task, history)
        if at is not None:
            heappush(self._heap, (at, task.name, 0))
        if at is None or self.told.get(task.name) != overdue_since(history):
            self.told.pop(task.name, None)

    def rename(self, old: str, new: str) -> None:
        """Know by the new name of a task what was reported of it: before its deadlines are noted again."""
        if old in self.told:
            self.told[new] = self.told.pop(old)
        self._slow = {(new, number) if name == old else (name, number) for name, number in self._slow}

    def expect_end(self, task: Task, number: int, spawned_at: Instant) -> None:
        """Note the deadline of a run that has begun."""
        limit = self.slow_limit(task)
        if limit is not None:
            heappush(self._heap, (spawned_at + limit, task.name, number))

    def slow_limit(self, task: Task) -> Duration | None:
        """Return how long a run of the task may take before it is slow; None: there is no limit, or none is known."""
        if task.slow_after is None:
            return None
        if not task.slow_after.factor:
            return task.slow_after.limit
        usual = self.runtimes.usual(task.name)
        return None if usual is None else round(usual * task.slow_after.factor)

    def learn_end(self, run: Run, end: End) -> None:
        """Learn how a run ended."""
        self._slow.discard(run.key)
        if end.action is Action.SUCCESS and end.runtime:
            self.runtimes.learn(run.task, end.runtime)

    @property
    def next_check(self) -> Instant:
        """When the next deadline comes."""
        return self._heap[0][0] if self._heap else FOREVER

    def check(self, now: Instant, tasks: Mapping[str, LoadedTask], histories: Histories) -> Iterable[Overdue | Slow]:
        """Return what has missed its deadline, each once."""
        found: list[Overdue | Slow] = []
        for name in [name for name in self._paused if name not in tasks or tasks[name].paused is None]:
            self._paused.discard(name)
            heappush(self._heap, (now, name, 0))
        while self._heap and self._heap[0][0] <= now:
            _, name, number = heappop(self._heap)
            if name in tasks:
                history = histories.of(name)
                event = self._look(now, tasks[name], history, number)
                found += [event] if event else []
        return found

    def _look(self, now: Instant, loaded: LoadedTask, history: TaskHistory, number: int) -> Overdue | Slow | None:
        return self._check_run(now, loaded, history, number) if number else self._check_task(now, loaded, history)

    def _check_task(self, now: Instant, loaded: LoadedTask, history: TaskHistory) -> Overdue | None:
        task, since, at = loaded.task, overdue_since(history), overdue_at(loaded.task, history)
        if at is None or task.max_age is None or self.told.get(task.name) == since:
            return None
        if at > now:
            heappush(self._heap, (at, task.name, 0))
            return None
        if loaded.paused is not None:
            self._paused.add(task.name)
            return None
        self.told[task.name] = since
        return Overdue(task.name, now, since, task.max_age)

    def _check_run(self, now: Instant, loaded: LoadedTask, history: TaskHistory, number: int) -> Slow | None:
        spawned_at, run = history.spawned_at.get(number), history.running.get(number)
        limit = self.slow_limit(loaded.task)
        if spawned_at is None or run is None or limit is None or run.key in self._slow:
            return None
        if spawned_at + limit > now:  # the clock was set, or the task usually takes longer by now
            heappush(self._heap, (spawned_at + limit, run.task, number))
            return None
        self._slow.add(run.key)
        slow_after = loaded.task.slow_after
        usual = self.runtimes.usual(run.task) if slow_after is not None and slow_after.factor else None
        return Slow(run, now, limit, usual)
