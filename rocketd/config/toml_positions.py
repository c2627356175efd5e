"""Positions in a TOML document: lines and columns of its keys, values, and of characters inside strings.

tomli gives values without positions. So where there is a mistake, and only there, the document is parsed once more by
tree-sitter, which keeps positions and forgives what it does not know (a newer TOML); what it missed is shown at the
nearest key around it.
"""

import re
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.config.problems import Mistake, Path

if TYPE_CHECKING:
    from tree_sitter import Node


MAX_LINE: Final = 300
BEFORE: Final = 60
"""Characters of a long line that are shown, and those among them that are before the mistake."""


class Place(NamedTuple):
    """A stretch of one line."""

    line: int
    column: int
    width: int
    source_line: str
    """The line, or of a long one what is around the stretch, with an ellipsis for the rest."""
    source_column: int = 1
    """Which column of the line it begins with."""


class _TextSpan(NamedTuple):
    start: int
    end: int


class _Entry(NamedTuple):
    """The positions of a key and its value, in bytes."""

    key: _TextSpan
    value: _TextSpan


_ESCAPE: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|[ \t]*\n\s*|.)")

_NEWER_ESCAPE: Final = re.compile(rb"\\(?:\\|e|x[0-9A-Fa-f]{2})")
r"""TOML 1.1 knows `\e` and `\x26`, at which tree-sitter would lose its way; two backslashes begin neither."""


def _plain(escape: re.Match[bytes]) -> bytes:
    """As long as it was, so that everything keeps its place."""
    return escape[0] if escape[0] == rb"\\" else b"_" * len(escape[0])


class Positions:
    """The positions of one document, given as text whose lines end in a line feed alone."""

    def __init__(self, text: str, paths: Iterable[Path] | None = None) -> None:
        """`paths`: what will be looked for, so that the rest takes no memory; None: anything."""
        self._text = text
        self._filter = None if paths is None else _PathFilter(paths)

    def find(self, mistake: Mistake) -> Place:
        """Find the position of a mistake, or of the nearest key around it."""
        path = mistake.path
        at_key = mistake.at_key
        while path not in self._entries:
            if not path:
                return self.place(0, 1)
            path, at_key = path[:-1], True
        entry = self._entries[path]
        key, value = self._chars(entry.key), self._chars(entry.value)
        return self.place(*(key if at_key else self._narrowed(value, mistake)))

    def _narrowed(self, value: "_TextSpan", mistake: Mistake) -> "_TextSpan":
        if mistake.end:
            return _inside(self._text, value, mistake.start, mistake.end)
        at = self._text.find(mistake.word, *value) if mistake.word else -1
        return value if at < 0 else _TextSpan(at, at + len(mistake.word))

    def place(self, start: int, end: int) -> Place:
        """Turn offsets in the document into a stretch of the line where they begin."""
        text = self._text
        row = bisect_right(self._lines, start) - 1
        begin = self._lines[row]
        after = text.find("\n", start)
        first, last = begin, len(text) if after < 0 else after
        if last - first > MAX_LINE:
            first = max(begin, start - BEFORE)
            last = min(last, first + MAX_LINE)
        cut = first > begin
        source_line = "…" * cut + text[first:last] + "…" * (last < (len(text) if after < 0 else after))
        width = max(1, min(end, last) - start)
        return Place(row + 1, start - begin + 1, width, source_line, first - begin + 1 - cut)

    @cached_property
    def _lines(self) -> "array[int]":
        """Where each line begins."""
        return array("I", (0, *(match.end() for match in re.finditer("\n", self._text))))

    @cached_property
    def _entries(self) -> dict[Path, _Entry]:
        import tree_sitter  # noqa: PLC0415 - 10 MB and 20 ms that files without mistakes need not pay
        import tree_sitter_toml  # noqa: PLC0415 - as above

        root = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language())).parse(self._data).root_node
        entries: dict[Path, _Entry] = {}
        for path, key, value in _EntryParser(self._filter).of(root):
            if self._filter is None or path in self._filter.paths:
                entries.setdefault(path, _Entry(_span(key), _span(value)))
        return entries

    @cached_property
    def _data(self) -> bytes:
        """The document as tree-sitter takes it, each byte in its place."""
        return _NEWER_ESCAPE.sub(_plain, self._text.encode())

    def _chars(self, span: _TextSpan) -> _TextSpan:
        """Count characters in place of bytes."""
        if self._text.isascii():
            return span
        start = len(self._data[: span.start].decode())
        return _TextSpan(start, start + len(self._data[span.start : span.end].decode()))


