"""The wall clock for the naive scheduler (scheduler.py): laid out grain by grain over a stretch of time."""

from array import array
from bisect import bisect_left
from calendar import timegm
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import accumulate
from operator import add
from typing import Final
from zoneinfo import ZoneInfo

DAY: Final = 86_400
SATURDAY: Final = 5
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Calendar:
    """The wall clock of a zone over a stretch of time, grain by grain."""

    def __init__(self, zone: str, base: int, grains: int, grain: int) -> None:
        self.base, self.grain = base, grain
        self.instants = range(base, base + grains * grain, grain)
        tz = ZoneInfo(zone)
        quarters = {at: self._offset(tz, at) for at in {at // 900 * 900 for at in self.instants}}
        self.offsets = array("q", (quarters[at // 900 * 900] for at in self.instants))  # clocks are set at quarters
        self.walls = array("q", map(add, self.instants, self.offsets))
        self.highest = array("q", accumulate(self.walls, max))

    @staticmethod
    def _offset(zone: ZoneInfo, at: int) -> int:
        offset = datetime.fromtimestamp(at, zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())

    def reached(self, wall: int) -> int:
        """The first instant at which the clock shows that, or more."""
        return self.base + self.grain * bisect_left(self.highest, wall)

    def days(self) -> Iterator[datetime]:
        """Every date that it knows wholly."""
        day = datetime.fromtimestamp(self.walls[0], UTC).replace(hour=0, minute=0, second=0) + timedelta(days=1)
        while timegm(day.timetuple()) + 32 * DAY < self.walls[-1]:
            yield day
            day += timedelta(days=1)

    @lru_cache(maxsize=64)  # noqa: B019 - there are a few of them, asked again and again
    def windows(self, unit: str, how: str, marks: tuple[str, ...]) -> list[tuple[int, int]]:
        """All windows of a period, each cut where the next begins."""
        if unit in ("minute", "hour"):
            return list(self._flowing(60 if unit == "minute" else 3600, how, marks))
        found = []
        for day in self.days():
            for start, end in _nominal(unit, how, marks, day):
                first, last = self.reached(start), self.reached(end)
                found.append((first, first + end - start if first == last else last))
        found.sort()
        if not found:
            return []
        return [(s, min(e, later)) for (s, e), (later, _) in zip(found, [*found[1:], (10**12, 0)], strict=True)]

    def _flowing(self, length: int, how: str, marks: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        """Hours and minutes go on in real time; where the clock is set, another one begins."""
        kept: tuple[int, int, bool] | None = None
        start = self.base
        for at, wall, offset in zip(self.instants, self.walls, self.offsets, strict=True):
            key = (offset, wall // length, _within(wall % length, length, how, marks))
            if key != kept:
                if kept is not None and kept[2]:
                    yield start, at
                start, kept = at, key

    @lru_cache(maxsize=64)  # noqa: B019 - there are a few of them, asked again and again
    def ticks(self, line: str) -> list[int]:
        """All ticks of a cron line."""
        minute, hour, *date = line.split()
        minutes = {value for value in range(60) if _field(minute, value)}
        hours = {value for value in range(24) if _field(hour, value)}

        def matches(wall: int) -> bool:
            return wall // 60 % 60 in minutes and wall // 3600 % 24 in hours and _date(*date, wall // DAY)

        if minute.startswith("*") or hour.startswith("*"):
            return [at for at, wall in zip(self.instants, self.walls, strict=True) if wall % 60 == 0 and matches(wall)]
        first, last = self.walls[0] // 60 * 60 + DAY, self.walls[-1] - DAY
        return sorted({self.reached(wall) for wall in range(first, last, 60) if matches(wall)})


def _clock(mark: str) -> int:
    hours, minutes = mark.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def _within(seconds: int, length: int, how: str, marks: tuple[str, ...]) -> bool:
    if how == "whole":
        return True
    places = [int(mark.split(":")[0]) * 60 + int(mark.split(":")[1]) for mark in marks]  # minutes and seconds
    assert length == 3600
    match how:
        case "after":
            return seconds >= places[0]
        case "before":
            return seconds < places[0]
        case "between":
            return places[0] <= seconds < places[1]
    raise ValueError(how)


def _nominal(unit: str, how: str, marks: tuple[str, ...], day: datetime) -> Iterator[tuple[int, int]]:
    """The windows that begin on that date, on the wall clock."""
    begin = timegm(day.timetuple())
    if unit == "day":
        yield from _hours_of_day(how, marks, begin)
    elif unit == "week":
        weekday = WEEKDAYS.index(marks[0]) if marks else 0
        if day.weekday() == weekday:
            days = {"whole": 7, "on": 1, "after": 7 - weekday}.get(how)
            if days is None:
                days = (WEEKDAYS.index(marks[1]) - weekday) % 7 + 1
            yield begin, begin + days * DAY
    else:
        first, following = _quarter(day) if unit == "quarter" else _month(day)
        if how == "whole" and day == first:
            yield begin, timegm(following.timetuple())
        elif how == "on" and day.toordinal() - first.toordinal() + 1 == _chosen(marks[0], _days(first, following)):
            yield begin, begin + DAY


def _month(day: datetime) -> tuple[datetime, datetime]:
    """The month around a date: its first day, and that of the next."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def _quarter(day: datetime) -> tuple[datetime, datetime]:
    first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return first, (first + timedelta(days=95)).replace(day=1)


def _days(first: datetime, following: datetime) -> int:
    return following.toordinal() - first.toordinal()


def _chosen(mark: str, days: int) -> int:
    """Which day of a unit of so many days a mark is; one that it lacks is none of them."""
    name, _, or_last = mark.partition(" ")
    number = days if name == "last" else int(name)
    number = number if number > 0 else days + 1 + number
    return min(number, days) if or_last else number


def _hours_of_day(how: str, marks: tuple[str, ...], begin: int) -> Iterator[tuple[int, int]]:
    places = [begin + _clock(mark) for mark in marks]
    match how:
        case "whole":
            yield begin, begin + DAY
        case "after":
            yield places[0], begin + DAY
        case "before":
            yield begin, places[0]
        case "starting":
            yield places[0], places[0] + DAY
        case "between":
            yield places[0], places[1] + (DAY if places[1] <= places[0] else 0)
        case "at":
            for place in places:
                yield place, place + 3600


@cache
def _date(monthday: str, month: str, weekday: str, day: int) -> bool:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    days = [_on_day(monthday, at), weekday == "?" or _field(weekday, at.isoweekday() % 7)]
    either = not monthday.startswith(("*", "?")) and not weekday.startswith(("*", "?"))
    return _field(month, at.month) and (any(days) if either else all(days))


def _on_day(field: str, at: datetime) -> bool:
    """Whether a date is one of those that the third field of a line names."""
    last = _month(at)[1] - timedelta(days=1)
    for part in field.split(","):
        if part == "LW":
            found = next(day for day in (last - timedelta(days=back) for back in range(7)) if day.weekday() < SATURDAY)
        elif part.endswith("W"):
            if int(part[:-1]) > last.day:
                continue
            nominal = at.replace(day=int(part[:-1]))
            near = sorted(range(-2, 3), key=abs)
            others = [nominal + timedelta(days=away) for away in near if away]
            found = next(day for day in (nominal, *others) if day.weekday() < SATURDAY and day.month == at.month)
        elif part.startswith("L"):
            found = last - timedelta(days=int(part[2:] or 0))
        elif part == "?" or _field(part, at.day):
            return True
        else:
            continue
        if found == at:
            return True
    return False


def _field(field: str, value: int) -> bool:
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = ("0-59" if span == "*" else span).partition("-")
        top = int(high or (59 if step else low))
        if int(low) <= value <= top and (value - int(low)) % int(step or 1) == 0:
            return True
    return False


@lru_cache(maxsize=32)
def calendar(zone: str, base: int, grains: int, grain: int) -> Calendar:
    """Lay out the calendar of that stretch once."""
    return Calendar(zone, base, grains, grain)
