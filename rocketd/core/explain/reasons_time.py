"""The reasons for the verdicts of words about time."""

from __future__ import annotations

from rocketd.core.conditions.cron_time import CronTime
from rocketd.core.conditions.time_conditions import Every, OncePerWindow, Tick, TimeOf
from rocketd.core.duration import format_duration
from rocketd.core.explain.reasons import clock, describe_end, explain_verdict, run_name, splay_share, time_range, when
from rocketd.core.explain.reasons_ticks import (
    explain_interval_at_tick,
    explain_window_at_tick,
    why_not_counting,
)
from rocketd.core.instant import BEGINNING, FOREVER, Instant
from rocketd.core.model.condition import Condition
from rocketd.core.model.consumption import Consumed, window_used_until
from rocketd.core.model.moment import Moment
from rocketd.core.model.splay import splayed
from rocketd.core.model.tick_guards import answer_at
from rocketd.core.model.verdict import AGAINST, FOR, Verdict
from rocketd.core.plural import counted


def explain_splay(condition: Condition, moment: Moment, verdict: Verdict) -> str:
    """Return when a word that is due becomes true after its splay; empty if it does not wait for that."""
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
    share, splay = verdict.until - due, moment.task.splay
    why = "overdue tasks are spread out" if share > splay else f"splay: {splay_share(share, splay)}"
    return f"due since {clock(due, moment)}, starts {when(verdict.until, moment)} ({why})"


@explain_verdict.register(OncePerWindow)
def _(condition: OncePerWindow, moment: Moment, verdict: Verdict) -> str:
    start, end, following = condition.period.opened_window(moment.now, moment.task.zone)
    if moment.of_tick:
        return explain_window_at_tick(condition, moment, verdict)
    if moment.now >= end:
        return f"outside the window; {_next_window(following, moment)}"
    window = time_range(start, end, moment)
    if verdict.answer is FOR:
        return f"in the window {window}; has not run in it yet"
    done = (
        window_used_until(
            moment.task_history.completed, start, following, moment.task_history.steps, fixed=condition.fixed
        )
        > moment.now
    )
    if moment.task_history.has_scheduled_run and not done:
        return f"running; its window is {window}"
    crashes = 0 if done else _crashes(start, following, moment, fixed=condition.fixed)
    used = f"gave up after {counted(crashes, 'crash', 'crashes')}" if crashes else "already ran"
    by = _last_run(moment) if done else ""
    if verdict.until < following:
        return (
            f"{used} in the window {window}{by}, while the clock was ahead; counts until {clock(verdict.until, moment)}"
        )
    next_window = f"{_next_window(following, moment)}{_used_ahead(condition, following, moment)}"
    return f"{used} in the window {window}{by}; {next_window}"


def _used_ahead(condition: OncePerWindow | Tick, at: Instant, moment: Moment) -> str:
    """Say so if the next window or tick is used up before it comes: it ran while the clock was ahead."""
    zone, past = moment.task.zone, moment.task_history
    if isinstance(condition, Tick):
        uses, fixed, end = past.consumed, condition.ticks.fixed, condition.ticks.next(at, zone)
    else:
        uses, fixed, end = past.completed, condition.fixed, condition.period.opened_window(at, zone).following
    used = at < FOREVER and window_used_until(uses, at, FOREVER if end is None else end, past.steps, fixed=fixed) > at
    return ", but it was already run while the clock was ahead" if used else ""


def _last_run(moment: Moment) -> str:
    """Name the run that used up a window, and how it ended."""
    run, end = moment.task_history.last_scheduled, moment.task_history.scheduled_end
    return f": {describe_end(run, end, moment)}" if run is not None and end is not None else ""


def _crashes(start: Instant, end: Instant, moment: Moment, *, fixed: bool) -> int:
    """Count the crashes in a window."""
    steps, crashes = (
        moment.task_history.steps,
        [Consumed(at, at, position) for at, position in moment.task_history.crashes],
    )
    return sum(one.used_until(start, end, steps, fixed=fixed) > moment.now for one in crashes)


