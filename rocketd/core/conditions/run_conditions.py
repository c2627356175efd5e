"""Words about runs: retry, after other tasks, what has happened, what is running.

Only events change their answers, and here and there the clock: a delay that is over, a window that passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, overload

from rocketd.core.conditions.comparison import Count, CountableCondition
from rocketd.core.conditions.running import RunningCount, RunningFor, runs_in_question, spell_running
from rocketd.core.conditions.task_names import name_or_pattern, selected, watched
from rocketd.core.conditions.time_conditions import OWN
from rocketd.core.dataclass import dataclass
from rocketd.core.duration import format_duration, parse_length, parse_positive_length
from rocketd.core.errors import ConditionError
from rocketd.core.instant import FOREVER, Duration
from rocketd.core.model.condition import Condition
from rocketd.core.model.run import Action, Cause
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from rocketd.core.stable_hash import stable_hash

if TYPE_CHECKING:
    from rocketd.core.instant import Instant
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.run import End, Run
    from rocketd.core.model.task_history import TaskHistory
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
        n: int | None = None,
    ) -> Retry:
        """Limit it; `n` is Rocketry's name for `times`. Raises ConditionError."""
        times = n if times is None else times
        if times is not None and (not isinstance(times, int) or times < 1):
            hint = "write retry(3), or retry without a number for no limit"
            raise ConditionError("retry needs a number of attempts from 1 on", hint=hint, about=times)
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
        return pause + self.jitter * stable_hash(run.task, run.attempt) // _HASH_RANGE

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


_RETRIED_ACTIONS: Final = frozenset({Action.FAIL, Action.CRASH})


def _spelled(duration: Duration) -> str:
    return f'"{format_duration(duration)}"'


@dataclass(frozen=True, slots=True, eq=False)
class Running(CountableCondition, Condition):
    """For while a run is active; in `stop_when` of the task itself, the run in question."""

    task: str = ""

    @overload
    def __call__(self, task: TaskRef) -> Running: ...

    @overload
    def __call__(
        self, task: TaskRef | None = None, *, more_than: str | None = None, less_than: str | None = None
    ) -> Running | RunningFor: ...

    def __call__(
        self, task: TaskRef | None = None, *, more_than: str | None = None, less_than: str | None = None
    ) -> Running | RunningFor:
        """Ask about another task, or for how long, as Rocketry's programs do; raises ConditionError."""
        asked = self if task is None else Running(name_or_pattern(task))
        if more_than is not None and less_than is not None:
            return asked.between(more_than, less_than)
        if more_than is not None:
            return asked.more_than(more_than)
        return asked if less_than is None else asked.less_than(less_than)

    def more_than(self, delta: str) -> RunningFor:
        """For at least so long; raises ConditionError."""
        return RunningFor(self.task, parse_positive_length(delta))

    def less_than(self, delta: str) -> RunningFor:
        """For less than so long; raises ConditionError."""
        return RunningFor(self.task, 0, parse_positive_length(delta))

    def between(self, more_than: str, less_than: str) -> RunningFor:
        """For at least so long, but less than that; raises ConditionError."""
        least, most = parse_positive_length(more_than), parse_positive_length(less_than)
        if least >= most:
            raise ConditionError(f"{more_than} is not less than {less_than}", end=len(less_than), about=less_than)
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
        return watched(self.task)

    def selections(self) -> frozenset[tuple[str, ...]]:
        return selected(self.task)

    def __str__(self) -> str:
        return spell_running(self.task)
