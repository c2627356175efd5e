"""Whether a window is used up, and by what: an end, a run that goes on, a due, or too many crashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rocketd.core.instant import FOREVER, Instant
from rocketd.core.model.consumption import Consumed, kept_used, up_to
from rocketd.core.model.run import Action

if TYPE_CHECKING:
    from rocketd.core.model.moment import Moment


class Consumption(NamedTuple):
    """That a window is used up."""

    at: Instant
    """By what happened then."""
    until: Instant
    """How long that counts; FOREVER: as long as the window is."""


def spent_in(moment: Moment, start: Instant, end: Instant, *, fixed: bool) -> Consumption | None:
    """Tell what uses up the window from `start` to the beginning of the next at `end`; None: nothing does yet.

    Of a window that a splay delays `start` is when it begins; by its due alone a run uses it up as `due_in` tells.
    """
    past = moment.past
    until = kept_used(past.done, start, end, past.steps, fixed=fixed)
    if until > moment.now:
        return Consumption(up_to(past.done, past.steps), until)
    going = [max(run.start, run.due) for run in past.going.values() if run.scheduled]
    if going and max(going) >= start:
        return Consumption(max(going), FOREVER)
    ahead = tuple(use for use in past.consumed if going and use.is_ahead(past.steps))
    if (until := kept_used(ahead, start, end, past.steps, fixed=fixed)) > moment.now:
        return Consumption(max(going), until)
    return _crashed(moment, start, end, fixed=fixed)


def due_in(moment: Moment, start: Instant, end: Instant, *, fixed: bool) -> Consumption | None:
    """Tell whether the newest scheduled run, unless it has crashed, was due in that window or later."""
    past, run, ended = moment.past, moment.past.scheduled, moment.past.scheduled_end
    if run is None or (ended is not None and ended.action is Action.CRASH and not moment.plain):
        return None
    due = (Consumed(run.due, run.due, past.scheduled_position),)
    until = kept_used(due, start, end, past.steps, fixed=fixed)
    return Consumption(max(run.start, run.due), until) if until > moment.now else None


def _crashed(moment: Moment, start: Instant, end: Instant, *, fixed: bool) -> Consumption | None:
    """Tell when the window was used up by crashes: by the first one where a crash counts as done."""
    past, limit = moment.past, moment.task.crash_limit
    crashes = [Consumed(at, at, position) for at, position in past.crashes]
    if moment.plain:
        last, limit = past.scheduled, 1
        reached = () if last is None else (min(last.start, last.due), max(last.start, last.due))
        crashes = [Consumed(*reached, past.scheduled_position)] if reached else []
    kept = sorted((one.keeps_used(start, end, past.steps, fixed=fixed) for one in crashes), reverse=True)
    if len(kept) < limit or kept[limit - 1] <= moment.now:
        return None
    return Consumption(up_to(tuple(crashes), past.steps), kept[limit - 1])
