"""Words that hold on some dates, all day long. Beside a tick they choose among the ticks."""

from __future__ import annotations

from abc import abstractmethod
from datetime import date
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from rocketd.core.calendar.wall_clock import highest, is_known, reached
from rocketd.core.instant import BEGINNING, DAY, FOREVER
from rocketd.core.model.condition import Condition
from rocketd.core.model.verdict import AGAINST, Answer, Verdict

if TYPE_CHECKING:
    from datetime import tzinfo

    from rocketd.core.calendar.wall_clock import Wall
    from rocketd.core.instant import Instant
    from rocketd.core.model.moment import Moment
    from rocketd.core.model.work_calendar import Calendars

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_FIRST: Final = date(1000, 1, 1).toordinal()
_LAST: Final = date(9000, 1, 1).toordinal()


class DayStretch(NamedTuple):
    """Dates in a row on which a word holds, or does not, by their ordinals as `date.toordinal` gives them."""

    start: int | None
    """None: it has always been so."""
    end: int | None
    """The first date on which it is otherwise; None: it stays so."""
    inside: bool | None
    """None: that is not known."""


class DayWord(Condition):
    """Holds on some dates of the task's zone; a date begins where its 00:00 is reached."""

    __slots__ = ()

    is_scheduled: ClassVar[bool] = True
    clock_only: ClassVar[bool] = True
    goes_by_wall: ClassVar[bool] = True

    @abstractmethod
    def stretch_by(self, calendars: Calendars, day: int) -> DayStretch:
        """Return the dates in a row around that one on which the answer is the same."""

    def judge(self, moment: Moment) -> Verdict:
        now, zone = moment.now, moment.task.zone
        if not is_known(now):
            return Verdict(AGAINST, begin_of(_FIRST + 1, zone) if now < 0 else FOREVER)
        start, end, inside = self.stretch_by(moment.task.calendars, date_around(now, zone))
        until = FOREVER if end is None else begin_of(end, zone)
        answer = Answer(moment.unknown_dates if inside is None else inside)
        return Verdict(answer, until, BEGINNING if start is None else begin_of(start, zone))


class DateRule(DayWord):
    """A word that goes by the date alone, whatever calendars say."""

    __slots__ = ()

    @abstractmethod
    def stretch(self, day: int) -> DayStretch:
        """Return the dates in a row around that one on which the answer is the same."""

    def stretch_by(self, calendars: Calendars, day: int) -> DayStretch:  # noqa: ARG002 - what other words ask
        return self.stretch(day)


def date_around(at: Instant, zone: tzinfo) -> int:
    """Return the ordinal of the date around an instant."""
    return ordinal_of(highest(at, zone))


def begin_of(day: int, zone: tzinfo) -> Instant:
    """Return when that date begins."""
    if day >= _LAST:
        return FOREVER
    return BEGINNING if day <= _FIRST else reached(wall_of(day), zone)


def wall_of(day: int) -> Wall:
    """Return the wall time at which that date begins."""
    return (day - _EPOCH_DAY) * DAY


def ordinal_of(wall: Wall) -> int:
    """Return the ordinal of the date at a wall time."""
    return wall // DAY + _EPOCH_DAY
