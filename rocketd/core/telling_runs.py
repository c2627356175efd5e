"""What the verdicts of words about runs rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.core.condition import FOR, UNKNOWN, Moment, Verdict
from rocketd.core.happened import ACTIONS, Happened, What
from rocketd.core.instant import BEGINNING
from rocketd.core.run_conditions import After, Outcome, Retry, Running
from rocketd.core.telling import ended, name, tell, when

if TYPE_CHECKING:
    from rocketd.core.run import Action, End, Run


@tell.register
def _(condition: Retry, moment: Moment, verdict: Verdict) -> str:
    run, end = moment.past.scheduled, moment.past.scheduled_end
    if run is None:
        return "there has been no scheduled run yet"
    if end is None:
        return f"{name(run)} is going on"
    told = ended(run, end, moment)
    if not condition.wanted(run, end, moment.past):
        return f"{told}{_why_no_more(condition, run, end, moment)}"
    attempts = f"attempt {run.attempt}" + (f" of {condition.times + 1}" if condition.times is not None else "")
    begin = end.at + condition.pause(run)
    if verdict.answer is FOR:
        return f"{told} ({attempts})"
    if moment.now < begin and verdict.until == begin:
        return f"{told} ({attempts}); the next try is {when(begin, moment)}"
    return f"{told} ({attempts}), too long after it was due {when(run.due, moment)}"


def _why_no_more(condition: Retry, run: Run, end: End, moment: Moment) -> str:
    if not condition.tried_again(end):
        return ": nothing to retry"
    if run.start < moment.past.armed_at:
        return f", before the condition was armed {when(moment.past.armed_at, moment)}"
    return f": attempt {run.attempt} was the last"


_ENDED: Final[dict[Outcome, str]] = {"success": "succeeded", "fail": "failed", "finish": "ended"}


@tell.register
def _(condition: After, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - what other kinds look at
    return "; ".join(_after(condition, task, moment) for task in condition.tasks)


def _after(condition: After, task: str, moment: Moment) -> str:
    if not moment.history.knows(task):
        return f"task {task!r} is not loaded"
    end = condition.newest(task, moment)
    if end is not None and end.end is not None:
        return ended(end.run, end.end, moment)
    return f"{task} has not {_ENDED[condition.outcome]} since {_since(moment)}"


def _since(moment: Moment) -> str:
    """Say from when on an end of another task counts."""
    own, armed_at = moment.past.scheduled, moment.past.armed_at
    if own is not None and own.start > armed_at:
        return f"{name(own)} started {when(own.start, moment)}"
    return "the beginning" if armed_at == BEGINNING else f"this task was armed {when(armed_at, moment)}"


_HAPPENED: Final[dict[What, str]] = {
    "started": "started",
    "succeeded": "succeeded",
    "failed": "failed",
    "finished": "ended",
    "terminated": "been terminated",
    "inacted": "had nothing to do",
    "crashed": "been cut off",
}


@tell.register
def _(condition: Happened, moment: Moment, verdict: Verdict) -> str:
    task = condition.task or moment.task.name
    if verdict.answer is UNKNOWN:
        return f"task {task!r} is not loaded"
    happened, instants = _HAPPENED[condition.what], condition.seen(moment)
    span = "so far" if condition.period is None else f"in this {condition.period.unit}"
    if not instants:
        return f"{task} has not {happened} {span}"
    if condition.period is None:
        newest = max(moment.history.of(task).last[action].at for action in _known(condition, moment))
        return f"{task} has {happened}, last {when(newest, moment)}"
    times = "once" if len(instants) == 1 else f"{len(instants)} times"
    return f"{task} has {happened} {times} {span}, last {when(instants[-1], moment)}"


def _known(condition: Happened, moment: Moment) -> list[Action]:
    last = moment.history.of(condition.task or moment.task.name).last
    return [action for action in ACTIONS[condition.what] if action in last]


@tell.register
def _(condition: Running, moment: Moment, verdict: Verdict) -> str:
    task = condition.task or moment.task.name
    if verdict.answer is UNKNOWN:
        return f"task {task!r} is not loaded"
    going = moment.history.of(task).going
    runs = [moment.run] if moment.run is not None and not condition.task else list(going.values())
    if not runs:
        return f"{task} is not running"
    return " and ".join(f"{name(run)}, begun {when(run.start, moment)}," for run in runs) + " goes on"
