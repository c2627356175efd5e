"""For how long an explanation is the same as one that would be made anew, if nothing happens to its tasks.

Apart from events, it changes with the clock: at the end of a verdict, where a tick or a window begins or ends, and at
midnight, as instants are told from today's date on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.core.conditions.after import After
from rocketd.core.conditions.cron_time import CronTime
from rocketd.core.conditions.day_word import begin_of, date_around
from rocketd.core.conditions.occurrences import EventCondition
from rocketd.core.conditions.run_conditions import Retry, Running
from rocketd.core.conditions.time_conditions import Every, OncePerWindow, Tick, TimeOf
from rocketd.core.instant import FOREVER
from rocketd.core.model.condition import All, Any, Condition, Constant, Not, all_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocketd.core.explain.tree import ExplanationPart
    from rocketd.core.explain.why import Explanation
    from rocketd.core.instant import Instant
    from rocketd.core.model.task import Task
    from rocketd.core.scheduler.task_state import ScheduledTask

_TIME: Final = (OncePerWindow, TimeOf, CronTime, Every, Tick)
_FOLLOWED: Final = (All, Any, Not, Constant, *_TIME, After, Retry, Running, EventCondition)
"""The words of which it is known when what is said of them changes."""


def unchanged_until(entry: ScheduledTask, why: Explanation) -> Instant:
    """Return until when the explanation stays as it is unless an event occurs; its own instant: that is unknown."""
    now, task = why.at, entry.task
    if entry.due is not None or entry.forced or entry.watched_patterns:
        return now
    if not all(map(_is_followed, all_parts(task.when))):
        return now
    bounds = [entry.next_start, entry.next_due, entry.earliest_start, entry.check_at, entry.resumes_at]
    bounds += [begin_of(date_around(now, task.zone) + 1, task.zone), *_ends(why.tree)]
    for part in all_parts(task.when):
        bounds += _bounds(part, task, now)
    return min((at for at in bounds if at is not None and at > now), default=FOREVER)


def _is_followed(part: Condition) -> bool:
    if isinstance(part, After):
        return not (part.has_patterns or part.delay or part.within)
    return isinstance(part, _FOLLOWED)


def _ends(part: ExplanationPart) -> Iterator[Instant]:
    yield part.until
    for one in part.parts:
        yield from _ends(one)


def _bounds(part: Condition, task: Task, now: Instant) -> tuple[Instant, ...]:
    """Return where the tick or the window around an instant begins and ends."""
    if isinstance(part, Tick):
        return part.ticks.around(now, task.zone)
    if isinstance(part, OncePerWindow | EventCondition) and part.period is not None:
        return part.period.opened_window(now, task.zone)
    return ()
