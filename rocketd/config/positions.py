"""Where things stand in a TOML document: lines and columns of its keys, values, and of characters inside texts.

tomli gives values without positions. So where there is a mistake, and only there, the document is parsed once more by
tree-sitter, which keeps positions and forgives what it does not know (a newer TOML); what it missed is shown at the
nearest key around it.
"""

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.config.problems import Mistake, Path

if TYPE_CHECKING:
    from tree_sitter import Node


class Place(NamedTuple):
    """A stretch of one line."""

    line: int
    column: int
    width: int
    source_line: str


class _Span(NamedTuple):
    start: int
    end: int


class _Entry(NamedTuple):
    key: _Span
    value: _Span


_ESCAPE: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|[ \t]*\n\s*|.)")

_NEWER_ESCAPE: Final = re.compile(rb"\\(?:\\|e|x[0-9A-Fa-f]{2})")
r"""TOML 1.1 knows `\e` and `\x26`, at which tree-sitter would lose its way; two backslashes begin neither."""


def _plain(escape: re.Match[bytes]) -> bytes:
    """As long as it was, so that everything keeps its place."""
    return escape[0] if escape[0] == rb"\\" else b"_" * len(escape[0])


class Positions:
    """The positions of one document, given as text whose lines end in a line feed alone."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def find(self, mistake: Mistake) -> Place:
        """Find where a mistake stands, or else what is nearest around it."""
        path = mistake.path
        at_key = mistake.at_key
        while path not in self._entries:
            if not path:
                return self.place(0, 1)
            path, at_key = path[:-1], True
        entry = self._entries[path]
        return self.place(*(entry.key if at_key else self._narrowed(entry.value, mistake)))

    def _narrowed(self, value: "_Span", mistake: Mistake) -> "_Span":
        if mistake.end:
            return _inside(self._text, value, mistake.start, mistake.end)
        at = self._text.find(mistake.word, *value) if mistake.word else -1
        return value if at < 0 else _Span(at, at + len(mistake.word))

    def place(self, start: int, end: int) -> Place:
        """Turn offsets in the document into a stretch of the line where they begin."""
        row = bisect_right(self._lines, start) - 1
        begin = self._lines[row]
        source_line = self._text[begin:].partition("\n")[0]
        width = max(1, min(end - start, begin + len(source_line) - start))
        return Place(row + 1, start - begin + 1, width, source_line)

    @cached_property
    def _entries(self) -> dict[Path, _Entry]:
        import tree_sitter  # noqa: PLC0415 - 10 MB and 20 ms that files without mistakes need not pay
        import tree_sitter_toml  # noqa: PLC0415 - as above

        data = _NEWER_ESCAPE.sub(_plain, self._text.encode())
        root = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language())).parse(data).root_node
        entries: dict[Path, _Entry] = {}
        for path, key, value in _walk(root):
            entries.setdefault(path, _Entry(_chars(data, key), _chars(data, value)))
        return entries


def _chars(data: bytes, node: "Node") -> _Span:
    if data.isascii():
        return _Span(node.start_byte, node.end_byte)
    start = len(data[: node.start_byte].decode())
    return _Span(start, start + len(data[node.start_byte : node.end_byte].decode()))


def _walk(root: "Node") -> Iterator[tuple[Path, "Node", "Node"]]:
    counts: dict[Path, int] = {}
    for node in root.children:
        if node.type == "pair":
            yield from _pair((), node)
        elif node.type in ("table", "table_array_element"):
            yield from _table(node, counts)


def _table(node: "Node", counts: dict[Path, int]) -> Iterator[tuple[Path, "Node", "Node"]]:
    header, *pairs = _written(node) or [node]
    path = _names(header)
    yield from _headers(path, header)
    if node.type == "table_array_element":
        index = counts[path] = counts.get(path, -1) + 1
        path = (*path, index)
        yield path, header, header
    for pair in pairs:
        yield from _pair(path, pair)


def _headers(path: Path, header: "Node") -> Iterator[tuple[Path, "Node", "Node"]]:
    for length, key in enumerate(_parts(header), start=1):
        yield path[:length], key, key


def _pair(base: Path, node: "Node") -> Iterator[tuple[Path, "Node", "Node"]]:
    key, value, *_ = (*_written(node), node, node)  # what tree-sitter cannot read stands for its own parts
    names = _names(key)
    for length, part in enumerate(_parts(key), start=1):
        yield (*base, *names[:length]), part, value
    yield from _inner((*base, *names), value)


def _inner(path: Path, value: "Node") -> Iterator[tuple[Path, "Node", "Node"]]:
    if value.type == "inline_table":
        for child in _written(value):
            yield from _pair(path, child)
    elif value.type == "array":
        for index, item in enumerate(_written(value)):
            yield (*path, index), item, item
            yield from _inner((*path, index), item)


def _written(node: "Node") -> list["Node"]:
    return [child for child in node.named_children if child.type not in ("comment", "ERROR")]


def _parts(key: "Node") -> list["Node"]:
    if key.type != "dotted_key":
        return [key]
    return [part for child in key.named_children for part in _parts(child)]


def _names(key: "Node") -> Path:
    return tuple(_name((part.text or b"").decode()) for part in _parts(key))


def _name(written: str) -> str:
    if written[:1] not in ("'", '"'):
        return written
    if written[0] == "'":
        return written[1:-1]
    return _ESCAPE.sub(lambda match: _character(match[0]), written[1:-1])


def _character(escape: str) -> str:
    if len(escape) > 2 and escape[1] in "uU":  # noqa: PLR2004 - with its digits
        return chr(min(int(escape[2:], 16), sys.maxunicode))  # noqa: FURB166 - the prefix is TOML's, not Python's
    plain = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}
    return plain.get(escape[1], escape[1])


def _inside(text: str, value: _Span, start: int, end: int) -> _Span:
    offsets = _offsets(text[value.start : value.end])
    last = len(offsets) - 1
    return _Span(value.start + offsets[min(start, last)], value.start + offsets[min(end, last)])


def _offsets(written: str) -> list[int]:
    """For each character of the text, and for its end: where it stands in what was written, quotes and all."""
    quote = written[:3] if written[:3] in ('"""', "'''") else written[:1]
    begin, end = len(quote), len(written) - len(quote)
    if len(quote) > 1 and written[begin : begin + 1] == "\n":
        begin += 1
    offsets: list[int] = []
    while begin < end:
        escape = _ESCAPE.match(written, begin, end) if quote[0] == '"' else None
        length = len(escape[0]) if escape else 1
        if not (escape and "\n" in escape[0]):
            offsets.append(begin)
        begin += length
    return [*offsets, end]
