"""How windows and intervals are judged that stand beside a tick: they are asked whether that tick counts.

What counts for them is when runs were due, not when they started, so that a late start does not move the rhythm:

    calendar("Sat 09:00") & monthly, down from 30 January to 2 February    2 February (due 30 January), 6 February
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketd.core.calendar.steps import Steps
from rocketd.core.conditions.window_consumption import is_used_by_due
from rocketd.core.instant import DAY, FOREVER
from rocketd.core.model.verdict import AGAINST, FOR, Verdict

if TYPE_CHECKING:
    from rocketd.core.calendar.window import OpenedWindow
    from rocketd.core.instant import Duration, Instant
    from rocketd.core.model.moment import Moment


def judge_window_at_tick(window: OpenedWindow, moment: Moment, *, fixed: bool) -> Verdict:
    """Judge the window around a tick: for, unless a scheduled run was due in it."""
    start, end, following = window
    if moment.now >= end:
        return Verdict(AGAINST, following, end)
    used = is_used_by_due(moment, start, following, fixed=fixed)
    return Verdict(AGAINST, following, start) if used else Verdict(FOR, end, start)


def judge_interval_at_tick(anchor: Instant | None, interval: Duration, moment: Moment) -> Verdict:
    """Judge a tick by whether the interval has passed since the anchor: the last due, or the last end."""
    if anchor is None:
        return Verdict(FOR)
    over = interval_steps(anchor, interval, moment).at(1)
    return Verdict(FOR, FOREVER, over) if moment.now >= over else Verdict(AGAINST, over, anchor)


def interval_steps(anchor: Instant, interval: Duration, moment: Moment) -> Steps:
    """Return the ends of the intervals from an instant on: whole days on the wall, where that is asked for."""
    on_wall = moment.days_on_wall and interval % DAY == 0
    return Steps(anchor, interval, moment.task.zone if on_wall else None)
