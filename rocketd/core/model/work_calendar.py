"""Working days and holidays: what the files of a calendar list, and its weekend.

Dates are ordinals, as `date.toordinal` gives them. What a file does not know is not guessed: an answer may be None.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.dataclass import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SATURDAY_AND_SUNDAY: Final = frozenset({5, 6})
_LEAP_YEARS: Final = range(9)
"""The 29th of February can be eight years away."""


class YearRange(NamedTuple):
    """Years in a row, both ends included."""

    first: int
    last: int

    @property
    def begin(self) -> int:
        """The first date of them."""
        return date(self.first, 1, 1).toordinal()

    @property
    def end(self) -> int:
        """The first date after them."""
        return date(self.last + 1, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class DateList:
    """What one file lists. Equal to any other of the same path that was read from the same bytes."""

    path: str
    digest: bytes
    days: Mapping[int, str] = field(compare=False, repr=False, default_factory=dict)
    """The dates that it lists, each with its name, which may be empty."""
    yearly: Mapping[tuple[int, int], str] = field(compare=False, repr=False, default_factory=dict)
    """The same for days of each year, by month and day."""
    workdays: Mapping[int, str] = field(compare=False, repr=False, default_factory=dict)
    """The dates that are working days all the same."""
    covers: YearRange | None = field(compare=False, default=None)
    """The years that it knows of; None: all."""

    def name_of(self, day: int) -> str | None:
        """Return the name of a listed date; None: it is not listed."""
        if day in self.days:
            return self.days[day]
        at = date.fromordinal(day)
        return self.yearly.get((at.month, at.day))


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """A weekend, and the dates of some files."""

    weekend: frozenset[int] = SATURDAY_AND_SUNDAY
    """Days of the week, 0 for Monday."""
    lists: tuple[DateList, ...] = ()
    problem: str = ""
    """Why nothing is known of any day: a file is missing or has a mistake; empty: its files were read."""

    covers: YearRange | None = field(init=False, compare=False, repr=False)
    """The years that all of its files know of; None: all years."""
    _edges: tuple[int, ...] = field(init=False, compare=False, repr=False)
    """The listed dates, and those after them, where the answer may change."""
    _yearly: frozenset[tuple[int, int]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        covers = [one.covers for one in self.lists if one.covers is not None]
        known = YearRange(max(one.first for one in covers), min(one.last for one in covers)) if covers else None
        listed = {day for one in self.lists for day in (*one.days, *one.workdays)}
        edges = {day + after for day in listed for after in (0, 1)}
        edges |= {known.begin, known.end} if known is not None and known.first <= known.last else set()
        for name, value in (
            ("covers", known),
            ("_edges", tuple(sorted(edges))),
            ("_yearly", frozenset(day for one in self.lists for day in one.yearly)),
        ):
            object.__setattr__(self, name, value)

    def knows(self, day: int) -> bool:
        """Whether anything is known of that date."""
        return not self.problem and (self.covers is None or self.covers.begin <= day < self.covers.end)

    def is_holiday(self, day: int) -> bool | None:
        """Whether a date is a holiday; None: not known."""
        if not self.knows(day):
            return None
        return not self.makes_workday(day) and any(one.name_of(day) is not None for one in self.lists)

    def is_workday(self, day: int) -> bool | None:
        """Whether a date is a working day; None: not known."""
        if self.problem:
            return None
        weekend = self.is_weekend(day)
        if not self.knows(day):
            return False if weekend and not self.makes_workday(day) else None
        return self.makes_workday(day) or not (weekend or any(one.name_of(day) is not None for one in self.lists))

    def is_weekend(self, day: int) -> bool:
        """Whether a date lies on the weekend."""
        return (day - 1) % 7 in self.weekend

    def makes_workday(self, day: int) -> bool:
        """Whether a file makes that date a working day, whatever else it is."""
        return any(day in one.workdays for one in self.lists)

    def listing(self, day: int) -> tuple[DateList, str] | None:
        """Return the file that lists a date, and its name there; None: no file does."""
        named = ((one, one.name_of(day)) for one in self.lists)
        return next(((one, name) for one, name in named if name is not None), None)

    def edge_after(self, day: int) -> int | None:
        """Return the first later date from which on the files may say something else; None: there is none."""
        if self.covers is not None and not self.covers.begin - 1 <= day < self.covers.end:
            return self.covers.begin if day < self.covers.begin < self.covers.end else None
        edges = (self.listed_edge_after(day), *self._yearly_edges(day, forward=True))
        return min((one for one in edges if one is not None), default=None)

    def listed_edge_after(self, day: int) -> int | None:
        """Return the same for dates that are listed with their year."""
        place = bisect_right(self._edges, day)
        return self._edges[place] if place < len(self._edges) else None

    def edge_before(self, day: int) -> int | None:
        """Return the last date up to that one from which on the files may say something else than before it."""
        if self.covers is not None and not self.covers.begin <= day < self.covers.end:
            return self.covers.end if day >= self.covers.end > self.covers.begin else None
        place = bisect_left(self._edges, day + 1)
        listed = self._edges[place - 1] if place else None
        return max((one for one in (listed, *self._yearly_edges(day, forward=False)) if one is not None), default=None)

    def _yearly_edges(self, day: int, *, forward: bool) -> Iterator[int]:
        """Yield for each day of the year the nearest edge on that side."""
        at = date.fromordinal(day)
        for month, monthday in self._yearly:
            for away in _LEAP_YEARS:
                found = _dated(at.year + (away if forward else -away), month, monthday)
                edges = () if found is None else (found, found + 1) if forward else (found + 1, found)
                near = next((edge for edge in edges if (edge > day if forward else edge <= day)), None)
                if near is not None:
                    yield near
                    break


def _dated(year: int, month: int, day: int) -> int | None:
    try:
        return date(year, month, day).toordinal()
    except ValueError:
        return None


ALWAYS_KNOWN: Final = WorkCalendar()
"""What counts without any settings: Saturday and Sunday, and no holidays."""


@dataclass(frozen=True, slots=True)
class Calendars:
    """The calendars that the conditions of a task ask about, as its `zone` is the zone that they mean."""

    named: tuple[tuple[str, WorkCalendar], ...] = ()
    files: tuple[tuple[str, WorkCalendar], ...] = ()
    """Single files, by their paths."""

    def of(self, name: str) -> WorkCalendar:
        """Return the calendar of that name; the empty name is that of the default."""
        for known, calendar in self.named:
            if known == name:
                return calendar
        return WorkCalendar(problem=f"there is no calendar '{name}'") if name else ALWAYS_KNOWN

    def file(self, path: str) -> WorkCalendar:
        """Return what that file lists; it has no weekend."""
        for known, calendar in self.files:
            if known == path:
                return calendar
        return WorkCalendar(frozenset(), problem=f"{path} has not been read")


NO_CALENDARS: Final = Calendars()
