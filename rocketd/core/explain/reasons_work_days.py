"""What the verdicts of words about working days and holidays rest on."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from rocketd.core.conditions.calendar_word import CalendarWord, why_unknown
from rocketd.core.conditions.day_word import date_around
from rocketd.core.conditions.work_days import Dates, Holiday, NthWorkday, RolledWorkday, Workday
from rocketd.core.explain.reasons import clock, explain_verdict, when
from rocketd.core.instant import FOREVER
from rocketd.core.model.verdict import FOR, UNKNOWN

if TYPE_CHECKING:
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.verdict import Verdict
    from rocketd.core.model.work_calendar import WorkCalendar


@explain_verdict.register(Workday)
@explain_verdict.register(Holiday)
@explain_verdict.register(Dates)
@explain_verdict.register(NthWorkday)
@explain_verdict.register(RolledWorkday)
def _(condition: CalendarWord, moment: Moment, verdict: Verdict) -> str:
    calendar, day = condition.source(moment.task.calendars), date_around(moment.now, moment.task.zone)
    if verdict.answer is UNKNOWN:
        return why_unknown(condition, moment)
    if verdict.answer is FOR:
        return f"{_day(day)} is {_kind(condition, calendar, day)}, until {clock(verdict.until, moment)}"
    what = f"{_day(day)} is {_other(condition, calendar, day)}"
    following = moment.at(verdict.until)
    if verdict.until >= FOREVER:
        return f"{what}, and there is no later {_wanted(condition)}"
    if condition.judge(following).answer is UNKNOWN:
        return f"{what}; what comes {when(verdict.until, moment)} is not known"
    return f"{what}; the next {_wanted(condition)} begins {when(verdict.until, moment)}"


def _day(day: int) -> str:
    return f"{date.fromordinal(day):%a %Y-%m-%d}"


def _kind(condition: CalendarWord, calendar: WorkCalendar, day: int) -> str:
    """Say what a date is on which the word holds."""
    if isinstance(condition, Holiday | Dates):
        return _listed(condition, calendar, day) or "listed"
    if isinstance(condition, NthWorkday):
        return f"{_place(condition, calendar, day)}"
    return "a working day" if isinstance(condition, Workday) else _wanted(condition)


def _other(condition: CalendarWord, calendar: WorkCalendar, day: int) -> str:
    """Say what a date is on which the word does not hold."""
    if isinstance(condition, Holiday | Dates):
        return f"not listed in {_source(condition)}"
    if calendar.is_workday(day):
        return _place(condition, calendar, day) if isinstance(condition, NthWorkday) else "another working day"
    return _listed(condition, calendar, day) or "a day of the weekend"


def _listed(condition: CalendarWord, calendar: WorkCalendar, day: int) -> str:
    listing = calendar.listing(day)
    return "" if listing is None else f"{listing[1] or 'listed'} ({_source(condition)})"


def _source(condition: CalendarWord) -> str:
    return condition.calendar or "default"


def _place(condition: NthWorkday, calendar: WorkCalendar, day: int) -> str:
    first, last = condition.unit_around(day)
    workdays = [one for one in range(first, last) if calendar.is_workday(one)]
    return f"working day {workdays.index(day) + 1} of {len(workdays)} of the {condition.unit}"


def _wanted(condition: CalendarWord) -> str:
    if isinstance(condition, Holiday | Dates):
        return "date that it lists"
    return "working day" if isinstance(condition, Workday) else "such day"