@explain_verdict.register(TimeOf)
@explain_verdict.register(CronTime)
def _(condition: TimeOf | CronTime, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - its verdict says it all
    if verdict.until >= FOREVER:
        return "always inside" if verdict.answer is FOR else "never again inside"
    if verdict.answer is FOR:
        return f"inside the window {time_range(verdict.since, verdict.until, moment)}"
    return f"outside the window; it opens {when(verdict.until, moment)}"


@explain_verdict.register(Every)
def _(condition: Every, moment: Moment, verdict: Verdict) -> str:
    past = moment.task_history
    if moment.of_tick:
        return explain_interval_at_tick(condition, moment, verdict)
    if condition.based != "run" and past.has_scheduled_run:
        return "running; the interval starts when the run ends"
    if verdict.answer is FOR:
        if verdict.since == BEGINNING:
            return "there has been no run yet" if condition.based == "run" else "no run has ended that way yet"
        return f"due since {clock(verdict.since, moment)}"
    anchor = verdict.until - condition.interval
    return (
        f"next due {when(verdict.until, moment)}, {format_duration(condition.interval)} after {clock(anchor, moment)}"
    )


@explain_verdict.register(Tick)
def _(condition: Tick, moment: Moment, verdict: Verdict) -> str:
    newest, following = condition.ticks.around(moment.now, moment.task.zone)
    if newest == BEGINNING:
        return f"there has been no tick yet; {_next_tick(verdict.until, moment)}"
    tick = f"the tick {when(newest, moment)}"
    if verdict.answer is FOR:
        return f"{tick} has not been run yet"
    if verdict.until < following and _is_spent(condition, newest, following, moment):
        return f"{tick} was already run while the clock was ahead; that counts until {clock(verdict.until, moment)}"
    ahead = _used_ahead(condition, verdict.until, moment)
    return f"{_why_passed(condition, tick, newest, moment)}; {_next_counting(condition, verdict, moment)}{ahead}"


def _is_spent(condition: Tick, tick: Instant, following: Instant, moment: Moment) -> bool:
    past = moment.task_history
    return window_used_until(past.consumed, tick, following, past.steps, fixed=condition.ticks.fixed) > moment.now


def _why_passed(condition: Tick, tick: str, newest: Instant, moment: Moment) -> str:
    """Return why the newest tick does not count."""
    past = moment.task_history
    if newest <= past.armed:
        return f"{tick} came before the task was armed {when(past.armed, moment)}"
    _, following = condition.ticks.around(moment.now, moment.task.zone)
    if newest <= past.consumed_up_to or _is_spent(condition, newest, following, moment):
        return f"{tick} {_used_by(newest, moment)}"
    if condition.within is not None and moment.now >= newest + condition.within:
        return f"{tick} was only valid for {format_duration(condition.within)}"
    return f"{tick} {why_not_counting(newest, moment)}"


def _used_by(tick: Instant, moment: Moment) -> str:
    run = moment.task_history.last_scheduled
    used = run is not None and max(run.start, run.due) >= tick
    return f"was run as {run_name(run)}" if run is not None and used else "is used up"


def _next_window(start: Instant, moment: Moment) -> str:
    return "there is no further one" if start >= FOREVER else f"the next one opens {when(start, moment)}"


def _next_counting(condition: Tick, verdict: Verdict, moment: Moment) -> str:
    """Return which tick can count next, where that is not simply the next one."""
    newest, following = condition.ticks.around(moment.now, moment.task.zone)
    if verdict.until <= following or moment.tick_line is not None or newest >= FOREVER:
        return _next_tick(verdict.until, moment)
    if verdict.until >= FOREVER or answer_at(verdict.until, moment) is AGAINST:
        return (
            f"no tick up to {clock(verdict.until, moment)} counts" if verdict.until < FOREVER else "no later one counts"
        )
    return f"the next tick that can count is {when(verdict.until, moment)}"


def _next_tick(tick: Instant, moment: Moment) -> str:
    return "there is no further tick" if tick >= FOREVER else f"the next tick is {when(tick, moment)}"
