"""What stands beside a tick, joined to it by `&`, and decides about it.

    scheduled   every, once-per-window words, day words    asked about the tick alone, with the past as it is now
    hours       time_of_* and crontime                     asked about the tick and every instant since, without a break
    a span      today, this_week, … in any other part      the tick is good no longer than that span lasts
    all else    probes, other tasks, what happened, …      asked about now: a tick waits for it until the next one

So a tick is a chance, and time alone never brings about at midnight what was not wanted at the tick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.core.instant import FOREVER
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from rocketd.core.instant import Instant
    from rocketd.core.model.moment import Moment, SupportsJudge
    from rocketd.core.model.verdict import Answer

_SKIPPED: Final = 100
"""How many ticks that do not count are passed over at a time."""
_WALKED: Final = 1_000
"""How many verdicts of the hours are gone through from a tick to now; after that they count as broken."""


def answer_at(tick: Instant, moment: Moment) -> Answer:
    """Return whether that tick counts, by what is asked about it alone."""
    answer = FOR
    for guards, asked in ((moment.guards, moment.at), (moment.tick_guards.scheduled, moment.about_tick)):
        then = asked(tick) if guards else moment
        for guard in guards:
            guarded = guard.judge(then).answer
            if guarded is AGAINST:
                return AGAINST
            answer = guarded if guarded is UNKNOWN else answer
    return answer


def good_until(tick: Instant, moment: Moment) -> Instant:
    """Return when the first span around a tick that counts has ended, or its hours for the first time since."""
    end = FOREVER
    for span in moment.tick_guards.spans:
        end = min(end, span.span_end(tick, moment.task.zone))
    for hours in moment.guards:
        end = min(end, _first_break(hours, tick, moment))
    return end


def _first_break(hours: SupportsJudge, tick: Instant, moment: Moment) -> Instant:
    """Return when these hours, which hold at the tick, are over; a later instant than now: not yet."""
    at = tick
    for _ in range(_WALKED):
        verdict = hours.judge(moment.at(at))
        if verdict.answer is not FOR or verdict.until > moment.now:
            return at if verdict.answer is not FOR else verdict.until
        at = verdict.until
    return at


def first_counting(tick: Instant, moment: Moment, tick_from: Callable[[Instant], Instant]) -> Instant:
    """Return the first tick from that one on that nothing is against; after many that do not count, the next.

    `tick_from` returns the first tick at or after an instant; FOREVER: there is none.
    """
    if moment.each_tick or not (moment.guards or moment.tick_guards.scheduled):
        return tick
    for _ in range(_SKIPPED):
        if tick >= FOREVER:
            break
        until = _against_until(tick, moment)
        if until <= tick:
            break
        tick = FOREVER if until >= FOREVER else tick_from(until)
    return tick


def _against_until(tick: Instant, moment: Moment) -> Instant:
    """Return until when something is against that tick if nothing happens; the tick itself: nothing is."""
    until = tick
    for guards, asked in ((moment.guards, moment.at), (moment.tick_guards.scheduled, moment.about_tick)):
        then = asked(tick) if guards else moment
        for guard in guards:
            verdict = guard.judge(then)
            until = max(until, verdict.until) if verdict.answer is AGAINST else until
    return until
