"""What a verdict rests on, as a sentence: the past, the clock, another task.

    tell       because of what the condition holds, does not hold, or is unknown
    when       an instant as people say it, in the zone of the task

Words about time and about runs add theirs in modules of their own; deciding needs none of them.
"""

from __future__ import annotations

from datetime import timedelta
from functools import singledispatch
from typing import Final

from rocketd.core.calendar.wall_clock import HIGHEST, LOWEST
from rocketd.core.duration import format_duration
from rocketd.core.instant import FOREVER, SECOND, Duration, Instant, datetime_of
from rocketd.core.model.condition import All, Any, Condition, Constant, Not
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause, End, Run
from rocketd.core.model.task_history import Occurrence
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict

_ANSWERS: Final = {FOR: "it holds", AGAINST: "it does not hold", UNKNOWN: "nothing is known about it yet"}


@singledispatch
def explain_verdict(condition: Condition, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - what other kinds look at
    """Say because of what the condition has that verdict about the moment."""
    return _ANSWERS[verdict.answer]


@explain_verdict.register(Constant)
def _(condition: Constant, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - as above
    return "always" if condition.answer is FOR else "never"


@explain_verdict.register(Not)
def _(condition: Not, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - as above
    inner = condition.inner_moment(moment)
    return explain_verdict(condition.part, inner, condition.part.judge(inner))


@explain_verdict.register(All)
@explain_verdict.register(Any)
def _(condition: All | Any, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - as above
    inner = condition.inner_moment(moment)
    answers = [part.judge(inner).answer for part in condition.parts]
    holding, unknown = answers.count(FOR), answers.count(UNKNOWN)
    if holding == len(answers):
        return "both parts hold" if holding == 2 else f"all {holding} parts hold"  # noqa: PLR2004 - two are both
    told = f"{holding or 'none'} of {len(answers)} parts {'holds' if holding < 2 else 'hold'}"  # noqa: PLR2004 - one
    return f"{told}, {unknown} {'is' if unknown == 1 else 'are'} unknown" if unknown else told


def when(instant: Instant, moment: Moment) -> str:
    """Say when that is, seen from the moment: `at 10:00`, `tomorrow at 10:00`, `on 2026-11-27 at 10:00`."""
    if instant >= FOREVER or not LOWEST <= instant < HIGHEST:
        return "never" if instant > moment.now else "long ago"
    zone = moment.task.zone
    there, here = datetime_of(instant, zone), datetime_of(moment.now, zone)
    days = {-1: "yesterday ", 0: "", 1: "tomorrow "}
    day = days.get((there.date() - here.date()) // timedelta(days=1), f"on {there.date()} ")
    seconds = "" if there.second == there.microsecond == 0 else f":{there.second:02d}"
    return f"{day}at {there:%H:%M}{seconds}"


def spell_splay(part: Duration, splay: Duration) -> str:
    """Say how much of a splay it is, to the second: `21min 18s of 1h`."""
    return f"{format_duration(round(part / SECOND) * SECOND)} of {format_duration(splay)}"


_ENDED: Final = {
    Action.SUCCESS: "succeeded",
    Action.FAIL: "failed",
    Action.TERMINATE: "was terminated",
    Action.INACTION: "had nothing to do",
    Action.CRASH: "was cut off by the end of the daemon or the host",
}
_CAUSES: Final = {
    Cause.TIMEOUT: " by its timeout",
    Cause.STOP_WHEN: " by its stop_when",
    Cause.OPERATOR: " by an operator",
    Cause.REPLACE: " for the next run",
}


def ended(run: Run, end: End, moment: Moment) -> str:
    """Say how a run ended and when: `backup/7 failed at 10:00`."""
    return f"{name(run)} {_ENDED.get(end.action, end.action)}{_CAUSES.get(end.cause, '')} {when(end.at, moment)}"


def seen(occurrence: Occurrence, moment: Moment) -> str:
    """Say what the newest event of one kind was."""
    if occurrence.end is None:
        return f"{name(occurrence.run)} started {when(occurrence.at, moment)}"
    return ended(occurrence.run, occurrence.end, moment)


def name(run: Run) -> str:
    """TASK/NUMBER, by which every verb finds it."""
    return f"{run.task}/{run.number}"
