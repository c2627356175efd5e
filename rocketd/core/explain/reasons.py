"""The reason for a verdict, as a sentence: the history, the clock, another task.

    explain_verdict   why the condition is true, false, or unknown
    when, clock       an instant as people write it, in the zone of the task

The words about time, about runs and about the host have modules of their own; deciding needs none of them.
"""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Final

from rocketd.core import instant_text
from rocketd.core.duration import format_duration
from rocketd.core.instant import DAY, SECOND, Duration, Instant
from rocketd.core.model.condition import All, Any, Condition, Constant, Not
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause, End, Run
from rocketd.core.model.task_patterns import is_pattern
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

_ANSWERS: Final = {FOR: "true", AGAINST: "false", UNKNOWN: "not known yet"}


@singledispatch
def explain_verdict(condition: Condition, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - what other kinds look at
    """Return why the condition has that verdict at that moment."""
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
    true, unknown = answers.count(FOR), answers.count(UNKNOWN)
    if true == len(answers):
        return "both parts hold" if true == 2 else f"all {true} parts hold"  # noqa: PLR2004 - two are both
    sentence = f"{true} of {len(answers)} parts {'holds' if true == 1 else 'hold'}"
    return f"{sentence}, {unknown} {'is' if unknown == 1 else 'are'} unknown" if unknown else sentence


def when(instant: Instant, moment: Moment) -> str:
    """Return when that is, seen from the moment: `at 10:00`, `tomorrow at 10:00`, `on 2026-11-27 at 10:00`."""
    return instant_text.when(instant, _seen_from(moment), moment.task.zone)


def clock(instant: Instant, moment: Moment) -> str:
    """Return the same as it stands after since or until: `10:00`, `2026-11-27 10:00`."""
    return instant_text.clock_time(instant, _seen_from(moment), moment.task.zone)


def time_range(start: Instant, end: Instant, moment: Moment) -> str:
    """Return from when to when: `10:00-12:00`, `2026-11-23 to 2026-11-30`."""
    return instant_text.time_range(start, end, _seen_from(moment), moment.task.zone)


def _seen_from(moment: Moment) -> Instant:
    """Return from when it is told: what is asked about a tick is told with its date, as nobody knows which now is."""
    return moment.now - 400 * DAY if moment.of_tick else moment.now


def splay_share(part: Duration, splay: Duration) -> str:
    """Return how much of a splay that is, to the second: `21min 18s of 1h`."""
    return f"{format_duration(round(part / SECOND) * SECOND)} of {format_duration(splay)}"


_ENDED: Final = {
    Action.SUCCESS: "succeeded",
    Action.FAIL: "failed",
    Action.TERMINATE: "was terminated",
    Action.INACTION: "had nothing to do",
    Action.CRASH: "was interrupted",
}
_CAUSES: Final = {
    Cause.TIMEOUT: " by its timeout",
    Cause.STOP_WHEN: " by its stop_when condition",
    Cause.OPERATOR: " by an operator",
    Cause.REPLACE: " by the run that replaced it",
    Cause.SHUTDOWN: " by the shutdown of rocketd",
    Cause.DOWN: " by a crash of rocketd or the host",
}


def describe_end(run: Run, end: End, moment: Moment) -> str:
    """Return how a run ended and when: `backup/7 failed at 10:00`."""
    return f"{run_name(run)} {_ENDED.get(end.action, end.action)}{_CAUSES.get(end.cause, '')} {when(end.at, moment)}"


def run_name(run: Run) -> str:
    """Return TASK/NUMBER, by which every verb of rocketctl finds the run."""
    return f"{run.task}/{run.number}"


def names_of(names: Sequence[str]) -> str:
    """Return names as they were written; patterns in quotes, as they are no names of tasks."""
    return ", ".join(f"'{name}'" if is_pattern(name) else name for name in names)


def listed(names: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
