"""Words about runs: retry, after other tasks, what has happened, what is running.

Only events change their answers, and here and there the clock: a delay that is over, a window that passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

from rocketd.core.conditions.comparison import Count, CountableCondition
from rocketd.core.conditions.running import RunningCount, RunningFor, runs_in_question, spell_running
from rocketd.core.conditions.time_conditions import ENDS, OWN
from rocketd.core.duration import format_duration, parse_length, parse_positive_length
from rocketd.core.errors import ConditionError
from rocketd.core.instant import FOREVER, MICROSECOND, Duration
from rocketd.core.model.condition import All, Any, Condition, all_parts
from rocketd.core.model.history_view import HistoryNeed
from rocketd.core.model.run import Action, Cause
from rocketd.core.model.splay import StartWindow, splayed
from rocketd.core.model.task_ref import name_of
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from rocketd.core.string_literals import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocketd.core.instant import Instant
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.run import End, Run
    from rocketd.core.model.task_history import Occurrence, TaskHistory
    from rocketd.core.model.task_ref import TaskRef

_LONGEST_DELAY: Final[Duration] = 10 * 365 * 86_400_000_000
_HASH_RANGE: Final = 2**64


@dataclass(frozen=True, slots=True)
class Retry(Condition):
    """For when the last scheduled run failed, timed out or crashed, and may be tried again now."""

    times: int | None = None
    """None: without limit."""
    delay: Duration = 0
    factor: float = 1
    """By how much the delay grows from attempt to attempt."""
    max_delay: Duration | None = None
    jitter: Duration = 0
    """Up to how much is added to the delay, by a stable hash of task and attempt."""
    within: Duration | None = None
    """How long after its due a run may be tried again."""

    def __call__(  # noqa: PLR0913 - the arguments of the word
        self,
        times: int | None = None,
        *,
        delay: str | None = None,
        factor: float = 1,
        max_delay: str | None = None,
        jitter: str | None = None,
        within: str | None = None,
    ) -> Retry:
        """Limit it; raises ConditionError."""
        if times is not None and (not isinstance(times, int) or times < 1):
            raise ConditionError("retry needs a number of attempts from 1 on", about=times)
        if not 1 <= factor <= 1000:  # noqa: PLR2004 - any sensible growth, and no overflow
            raise ConditionError("the factor of a delay is a number from 1 to 1000", about=factor)
        return Retry(
            times,
            0 if delay is None else parse_length(delay),
            factor,
            None if max_delay is None else parse_positive_length(max_delay),
            0 if jitter is None else parse_length(jitter),
            None if within is None else parse_positive_length(within),
        )

    def judge(self, moment: Moment) -> Verdict:
        history = moment.task_history
        run, end = history.last_scheduled, history.scheduled_end
        if run is None or end is None or moment.without_retries or not self.allows_retry(run, end, history):
            return Verdict(AGAINST)
        ended = history.steps.real_instant(end.at, history.scheduled_end_position)
        begin, finish = ended + self.delay_after(run), self.deadline(run, history)
        if moment.now >= finish or begin >= finish:
            return Verdict(AGAINST)
        return Verdict(FOR, finish, begin) if moment.now >= begin else Verdict(AGAINST, begin, ended)

    def deadline(self, run: Run, history: TaskHistory) -> Instant:
        """Return from when on it is too late to try that run again."""
        due = history.steps.real_instant(run.due, history.scheduled_position)
        return FOREVER if self.within is None else due + self.within

    @staticmethod
    def is_retriable(end: End) -> bool:
        """Whether an end is of the kind that is tried again: a fail, a crash, a timeout."""
        return end.action in _RETRIED_ACTIONS or (end.action is Action.TERMINATE and end.cause is Cause.TIMEOUT)

    def allows_retry(self, run: Run, end: End, history: TaskHistory) -> bool:
        """Whether that run is tried again at all, sooner or later."""
        left = self.times is None or run.attempt <= self.times
        return left and history.since_armed(run.start, history.scheduled_position) and self.is_retriable(end)

    def delay_after(self, run: Run) -> Duration:
        """Return how long to wait after the end of that run."""
        growth: float = min(self.factor, 1000) ** min(run.attempt - 1, 100)
        most = _LONGEST_DELAY if self.max_delay is None else self.max_delay
        pause = most if self.delay * growth > most else int(self.delay * growth)
        return pause + self.jitter * _hash(run) // _HASH_RANGE

    def watches(self) -> frozenset[str]:
        return OWN

    def __str__(self) -> str:
        spelled = [
            "" if self.times is None else str(self.times),
            f"delay={_spelled(self.delay)}" if self.delay else "",
            f"factor={self.factor:g}" if self.factor != 1 else "",
            f"max_delay={_spelled(self.max_delay)}" if self.max_delay is not None else "",
            f"jitter={_spelled(self.jitter)}" if self.jitter else "",
            f"within={_spelled(self.within)}" if self.within is not None else "",
        ]
        arguments = ", ".join(filter(None, spelled))
        return f"retry({arguments})" if arguments else "retry"


FAILS: Final = (Action.FAIL, Action.TERMINATE, Action.CRASH)
"""What `after_fail` waits for."""
_RETRIED_ACTIONS: Final = frozenset({Action.FAIL, Action.CRASH})


def _hash(run: Run) -> int:
    return int.from_bytes(blake2b(f"{run.task}\0{run.attempt}".encode(errors="replace"), digest_size=8).digest())


def _spelled(duration: Duration) -> str:
    return f'"{format_duration(duration)}"'


Outcome: TypeAlias = Literal["success", "fail", "finish"]
Many: TypeAlias = Literal["", "all", "any"]

_ALL: Final = All(())
_ANY: Final = Any(())


@dataclass(frozen=True, slots=True)
class After(Condition):
    """For when other tasks have ended so since this task's last scheduled start, and since it was armed."""

    outcome: Outcome
    tasks: tuple[str, ...]
    many: Many = ""

    has_start_window: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for task in self.tasks:
            if not task:
                raise ConditionError("the name of a task is missing", about=task)
        if not self.tasks:
            raise ConditionError(f"after_{self.many}_{self.outcome} needs the name of a task")

    def judge(self, moment: Moment) -> Verdict:
        verdicts = [self._judge_one(name, moment) for name in self.tasks]
        return (_ANY if self.many == "any" else _ALL).join(verdicts)

    def _judge_one(self, name: str, moment: Moment) -> Verdict:
        if not moment.history.knows(name):
            return Verdict(UNKNOWN)
        end = self.newest_end(name, moment)
        if end is None:
            return Verdict(AGAINST)
        ended = moment.history.steps.wall_instant(end.at, end.position)
        if splayed(moment):
            first = self._first_unused_end(name, ended, moment)
            start_window = StartWindow(first, FOREVER).within_hours(moment)
            begin = start_window.start(
                moment,
                lambda then: self._judge_one(name, then).answer is FOR,
                lambda: start_window.missed_in_hours(moment, first),
            )
            if moment.now < begin.start:
                return Verdict(AGAINST, begin.start, first)
        return Verdict(FOR, FOREVER, ended)

    def _first_unused_end(self, name: str, newest: Instant, moment: Moment) -> Instant:
        """Return the first such end that is not used up, as far as needed: later ends do not restart the wait."""
        other, own, begun = moment.history.of(name), moment.task_history, moment.task_history.armed
        if own.last_scheduled is not None:
            begun = max(begun, own.steps.wall_instant(own.last_scheduled.start, own.scheduled_position))
        return min(end for action in self._ends for end in (newest, *other.instants_between(action, begun + 1, newest)))

    def needs_within(self, splay: Duration) -> Iterator[HistoryNeed]:
        """Return which instants of the past must be kept for it, of a task with that splay."""
        return (HistoryNeed(name, action, splay) for name in self.tasks for action in self._ends)

    @property
    def _ends(self) -> tuple[Action, ...]:
        return FAILS if self.outcome == "fail" else ENDS[self.outcome]

    def newest_end(self, name: str, moment: Moment) -> Occurrence | None:
        """Return the newest such end of that task, if it is not used up."""
        other, own = moment.history.of(name), moment.task_history
        if self.outcome == "fail":
            ends = [other.last_failure] if other.last_failure else []
        else:
            ends = [other.last_events[action] for action in ENDS[self.outcome] if action in other.last_events]
        newest = max(ends, key=_position, default=None)
        if newest is None or newest.position <= own.scheduled_position:
            return None
        if not own.since_armed(newest.at - MICROSECOND, newest.position):
            return None
        return newest

    def causing_run(self, moment: Moment) -> Run | None:
        ends = [end for name in self.tasks if (end := self.newest_end(name, moment))]
        newest = max(ends, key=_position, default=None)
        return None if newest is None else newest.run

    def watches(self) -> frozenset[str]:
        return OWN.union(self.tasks)

    def __str__(self) -> str:
        many = f"{self.many}_" if self.many else ""
        return f"after_{many}{self.outcome}({', '.join(map(quoted, self.tasks))})"


