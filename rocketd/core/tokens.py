"""The tokens of a condition's text, and how mistakes in it are told."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.errors import ConditionError
from rocketd.core.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    """A piece of text; `kind` is name, number, text, sign, open, other or end."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.start + len(self.text)

    @property
    def shown(self) -> str:
        """How an error names it."""
        return visible(self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…")


def tokens(text: str) -> list[Token]:
    """Split a text; the last token is the end."""
    found = [Token(kind := str(match.lastgroup), match[kind], match.start(kind)) for match in _TOKEN.finditer(text)]
    found.append(Token("end", "", len(text.rstrip(" \t\r\n"))))
    return found


def mistake(token: Token, message: str, hint: str = "") -> ConditionError:
    """Make the error about that token."""
    return ConditionError(message, hint=hint, start=token.start, end=token.end)


def unexpected(token: Token, expected: str, hint: str = "") -> ConditionError:
    """Make the error that says why this token cannot stand here, as far as that can be guessed."""
    if token.text in _INSTEAD:
        sign = _INSTEAD[token.text]
        hint = "conditions are joined with & and |, and turned by ~"
        return mistake(token, f"{token.text} is not used here; write {sign}", hint)
    if token.kind == "open":
        return mistake(token, "this quote is not closed")
    if token.kind == "end":
        return mistake(token, f"{expected} is missing at the end", hint)
    return mistake(token, f"{token.shown} is not {expected}", hint)


def meant(wrong: str, right: Iterable[str]) -> str:
    """Say what was probably meant, as the end of a sentence; empty if that cannot be guessed."""
    close = get_close_matches(wrong.lower(), list(right), 1, 0.6)
    return f"; did you mean {close[0]}?" if close else ""
