"""The text of a file of dates: one date in each line, perhaps with a name; each mistake with its place.

2026-12-24 Christmas Eve       a date
2026-12-24..2027-01-01         both ends included, 366 days at most
12-25 Christmas Day            of each year; 02-29 in leap years
+2026-01-10                    a working day, whatever else it is
covers 2026..2028              nothing is known of other years
# a comment
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from rocketd.config.problems import MAX_MISTAKES, Problem
from rocketd.core.model.work_calendar import DateList, YearRange

MAX_DATES: Final = 20_000
"""How many dates a file may list."""
MAX_NAME: Final = 200
"""How much of a name is kept."""
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2999
_LONGEST_RANGE: Final = 366
_LEAP_YEAR: Final = 2000

_LINE: Final = re.compile(r"(?P<what>\S+)(?:[ \t]+(?P<name>\S.*))?")
_DATES: Final = re.compile(r"(?P<sign>\+?)(?P<first>\d{4}-\d{2}-\d{2})(?:\.\.(?P<last>\d{4}-\d{2}-\d{2}))?", re.ASCII)
_DAY: Final = re.compile(r"(?P<month>\d{2})-(?P<day>\d{2})", re.ASCII)
_YEARS: Final = re.compile(r"(?P<first>\d{4})(?:\.\.(?P<last>\d{4}))?", re.ASCII)
_COMMENT: Final = re.compile(r"(?:^|(?<=[ \t]))#.*")
_HINT: Final = (
    "write a date, 2026-12-24; dates, 2026-12-24..2027-01-01; a day of each year, 12-25; or covers 2026..2028"
)


class _LineMistake(Exception):
    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class ParsedDates(NamedTuple):
    """What was read of a file, and every mistake in it; with a mistake, what was read is not to be used."""

    listed: DateList
    problems: tuple[Problem, ...]


def read_dates(text: str, path: str, digest: bytes) -> ParsedDates:
    """Read the text of a file of dates."""
    reader = _Reader()
    problems: list[Problem] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        content = _COMMENT.sub("", line).strip()
        try:
            if content:
                reader.read(content)
        except _LineMistake as mistake:
            problems.append(_located(mistake, line, number, path))
            if len(problems) >= MAX_MISTAKES or reader.is_full:
                break
    return ParsedDates(
        DateList(path, digest, reader.days, reader.yearly, reader.workdays, reader.covers), tuple(problems)
    )


def _located(mistake: _LineMistake, line: str, number: int, path: str) -> Problem:
    column = len(line) - len(line.lstrip()) + 1
    width = len(line.split(None, 1)[0])
    return Problem(path, number, column, "", "error", mistake.message, mistake.hint, line[:200], min(width, 80))


class _Reader:
    def __init__(self) -> None:
        self.days: dict[int, str] = {}
        self.workdays: dict[int, str] = {}
        self.yearly: dict[tuple[int, int], str] = {}
        self.covers: YearRange | None = None

    @property
    def is_full(self) -> bool:
        return len(self.days) + len(self.workdays) + len(self.yearly) >= MAX_DATES

    def read(self, line: str) -> None:
        found = _LINE.fullmatch(line)
        what, name = (found["what"], (found["name"] or "")[:MAX_NAME]) if found else ("", "")
        if what == "covers":
            self._cover(name)
        elif dates := _DATES.fullmatch(what):
            listed = self.workdays if dates["sign"] else self.days
            for day in _range(dates["first"], dates["last"] or dates["first"]):
                self._refuse_more()
                listed[day] = name
        elif yearly := _DAY.fullmatch(what):
            self._refuse_more()
            self.yearly[_day_of_year(yearly)] = name
        else:
            raise _LineMistake(f"'{what[:40]}' is not a date", _HINT)

    def _refuse_more(self) -> None:
        if self.is_full:
            raise _LineMistake(f"the file lists more than {MAX_DATES} dates")

    def _cover(self, years: str) -> None:
        found = _YEARS.fullmatch(years)
        if found is None:
            raise _LineMistake(f"'{years[:40]}' are not years", "write covers 2026..2028")
        if self.covers is not None:
            raise _LineMistake("the covered years are given twice", "keep one such line")
        first, last = int(found["first"]), int(found["last"] or found["first"])
        for year in (first, last):
            _check_year(year)
        if last < first:
            raise _LineMistake(f"{last} comes before {first}")
        self.covers = YearRange(first, last)


def _range(first: str, last: str) -> Iterator[int]:
    begin, end = _date(first), _date(last)
    if end < begin:
        raise _LineMistake(f"{last} comes before {first}")
    if end - begin >= timedelta(days=_LONGEST_RANGE):
        raise _LineMistake(f"these are more than {_LONGEST_RANGE} days", "write a line for each year")
    return iter(range(begin.toordinal(), end.toordinal() + 1))


def _date(text: str) -> date:
    found = _existing(text, lambda: date.fromisoformat(text))
    _check_year(found.year)
    return found


def _day_of_year(found: re.Match[str]) -> tuple[int, int]:
    month, day = int(found["month"]), int(found["day"])
    _existing(found[0], lambda: date(_LEAP_YEAR, month, day))
    return month, day


def _existing(text: str, make: Callable[[], date]) -> date:
    try:
        return make()
    except ValueError:
        raise _LineMistake(f"there is no {text}") from None


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise _LineMistake(f"the year {year} is not from {FIRST_YEAR} to {LAST_YEAR}")
