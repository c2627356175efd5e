"""Phrases about working days: `workday of calendar 'nyse'`, `workday of month on 1, last`, `workday at 15 before`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.core.conditions.work_days import WorkdaysOf
from rocketd.core.errors import ConditionError
from rocketd.core.language.arguments import place
from rocketd.core.language.lexer import Cursor, Token, or_meant, unexpected
from rocketd.core.language.parsed_argument import ParsedArgument
from rocketd.core.language.vocabulary import WORDS
from rocketd.core.language.vocabulary_work_days import NUMBERS

if TYPE_CHECKING:
    from rocketd.core.language.word import Word
    from rocketd.core.model.condition import Condition

_UNITS: Final = tuple(name.removeprefix("workday_of_") for name in WORDS if name.startswith("workday_of_"))
_NUMBERS: Final = {word.name: word for word in NUMBERS}
_ROLLS: Final = ("before", "after", "nearest")


def opens_workday(token: Token, cursor: Cursor) -> bool:
    """Whether a phrase about working days begins with that token, which has just been read."""
    if token.text == "dates":
        return cursor.next.kind == "text"
    return token.text in ("workday", "holiday") and cursor.next.text in ("of", "at")


def read_workday(token: Token, cursor: Cursor) -> Condition:
    """Read the rest of the phrase that began with that token."""
    if token.text == "dates":
        return _build(WORDS["dates"], None, token, [_quoted(cursor, WORDS["dates"])], cursor)
    if cursor.next.text == "at" and token.text == "workday":
        cursor.take()
        return _at(token, cursor)
    if not cursor.skip("of"):
        raise unexpected(cursor.next, "of", f"as in {token.text} of calendar 'nyse'")
    if cursor.skip("calendar"):
        return _build(WORDS[token.text], None, token, [_quoted(cursor, WORDS[token.text])], cursor)
    unit = cursor.take()
    allowed = ("calendar", *_UNITS) if token.text == "workday" else ("calendar",)
    if unit.text not in allowed:
        raise unexpected(unit, f"what can follow {token.text} of{or_meant(unit.text, allowed)}", _allowed(allowed))
    return _nth(WORDS[f"workday_of_{unit.text}"], token, cursor)


def _allowed(words: tuple[str, ...]) -> str:
    return f"allowed: {', '.join(words)}"


def _quoted(cursor: Cursor, word: Word) -> ParsedArgument:
    given = ParsedArgument.of(cursor.next) if cursor.next.kind == "text" else None
    if given is None:
        raise unexpected(cursor.next, (word.arguments or ())[0].kind.value, f"as in {word.name} of calendar 'nyse'")
    cursor.take()
    return given


def _nth(word: Word, token: Token, cursor: Cursor) -> Condition:
    how = cursor.take()
    follower = _NUMBERS.get(how.text)
    if follower is None:
        raise unexpected(how, f"on or between{or_meant(how.text, _NUMBERS)}", f"as in {word.phrase}")
    given = [_value(cursor, word, ",", "and")]
    if follower.name == "between":
        if not cursor.skip("and"):
            raise unexpected(cursor.next, "and", f"as in {follower.phrase}")
        given.append(_value(cursor, word, ",", "and"))
    else:
        while cursor.skip(",", "and"):
            given.append(_value(cursor, word, ",", "and"))
    assert isinstance(word.value, WorkdaysOf)  # noqa: S101 - so it stands in the table of words
    return _build(follower, word.value, token, given, cursor)


def _at(token: Token, cursor: Cursor) -> Condition:
    word = WORDS["workday_at"]
    day = _value(cursor, word, *_ROLLS)
    roll = cursor.take()
    if roll.text not in _ROLLS:
        raise unexpected(roll, "before, after or nearest", f"as in {word.phrase}")
    return _build(word, None, token, [day, ParsedArgument(roll.text, roll, "roll")], cursor)


def _value(cursor: Cursor, word: Word, *stops: str) -> ParsedArgument:
    """Read a value, in quotes or bare, up to where it must end."""
    if cursor.next.kind == "text" and (given := ParsedArgument.of(cursor.next)):
        cursor.take()
        return given
    token = cursor.raw(*stops)
    if not token.text:
        raise unexpected(cursor.next, "a number", f"as in {word.phrase}")
    return ParsedArgument(token.text, token)


def _build(word: Word, of: WorkdaysOf | None, token: Token, given: list[ParsedArgument], cursor: Cursor) -> Condition:
    try:
        return word.build(word.value if of is None else of, given, cursor.zones)
    except ConditionError as error:
        raise place(error, given, token.start, cursor.done) from None
