"""What the verdicts of words about runs rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.core.calendar.units import DAY_UNIT
from rocketd.core.conditions.occurrences import EventCondition, RecentEventCondition, What
from rocketd.core.conditions.run_conditions import After, Outcome, Retry, Running
from rocketd.core.conditions.running import RunningCount, RunningFor, runs_in_question
from rocketd.core.duration import format_duration
from rocketd.core.explain.reasons import ended, explain_verdict, name, when
from rocketd.core.instant import BEGINNING, MICROSECOND
from rocketd.core.model.moment import Moment
from rocketd.core.model.verdict import FOR, UNKNOWN, Verdict

if TYPE_CHECKING:
    from rocketd.core.model.run import End, Run


@explain_verdict.register(Retry)
def _(condition: Retry, moment: Moment, verdict: Verdict) -> str:
    run, end = moment.task_history.last_scheduled, moment.task_history.scheduled_end
    if run is None:
        return "there has been no scheduled run yet"
    if end is None:
        return f"{name(run)} is going on"
    told = ended(run, end, moment)
    if not condition.is_wanted(run, end, moment.task_history):
        return f"{told}{_why_no_more(condition, run, end, moment)}"
    attempts = f"attempt {run.attempt}" + (f" of {condition.times + 1}" if condition.times is not None else "")
    begin = moment.task_history.steps.real_instant(
        end.at, moment.task_history.scheduled_end_position
    ) + condition.delay_after(run)
    if verdict.answer is FOR:
        return f"{told} ({attempts})"
    if moment.now < begin and verdict.until == begin:
        return f"{told} ({attempts}); the next try is {when(begin, moment)}"
    return f"{told} ({attempts}), too long after it was due {when(run.due, moment)}"


def _why_no_more(condition: Retry, run: Run, end: End, moment: Moment) -> str:
    if not condition.is_retriable(end):
        return ": nothing to retry"
    if not moment.task_history.since_armed(run.start, moment.task_history.scheduled_position):
        return f", before the condition was armed {when(moment.task_history.armed, moment)}"
    return f": attempt {run.attempt} was the last"


_ENDED: Final[dict[Outcome, str]] = {"success": "succeeded", "fail": "failed", "finish": "ended"}


@explain_verdict.register(After)
def _(condition: After, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - what other kinds look at
    return "; ".join(_after(condition, task, moment) for task in condition.tasks)


def _after(condition: After, task: str, moment: Moment) -> str:
    if not moment.history.knows(task):
        return _not_loaded(task)
    end = condition.newest_end(task, moment)
    if end is not None and end.end is not None:
        return ended(end.run, end.end, moment)
    return f"{task} has not {_ENDED[condition.outcome]} since {_since(moment)}"


def _since(moment: Moment) -> str:
    """Say from when on an end of another task counts."""
    own, past = moment.task_history.last_scheduled, moment.task_history
    if own is not None and past.since_armed(own.start - MICROSECOND, past.scheduled_position):
        return f"{name(own)} started {when(own.start, moment)}"
    return "the beginning" if past.armed == BEGINNING else f"this task was armed {when(past.armed, moment)}"


_HAPPENED: Final[dict[What, str]] = {
    "started": "started",
    "succeeded": "succeeded",
    "failed": "failed",
    "finished": "ended",
    "terminated": "been terminated",
    "inacted": "had nothing to do",
    "crashed": "been cut off",
}


@explain_verdict.register(EventCondition)
def _(condition: EventCondition, moment: Moment, verdict: Verdict) -> str:
    task = condition.task or moment.task.name
    if verdict.answer is UNKNOWN:
        return _not_loaded(task)
    happened, instants, span = _HAPPENED[condition.what], condition.instants(moment), _span(condition)
    if not instants:
        return f"{task} has not {happened} {span}"
    times = "" if condition.period is None else f" {_times(len(instants))} {span}"
    return f"{task} has {happened}{times}, last {when(instants[-1], moment)}"


def _span(condition: EventCondition) -> str:
    if condition.period is None:
        return "so far"
    unit, hours = condition.period.unit, "" if condition.period.how == "whole" else " in those hours"
    return f"{'today' if unit is DAY_UNIT else f'this {unit}'}{hours}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


@explain_verdict.register(RecentEventCondition)
def _(condition: RecentEventCondition, moment: Moment, verdict: Verdict) -> str:
    task = condition.task or moment.task.name
    if verdict.answer is UNKNOWN:
        return _not_loaded(task)
    happened, span = _HAPPENED[condition.what], f"in the last {format_duration(condition.length)}"
    instants = condition.instants(moment)
    if not instants:
        return f"{task} has not {happened} {span}"
    return f"{task} has {happened} {_times(len(instants))} {span}, last {when(instants[-1], moment)}"


@explain_verdict.register(Running)
@explain_verdict.register(RunningFor)
@explain_verdict.register(RunningCount)
def _(condition: Running | RunningFor | RunningCount, moment: Moment, verdict: Verdict) -> str:
    task = condition.task or moment.task.name
    if verdict.answer is UNKNOWN:
        return _not_loaded(task)
    runs = runs_in_question(condition.task, moment)
    if not runs:
        return f"{task} is not running"
    return " and ".join(_going(run, moment) for run in runs)


def _going(run: Run, moment: Moment) -> str:
    past = moment.history.of(run.task)
    if run.number in past.running and run.number not in past.spawned_at:
        return f"{name(run)} is about to begin"
    return f"{name(run)}, begun {when(past.spawned_at.get(run.number, run.start), moment)}, goes on"


def _not_loaded(task: str) -> str:
    return f"task {task!r} is not loaded"