def awaited_tasks(condition: Condition) -> frozenset[str]:
    """Return the tasks for whose ends a condition waits."""
    return frozenset(name for part in all_parts(condition) if isinstance(part, After) for name in part.tasks)


def _position(occurrence: Occurrence) -> int:
    return occurrence.position


@dataclass(frozen=True, slots=True, eq=False)
class Running(CountableCondition, Condition):
    """For while a run is active; in `stop_when` of the task itself, the run in question."""

    task: str = ""

    def __call__(self, task: TaskRef) -> Running:
        """Ask about another task; raises ConditionError."""
        return Running(name_of(task))

    def more_than(self, age: str) -> RunningFor:
        """For at least so long; raises ConditionError."""
        return RunningFor(self.task, parse_positive_length(age))

    def less_than(self, age: str) -> RunningFor:
        """For less than so long; raises ConditionError."""
        return RunningFor(self.task, 0, parse_positive_length(age))

    def between(self, more: str, less: str) -> RunningFor:
        """For at least so long, but less than that; raises ConditionError."""
        least, most = parse_positive_length(more), parse_positive_length(less)
        if least >= most:
            raise ConditionError(f"{more} is not less than {less}", end=len(less), about=less)
        return RunningFor(self.task, least, most)

    def counted(self, count: Count) -> RunningCount:
        return RunningCount(self.task, count)

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.task,)

    def judge(self, moment: Moment) -> Verdict:
        runs = runs_in_question(self.task, moment)
        if runs is None:
            return Verdict(UNKNOWN)
        return Verdict(FOR, FOREVER, min(run.start for run in runs)) if runs else Verdict(AGAINST)

    def watches(self) -> frozenset[str]:
        return frozenset({self.task})

    def __str__(self) -> str:
        return spell_running(self.task)
