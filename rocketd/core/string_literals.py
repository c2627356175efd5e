"""String literals in conditions: quoting and unquoting."""

import re
from typing import Final

from rocketd.core.errors import ConditionError

_ESCAPES: Final = {"\\": "\\", '"': '"', "n": "\n", "t": "\t", "r": "\r", "'": "'"}
_SPELLED: Final = {char: f"\\{name}" for name, char in _ESCAPES.items() if name != "'"}
_ESCAPE: Final = re.compile(r"\\(?:x(?P<two>[0-9a-fA-F]{2})|u(?P<four>[0-9a-fA-F]{4})|(?P<one>.))", re.DOTALL)
_LONE: Final = re.compile("[dD][89a-fA-F]..")
"""Half of a pair that stands for one character in UTF-16: alone it is none."""

_TO_ESCAPE: Final = re.compile(r'[\\"\x00-\x1f\x7f]')


def quoted(text: str) -> str:
    """Return a text in double quotes; Python and `unquoted` read it back as the same."""
    return f'"{_TO_ESCAPE.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    return _SPELLED.get(found[0]) or f"\\x{ord(found[0]):02x}"


def unquoted(text: str) -> str:
    """Read what stands between quotes; raises ConditionError with offsets in this text."""
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def _unescape(found: re.Match[str]) -> str:
    code = found["two"] or found["four"]
    if code and _LONE.match(code):
        raise ConditionError(f"{found[0]} is not a character", start=found.start(), end=found.end())
    if code:
        return chr(int(code, 16))
    try:
        return _ESCAPES[found["one"]]
    except KeyError:
        message = f"{found[0]} is not a valid escape sequence"
        raise ConditionError(message, hint="write \\\\ for a backslash", start=found.start(), end=found.end()) from None
