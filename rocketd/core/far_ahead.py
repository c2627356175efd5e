"""Instants that lie ahead, because the clock was set back since they were noted.

What goes by the clock on the wall, a window or a tick, stays used up until the clock has come there again; but a clock
that showed 2036 for a minute must not keep the schedule still for ten years: far ahead counts as now. What is a length
of time goes on in real time, so that it counts from now at the latest.
"""

from dataclasses import replace
from typing import Final

from rocketd.core.events import Event, Finished, Missed
from rocketd.core.instant import HOUR, Duration, Instant
from rocketd.core.past import Occurrence, Past
from rocketd.core.run import Run

FAR_AHEAD: Final[Duration] = 3 * HOUR
"""No clock that is only a little wrong, or set to another zone's summer time, is off by more."""


def not_far_ahead(event: Event, now: Instant) -> Event:
    """Give back the event, with what lies far ahead as `now`; the very same if nothing does."""
    latest = now + FAR_AHEAD
    if isinstance(event, Missed):
        return replace(event, at=now, last=min(event.last, now)) if event.at > latest else event
    run = _brought_back(event.run, now)
    if run is not event.run:
        event = replace(event, run=run)
    if isinstance(event, Finished) and event.end.at > latest:
        event = replace(event, end=replace(event.end, at=now))
    return event


def bring_back(past: Past, now: Instant) -> bool:
    """Have what lies far ahead in a past count as `now`, and say whether any of its events did."""
    past.armed_at = _near(past.armed_at, now)
    if max(past.consumed, past.done, *(seen.at for seen in past.last.values())) <= now + FAR_AHEAD:
        return False
    past.consumed, past.done = _near(past.consumed, now), _near(past.done, now)
    past.crashes = tuple(_near(at, now) for at in past.crashes)
    past.going = {number: _brought_back(run, now) for number, run in past.going.items()}
    past.last = {action: _occurrence(seen, now) for action, seen in past.last.items()}
    past.failed = past.failed and _occurrence(past.failed, now)
    past.scheduled = past.scheduled and _brought_back(past.scheduled, now)
    past.scheduled_end = past.scheduled_end and replace(past.scheduled_end, at=_near(past.scheduled_end.at, now))
    past.scheduled_ends = {action: _near(at, now) for action, at in past.scheduled_ends.items()}
    past.instants = {action: sorted(_near(at, now) for at in kept) for action, kept in past.instants.items()}
    return True


def count_from(past: Past, now: Instant) -> None:
    """Have the lengths of time that are measured from this past count from `now` at the latest."""
    past.armed_at = min(past.armed_at, now)
    ahead = {number: replace(run, start=now) for number, run in past.going.items() if run.start > now}
    if ahead:  # their due still tells to which window they belong
        past.going = {**past.going, **ahead}
    last, end = past.scheduled, past.scheduled_end
    if last is not None and last.start > now:
        past.scheduled = replace(last, start=now, due=min(last.due, now))
    if end is not None and end.at > now:
        past.scheduled_end = replace(end, at=now)
    if past.scheduled_ends:  # most have none, and share that
        past.scheduled_ends = {action: min(at, now) for action, at in past.scheduled_ends.items()}


def _near(at: Instant, now: Instant) -> Instant:
    return now if at > now + FAR_AHEAD else at


def _occurrence(seen: Occurrence, now: Instant) -> Occurrence:
    return seen._replace(at=_near(seen.at, now))


def _brought_back(run: Run, now: Instant) -> Run:
    if max(run.start, run.due) <= now + FAR_AHEAD:
        return run
    return replace(run, start=min(run.start, now), due=min(run.due, now))
