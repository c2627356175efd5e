"""The tokens of a condition's text, and the errors about them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.errors import ConditionError
from rocketd.core.escaping import visible
from rocketd.core.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rocketd.core.calendar.oncalendar import Zones

_TOKEN: Final = re.compile(
    r"""[ \t\r\n]*(?:
    (?P<name>[^\W\d]\w*)
    |(?P<number>-?[0-9]+(?:\.[0-9]+)?(?![\w.:]))
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<sign>[<>=!]=|&&|\|\||[&|~().,=<>!])
    |(?P<open>["'])
    |(?P<other>[^\s()&|~,"']+|[^ \t\r\n])
    )""",
    re.VERBOSE | re.DOTALL,
)

_INSTEAD: Final = {"and": "&", "or": "|", "not": "~", "&&": "&", "||": "|", "!": "~", "AND": "&", "OR": "|", "NOT": "~"}
_SHOWN: Final = 40


class Token(NamedTuple):
    """A piece of text; `kind` is name, number, text, sign, open, other, raw or end."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.start + len(self.text)

    @property
    def shown(self) -> str:
        """The token as errors quote it."""
        return visible(self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…")


def tokens(text: str) -> list[Token]:
    """Split a text; the last token is the end. Nothing is read after a quote that is not closed."""
    found: list[Token] = []
    end = len(text.rstrip(" \t\r\n"))
    for match in _TOKEN.finditer(text, 0, end):
        kind = str(match.lastgroup)
        found.append(Token(kind, match[kind], match.start(kind)))
        if kind == "open":
            break
    found.append(Token("end", "", end))
    return found


class Cursor:
    """How far a text has been read."""

    def __init__(self, text: str, zones: Zones) -> None:
        self.text = text
        self.zones = zones
        """Where the time zones that it names are looked up."""
        self._tokens = tokens(text)
        self._at = 0

    @property
    def next(self) -> Token:
        """The next token."""
        return self._tokens[self._at]

    @property
    def after_next(self) -> Token:
        """The token after the next."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    @property
    def done(self) -> int:
        """The offset after what has been read."""
        return self._tokens[self._at - 1].end if self._at else 0

    def take(self) -> Token:
        """Read the next token; the end stays next for ever."""
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def skip(self, *words: str) -> bool:
        """Read the next token if it is one of these signs or names."""
        found = self._tokens[self._at].text in words
        self._at += found
        return found

    def raw(self, *stops: str) -> Token:
        """Read everything before the next `&`, `|`, closing bracket or one of these, as one token."""
        begin = self.next.start
        end = begin
        while self.next.kind != "end" and self.next.text not in ("&", "|", "&&", "||", ")", *stops):
            end = self.take().end
        return Token("raw", self.text[begin:end], begin)

    def peek_raw(self, *stops: str) -> Token:
        """Return what `raw` would, without reading it."""
        at = self._at
        token = self.raw(*stops)
        self._at = at
        return token


def error_at(token: Token, message: str, hint: str = "") -> ConditionError:
    """Return an error about that token."""
    return ConditionError(message, hint=hint, start=token.start, end=token.end)


def unexpected(token: Token, expected: str, hint: str = "") -> ConditionError:
    """Return the error that says why this token cannot stand here, as far as that can be guessed."""
    if token.text in _INSTEAD:
        sign = _INSTEAD[token.text]
        hint = "join conditions with & and |, and negate them with ~"
        return error_at(token, f"{token.text} is not an operator here; write {sign}", hint)
    if token.kind == "open":
        return error_at(token, "this quote is not closed")
    if token.kind == "end":
        return error_at(token, f"{expected} is missing at the end", hint)
    return error_at(token, f"{token.shown} is not {expected}", hint)


def or_meant(wrong: str, right: Iterable[str]) -> str:
    """Return the end of a sentence, `; did you mean daily?`; empty if no word is similar."""
    suggestion = did_you_mean(wrong, right)
    return f"; {suggestion}" if suggestion else ""
