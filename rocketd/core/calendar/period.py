"""Periods: recurring stretches of the time line, such as every day from 10:00 to 12:00.

    whole      each cycle of the unit                 daily
    between    from a mark to a mark, perhaps over    daily.between("22:00", "06:00")
    after      from a mark to the end of the cycle    daily.after("10:00")
    before     from its beginning to a mark           daily.before("10:00")
    starting   the whole cycle, begun elsewhere       daily.starting("06:00")
    at         the natural unit from a mark on        daily.at("10:00", "15:00")

The windows are laid out on the wall clock and then brought to instants, each end where it is *reached* (`wall_clock`).
A window that a gap of the clock would empty keeps its nominal length from the first instant after the gap; one on a
date that does not exist is dropped; a later window cuts an earlier one short.
Hours, minutes and seconds follow real time instead: both occurrences of an hour are hours, and where a zone shifts
by a part of an hour, the hour is cut there and a new one begins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import tzinfo
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import Final, Literal, TypeAlias

from rocketd.core.calendar.unit import Mark, Unit, Written
from rocketd.core.calendar.wall_clock import (
    HIGHEST,
    LOWEST,
    Wall,
    change_after,
    change_before,
    exists,
    is_known,
    offset_at,
    reached,
)
from rocketd.core.calendar.window import OpenedWindow, Window
from rocketd.core.dataclass import dataclass, field
from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, DAY, FOREVER, Duration, Instant

How: TypeAlias = Literal["whole", "between", "after", "before", "starting", "at"]

_Stretch: TypeAlias = tuple[Instant, Instant]

_REACHES: Final = (1, 3, 9)
"""How many cycles to either side to look through; the 29th of February can be eight years away."""

_NEARBY: Final = 4
"""How many cycles away a shift of the zone still matters to hours, minutes and seconds."""

_SAMPLE: Final[Wall] = 10_957 * DAY
_CYCLES: Final = 48
"""From 2000-01-01 on: enough to meet every month and a leap year of each kind but the century's."""

_JOINS: Final = 64
"""After so many cycles without a gap there comes none: each cycle has its own, or each month, or each leap year."""


