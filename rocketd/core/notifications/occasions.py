"""The occasions on which somebody is told about a task, and which of them an event is.

A run that fails, times out or crashes is one `fail` for hooks, pings and webhooks. The list `on` of `[mail]` has the
exact actions instead, so that mail can tell them apart.
"""

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final, TypeAlias

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.model.run import Action, Cause, End, Run
from rocketd.core.model.task_history import TaskHistory


class Occasion(StrEnum):
    """Why somebody is told."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"
    MISSED = "missed"
    END = "end"
    RECOVERED = "recovered"
    """The first success after failures."""
    OVERDUE = "overdue"
    """The task has not succeeded for its `max_age`."""
    SLOW = "slow"
    """The run takes longer than the task's `slow_after`."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """The task has not succeeded for too long."""

    task: str
    at: Instant
    since: Instant
    """The last success; without one, when the task was loaded for the first time."""
    max_age: Duration


@dataclass(frozen=True, slots=True)
class Slow:
    """The run is active for longer than expected."""

    run: Run
    at: Instant
    limit: Duration
    usual: Duration | None = None
    """The median of the last successful runs that the limit is a multiple of; None: the limit was written."""


NotifiedEvent: TypeAlias = Started | Finished | Missed | Overdue | Slow

OUTPUT: Final = "output"
"""For mail alone: the run printed something, as cron's MAILTO has it."""


def task_of(event: NotifiedEvent) -> str:
    """Return the name of the task that the event is about."""
    return event.task if isinstance(event, (Missed, Overdue)) else event.run.task


def event_key(event: NotifiedEvent) -> str:
    """Return what makes the event unique: told once, it is not told again."""
    match event:
        case Started(run):
            return f"{run.run_id}/start"
        case Finished(run):
            return f"{run.run_id}/end"
        case Missed():
            return f"{event.run_id}/missed/{event.last}"
        case Overdue():
            return f"{event.task}/overdue/{event.since}"
        case Slow(run):
            return f"{run.run_id}/slow"


def is_failure(end: End) -> bool:
    """Whether the run failed: by itself, by its timeout, or because the daemon or the host went down."""
    return end.action in {Action.FAIL, Action.CRASH} or (end.action is Action.TERMINATE and end.cause is Cause.TIMEOUT)


def is_success(end: End) -> bool:
    """Whether the task is in order; having had nothing to do is."""
    return end.action in {Action.SUCCESS, Action.INACTION}


def occasions(event: NotifiedEvent, *, recovered: bool = False) -> frozenset[Occasion]:
    """Return what the event is; `recovered`: whether the task failed before."""
    match event:
        case Started():
            return frozenset({Occasion.START})
        case Missed():
            return frozenset({Occasion.MISSED})
        case Overdue():
            return frozenset({Occasion.OVERDUE})
        case Slow():
            return frozenset({Occasion.SLOW})
        case Finished(_, end):
            found = {Occasion.END}
            if is_failure(end):
                found.add(Occasion.FAIL)
            if end.action is Action.SUCCESS:
                found.add(Occasion.SUCCESS)
            if recovered:
                found.add(Occasion.RECOVERED)
            return frozenset(found)


def mail_occasions(event: NotifiedEvent, *, recovered: bool = False) -> AbstractSet[str]:
    """Return the words of `on` in `[mail]` that the event is."""
    if not isinstance(event, Finished):
        return {str(one) for one in occasions(event)} - {str(Occasion.START)}
    found = {str(event.end.action)}
    if recovered:
        found.add(str(Occasion.RECOVERED))
    if event.end.output.strip():
        found.add(OUTPUT)
    return found


def failed_last(history: TaskHistory) -> bool:
    """Whether the newest end of the task that says anything about it is a failure."""
    ends = [(seen.position, seen.end) for seen in history.last_events.values() if seen.end is not None]
    telling = [(position, is_failure(end)) for position, end in ends if is_failure(end) or is_success(end)]
    return max(telling, default=(0, False))[1]


class FailureTracker:
    """Knows which tasks failed last, and so which success is a recovery."""

    def __init__(self, failing: AbstractSet[str] = frozenset()) -> None:
        self.failing = set(failing)

    def rename(self, old: str, new: str) -> bool:
        """Know a task by its new name; return whether it had failed last."""
        if old not in self.failing:
            return False
        self.failing.discard(old)
        self.failing.add(new)
        return True

    def learn(self, event: NotifiedEvent) -> bool:
        """Learn an event; return whether it is the first success after failures. A stopped run changes nothing."""
        if not isinstance(event, Finished):
            return False
        name = event.run.task
        if is_failure(event.end):
            self.failing.add(name)
        elif is_success(event.end) and name in self.failing:
            self.failing.discard(name)
            return True
        return False
