"""The reasons for the verdicts of words about runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.core.calendar.units import DAY_UNIT
from rocketd.core.conditions.after import After, Outcome
from rocketd.core.conditions.event_kinds import What
from rocketd.core.conditions.host_uptime import BootEventCondition
from rocketd.core.conditions.occurrences import EventCondition, RecentEventCondition
from rocketd.core.conditions.run_conditions import Retry, Running
from rocketd.core.conditions.running import RunningCount, RunningFor, runs_in_question
from rocketd.core.duration import format_duration
from rocketd.core.explain.reasons import clock, describe_end, explain_verdict, listed, names_of, run_name, when
from rocketd.core.instant import BEGINNING, MICROSECOND
from rocketd.core.model.logged_events import Occurrence
from rocketd.core.model.moment import Moment
from rocketd.core.model.verdict import FOR, UNKNOWN, Verdict
from rocketd.core.plural import counted

if TYPE_CHECKING:
    from rocketd.core.model.logged_events import MissedReport
    from rocketd.core.model.run import End, Run


@explain_verdict.register(Retry)
def _(condition: Retry, moment: Moment, verdict: Verdict) -> str:
    run, end = moment.task_history.last_scheduled, moment.task_history.scheduled_end
    if run is None:
        return "there has been no scheduled run yet"
    if end is None:
        return f"{run_name(run)} is running"
    ended = describe_end(run, end, moment)
    if not condition.allows_retry(run, end, moment.task_history):
        return f"{ended}{_why_no_retry(condition, run, end, moment)}"
    attempts = f"attempt {run.attempt}" + (f" of {condition.times + 1}" if condition.times is not None else "")
    begin = moment.task_history.steps.real_instant(
        end.at, moment.task_history.scheduled_end_position
    ) + condition.delay_after(run)
    if verdict.answer is FOR:
        return f"{ended} ({attempts})"
    if moment.now < begin and verdict.until == begin:
        return f"{ended} ({attempts}); the next attempt is {when(begin, moment)}"
    return f"{ended} ({attempts}); it is too late for another one: it was due {when(run.due, moment)}"


def _why_no_retry(condition: Retry, run: Run, end: End, moment: Moment) -> str:
    if not condition.is_retriable(end):
        return ": nothing to retry"
    if not moment.task_history.since_armed(run.start, moment.task_history.scheduled_position):
        return f", before this task was armed {when(moment.task_history.armed, moment)}"
    return f": attempt {run.attempt} was the last"


_SHOWN: Final = 3
"""How many tasks are named of those that a pattern stands for."""
_ENDED: Final[dict[Outcome, str]] = {
    "success": "succeeded",
    "fail": "failed",
    "finish": "ended",
    "missed": "missed a start",
}


@explain_verdict.register(After)
def _(condition: After, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - what other kinds look at
    if condition.has_patterns:
        return _after_several(condition, moment)
    return "; ".join(_after(condition, task, moment) for task in condition.tasks)


def _after_several(condition: After, moment: Moment) -> str:
    """Say how many of the tasks that patterns stand for have ended so: `2 of 14 tasks failed since …: a/31 (02:25)`."""
    names = condition.matched(moment)
    if not names:
        return f"no task matches {names_of(condition.tasks)}"
    events = [(event, name) for name in names if (event := condition.newest_event(name, moment)) is not None]
    events.sort(key=lambda one: one[0].position, reverse=True)
    shown = [
        f"{run_name(event.run) if isinstance(event, Occurrence) else name} ({clock(event.at, moment)})"
        for event, name in events[:_SHOWN]
    ]
    more = f" and {len(events) - _SHOWN} more" if len(events) > _SHOWN else ""
    several = f"{len(events) or 'none'} of {counted(len(names), 'task', 'tasks')}"
    listing = f": {', '.join(shown)}{more}" if shown else ""
    return f"{several} {_ENDED[condition.outcome]} {_since(moment)}{listing}"


def _after(condition: After, task: str, moment: Moment) -> str:
    if not moment.history.knows(task):
        return _not_loaded(task)
    event = condition.newest_event(task, moment)
    if event is not None:
        begin, finish = condition.span_after(moment.history.steps.wall_instant(event.at, event.position))
        told = _described(event, moment)
        if moment.now < begin:
            return f"{told}; its delay of {format_duration(condition.delay)} is over {when(begin, moment)}"
        return f"{told}; that only counted until {clock(finish, moment)}" if moment.now >= finish else told
    return f"{task} has not {_ENDED[condition.outcome]} {_since(moment)}"


def _described(event: Occurrence | MissedReport, moment: Moment) -> str:
    """Describe an end, or an interval of misses: `a missed 3 starts, due from 01:00 to 03:00: no slot was free …`."""
    if isinstance(event, Occurrence):
        return run_name(event.run) if event.end is None else describe_end(event.run, event.end, moment)
    missed = event.newest
    if missed.count == 1:
        starts = f"a start, due {when(missed.first, moment)}"
    else:
        starts = f"{missed.count} starts, due from {clock(missed.first, moment)} to {clock(missed.last, moment)}"
    return f"{missed.task} missed {starts}: {missed.reason} (recorded {when(event.at, moment)})"


def _since(moment: Moment) -> str:
    """Return since when an end of another task counts."""
    own, past = moment.task_history.last_scheduled, moment.task_history
    if own is not None and past.since_armed(own.start - MICROSECOND, past.scheduled_position):
        return f"since {run_name(own)} started {when(own.start, moment)}"
    return "yet" if past.armed == BEGINNING else f"since this task was armed {when(past.armed, moment)}"


_HAPPENED: Final[dict[What, str]] = {
    "started": "started",
    "succeeded": "succeeded",
    "failed": "failed",
    "finished": "ended",
    "terminated": "been terminated",
    "inacted": "had nothing to do",
    "crashed": "been interrupted",
    "missed": "missed a start",
}


@explain_verdict.register(EventCondition)
def _(condition: EventCondition, moment: Moment, verdict: Verdict) -> str:
    task = names_of((condition.task,)) if condition.task else moment.task.name
    if verdict.answer is UNKNOWN:
        return _not_loaded(task)
    happened, instants, span = _HAPPENED[condition.what], condition.instants(moment), _span(condition)
    if not instants:
        return f"{task} has not {happened} {span}"
    times = "" if condition.period is None else f" {_times(len(instants))} {span}"
    return f"{task} has {happened}{times}, last {when(instants[-1], moment)}"


def _span(condition: EventCondition) -> str:
    if condition.period is None:
        return "yet"
    unit, hours = condition.period.unit, "" if condition.period.how == "whole" else " in those hours"
    return f"{'today' if unit is DAY_UNIT else f'this {unit}'}{hours}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


@explain_verdict.register(RecentEventCondition)
def _(condition: RecentEventCondition, moment: Moment, verdict: Verdict) -> str:
    task = names_of((condition.task,)) if condition.task else moment.task.name
    if verdict.answer is UNKNOWN:
        return _not_loaded(task)
    happened, span = _HAPPENED[condition.what], f"in the last {format_duration(condition.length)}"
    instants = condition.instants(moment)
    if not instants:
        return f"{task} has not {happened} {span}"
    return f"{task} has {happened} {_times(len(instants))} {span}, last {when(instants[-1], moment)}"


@explain_verdict.register(BootEventCondition)
def _(condition: BootEventCondition, moment: Moment, verdict: Verdict) -> str:
    task, booted = names_of((condition.task,)) if condition.task else moment.task.name, moment.history.booted_at
    if verdict.answer is UNKNOWN or booted is None:
        return _not_loaded(task) if booted is not None else "it is not known when the host booted"
    happened, boot = _HAPPENED[condition.what], f"since the host booted {when(booted, moment)}"
    instants = condition.instants(moment)
    if not instants:
        return f"{task} has not {happened} {boot}"
    return f"{task} has {happened} {_times(len(instants))} {boot}, last {when(instants[-1], moment)}"


@explain_verdict.register(Running)
@explain_verdict.register(RunningFor)
@explain_verdict.register(RunningCount)
def _(condition: Running | RunningFor | RunningCount, moment: Moment, verdict: Verdict) -> str:
    task = names_of((condition.task,)) if condition.task else moment.task.name
    if verdict.answer is UNKNOWN:
        return _not_loaded(task)
    runs = runs_in_question(condition.task, moment)
    if not runs:
        return f"{task} is not running"
    return _describe_active(list(runs), moment)


def _describe_active(runs: list[Run], moment: Moment) -> str:
    begun = {run.key: moment.history.of(run.task).spawned_at.get(run.number) for run in runs}
    pending = [run for run in runs if begun[run.key] is None and run.number in moment.history.of(run.task).running]
    running = [run for run in runs if run not in pending]
    if len(running) == 1 and not pending:
        started = begun[running[0].key] or running[0].start
        return f"{run_name(running[0])} is running, started {when(started, moment)}"
    parts = ((running, "running"), (pending, "about to start"))
    return " and ".join(
        f"{listed([run_name(run) for run in group])} {'is' if len(group) == 1 else 'are'} {state}"
        for group, state in parts
        if group
    )


def _not_loaded(task: str) -> str:
    return f"task {task!r} is not loaded"