@dataclass(frozen=True, slots=True)
class Period:
    """Recurring windows. Equal to any other with the same unit and marks."""

    unit: Unit
    how: How = "whole"
    marks: tuple[Mark, ...] = ()
    over: int = field(init=False, default=0, compare=False)
    """1: the end lies in the next cycle."""
    _last_window: tuple[tzinfo, OpenedWindow] | None = field(init=False, default=None, compare=False, repr=False)
    _last_stretch: tuple[tzinfo, Window] | None = field(init=False, default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.how == "starting":
            object.__setattr__(self, "over", 1)
        elif self.how == "between":
            begin, end = self.unit.rank(self.marks[0]), self.unit.rank_end(self.marks[1])
            object.__setattr__(self, "over", int(end <= begin))

    @classmethod
    def parse(cls, unit: Unit, how: How, written: tuple[Written, ...]) -> Period:
        """Parse the marks that a user wrote; raises ConditionError."""
        return cls._parse(unit, how, written, tuple(map(type, written)))

    @classmethod
    @lru_cache(maxsize=4096)  # many tasks have the same hours
    def _parse(cls, unit: Unit, how: How, written: tuple[Written, ...], _: tuple[type, ...]) -> Period:
        """Parse them, and remember the answer: 1, 1.0 and True are equal and mean different things."""
        if how == "at":
            marks = _distinct(unit, written)
        elif how == "before":
            marks = (unit.mark(written[0], end=True),)
        else:
            marks = (*(unit.mark(begin) for begin in written[:1]), *(unit.mark(end, end=True) for end in written[1:]))
        period = cls(unit, how, marks)
        if marks:
            _refuse_nothing(period, written)
        return period

    @property
    def endless(self) -> bool:
        """Whether every instant is in a window."""
        return self.how in ("whole", "starting")

    def window(self, at: Instant, zone: tzinfo) -> Window:
        """Return the window around that instant, or the gap between windows."""
        return self.opened_window(at, zone).window(at)

    def opened_window(self, at: Instant, zone: tzinfo) -> OpenedWindow:
        """Return the newest window that has opened by that instant; cheap if it was the last answer."""
        last = self._last_window
        if last is not None and last[0] is zone and last[1].start <= at < last[1].following:
            return last[1]
        opened = _opened_window(self, at, zone)
        object.__setattr__(self, "_last_window", (zone, opened))  # a memo: one tuple, so that threads cannot tear it
        return opened

    def stretch(self, at: Instant, zone: tzinfo) -> Window:
        """Return how long it stays inside, or outside, around that instant: adjacent windows are one stretch."""
        last = self._last_stretch
        if last is not None and last[0] is zone and last[1].start <= at < last[1].end:
            return last[1]
        window = Window(BEGINNING, FOREVER, inside=True) if self.endless else _stretch(self, at, zone)
        object.__setattr__(self, "_last_stretch", (zone, window))
        return window

    def compute_stretch(self, at: Instant, zone: tzinfo) -> Window:
        """Compute what `stretch` returns.

        `time_of_week.on("Mon", "Tue")`, asked on Monday 10:00: the windows Mon and Tue meet, so Mon 00:00 to Wed 00:00.
        The same, asked on Thursday: Wed 00:00 to the next Mon 00:00, outside.
        All seven days: each meets the next, and after `_JOINS` times that many, the stretch counts as endless.
        """
        first = last = self.opened_window(at, zone)
        if at >= first.end:
            return first.window(at)
        start, end, most = first.start, last.end, _JOINS * max(1, len(self.marks))
        for _ in range(most):
            before = _opened_window(self, start - 1, zone)
            if before.end < start:
                break
            start = before.start
        else:
            start = BEGINNING
        for _ in range(most):
            if last.following > end:
                break
            last = _opened_window(self, end, zone)
            end = last.end
        else:
            end = FOREVER
        return Window(start, end, inside=True)

    def compute_opened_window(self, at: Instant, zone: tzinfo) -> OpenedWindow:
        """Compute what `opened_window` returns."""
        if not is_known(at):
            start, following = (BEGINNING, LOWEST) if at < LOWEST else (HIGHEST, FOREVER)
            return OpenedWindow(start, start, following)
        windows_around = self._real_time if self.unit.flows else self._wall_clock
        for reach in _REACHES:
            windows = windows_around(at, zone, reach)
            after = bisect_right(windows, at, key=_start)
            if 0 < after < len(windows):
                return OpenedWindow(*windows[after - 1], windows[after][0])
        return OpenedWindow(BEGINNING, BEGINNING, FOREVER)

    def nominal(self, cycle: int) -> Iterator[tuple[Wall, Wall]]:
        """Return the windows that begin in that cycle, on the wall clock."""
        unit, marks = self.unit, self.marks
        match self.how:
            case "whole":
                yield unit.start(cycle), unit.start(cycle + 1)
            case "after":
                yield unit.place(marks[0], cycle), unit.start(cycle + 1)
            case "before":
                yield unit.start(cycle), unit.end(marks[0], cycle)
            case "between":
                yield unit.place(marks[0], cycle), unit.end(marks[1], cycle + self.over)
            case "starting":
                yield unit.place(marks[0], cycle), unit.place(marks[0], cycle + 1)
            case "at":
                for mark in marks:
                    if unit.has(mark, cycle):
                        start = unit.place(mark, cycle)
                        yield start, start + unit.length(mark, cycle)

    def _nominals(self, wall: Wall, reach: int) -> Iterator[tuple[Wall, Wall]]:
        middle = self.unit.cycle(wall)
        for cycle in range(middle - reach - self.over, middle + reach + 1):
            for start, end in sorted(self.nominal(cycle)):
                if start < end:
                    yield start, end

    def _wall_clock(self, at: Instant, zone: tzinfo, reach: int) -> list[_Stretch]:
        """Bring the windows around that instant from the wall clock to the time line."""
        windows = []
        for begin, finish in self._nominals(at + offset_at(at, zone), reach):
            start, end = reached(begin, zone), reached(finish, zone)
            if start == end:
                if not exists(begin - begin % DAY, zone):
                    continue
                end = start + (finish - begin)
            windows.append((start, end))
        return _cut(windows)

    def _real_time(self, at: Instant, zone: tzinfo, reach: int) -> list[_Stretch]:
        """Bring the windows around that instant to the time line, also from beyond a shift of the zone."""
        offset = offset_at(at, zone)
        low, _ = self._shift_before(at, offset, zone)
        high = self._shift_after(at, offset, zone)
        windows = self._between_shifts(at, zone, reach)
        if low > BEGINNING:
            windows = self._between_shifts(low - 1, zone, reach) + windows
        return windows + self._between_shifts(high, zone, reach) if high < FOREVER else windows

    def _between_shifts(self, at: Instant, zone: tzinfo, reach: int) -> list[_Stretch]:
        """Bring windows to the time line by the offset in force at that instant, cut where another one is."""
        offset = offset_at(at, zone)
        low, gap = self._shift_before(at, offset, zone)
        high = self._shift_after(at, offset, zone)
        windows = []
        for begin, finish in self._nominals(at + offset, reach):
            start, end = max(begin - offset, low), min(finish - offset, high)
            if end <= low and begin - offset >= low - gap:
                end = low + (finish - begin)
            windows.append((start, end))
        return _cut(windows)

    def _shift_before(self, at: Instant, offset: Duration, zone: tzinfo) -> tuple[Instant, Duration]:
        """Return when, shortly before, the zone shifted by a part of the unit, and how much it skipped then."""
        change = change_before(at, at - _NEARBY * self.unit.longest, zone)
        shift = 0 if change is None else offset - offset_at(change - 1, zone)
        return (change, shift) if change is not None and shift % self.unit.longest else (BEGINNING, 0)

    def _shift_after(self, at: Instant, offset: Duration, zone: tzinfo) -> Instant:
        """Return when, shortly after, the zone will shift by a part of the unit."""
        change = change_after(at, at + _NEARBY * self.unit.longest, zone)
        shift = 0 if change is None else offset_at(change, zone) - offset
        return change if change is not None and shift % self.unit.longest else FOREVER


@lru_cache(maxsize=1024)  # tasks with the same hours are asked about the same instants, one after another
def _opened_window(period: Period, at: Instant, zone: tzinfo) -> OpenedWindow:
    return period.compute_opened_window(at, zone)


@lru_cache(maxsize=1024)
def _stretch(period: Period, at: Instant, zone: tzinfo) -> Window:
    return period.compute_stretch(at, zone)


def _distinct(unit: Unit, written: tuple[Written, ...]) -> tuple[Mark, ...]:
    marks: dict[Mark, None] = {}
    for one in written:
        mark = unit.mark(one)
        if mark in marks:
            raise _mistake(f"{mark.text} is given twice", one)
        marks[mark] = None
    return tuple(sorted(marks, key=unit.rank))


def _refuse_nothing(period: Period, written: tuple[Written, ...]) -> None:
    """Refuse a period that begins where it ends, or has no window in any cycle."""
    unit, marks, text = period.unit, period.marks, written[-1]
    begin = unit.rank(marks[0]) if period.how == "between" else unit.rank_floor
    if period.how in ("before", "between") and unit.rank_end(marks[-1]) == begin and not marks[-1].whole:
        hint = f"for a whole {unit} leave the times out, or move its begin: starting({marks[-1].text})"
        raise _mistake(f"it begins where it ends, at {marks[-1].text}", text, hint)
    first = unit.cycle(_SAMPLE)
    if not any(start < end for cycle in range(first, first + _CYCLES) for start, end in period.nominal(cycle)):
        raise _mistake(f"no {unit} has such a time", text)


def _mistake(message: str, written: Written, hint: str = "") -> ConditionError:
    return ConditionError(message, hint=hint, end=len(written) if isinstance(written, str) else 0, about=written)


def _cut(windows: list[_Stretch]) -> list[_Stretch]:
    """Let each window end where the next begins, at the latest; drop what is empty then."""
    windows.sort()
    cut = [(start, min(end, later)) for (start, end), (later, _) in pairwise(windows)]
    return [window for window in (*cut, *windows[-1:]) if window[0] < window[1]]


_start: Final = itemgetter(0)
