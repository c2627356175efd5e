"""Inside the minutes that a cron line matches: a word of the clock alone, not a tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rocketd.core.calendar.cron import Cron
from rocketd.core.calendar.wall_clock import is_known
from rocketd.core.calendar.window import Window
from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import BEGINNING, MINUTE, SECOND
from rocketd.core.model.condition import Condition
from rocketd.core.model.verdict import AGAINST, FOR, Verdict

if TYPE_CHECKING:
    from datetime import tzinfo

    from rocketd.core.instant import Duration, Instant
    from rocketd.core.model.moment import Moment

_JOINS: Final = 1_500
"""How many adjacent minutes are joined to one stretch: a day of them. A safe bound for those that match for longer."""

_WITH_SECONDS: Final = 6


@dataclass(frozen=True, slots=True)
class CronTime(Condition):
    """For inside a matching minute, or second if the line has seconds; adjacent ones are one stretch."""

    line: Cron
    goes_by_wall: ClassVar[bool] = True
    _near: tuple[tzinfo, Window] | None = field(init=False, default=None, compare=False, repr=False)

    @classmethod
    def of(cls, line: str) -> CronTime:
        """Read a cron line; raises ConditionError."""
        return cls(Cron.parse(line))

    @property
    def clock_only(self) -> bool:
        return True

    @property
    def _size(self) -> Duration:
        return SECOND if len(self.line.text.split()) == _WITH_SECONDS else MINUTE

    def judge(self, moment: Moment) -> Verdict:
        now, zone = moment.now, moment.task.zone
        near = self._near
        if near is None or near[0] is not zone or not near[1].start <= now < near[1].end:
            near = (zone, self._stretch(now, zone))
            if is_known(now):
                object.__setattr__(self, "_near", near)  # a memo: one tuple, so that threads cannot tear it
        start, end, inside = near[1]
        return Verdict(FOR if inside else AGAINST, end, start)

    def _stretch(self, at: Instant, zone: tzinfo) -> Window:
        """Join the matching minutes around that instant, or return the gap between them.

        `crontime("* 8-17 * * *")` at 09:30       08:00 to 18:00, inside
        the same at 20:00                         18:00 to 08:00, outside
        `crontime("*/5 * * * *")` at 09:30:20     09:30 to 09:31, inside
        """
        newest, following = self.line.around(at, zone)
        size = self._size
        if newest == BEGINNING or at >= newest + size:
            return Window(BEGINNING if newest == BEGINNING else newest + size, following, inside=False)
        start, end = newest, newest + size
        for _ in range(_JOINS):
            earlier = self.line.newest(start - 1, zone)
            if earlier is None or earlier + size < start:
                break
            start = earlier
        for _ in range(_JOINS):
            later = self.line.next(end - size, zone)
            if later is None or later > end:
                break
            end = later + size
        return Window(start, end, inside=True)

    def __str__(self) -> str:
        return f'crontime("{self.line}")'
