"""Weeks by their number in ISO 8601: even, odd, or named ones."""

from __future__ import annotations

from datetime import date
from typing import Final

from rocketd.core.conditions.day_word import DateRule, DayStretch
from rocketd.core.dataclass import dataclass
from rocketd.core.errors import ConditionError

_MOST: Final = 53
_WALKED: Final = 30 * 53
"""The 53rd week can be seven years away, twelve where a century is no leap year; more than that is never."""
_HINT: Final = 'write iso_week("even"), iso_week("odd") or iso_week(1, 14, 27)'


@dataclass(frozen=True, slots=True)
class IsoWeek(DateRule):
    """For in the ISO weeks of these numbers, Monday to Sunday."""

    numbers: frozenset[int]
    parity: str = ""
    """`even` or `odd`: as it was written."""

    @classmethod
    def of(cls, *weeks: str | int) -> IsoWeek:
        """Read the arguments of the word; raises ConditionError."""
        if not weeks:
            raise ConditionError("iso_week needs the number of a week", hint=_HINT)
        if len(weeks) == 1 and isinstance(weeks[0], str) and weeks[0].strip().lower() in ("even", "odd"):
            parity = weeks[0].strip().lower()
            return cls(frozenset(range(2 if parity == "even" else 1, _MOST + 1, 2)), parity)
        numbers: set[int] = set()
        for week in weeks:
            number = _number(week)
            if number in numbers:
                raise ConditionError(f"week {number} is given twice", about=week)
            numbers.add(number)
        return cls(frozenset(numbers))

    def stretch(self, day: int) -> DayStretch:
        monday = day - (day - 1) % 7
        inside = self._has(monday)
        start: int | None = monday
        end: int | None = monday + 7
        for _ in range(_WALKED):
            if end is None or self._has(end) is not inside:
                break
            end = end + 7 if end < _HORIZON else None
        else:
            end = None
        for _ in range(_WALKED):
            if start is None or self._has(start - 7) is not inside:
                break
            start = start - 7 if start > _BEGINNING else None
        else:
            start = None
        return DayStretch(start, end, inside)

    def _has(self, monday: int) -> bool:
        return date.fromordinal(monday).isocalendar().week in self.numbers

    def __str__(self) -> str:
        if self.parity:
            return f'iso_week("{self.parity}")'
        return f"iso_week({', '.join(map(str, sorted(self.numbers)))})"


_BEGINNING: Final = date(999, 1, 1).toordinal()
_HORIZON: Final = date(9001, 1, 1).toordinal()


def _number(week: str | int) -> int:
    text = str(week).strip()
    if not text.isdecimal() or not text.isascii() or not 1 <= int(text) <= _MOST:
        raise ConditionError(
            f"{text[:40]} is not the number of a week", hint=f"weeks are 1 to {_MOST}; {_HINT}", about=week
        )
    return int(text)
