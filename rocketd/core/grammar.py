"""Text becomes conditions: parsed, never evaluated.

    either   both ("|" both)*                         binds least
    both     one ("&" one)*
    one      "~"* word | "~"* "(" either [comparison number] ")"
    word     name ["(" arguments ")"] ("." name ["(" arguments ")"])*

Every mistake is a ConditionError that says where it stands, what is allowed there, and what was probably meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from rocketd.core.arguments import Given, place, read_arguments
from rocketd.core.condition import All, Any, Condition
from rocketd.core.errors import ConditionError
from rocketd.core.fitting import refuse_together
from rocketd.core.happened import COMPARISONS, Comparison, Happened
from rocketd.core.tokens import Token, meant, mistake, tokens, unexpected
from rocketd.core.words import WORDS, Word

if TYPE_CHECKING:
    from rocketd.core.words import Made

_LONGEST: Final = 20_000
_DEEPEST: Final = 50

_JOIN: Final = "join conditions with & (both) or | (either)"


def parse(text: str) -> Condition:
    """Read a condition; raises ConditionError, with the offsets of the mistake, and nothing else."""
    if len(text) > _LONGEST:
        raise ConditionError(f"a condition of more than {_LONGEST} characters is not read", end=len(text))
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _skip(self, sign: str) -> bool:
        """Take the next token if it is that sign."""
        found = self._tokens[self._at].text == sign
        self._at += found
        return found

    def whole(self) -> Condition:
        condition = self._either()
        token = self._next
        if token.text in COMPARISONS:
            raise mistake(token, "a comparison stands in brackets", "write (failed.today < 3)")
        if token.text == ")":
            raise mistake(token, "this bracket closes nothing")
        if token.kind != "end":
            raise unexpected(token, "expected here", _JOIN)
        return condition

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._skip("|"):
            parts.append(self._both())
        return Any.of(*parts) if len(parts) > 1 else parts[0]

    def _both(self) -> Condition:
        start = self._next.start
        parts = [self._one()]
        while self._skip("&"):
            parts.append(self._one())
        if len(parts) == 1:
            return parts[0]
        try:
            refuse_together(parts)
        except ConditionError as error:
            raise place(error, (), start, self._tokens[self._at - 1].end) from None
        return All.of(*parts)

    def _one(self) -> Condition:
        inverted = False
        while self._skip("~"):
            inverted = not inverted
        condition = self._bracketed() if self._next.text == "(" else self._word()
        return ~condition if inverted else condition

    def _bracketed(self) -> Condition:
        opened = self._take()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise mistake(opened, f"brackets are nested more than {_DEEPEST} deep")
        condition = self._either()
        if self._next.text in COMPARISONS:
            condition = self._compared(condition)
        if self._next.kind == "end":
            raise mistake(opened, "this bracket is not closed")
        if not self._skip(")"):
            raise unexpected(self._next, "expected here", _JOIN)
        self._depth -= 1
        return condition

    def _compared(self, condition: Condition) -> Condition:
        sign, number = self._take(), self._take()
        if not isinstance(condition, Happened):
            raise mistake(sign, "only what happened can be compared with a number", "as in (failed.today < 3)")
        given = Given.of(number)
        if given is None or not isinstance(given.value, int):
            raise mistake(number, "a comparison needs a whole number", "as in (failed.today < 3)")
        try:
            return condition.compared(cast("Comparison", sign.text), given.value)
        except ConditionError as error:
            raise place(error, [given], sign.start, number.end) from None

    def _word(self) -> Condition:
        token = self._take()
        word = WORDS.get(token.text)
        if word is None:
            raise _no_word(token)
        condition = self._use(word, word.value, token)
        while self._skip("."):
            dotted = self._take()
            word = _follower(word, dotted)
            condition = self._use(word, condition, dotted)
        return condition

    def _use(self, word: Word, value: Condition | Made | None, token: Token) -> Condition:
        """Make the condition of a word, from what it is or from what it follows."""
        called = self._next.text == "("
        if called and word.arguments is None:
            raise mistake(self._next, f"{word.name} takes no brackets", f"write {word.example}")
        if not called and not word.bare:
            raise mistake(token, f"{word.name} needs brackets", f"write {word.example}")
        given: list[Given] = []
        if called:
            given, self._at = read_arguments(word, self._tokens, self._at + 1)
        try:
            return word.made(value, given if called else None)
        except ConditionError as error:
            raise place(error, given, token.start, self._tokens[self._at - 1].end) from None


def _follower(word: Word, token: Token) -> Word:
    """Find what is named after the dot."""
    for follower in word.follows:
        if follower.name == token.text:
            return follower
    names = [follower.name for follower in word.follows]
    if not names:
        raise mistake(token, f"nothing can follow {word.name}", f"write {word.example}")
    if token.kind != "name":
        raise unexpected(token, "a name", f"allowed after {word.name}: {', '.join(names)}")
    guess = meant(token.text, names)
    raise mistake(token, f"{word.name} has no {token.shown}{guess}", "" if guess else f"allowed are {', '.join(names)}")


def _no_word(token: Token) -> ConditionError:
    hint = "" if token.kind == "name" else 'as in daily, every("10 min") or cron("0 3 * * 1-5")'
    return unexpected(token, "a condition" + (meant(token.text, WORDS) if token.kind == "name" else ""), hint)
