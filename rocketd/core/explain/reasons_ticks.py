"""Why a tick counts or does not, by what stands beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketd.core.duration import format_duration
from rocketd.core.explain.reasons import clock, time_range, when
from rocketd.core.instant import BEGINNING, FOREVER
from rocketd.core.model.condition import Condition
from rocketd.core.model.tick_guards import good_until
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict

if TYPE_CHECKING:
    from rocketd.core.conditions.time_conditions import Every, OncePerWindow
    from rocketd.core.instant import Instant
    from rocketd.core.model.moment import Moment, SupportsJudge


def why_not_counting(tick: Instant, moment: Moment) -> str:
    """Return why that tick, which is not used up, does not count, or not any longer."""
    about, at = moment.about_tick(tick), moment.at(tick)
    judged = [(part, at, part.judge(at)) for part in moment.guards]
    judged += [(part, about, part.judge(about)) for part in moment.tick_guards.scheduled]
    if wrong := [_wrong(*one) for one in judged if one[2].answer is AGAINST]:
        return f"does not count: {' and '.join(wrong)}"
    if unknown := [str(part) for part, _, verdict in judged if verdict.answer is UNKNOWN]:
        return f"may not count: {' and '.join(unknown)} is unknown"
    return f"stopped counting {when(good_until(tick, moment), moment)}: {_ended_by(tick, moment)}"


def _wrong(part: SupportsJudge, asked: Moment, verdict: Verdict) -> str:
    """Say what is against a tick."""
    if asked.of_tick and verdict.until < FOREVER and isinstance(part, Condition) and part.has_interval:
        return f"{part} is over {when(verdict.until, asked)}"
    if asked.of_tick and isinstance(part, Condition) and not part.clock_only:
        return (
            f"{part} is used up until {clock(verdict.until, asked)}"
            if verdict.until < FOREVER
            else f"{part} is used up"
        )
    return f"{part} was false then"


def _ended_by(tick: Instant, moment: Moment) -> str:
    spans = [span for span in moment.tick_guards.spans if span.span_end(tick, moment.task.zone) <= moment.now]
    if spans:
        return f"{spans[0]} now refers to another time"
    over = [hours for hours in moment.guards if good_until(tick, moment._replace(guards=(hours,))) <= moment.now]
    return f"{' and '.join(map(str, over))} has not held without a break since"


def explain_interval_at_tick(condition: Every, moment: Moment, verdict: Verdict) -> str:
    """Return why a tick is far enough from the last due, or not yet."""
    if verdict.since == BEGINNING:
        return "there has been no run yet" if condition.based == "run" else "no run has ended that way yet"
    if verdict.answer is FOR:
        return f"over since {clock(verdict.since, moment)}, at the tick of {clock(moment.now, moment)}"
    length = format_duration(condition.interval)
    over = f"over {when(verdict.until, moment)}, {length} after {clock(verdict.since, moment)}"
    return f"{over}; the tick is {when(moment.now, moment)}"


def explain_window_at_tick(condition: OncePerWindow, moment: Moment, verdict: Verdict) -> str:
    """Return whether a run was due in the window around a tick."""
    start, end, _ = condition.period.opened_window(moment.now, moment.task.zone)
    if moment.now >= end:
        opens = when(verdict.until, moment)
        return f"the tick {when(moment.now, moment)} is outside the window; the next one opens {opens}"
    window = time_range(start, end, moment)
    if verdict.answer is FOR:
        return f"nothing was due in the window {window} before the tick {when(moment.now, moment)}"
    return f"a run was due in the window {window} already"
