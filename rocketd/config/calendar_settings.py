"""The tables `[calendar.NAME]` of rocketd.toml: which days are the weekend, and which files list the holidays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from rocketd.config import value_types
from rocketd.config.problems import BadValue
from rocketd.config.setting import Setting, Values, table
from rocketd.config.value_types import ValueType
from rocketd.core.dataclass import dataclass

DEFAULT_CALENDAR: Final = "default"
"""The calendar of words that name none."""
CALENDAR_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _weekend(value: object) -> frozenset[int]:
    days = frozenset(value_types.each_of(*_WEEKDAYS)(value))
    if len(days) == len(_WEEKDAYS):
        raise BadValue("a week needs a working day", 'as in ["Sat", "Sun"]')
    return frozenset(map(_WEEKDAYS.index, days))


def _paths(value: object) -> tuple[str, ...]:
    if type(value) is not list:
        raise value_types.wrong_type("a list of paths", value, f'write ["{value}"]' if type(value) is str else "")
    return value_types.each(enumerate(value), value_types.path)


WEEKEND: Final = Setting(
    "weekend",
    ValueType("list of days of the week", _weekend),
    frozenset({5, 6}),
    '`["Sat", "Sun"]`',
    "The days that are no working days; `[]`: there are none.",
)
HOLIDAYS: Final = Setting[tuple[str, ...]](
    "holidays",
    ValueType("list of paths", _paths),
    (),
    "none",
    "The files that list the holidays: dates, one in each line, or iCalendar (`*.ics`). They are watched.",
)
CALENDAR: Final = table(WEEKEND, HOLIDAYS)


@dataclass(frozen=True, slots=True)
class CalendarSettings:
    """One calendar, as written."""

    weekend: frozenset[int] = WEEKEND.default
    holidays: tuple[str, ...] = HOLIDAYS.default


def calendars_of(tables: Mapping[str, Values]) -> dict[str, CalendarSettings]:
    """Put together what was written."""
    return {name: CalendarSettings(values[WEEKEND], values[HOLIDAYS]) for name, values in tables.items()}


def read_calendars(tables: Mapping[str, object]) -> dict[str, CalendarSettings]:
    """Read the same from a program: names, each with the keys of its table. Raises BadValue."""
    return calendars_of({name: Values(_read_table(name, table)) for name, table in tables.items()})


def _read_table(name: str, table: object) -> dict[str, object]:
    if not CALENDAR_NAME.fullmatch(name):
        raise BadValue(f"'{name}' cannot be the name of a calendar")
    if not isinstance(table, Mapping):
        raise BadValue(f"'{name}' must be a mapping with weekend, holidays or both")
    if unknown := next((key for key in table if key not in CALENDAR), ""):
        raise BadValue(f"a calendar has no key '{unknown}'", f"allowed: {', '.join(CALENDAR)}")
    return {key: CALENDAR[key].kind.read(value) for key, value in table.items()}
