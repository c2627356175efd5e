"""What the verdicts of words about time rest on."""

from __future__ import annotations

from rocketd.core.condition import FOR, Moment, Verdict
from rocketd.core.cron_time import CronTime
from rocketd.core.duration import format_duration
from rocketd.core.instant import BEGINNING, FOREVER, Instant
from rocketd.core.telling import ended, name, tell, when
from rocketd.core.time_conditions import Every, OncePerWindow, Tick, TimeOf


@tell.register(OncePerWindow)
def _(condition: OncePerWindow, moment: Moment, verdict: Verdict) -> str:
    start, end, following = condition.period.turn(moment.now, moment.task.zone)
    if moment.now >= end:
        return f"outside; {_next('window', following, moment)}"
    window = f"in the window from {_clock(start, moment)} to {_clock(end, moment)}"
    if verdict.answer is FOR:
        return f"{window}, and not done in it yet"
    if moment.past.going_scheduled and moment.past.done < start:
        return f"a run is going on {window}"
    return f"done {window}{_by(start, moment)}; {_next('window', following, moment)}"


def _by(start: Instant, moment: Moment) -> str:
    """Say by which run a window is used up."""
    past = moment.past
    if past.done < start and past.crashes:
        return f", given up after {len([crash for crash in past.crashes if crash >= start])} crashes"
    run, end = past.scheduled, past.scheduled_end
    return f": {ended(run, end, moment)}" if run is not None and end is not None else ""


@tell.register(TimeOf)
@tell.register(CronTime)
def _(condition: TimeOf | CronTime, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - its verdict says it all
    if verdict.until >= FOREVER:
        return "it is always such a time" if verdict.answer is FOR else "there is no such time to come"
    if verdict.answer is FOR:
        return f"inside, from {_clock(verdict.since, moment)} to {_clock(verdict.until, moment)}"
    return f"outside; it begins {when(verdict.until, moment)}"


@tell.register(Every)
def _(condition: Every, moment: Moment, verdict: Verdict) -> str:
    past = moment.past
    if condition.based != "run" and past.going_scheduled:
        return "its run is going on; the interval begins with the end"
    if verdict.answer is FOR:
        if verdict.since == BEGINNING:
            return "there has been no run yet" if condition.based == "run" else "no run has ended so yet"
        return f"the interval was over {when(verdict.since, moment)}"
    anchor = verdict.until - condition.interval
    return f"{format_duration(condition.interval)} from {_clock(anchor, moment)} are over {when(verdict.until, moment)}"


@tell.register(Tick)
def _(condition: Tick, moment: Moment, verdict: Verdict) -> str:
    newest, _ = condition.ticks.around(moment.now, moment.task.zone)
    if newest == BEGINNING:
        return f"there has been no tick yet; {_next('tick', verdict.until, moment)}"
    tick = f"the tick {when(newest, moment)}"
    if verdict.answer is FOR:
        return f"{tick} is not used up"
    return f"{_passed(condition, tick, newest, moment)}; {_next('tick', verdict.until, moment)}"


def _passed(condition: Tick, tick: str, newest: Instant, moment: Moment) -> str:
    """Say why the newest tick does not count."""
    past = moment.past
    if newest <= past.armed_at:
        return f"{tick} came before the task was armed, {when(past.armed_at, moment)}"
    if newest <= past.consumed:
        return f"{tick} is used up{_used_by(newest, moment)}"
    if condition.within is not None and moment.now >= newest + condition.within:
        return f"{tick} was good for {format_duration(condition.within)} only"
    missing = [guard for guard in moment.guards if guard.judge(moment.at(newest)).answer is not FOR]
    return f"{tick} does not count: {' & '.join(map(str, missing))} did not hold then"


def _used_by(tick: Instant, moment: Moment) -> str:
    run = moment.past.scheduled
    return f" by {name(run)}" if run is not None and max(run.start, run.due) >= tick else ""


def _next(what: str, following: Instant, moment: Moment) -> str:
    """Say when the next window or tick comes."""
    return f"there is no further {what}" if following >= FOREVER else f"the next {what} is {when(following, moment)}"


def _clock(instant: Instant, moment: Moment) -> str:
    return when(instant, moment).removeprefix("at ")
