"""The words about working days and holidays: their part of the table of words."""

from typing import Final

from rocketd.core.calendar.unit import Unit
from rocketd.core.calendar.units import MONTH, QUARTER, WEEK_UNIT, YEAR
from rocketd.core.conditions.work_days import Dates, Holiday, RolledWorkday, Workday, WorkdaysOf
from rocketd.core.language.word import ArgumentKind, Word, WordArgument

_NAME: Final = (WordArgument("calendar", ArgumentKind.CALENDAR_NAME),)

NUMBERS: Final = (
    Word(
        "on",
        "On these working days, counted from 1, or from the end from -1.",
        'workday_of_month.on(1, "last")',
        None,
        (WordArgument("numbers", ArgumentKind.WORKDAY, many=True),),
        phrase="workday of month on 1, last",
    ),
    Word(
        "between",
        "On the working days from one to another, both included.",
        'workday_of_month.between(-3, "last")',
        None,
        (WordArgument("first", ArgumentKind.WORKDAY), WordArgument("last", ArgumentKind.WORKDAY)),
        phrase="workday of month between -3 and last",
    ),
)
"""What follows `workday_of_month` and its kin."""

_NTH_EXAMPLES: Final = {"week": "-1", "month": '1, "last"', "quarter": "1", "year": "100"}


def _nth(unit: Unit) -> Word:
    return Word(
        f"workday_of_{unit}",
        f"On the n-th working day of the {unit}, counted from its beginning or its end.",
        f"workday_of_{unit}.on({_NTH_EXAMPLES[unit.name]})",
        WorkdaysOf(unit),
        _NAME,
        NUMBERS,
        f"workday of {unit} on {_NTH_EXAMPLES[unit.name].replace(chr(34), '')}",
    )


WORK_DAY_WORDS: Final = (
    Word(
        "workday",
        "On working days: outside of the weekend and on no holiday, or where a file makes it one.",
        "workday",
        Workday(),
        _NAME,
    ),
    Word(
        "holiday",
        "On the dates that the files of the calendar list, also on a weekend.",
        "holiday",
        Holiday(),
        _NAME,
    ),
    Word(
        "dates",
        "On the dates that one file lists.",
        'dates("/etc/rocketd/freeze.dates")',
        Dates.of,
        (WordArgument("path", ArgumentKind.PATH),),
        phrase="dates '/etc/rocketd/freeze.dates'",
    ),
    *map(_nth, (WEEK_UNIT, MONTH, QUARTER, YEAR)),
    Word(
        "workday_at",
        "On a day of the month, moved to a working day before it or after it, or the nearest of the month, "
        "if it is none.",
        'workday_at(15, roll="before")',
        RolledWorkday.of,
        (
            WordArgument("day", ArgumentKind.MARK),
            WordArgument("roll", ArgumentKind.ROLL, by_name=True),
            WordArgument("calendar", ArgumentKind.CALENDAR_NAME, required=False, by_name=True),
        ),
        phrase="workday at 15 before",
    ),
)
