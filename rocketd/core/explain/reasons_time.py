"""What the verdicts of words about time rest on."""

from __future__ import annotations

from rocketd.core.conditions.cron_time import CronTime
from rocketd.core.conditions.time_conditions import Every, OncePerWindow, Tick, TimeOf
from rocketd.core.duration import format_duration
from rocketd.core.explain.reasons import ended, explain_verdict, name, spell_splay, when
from rocketd.core.instant import BEGINNING, FOREVER, Instant
from rocketd.core.model.condition import Condition
from rocketd.core.model.consumption import Consumed, window_used_until
from rocketd.core.model.moment import Moment
from rocketd.core.model.splay import splayed
from rocketd.core.model.verdict import AGAINST, FOR, Verdict


def tell_splay(condition: Condition, moment: Moment, verdict: Verdict) -> str:
    """Say when a word begins to hold that is due already, and waits for its splay; empty if that is not so."""
    if (
        verdict.answer is not AGAINST
        or verdict.until >= FOREVER
        or not condition.has_start_window
        or not splayed(moment)
    ):
        return ""
    then = condition.judge(moment.at(verdict.until))
    due = max(then.since, moment.task_history.armed)
    if then.answer is not FOR or due > moment.now:
        return ""
    begins = f"due since {_clock(due, moment)}, begins {when(verdict.until, moment)}"
    part, splay = verdict.until - due, moment.task.splay
    if part > splay:
        return f"{begins}: what was due meanwhile is spread over a while"
    return f"{begins}: splay {spell_splay(part, splay)}"


@explain_verdict.register(OncePerWindow)
def _(condition: OncePerWindow, moment: Moment, verdict: Verdict) -> str:
    start, end, following = condition.period.turn(moment.now, moment.task.zone)
    if moment.now >= end:
        return f"outside; {_next('window', following, moment)}"
    window = f"in the window from {_clock(start, moment)} to {_clock(end, moment)}"
    if verdict.answer is FOR:
        return f"{window}, and not done in it yet"
    done = (
        window_used_until(
            moment.task_history.completed, start, following, moment.task_history.steps, fixed=condition.fixed
        )
        > moment.now
    )
    if moment.task_history.has_scheduled_run and not done:
        return f"a run is going on {window}"
    by = _by(moment) if done else _after_crashes(start, following, moment, fixed=condition.fixed)
    if verdict.until < following:
        return f"done {window}{by}, when the clock was ahead; that counts until {_clock(verdict.until, moment)}"
    return f"done {window}{by}; {_next('window', following, moment)}{_used_ahead(condition, following, moment)}"


def _used_ahead(condition: OncePerWindow | Tick, at: Instant, moment: Moment) -> str:
    """Say so if the next window or tick is used up before it comes."""
    zone, past = moment.task.zone, moment.task_history
    if isinstance(condition, Tick):
        uses, fixed, end = past.consumed, condition.ticks.fixed, condition.ticks.next(at, zone)
    else:
        uses, fixed, end = past.completed, condition.fixed, condition.period.turn(at, zone).following
    used = at < FOREVER and window_used_until(uses, at, FOREVER if end is None else end, past.steps, fixed=fixed) > at
    return ", and is used up already: the clock was ahead" if used else ""


def _by(moment: Moment) -> str:
    """Say by which run a window is used up."""
    run, end = moment.task_history.last_scheduled, moment.task_history.scheduled_end
    return f": {ended(run, end, moment)}" if run is not None and end is not None else ""


def _after_crashes(start: Instant, end: Instant, moment: Moment, *, fixed: bool) -> str:
    steps, crashes = (
        moment.task_history.steps,
        [Consumed(at, at, position) for at, position in moment.task_history.crashes],
    )
    count = sum(one.used_until(start, end, steps, fixed=fixed) > moment.now for one in crashes)
    return f", given up after {count} crashes" if count else ""


@explain_verdict.register(TimeOf)
@explain_verdict.register(CronTime)
def _(condition: TimeOf | CronTime, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - its verdict says it all
    if verdict.until >= FOREVER:
        return "it is always such a time" if verdict.answer is FOR else "there is no such time to come"
    if verdict.answer is FOR:
        return f"inside, from {_clock(verdict.since, moment)} to {_clock(verdict.until, moment)}"
    return f"outside; it begins {when(verdict.until, moment)}"


@explain_verdict.register(Every)
def _(condition: Every, moment: Moment, verdict: Verdict) -> str:
    past = moment.task_history
    if condition.based != "run" and past.has_scheduled_run:
        return "its run is going on; the interval begins with the end"
    if verdict.answer is FOR:
        if verdict.since == BEGINNING:
            return "there has been no run yet" if condition.based == "run" else "no run has ended so yet"
        return f"the interval was over {when(verdict.since, moment)}"
    anchor = verdict.until - condition.interval
    return f"{format_duration(condition.interval)} from {_clock(anchor, moment)} are over {when(verdict.until, moment)}"


@explain_verdict.register(Tick)
def _(condition: Tick, moment: Moment, verdict: Verdict) -> str:
    newest, following = condition.ticks.around(moment.now, moment.task.zone)
    if newest == BEGINNING:
        return f"there has been no tick yet; {_next('tick', verdict.until, moment)}"
    tick = f"the tick {when(newest, moment)}"
    if verdict.answer is FOR:
        return f"{tick} is not used up"
    if verdict.until < following and _is_spent(condition, newest, following, moment):
        return f"{tick} was used up when the clock was ahead; that counts until {_clock(verdict.until, moment)}"
    ahead = _used_ahead(condition, verdict.until, moment)
    return f"{_passed(condition, tick, newest, moment)}; {_next('tick', verdict.until, moment)}{ahead}"


def _is_spent(condition: Tick, tick: Instant, following: Instant, moment: Moment) -> bool:
    past = moment.task_history
    return window_used_until(past.consumed, tick, following, past.steps, fixed=condition.ticks.fixed) > moment.now


def _passed(condition: Tick, tick: str, newest: Instant, moment: Moment) -> str:
    """Say why the newest tick does not count."""
    past = moment.task_history
    if newest <= past.armed:
        return f"{tick} came before the task was armed, {when(past.armed, moment)}"
    _, following = condition.ticks.around(moment.now, moment.task.zone)
    if newest <= past.consumed_up_to or _is_spent(condition, newest, following, moment):
        return f"{tick} is used up{_used_by(newest, moment)}"
    if condition.within is not None and moment.now >= newest + condition.within:
        return f"{tick} was good for {format_duration(condition.within)} only"
    missing = [guard for guard in moment.guards if guard.judge(moment.at(newest)).answer is not FOR]
    return f"{tick} does not count: {' & '.join(map(str, missing))} did not hold then"


def _used_by(tick: Instant, moment: Moment) -> str:
    run = moment.task_history.last_scheduled
    return f" by {name(run)}" if run is not None and max(run.start, run.due) >= tick else ""


def _next(what: str, following: Instant, moment: Moment) -> str:
    """Say when the next window or tick comes."""
    return f"there is no further {what}" if following >= FOREVER else f"the next {what} is {when(following, moment)}"


def _clock(instant: Instant, moment: Moment) -> str:
    return when(instant, moment).removeprefix("at ")
