"""Text for a terminal: its width, and nothing in it that the terminal would obey.

Names, reasons and output come from files and programs: a control character, a terminal escape or a change of
writing direction in them is made visible, never sent raw.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple
from unicodedata import combining, east_asian_width

from rocketd.core.escaping import visible

ELLIPSIS: Final = "…"


class Cell(NamedTuple):
    """A short text and its colour: an SGR parameter of ECMA-48, empty for none."""

    text: str
    colour: str = ""


PLAIN: Final = ""
BOLD: Final = "1"
FAINT: Final = "2"
RED: Final = "1;31"
GREEN: Final = "32"
YELLOW: Final = "33"
CYAN: Final = "36"


def visible_lines(text: str) -> list[str]:
    """Split at line feeds, with tabs spread out and the rest made visible; a last line feed opens no line."""
    return [visible(line.removesuffix("\r").expandtabs()) for line in text.removesuffix("\n").split("\n")]


def width(text: str) -> int:
    """How many columns a terminal uses for visible text: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def cut(text: str, columns: int) -> str:
    """Shorten to that many columns, the last of which is then an ellipsis."""
    if width(text) <= columns:
        return text
    if columns <= 0:
        return ""
    if text.isascii():
        return text[: columns - 1] + ELLIPSIS
    left, kept = columns - 1, 0
    for character in text:
        left -= _columns(character)
        if left < 0:
            break
        kept += 1
    return text[:kept] + ELLIPSIS


def pad(text: str, columns: int) -> str:
    """Pad with spaces to that many columns."""
    return text.ljust(columns) if text.isascii() else text + " " * (columns - width(text))


def painted(cell: Cell, *, colour: bool) -> str:
    """Return the text of a cell, in its colour if `colour` is set."""
    return f"\x1b[{cell.colour}m{cell.text}\x1b[0m" if colour and cell.colour and cell.text else cell.text


def joined(words: Iterable[str], last: str) -> str:
    """List words as a sentence does: `a, b and c`."""
    *head, tail = words
    return f"{', '.join(head)} {last} {tail}" if head else tail


def underlined(text: str, start: int, end: int) -> list[str]:
    """Return the line with that part of a text, and carets under the part."""
    begin = text.rfind("\n", 0, start) + 1
    line = text[begin:].split("\n", 1)[0]
    before, under = visible(line[: start - begin]), visible(line[start - begin : end - begin])
    return [visible(line), " " * width(before) + "^" * max(width(under), 1)]
