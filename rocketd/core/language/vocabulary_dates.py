"""The words about dates: their part of the table of words."""

from typing import Final

from rocketd.core.conditions.cycle import Cycle
from rocketd.core.conditions.date_bound import SinceDate, UntilDate
from rocketd.core.conditions.iso_week import IsoWeek
from rocketd.core.language.word import ArgumentKind, Word, WordArgument

DATE_WORDS: Final = (
    Word(
        "cycle",
        "On the dates of every n-th day, week, month, quarter or year, counted from that of a date, and from it on.",
        'cycle("2 weeks", since="2026-12-03")',
        Cycle.of,
        (
            WordArgument("length", ArgumentKind.CYCLE),
            WordArgument("since", ArgumentKind.DATE, by_name=True),
            WordArgument("week_starts", ArgumentKind.CHOICE, required=False, by_name=True),
        ),
        phrase="every other week since 2026-12-03",
    ),
    Word(
        "iso_week",
        "In the even weeks, the odd ones, or those of these numbers, as ISO 8601 counts them.",
        'iso_week("even")',
        IsoWeek.of,
        (WordArgument("weeks", ArgumentKind.WEEK, many=True),),
        phrase="iso week even",
    ),
    Word(
        "since",
        "From a date, or a time of it, on.",
        'since("2026-12-01 09:00")',
        SinceDate.of,
        (WordArgument("when", ArgumentKind.WALL),),
        phrase="since 2026-12-01 09:00",
    ),
    Word(
        "until",
        "Up to the end of a date, or up to a time of it.",
        'until("2027-01-31")',
        UntilDate.of,
        (WordArgument("when", ArgumentKind.WALL),),
        phrase="until 2027-01-31",
    ),
)
