"""Text becomes conditions: parsed, never evaluated.

    either   both ("|" both)*                         binds least
    both     one ("&" one)*
    one      "~"* word | "~"* "(" either [comparison number] ")"
    word     name ["(" arguments ")"] ("." name ["(" arguments ")"])* [hours] | phrase [hours]      see phrases.py

Every mistake is a ConditionError that says where it is, what is allowed there, and what was probably meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from rocketd.core.calendar.oncalendar import no_zones
from rocketd.core.conditions.comparison import COMPARISONS, Comparison, CountableCondition
from rocketd.core.errors import ConditionError
from rocketd.core.language.arguments import place, read_arguments
from rocketd.core.language.conflicts import refuse_conflict
from rocketd.core.language.lexer import Cursor, Token, error_at, or_meant, unexpected
from rocketd.core.language.parsed_argument import ParsedArgument
from rocketd.core.language.phrases import expected_after, opens_hours, opens_phrase, read_hours, read_phrase
from rocketd.core.language.vocabulary import WORDS
from rocketd.core.language.word import Word
from rocketd.core.model.condition import All, Any, Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rocketd.core.calendar.oncalendar import Zones
    from rocketd.core.language.word import ConditionFactory, Unfinished

_LONGEST: Final = 20_000
_DEEPEST: Final = 50

_JOIN: Final = "join conditions with & (both) or | (either)"


def parse(text: str, zones: Zones = no_zones) -> Condition:
    """Read a condition; raises ConditionError, with the offsets of the mistake, and nothing else.

    `zones` finds the time zones that calendar lines name.
    """
    if len(text) > _LONGEST:
        raise ConditionError(f"the condition is longer than {_LONGEST} characters", end=len(text))
    try:
        return read(text, zones)
    except ConditionError as error:
        from rocketd.core.language.dialects.translation import suggest_condition  # noqa: PLC0415 - only for a mistake

        raise suggest_condition(error, text, lambda other: read(other, zones)) from None


def read(text: str, zones: Zones) -> Condition:
    """Read a condition, without a guess at what else the text may mean."""
    return _Parser(text, zones).whole()


class _Parser:
    def __init__(self, text: str, zones: Zones) -> None:
        self._cursor = Cursor(text, zones)
        self._depth = 0
        self._follows: Sequence[Word] = ()
        """The names that may follow the word read last."""

    def whole(self) -> Condition:
        condition = self._either()
        token = self._cursor.next
        if token.text in COMPARISONS:
            raise error_at(token, "a comparison needs brackets", "write (failed.today < 3)")
        if token.text == ")":
            raise error_at(token, "this bracket has no opening bracket")
        if token.kind != "end":
            raise self._not_expected(token)
        return condition

    def _not_expected(self, token: Token) -> ConditionError:
        guess = expected_after(self._follows, token)
        return unexpected(token, f"expected here{guess}", "" if guess else _JOIN)

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._cursor.skip("|"):
            parts.append(self._both())
        return Any.of(*parts) if len(parts) > 1 else parts[0]

    def _both(self) -> Condition:
        start = self._cursor.next.start
        parts = [self._one()]
        while self._cursor.skip("&"):
            parts.append(self._one())
        if len(parts) == 1:
            return parts[0]
        try:
            both = All.of(*parts)
            refuse_conflict(both.parts)
        except ConditionError as error:
            raise place(error, (), start, self._cursor.done) from None
        return both

    def _one(self) -> Condition:
        inverted = False
        while self._cursor.skip("~"):
            inverted = not inverted
        condition = self._bracketed() if self._cursor.next.text == "(" else self._word()
        return ~condition if inverted else condition

    def _bracketed(self) -> Condition:
        opened = self._cursor.take()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise error_at(opened, f"brackets are nested more than {_DEEPEST} deep")
        condition = self._either()
        if self._cursor.next.text in COMPARISONS:
            condition = self._compared(condition)
        if self._cursor.next.kind == "end":
            raise error_at(opened, "this bracket is not closed")
        if not self._cursor.skip(")"):
            raise self._not_expected(self._cursor.next)
        self._depth -= 1
        return condition

    def _compared(self, condition: Condition) -> Condition:
        sign, number = self._cursor.take(), self._cursor.take()
        if not isinstance(condition, CountableCondition):
            raise error_at(
                sign,
                "only words about events and active runs can be compared with a number",
                "as in (failed.today < 3)",
            )
        given = ParsedArgument.of(number)
        if given is None or not isinstance(given.value, int):
            raise error_at(number, "a comparison needs a whole number", "as in (failed.today < 3)")
        try:
            return condition.compared(cast("Comparison", sign.text), given.value)
        except ConditionError as error:
            raise place(error, [given], sign.start, number.end) from None

    def _word(self) -> Condition:
        token = self._cursor.take()
        if opens_phrase(token, self._cursor):
            condition, self._follows = read_phrase(token, self._cursor)
        else:
            condition, self._follows = self._spelled(token)
        if opens_hours(self._follows, self._cursor):
            condition, self._follows = read_hours(condition, self._cursor), ()
        return condition

    def _spelled(self, token: Token) -> tuple[Condition, Sequence[Word]]:
        """Read a word in the Python spelling."""
        word = WORDS.get(token.text)
        if word is None:
            raise _no_word(token)
        condition = self._use(word, word.value, token)
        while self._cursor.skip("."):
            dotted = self._cursor.take()
            word = _follower(word, dotted)
            condition = self._use(word, condition, dotted)
        if word.must_go_on:
            raise error_at(token, f"{word.name} needs a number", f"write {word.example}")
        return condition, word.follows

    def _use(self, word: Word, value: Condition | ConditionFactory | Unfinished | None, token: Token) -> Condition:
        """Build the condition of a word, from its value or from what it follows."""
        called = self._cursor.next.text == "("
        if called and word.arguments is None:
            raise error_at(self._cursor.next, f"{word.name} takes no brackets", f"write {word.example}")
        if not called and not word.bare:
            raise error_at(token, f"{word.name} needs brackets", f"write {word.example}")
        given: list[ParsedArgument] = []
        if called:
            given = read_arguments(word, self._cursor)
        try:
            return word.build(value, given if called else None, self._cursor.zones)
        except ConditionError as error:
            raise place(error, given, token.start, self._cursor.done) from None


def _follower(word: Word, token: Token) -> Word:
    """Return the word named after the dot."""
    for follower in word.follows:
        if follower.name == token.text:
            return follower
    names = [follower.name for follower in word.follows]
    if not names:
        raise error_at(token, f"nothing can follow {word.name}", f"write {word.example}")
    if token.kind != "name":
        raise unexpected(token, "a name", f"allowed after {word.name}: {', '.join(names)}")
    guess = or_meant(token.text, names)
    raise error_at(token, f"{word.name} has no {token.shown}{guess}", "" if guess else f"allowed: {', '.join(names)}")


def _no_word(token: Token) -> ConditionError:
    hint = "" if token.kind == "name" else 'as in daily, every("10 min") or cron("0 3 * * 1-5")'
    if token.text == "after":
        hint = 'write after_success("extract"), after_fail, after_finish or after_missed'
    guess = or_meant(token.text, WORDS) if token.kind == "name" and not hint else ""
    return unexpected(token, f"a condition{guess}", hint)
