"""Phrases about dates: `every other week since 2026-12-03`, `iso week 1, 14`, `since 2026-12-01 09:00`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rocketd.core.calendar.cron_days import WEEKDAYS
from rocketd.core.errors import ConditionError
from rocketd.core.language.arguments import place
from rocketd.core.language.lexer import Cursor, Token, unexpected
from rocketd.core.language.parsed_argument import ParsedArgument
from rocketd.core.language.vocabulary import WORDS

if TYPE_CHECKING:
    from rocketd.core.model.condition import Condition

_CYCLE: Final = re.compile(
    r"(?P<which>other|\d{1,6}(?:st|nd|rd|th))\s++(?P<unit>[A-Za-z]++)(?:\s++since\s++(?P<since>\S.*))?", re.IGNORECASE
)
_INTERVAL: Final = re.compile(r"(?P<length>\S.*?)(?<!\s)\s++since\s++(?P<since>\S.*)", re.IGNORECASE)


def read_cycle(every: Token, cursor: Cursor) -> Condition | None:
    """Read the rest of `every other week since 2026-12-03`; None: an interval follows."""
    rest = cursor.peek_raw()
    if found := _CYCLE.fullmatch(rest.text):
        cursor.raw()
        number = "2" if found["which"].lower() == "other" else found["which"][:-2]
        if found["unit"][:3].lower() in WEEKDAYS and found["unit"].lower().endswith(("day", "days")):
            cycle = f"cycle('{number} weeks', since='{found['since'] or '2026-12-03'}')"
            hint = f"write cron('0 0 * * {found['unit'][:3].lower()}') & {cycle}"
            raise ConditionError("a cycle is of whole units", hint=hint, start=every.start, end=rest.end)
        length = f"{number} {found['unit']}"
        if found["since"] is None:
            hint = f"write every {found['which']} {found['unit']} since 2026-12-03"
            raise ConditionError("a cycle is counted from a date", hint=hint, start=every.start, end=rest.end)
        token = Token("raw", found["since"], rest.start + found.start("since"))
        given = [ParsedArgument(length, rest), ParsedArgument(found["since"], token, "since")]
        return _build("cycle", every, given, cursor)
    if found := _INTERVAL.fullmatch(rest.text):
        hint = f"write every other week since {found['since']}, or every {found['length']} without since"
        raise ConditionError(
            "an interval has no since: it counts from the last run", hint=hint, start=every.start, end=rest.end
        )
    return None


def read_date_phrase(token: Token, cursor: Cursor) -> Condition:
    """Read the rest of `iso week …`, `since …` and `until …`."""
    if token.text != "iso":
        given = ParsedArgument.of(cursor.next) if cursor.next.kind == "text" else None
        raw = cursor.take() if given else cursor.raw()
        return _build(token.text, token, [given or ParsedArgument(raw.text, raw)], cursor)
    if not cursor.skip("week"):
        raise unexpected(cursor.next, "week", "as in iso week even, iso week 1, 14")
    weeks: list[ParsedArgument] = []
    while not weeks or cursor.skip(","):
        week = cursor.take()
        number = ParsedArgument.of(week)
        weeks.append(number or ParsedArgument(week.text, week))
    return _build("iso_week", token, weeks, cursor)


def _build(name: str, token: Token, given: list[ParsedArgument], cursor: Cursor) -> Condition:
    word = WORDS[name]
    try:
        return word.build(word.value, given, cursor.zones)
    except ConditionError as error:
        raise place(error, given, token.start, cursor.done) from None
