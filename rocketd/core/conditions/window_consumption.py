"""Whether a window is used up: by an end, an active run, a due, or too many crashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rocketd.core.instant import FOREVER, Instant
from rocketd.core.model.consumption import Consumed, consumed_until, window_used_until
from rocketd.core.model.run import Action

if TYPE_CHECKING:
    from rocketd.core.model.moment import Moment


class Consumption(NamedTuple):
    """The event that used up a window."""

    at: Instant
    """The instant of that event."""
    until: Instant
    """How long that counts; FOREVER: as long as the window is."""


def find_consumption(moment: Moment, start: Instant, end: Instant, *, fixed: bool) -> Consumption | None:
    """Return what uses up the window from `start` to the beginning of the next at `end`; None: nothing does yet.

    For example the window from 10:00 to 12:00, with `end` at 10:00 tomorrow:

    a run that started at 10:01 and succeeded     used up at 10:01, as long as the window is
    a run that is active since 10:01              the same
    a run that crashed, with a `crash_limit` of 3 None: the window is free again

    Of a window that a splay delays, `start` is when it begins; see `consumption_by_due` for what a due alone uses up.
    """
    history = moment.task_history
    until = window_used_until(history.completed, start, end, history.steps, fixed=fixed)
    if until > moment.now:
        return Consumption(consumed_until(history.completed, history.steps), until)
    begins = [max(run.start, run.due) for run in history.running.values() if run.scheduled]
    if begins and max(begins) >= start:
        return Consumption(max(begins), FOREVER)
    ahead = tuple(use for use in history.consumed if begins and use.is_ahead(history.steps))
    if (until := window_used_until(ahead, start, end, history.steps, fixed=fixed)) > moment.now:
        return Consumption(max(begins), until)
    return _consumption_by_crashes(moment, start, end, fixed=fixed)


def consumption_by_due(moment: Moment, start: Instant, end: Instant, *, fixed: bool) -> Consumption | None:
    """Return whether the newest scheduled run, unless it has crashed, was due in that window or later."""
    history, run, ended = (
        moment.task_history,
        moment.task_history.last_scheduled,
        moment.task_history.scheduled_end,
    )
    if run is None or (ended is not None and ended.action is Action.CRASH and not moment.without_retries):
        return None
    due = (Consumed(run.due, run.due, history.scheduled_position),)
    until = window_used_until(due, start, end, history.steps, fixed=fixed)
    return Consumption(max(run.start, run.due), until) if until > moment.now else None


def is_used_by_due(moment: Moment, start: Instant, end: Instant, *, fixed: bool) -> bool:
    """Whether a scheduled run was due in that window: for ticks, which do not mind when it started. See above.

    a run that was due on 30 January and started on 2 February    January is used up, and February is free
    """
    history, last = moment.task_history, moment.task_history.last_scheduled
    dues = history.completed_dues
    if moment.without_retries and last is not None:
        dues = (*dues, Consumed(last.due, last.due, history.scheduled_position))
    if window_used_until(dues, start, end, history.steps, fixed=fixed) > moment.now:
        return True
    if moment.counted_due is not None and moment.counted_due >= start:
        return True
    if any(run.scheduled and run.due >= start for run in history.running.values()):
        return True
    return not moment.without_retries and _consumption_by_crashes(moment, start, end, fixed=fixed) is not None


def _consumption_by_crashes(moment: Moment, start: Instant, end: Instant, *, fixed: bool) -> Consumption | None:
    """Return when the window was used up by crashes: by the first one where a crash counts as done."""
    history, limit = moment.task_history, moment.task.crash_limit
    if not history.crashes and not moment.without_retries:
        return None
    crashes = [Consumed(at, at, position) for at, position in history.crashes]
    if moment.without_retries:
        last, limit = history.last_scheduled, 1
        reached = () if last is None else (min(last.start, last.due), max(last.start, last.due))
        crashes = [Consumed(*reached, history.scheduled_position)] if reached else []
    kept = sorted((one.used_until(start, end, history.steps, fixed=fixed) for one in crashes), reverse=True)
    if len(kept) < limit or kept[limit - 1] <= moment.now:
        return None
    return Consumption(consumed_until(tuple(crashes), history.steps), kept[limit - 1])
