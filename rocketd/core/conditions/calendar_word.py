"""What words about working days and holidays share: they ask a calendar, and walk from date to date to the next change.

Each says of a date whether it holds, and from which date on that may change at the earliest.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final

from rocketd.core.conditions.day_word import DayStretch, DayWord, date_around
from rocketd.core.model.condition import all_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rocketd.core.model.condition import Condition
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.work_calendar import Calendars, WorkCalendar

_FIRST: Final = 366_000
_LAST: Final = 3_287_000
"""In the years 1003 and 9000; calendars are not asked about others."""


class CalendarWord(DayWord):
    """Holds on dates that a calendar tells."""

    __slots__ = ()

    calendar: str
    """The calendar's name, or the path of a file; empty: the default calendar."""

    reach: ClassVar[int] = 15_000
    """How many days a change is looked for. Without one there comes none, as weekdays come back within 40 years, unless
    a file lists a date later: then it is asked again."""

    def source(self, calendars: Calendars) -> WorkCalendar:
        """Return the calendar that it asks."""
        return calendars.of(self.calendar)

    @abstractmethod
    def holds_on(self, day: int, calendar: WorkCalendar) -> bool | None:
        """Whether it holds on that date; None: not known."""

    def edge_after(self, day: int, calendar: WorkCalendar) -> int | None:  # noqa: ARG002 - what other words ask
        """Return the first later date on which that may be otherwise; None: it stays so."""
        return day + 1

    def edge_before(self, day: int, calendar: WorkCalendar) -> int | None:  # noqa: ARG002 - as above
        """Return the last date up to that one before which it may be otherwise; None: it was always so."""
        return day

    def unknown_year(self, day: int, calendar: WorkCalendar) -> int:  # noqa: ARG002 - what other words ask
        """Return the year of which nothing is known, so that it is not known whether it holds on that date."""
        return date.fromordinal(day).year

    def stretch_by(self, calendars: Calendars, day: int) -> DayStretch:
        return _stretch(self, self.source(calendars), day)


@lru_cache(maxsize=4096)  # many tasks ask the same, and each again after every event
def _stretch(word: CalendarWord, calendar: WorkCalendar, day: int) -> DayStretch:
    answer = word.holds_on(day, calendar)
    if calendar.problem:
        return DayStretch(None, None, answer)
    return DayStretch(_start(word, calendar, day), _end(word, calendar, day), answer)


def _end(word: CalendarWord, calendar: WorkCalendar, day: int) -> int | None:
    answer, at = word.holds_on(day, calendar), day
    while at < day + word.reach:
        edge = word.edge_after(at, calendar)
        if edge is None or edge >= _LAST:
            return None
        if word.holds_on(edge, calendar) is not answer:
            return edge
        at = edge
    return calendar.listed_edge_after(at)


def _start(word: CalendarWord, calendar: WorkCalendar, day: int) -> int | None:
    answer, at = word.holds_on(day, calendar), day
    while at > day - word.reach:
        edge = word.edge_before(at, calendar)
        if edge is None or edge <= _FIRST:
            return None
        if word.holds_on(edge - 1, calendar) is not answer:
            return edge
        at = edge - 1
    return None


def why_unknown(condition: Condition, moment: Moment) -> str:
    """Return why nothing is known of the date around a moment; empty: all words of the condition know it."""
    day = date_around(moment.now, moment.task.zone)
    for word in calendar_words((condition,)):
        calendar = word.source(moment.task.calendars)
        if word.holds_on(day, calendar) is None:
            return calendar.problem or f"nothing is known of {word.unknown_year(day, calendar)}"
    return ""


def calendar_words(conditions: Iterable[Condition]) -> list[CalendarWord]:
    """Return the words in these conditions that ask calendars."""
    return [part for condition in conditions for part in all_parts(condition) if isinstance(part, CalendarWord)]