def _span(node: "Node") -> _TextSpan:
    return _TextSpan(node.start_byte, node.end_byte)


class _PathFilter:
    """What is looked for."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = {path[:length] for path in paths for length in range(len(path) + 1)}
        self.parents = {path[:-1] for path in self.paths if path}


class _EntryParser:
    """A walk over a document, into what something is looked for in."""

    def __init__(self, paths: _PathFilter | None) -> None:
        self._filter = paths
        self._counts: dict[Path, int] = {}

    def of(self, root: "Node") -> Iterator[tuple[Path, "Node", "Node"]]:
        """Yield the paths, each with the nodes of its key and its value."""
        for node in root.children:
            if node.type == "pair":
                yield from self._pair((), node)
            elif node.type in ("table", "table_array_element"):
                yield from self._table(node)

    def _is_needed(self, path: Path) -> bool:
        return self._filter is None or path in self._filter.parents

    def _table(self, node: "Node") -> Iterator[tuple[Path, "Node", "Node"]]:
        header = _header(node)
        path = _names(header)
        for length, key in enumerate(_parts(header), start=1):
            yield path[:length], key, key
        if node.type == "table_array_element":
            index = self._counts[path] = self._counts.get(path, -1) + 1
            path = (*path, index)
            yield path, header, header
        if self._is_needed(path):
            for pair in _named_children(node)[1:]:
                yield from self._pair(path, pair)

    def _pair(self, base: Path, node: "Node") -> Iterator[tuple[Path, "Node", "Node"]]:
        key, value, *_ = (*_named_children(node), node, node)  # an error node has no key and value: use it for both
        names = _names(key)
        for length, part in enumerate(_parts(key), start=1):
            yield (*base, *names[:length]), part, value
        yield from self._inner((*base, *names), value)

    def _inner(self, path: Path, value: "Node") -> Iterator[tuple[Path, "Node", "Node"]]:
        if value.type not in ("inline_table", "array") or not self._is_needed(path):
            return
        for index, item in enumerate(_named_children(value)):
            if value.type == "inline_table":
                yield from self._pair(path, item)
            else:
                yield (*path, index), item, item
                yield from self._inner((*path, index), item)


def _header(node: "Node") -> "Node":
    """Return the name of a table; an error node is its own name."""
    first = node.named_child(0) if node.named_child_count else None
    return node if first is None or first.type in ("comment", "ERROR") else first


def _named_children(node: "Node") -> list["Node"]:
    return [child for child in node.named_children if child.type not in ("comment", "ERROR")]


def _parts(key: "Node") -> list["Node"]:
    if key.type != "dotted_key":
        return [key]
    return [part for child in key.named_children for part in _parts(child)]


def _names(key: "Node") -> Path:
    return tuple(_name((part.text or b"").decode()) for part in _parts(key))


def _name(source: str) -> str:
    if source[:1] not in ("'", '"'):
        return source
    if source[0] == "'":
        return source[1:-1]
    return _ESCAPE.sub(lambda match: _character(match[0]), source[1:-1])


def _character(escape: str) -> str:
    if len(escape) > 2 and escape[1] in "uU":  # noqa: PLR2004 - with its digits
        return chr(min(int(escape[2:], 16), sys.maxunicode))  # noqa: FURB166 - the prefix is TOML's, not Python's
    plain = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}
    return plain.get(escape[1], escape[1])


def _inside(text: str, value: _TextSpan, start: int, end: int) -> _TextSpan:
    offsets = _offsets(text[value.start : value.end])
    last = len(offsets) - 1
    return _TextSpan(value.start + offsets[min(start, last)], value.start + offsets[min(end, last)])


# "a\tb" (6 characters in the file) is a, tab, b: they are at 1, 2 and 4, and the text ends at 5.
def _offsets(source: str) -> list[int]:
    """Return the offset of each character of the text, and of its end, in the source with its quotes."""
    quote = source[:3] if source[:3] in ('"""', "'''") else source[:1]
    begin, end = len(quote), len(source) - len(quote)
    if len(quote) > 1 and source[begin : begin + 1] == "\n":
        begin += 1
    offsets: list[int] = []
    while begin < end:
        escape = _ESCAPE.match(source, begin, end) if quote[0] == '"' else None
        length = len(escape[0]) if escape else 1
        if not (escape and "\n" in escape[0]):
            offsets.append(begin)
        begin += length
    return [*offsets, end]
