"""The field values of a calendar line: lists, ranges and repetitions."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from rocketd.core.errors import ConditionError
from rocketd.core.instant import SECOND

HINT: Final = "as in Mon..Fri 03:00, *-*-01 12:00, *-02~01 or *:0/15"

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2199
"""The last year in which systemd looks."""
_MOST: Final = 10_000


class FieldKind(NamedTuple):
    """One of the six fields, and what it can be."""

    name: str
    least: int
    most: int
    """In units of `scale`."""
    scale: int = 1

    @property
    def one(self) -> str:
        """Its name with an article."""
        return f"{'an' if self.name == 'hour' else 'a'} {self.name}"


YEARS: Final = FieldKind("year", _FIRST_YEAR, _LAST_YEAR)
MONTHS: Final = FieldKind("month", 1, 12)
DAYS: Final = FieldKind("day of the month", 1, 31)
HOURS: Final = FieldKind("hour", 0, 23)
MINUTES: Final = FieldKind("minute", 0, 59)
SECONDS: Final = FieldKind("second", 0, 60 * SECOND - 1, SECOND)


_VALUE: Final = re.compile(
    r"(?P<start>[0-9]+(?:\.[0-9]+)?)(?:\.\.(?P<stop>[0-9]+(?:\.[0-9]+)?))?(?:/(?P<step>[0-9]+(?:\.[0-9]+)?))?",
    re.ASCII,
)


class Chain(NamedTuple):
    """A list of values, ranges and repetitions."""

    kind: FieldKind
    text: str
    start: int
    line: str

    def numbers(self, *, down: bool = False) -> tuple[int, ...]:
        """Return every number it allows, ascending; `down`: they count from the end, so that repetitions go down."""
        kind = self.kind
        if self.text == "*":
            return tuple(range(kind.least, kind.most + 1, kind.scale))
        items = [self._item(item, down=down) for item in self.text.split(",")]
        if sum(map(len, items)) > _MOST:  # counted before they are made
            raise self._mistake(self.text, f"a field has at most {_MOST} values")
        return tuple(sorted({number for item in items for number in item}))

    def _item(self, item: str, *, down: bool) -> range | tuple[int, ...]:
        """Return the numbers of one item.

        `8..17` of hours                       8 to 17
        `0/6` of hours                         0, 6, 12, 18
        `7/2` of days, from the end (`down`)   7, 5, 3, 1
        """
        match = _VALUE.fullmatch(item)
        if not match:
            hint = f"write 0{item[1:]}" if item.startswith("*/") else HINT
            raise self._mistake(item, f"{item or 'nothing'} is not {self.kind.one}", hint)
        first = self._number(match["start"])
        stop = self._number(match["stop"]) if match["stop"] else None
        step = self._scaled(match["step"]) if match["step"] else 0
        if stop is not None and stop < first:
            least, most = self.kind.least, self.kind.most // self.kind.scale
            hint = f"write {match['start']}..{most},{least}..{match['stop']}"
            raise self._mistake(item, f"{item} is a range that runs backwards", hint)
        if match["step"] and not self._fits(first, stop, step, down=down):
            raise self._mistake(item, f"a step of {match['step']} leads beyond what {self.kind.one} can be")
        if stop is None and not step:
            return (first,)
        if stop is None and down:
            return range(first, self.kind.least - 1, -step)
        return range(first, (self.kind.most if stop is None else stop) + 1, step or self.kind.scale)

    def _fits(self, first: int, stop: int | None, step: int, *, down: bool) -> bool:
        """Whether there is a second one; in a range systemd does not ask for it."""
        if stop is not None:
            return step > 0
        return step > 0 and (first - step >= self.kind.least if down else first + step <= self.kind.most)

    def _number(self, text: str) -> int:
        number = self._scaled(text)
        if self.kind is YEARS and len(text) <= 2:  # noqa: PLR2004 - two digits: 1970 to 2069
            number += 2000 if number < 70 else 1900  # noqa: PLR2004 - as above
        if not self.kind.least <= number <= self.kind.most:
            raise self._mistake(text, f"{text} is not {self.kind.one}", self._allowed)
        return number

    def _scaled(self, text: str) -> int:
        whole, _, fraction = text.partition(".")
        if len(text) > 20 or (fraction and self.kind.scale == 1):  # noqa: PLR2004 - more digits than any value has
            raise self._mistake(text, f"{text[:20]} is not {self.kind.one}", self._allowed)
        rounded = (int(fraction[:7].ljust(7, "0")) + 5) // 10 if fraction else 0
        return int(whole) * self.kind.scale + rounded

    @property
    def _allowed(self) -> str:
        return f"{self.kind.one} is {self.kind.least} to {self.kind.most // self.kind.scale}"

    def _mistake(self, part: str, message: str, hint: str = HINT) -> ConditionError:
        return mistaken(part, self.start + max(self.text.find(part), 0), self.line, message, hint)


def mistaken(part: str, start: int, line: str, message: str, hint: str = HINT) -> ConditionError:
    """Return the error with a part of a line, and where it stands."""
    return ConditionError(message, hint=hint, start=start, end=start + max(len(part), 1), about=line)
