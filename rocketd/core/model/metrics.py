"""What metrics tell: the state of the daemon and of each task at a moment, and what was counted since its start."""

from bisect import bisect_left
from collections import Counter
from typing import Final, NamedTuple

from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.events import Event, Finished, Missed, Started
from rocketd.core.model.run import Action, Trigger, Usage

DELAY_BUCKETS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 3600.0)
"""Upper bounds of the histogram of start delays, in seconds."""
ENDS: Final = (Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.INACTION, Action.CRASH)


class TaskMetrics(NamedTuple):
    """One task. Instants are in microseconds; None: there is none."""

    name: str
    paused: bool
    running: bool
    running_since: Instant | None
    next_start: Instant | None
    last_start: Instant | None
    last_end: Instant | None
    last_success: Instant | None
    last_good: bool | None
    """Whether the newest end is a success, or that there was nothing to do."""
    last_runtime: Duration | None
    armed: Instant
    max_age: Duration | None
    overdue: bool
    slow_after: Duration | None


class DaemonMetrics(NamedTuple):
    """The daemon."""

    version: str
    started_at: Instant
    degraded: bool
    problems: int
    stopping: bool
    running: int
    tasks: int
    paused: int
    """How many of the tasks are paused."""


@dataclass(slots=True)
class RunCounters:
    """Counts what happens, from the start of the daemon on; a store that is pruned resets nothing."""

    runs: Counter[tuple[str, Action]] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    """How long the runs of each task took, in microseconds."""
    cpu: Counter[str] = field(default_factory=Counter)
    """The CPU time of the runs of each task, in microseconds, as far as it is known."""
    memory: dict[str, int] = field(default_factory=dict)
    """The most memory that the run used which ended last, in bytes; tasks of which that is not known are missing."""
    delays: list[int] = field(default_factory=lambda: [0] * (len(DELAY_BUCKETS) + 1))
    """How many scheduled runs started so late, by bucket; the last one is for all others."""
    delay_sum: float = 0.0
    changes: Counter[str] = field(default_factory=Counter)
    """How often something of a task was counted."""
    _missed_counts: dict[str, tuple[str, int]] = field(default_factory=dict)

    def learn(self, event: Event) -> None:
        """Count an event."""
        match event:
            case Started(run) if run.trigger is not Trigger.HAND:
                delay = max(run.start - run.due, 0) / SECOND
                self.delays[bisect_left(DELAY_BUCKETS, delay)] += 1
                self.delay_sum += delay
            case Finished(run, end):
                self.changes[run.task] += 1
                self.runs[run.task, end.action] += 1
                self.seconds[run.task] += end.runtime
                self._learn_usage(run.task, end.usage)
            case Missed(task=task):
                self.changes[task] += 1
                known_id, known = self._missed_counts.get(task, ("", 0))
                self.missed[task] += event.count - (known if known_id == event.run_id else 0)
                self._missed_counts[task] = event.run_id, event.count

    def _learn_usage(self, task: str, usage: Usage) -> None:
        self.cpu[task] += usage.cpu or 0
        if usage.memory is None:
            self.memory.pop(task, None)
        else:
            self.memory[task] = usage.memory
