"""What the verdicts of words about dates rest on."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from rocketd.core.conditions.cycle import Cycle
from rocketd.core.conditions.date_bound import SinceDate, UntilDate
from rocketd.core.conditions.day_word import begin_of, date_around
from rocketd.core.conditions.iso_week import IsoWeek
from rocketd.core.explain.reasons import clock, explain_verdict, when
from rocketd.core.instant import FOREVER
from rocketd.core.model.verdict import FOR

if TYPE_CHECKING:
    from datetime import tzinfo

    from rocketd.core.instant import Instant
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.verdict import Verdict


@explain_verdict.register(Cycle)
def _(condition: Cycle, moment: Moment, verdict: Verdict) -> str:
    zone = moment.task.zone
    day = date_around(moment.now, zone)
    if day < condition.since.toordinal():
        return f"begins with {condition.since:%a} {condition.since}"
    place, following = condition.place(day)
    where = f"{condition.unit} {place} of {condition.number}"
    if verdict.answer is FOR:
        return f"inside: {where}, until {clock(verdict.until, moment)}"
    return f"{where}; the next begins {when(begin_of(following, zone), moment)}"


@explain_verdict.register(IsoWeek)
def _(condition: IsoWeek, moment: Moment, verdict: Verdict) -> str:  # noqa: ARG001 - the date says it all
    week = _week(moment.now, moment.task.zone)
    if verdict.until >= FOREVER:
        return f"it is {week}, and stays {'inside' if verdict.answer is FOR else 'outside'}"
    if verdict.answer is FOR:
        return f"it is {week}, until {clock(verdict.until, moment)}"
    return f"it is {week}; {_week(verdict.until, moment.task.zone)} begins {when(verdict.until, moment)}"


@explain_verdict.register(SinceDate)
@explain_verdict.register(UntilDate)
def _(condition: SinceDate | UntilDate, moment: Moment, verdict: Verdict) -> str:
    at = condition.instant(moment.task.zone)
    if isinstance(condition, SinceDate):
        return f"it began {when(at, moment)}" if verdict.answer is FOR else f"it begins {when(at, moment)}"
    return f"it ends {when(at, moment)}" if verdict.answer is FOR else f"it ended {when(at, moment)}"


def _week(at: Instant, zone: tzinfo) -> str:
    year, week, _ = date.fromordinal(date_around(at, zone)).isocalendar()
    return f"week {week} of {year}"
