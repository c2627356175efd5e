"""An argument of a word, parsed: a text or a number, perhaps with a name."""

from __future__ import annotations

from typing import Final, TypeAlias

from rocketd.core.dataclass import dataclass
from rocketd.core.errors import ConditionError
from rocketd.core.language.lexer import Token, error_at
from rocketd.core.string_literals import unquoted

Value: TypeAlias = str | int | float

_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class ParsedArgument:
    """An argument: its value, and where it stands."""

    value: Value
    token: Token
    name: str = ""

    @classmethod
    def of(cls, token: Token, name: str = "") -> ParsedArgument | None:
        """Parse a text or a number; None: it is neither."""
        if token.kind == "number":
            if len(token.text) > _DIGITS:
                raise error_at(token, f"the number is longer than {_DIGITS} characters")
            return cls(float(token.text) if "." in token.text else int(token.text), token, name)
        return cls(_text(token), token, name) if token.kind == "text" else None

    @property
    def origin(self) -> int | None:
        """The offset at which the value begins; None: it has escapes, so offsets inside it do not match."""
        if self.token.kind == "raw":
            return self.token.start
        return self.token.start + 1 if self.token.kind == "text" and "\\" not in self.token.text else None


def _text(token: Token) -> str:
    try:
        return unquoted(token.text[1:-1])
    except ConditionError as error:
        start = token.start + 1
        raise ConditionError(error.message, hint=error.hint, start=start + error.start, end=start + error.end) from None
