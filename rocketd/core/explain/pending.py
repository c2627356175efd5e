"""What must happen before a condition holds, as a sentence: only the parts that are in the way."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Final

from rocketd.core.conditions.after import After
from rocketd.core.conditions.comparison import AT_LEAST_ONE
from rocketd.core.conditions.event_kinds import What
from rocketd.core.conditions.host_uptime import BootEventCondition
from rocketd.core.conditions.occurrences import EventCondition, RecentEventCondition
from rocketd.core.conditions.probe import Probe
from rocketd.core.conditions.run_conditions import Retry, Running
from rocketd.core.conditions.running import RunningCount, RunningFor
from rocketd.core.conditions.scheduler_conditions import SchedulerCycles
from rocketd.core.duration import format_duration
from rocketd.core.explain.reasons import explain_verdict, names_of, when
from rocketd.core.instant import FOREVER
from rocketd.core.model.condition import All, Any, Condition, Constant, Not
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from rocketd.core.plural import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rocketd.core.instant import Instant
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.verdict import Answer

_STEPS: Final = 64
"""How many verdicts to look ahead."""
_OPPOSITE: Final = {FOR: AGAINST, AGAINST: FOR}


def describe_pending(condition: Condition, moment: Moment, wanted: Answer = FOR, *, nested: bool = False) -> str:
    """Return what must happen for the condition to have the wanted answer; empty: nothing can bring it about."""
    if isinstance(condition, Not):
        return describe_pending(condition.part, condition.inner_moment(moment), _OPPOSITE[wanted], nested=nested)
    if isinstance(condition, All | Any):
        return _of_group(condition, moment, wanted, nested=nested)
    if isinstance(condition, Constant):
        return ""
    verdict = _judged(condition, moment)
    if verdict.answer is UNKNOWN:
        return f"{condition}, which is unknown ({explain_verdict(condition, moment, verdict)})"
    if verdict.until < FOREVER and not isinstance(condition, Probe):  # of a probe that is when it gets overdue
        end = "" if wanted is FOR else "the end of "
        return f"{end}{condition} ({when(_turning(condition, moment, verdict, wanted), moment)})"
    return _event(condition, moment, verdict)


def _turning(condition: Condition, moment: Moment, verdict: Verdict, wanted: Answer) -> Instant:
    """Return when it has the wanted answer if nothing happens; if that is too far off, when it may have another."""
    at = verdict.until
    for _ in range(_STEPS):
        then = _judged(condition, moment.at(at))
        if then.answer is wanted:
            return at
        if then.until >= FOREVER:
            break
        at = then.until
    return verdict.until


def _judged(condition: Condition, moment: Moment) -> Verdict:
    """Judge it; if that raises, the answer is unknown."""
    try:
        return condition.judge(moment)
    except Exception:  # noqa: BLE001 - the tree says what it raises
        return Verdict(UNKNOWN)


def _of_group(group: All | Any, moment: Moment, wanted: Answer, *, nested: bool) -> str:
    inner = group.inner_moment(moment)
    ticks = group.tick_group if isinstance(group, All) else None
    parts = group.parts if ticks is None or ticks.mixed else ticks.states + ticks.hours
    missing = [part for part in parts if _judged(part, inner).answer is not wanted]
    needs_each = isinstance(group, All) is (wanted is FOR)
    described = [describe_pending(part, inner, wanted, nested=len(missing) > 1) for part in missing]
    if needs_each:
        return _joined(described, " and ", nested=nested) if all(described) else ""
    return _joined(filter(None, described), " or ", nested=nested)


def _joined(parts: Iterable[str], word: str, *, nested: bool) -> str:
    distinct = list(dict.fromkeys(parts))
    joined = word.join(distinct)
    return f"({joined})" if nested and len(distinct) > 1 else joined


@singledispatch
def _event(condition: Condition, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - what some kinds look at
    """Return which event must happen for the answer to change."""
    return _to_change(condition, verdict)


def _to_change(condition: Condition, verdict: Verdict) -> str:
    return f"{condition} to become {'false' if verdict.answer is FOR else 'true'}"


@_event.register(Retry)
def _(condition: Retry, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - as above
    return _to_change(condition, verdict) if verdict.answer is FOR else "a failed run to retry"


@_event.register(Running)
@_event.register(RunningFor)
def _(condition: Running | RunningFor, moment: Moment, verdict: Verdict) -> str:
    task = names_of((condition.task or moment.task.name,))
    if verdict.answer is FOR:
        return f"{task} to finish"
    more = condition.more if isinstance(condition, RunningFor) else 0
    return f"{task} to run{f' for {format_duration(more)}' if more else ''}"


@_event.register(RunningCount)
def _(condition: RunningCount, moment: Moment, verdict: Verdict) -> str:
    if condition.count == AT_LEAST_ONE:
        return f"{names_of((condition.task or moment.task.name,))} to {'finish' if verdict.answer is FOR else 'start'}"
    return _to_change(condition, verdict)


_TO_HAPPEN: Final[dict[What, str]] = {
    "started": "start",
    "succeeded": "succeed",
    "failed": "fail",
    "finished": "finish",
    "terminated": "be terminated",
    "inacted": "find nothing to do",
    "crashed": "be interrupted by a shutdown or a crash",
    "missed": "miss a start",
}


@_event.register(EventCondition)
@_event.register(RecentEventCondition)
@_event.register(BootEventCondition)
def _(condition: EventCondition | RecentEventCondition | BootEventCondition, moment: Moment, verdict: Verdict) -> str:
    whole = not isinstance(condition, EventCondition) or condition.period is None or condition.period.how == "whole"
    if verdict.answer is AGAINST and condition.count == AT_LEAST_ONE and whole:
        return f"{names_of((condition.task or moment.task.name,))} to {_TO_HAPPEN[condition.what]}"
    return _to_change(condition, verdict)


@_event.register(SchedulerCycles)
def _(condition: SchedulerCycles, moment: Moment, verdict: Verdict) -> str:
    cycles = moment.history.cycles
    if verdict.answer is AGAINST and cycles > condition.more:
        return ""  # they only ever grow
    if verdict.answer is FOR and condition.less is None:
        return ""
    passes = (condition.more + 1 if verdict.answer is AGAINST else condition.less or 0) - cycles
    return f"{counted(passes, 'more pass', 'more passes')} of the scheduler"


@_event.register(After)
def _(condition: After, moment: Moment, verdict: Verdict) -> str:
    if verdict.answer is FOR:
        return _to_change(condition, verdict)
    end = {"success": "succeed", "fail": "fail", "finish": "finish", "missed": "miss a start"}[condition.outcome]
    if condition.has_patterns:
        return f"{'one' if condition.many == 'any' else 'each'} of {names_of(condition.tasks)} to {end}"
    missing = [task for task in condition.tasks if condition.newest_event(task, moment) is None]
    return f"{(' or ' if condition.many == 'any' else ' and ').join(missing)} to {end}"
