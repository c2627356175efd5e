"""From a date on, or up to one."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, ClassVar, Final

from rocketd.core.calendar.wall_clock import reached
from rocketd.core.conditions.cycle import FIRST_DATE, LAST_DATE
from rocketd.core.dataclass import dataclass
from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, DAY, FOREVER, MINUTE, SECOND
from rocketd.core.model.condition import Condition
from rocketd.core.model.verdict import AGAINST, FOR, Verdict

if TYPE_CHECKING:
    from datetime import tzinfo

    from rocketd.core.calendar.wall_clock import Wall
    from rocketd.core.instant import Instant
    from rocketd.core.model.moment import Moment

_WALL: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall time has no zone
_HINT: Final = 'write "2026-12-01" or "2026-12-01 09:00", in the zone of the task'


@dataclass(frozen=True, slots=True)
class _DateBound(Condition):
    wall: Wall
    """Where it begins or ends, in the zone of the task."""
    text: str
    """As it is written in the normal form."""

    is_scheduled: ClassVar[bool] = True
    clock_only: ClassVar[bool] = True
    goes_by_wall: ClassVar[bool] = True

    def instant(self, zone: tzinfo) -> Instant:
        """Return when that is in a zone."""
        return reached(self.wall, zone)


@dataclass(frozen=True, slots=True)
class SinceDate(_DateBound):
    """For from that date, or that time of it, on."""

    @classmethod
    def of(cls, when: str) -> SinceDate:
        """Read the argument of the word; raises ConditionError."""
        return cls(*_read(when))

    def judge(self, moment: Moment) -> Verdict:
        at = self.instant(moment.task.zone)
        return Verdict(FOR, FOREVER, at) if moment.now >= at else Verdict(AGAINST, at, BEGINNING)

    def __str__(self) -> str:
        return f'since("{self.text}")'


@dataclass(frozen=True, slots=True)
class UntilDate(_DateBound):
    """For up to the end of that date, or up to that time of it."""

    @classmethod
    def of(cls, when: str) -> UntilDate:
        """Read the argument of the word; raises ConditionError."""
        wall, text = _read(when)
        return cls(wall if ":" in text else wall + DAY, text)

    def judge(self, moment: Moment) -> Verdict:
        at = self.instant(moment.task.zone)
        return Verdict(AGAINST, FOREVER, at) if moment.now >= at else Verdict(FOR, at, BEGINNING)

    def __str__(self) -> str:
        return f'until("{self.text}")'


def _read(text: str) -> tuple[Wall, str]:
    """Read a wall time: when it is, and its normal form."""
    found = _WALL.fullmatch(text.strip())
    if not found:
        raise ConditionError(f'"{text[:40]}" is not a date', hint=_HINT, end=len(text), about=text)
    numbers = [int(number or 0) for number in found.groups()]
    try:
        when = datetime(*numbers)  # type: ignore[arg-type]  # noqa: DTZ001 - a wall time has no zone
    except ValueError:
        raise ConditionError(f"there is no {text.strip()}", hint=_HINT, end=len(text), about=text) from None
    if not FIRST_DATE <= when.date() <= LAST_DATE:
        raise ConditionError(f"{when.date()} is not from {FIRST_DATE} to {LAST_DATE}", end=len(text), about=text)
    normal = f"{when:%Y-%m-%d}" + (
        "" if found[4] is None else f" {when:%H:%M}" + (f":{when:%S}" if when.second else "")
    )
    days = date.toordinal(when.date()) - date.toordinal(_EPOCH.date())
    return days * DAY + (when.hour * 60 + when.minute) * MINUTE + when.second * SECOND, normal
