r"""What a run prints: cut into lines that are told at once, and a tail that is kept for its record.

Everything here is bounded, whatever a task does. An endless line is told in pieces, as journald does. What a run tells
within a `WINDOW` has a limit of its own; beyond it lines are counted instead, and where they are missing it is told, at
the beginning and at the end of the gap. Reading goes on meanwhile, in larger helpings, so that the task is not held up
and the tail stays the tail. Bytes that are no UTF-8 become visible as `\xff`; everything else is data and stays as it
is, escape sequences included: making them harmless is for whoever shows them.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from rocketd.core.instant import MINUTE, Duration
from rocketd.core.messages.output_messages import cut_from_here, lines_left_out, missing_output

LINE_BYTES: Final = 48 * 1024
"""The longest line that is told in one piece; as LineMax= of journald.conf(5)."""
WINDOW: Final[Duration] = MINUTE
LIMIT: Final = 64 * 1024 * 1024
"""What a run may tell within a window, where nobody says otherwise."""
UNLIMITED: Final = sys.maxsize
LINE_COST: Final = 100
"""What a line counts beside its bytes: some of what it costs journald."""
SIP: Final = 1024
"""How much is read at once while lines are told: telling costs some 13 µs a line, and others wait meanwhile."""
GULP: Final = 64 * 1024
"""How much is read at once while lines are only counted: as much as a pipe holds."""

Tell: TypeAlias = Callable[[str, str], object]
"""Takes the name of a stream and a line; False: it could not be told."""


class OutputTail:
    """The last bytes of what was printed, both streams together, as a rule from the beginning of a line on."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._seen = 0

    def add(self, data: bytes) -> None:
        """Append these bytes; costs nothing in proportion to what was seen before."""
        self._seen += len(data)
        self._kept += data[-self._limit - 1 :]
        if len(self._kept) > 2 * self._limit + 2:
            del self._kept[: -self._limit - 1]

    def text(self) -> str:
        """The tail; where something is missing before it, its first line says how much."""
        if self._seen <= self._limit:
            return self._kept.decode(errors="backslashreplace")
        if self._limit == 0:
            return ""
        kept = bytes(self._kept[-self._limit - 1 :])  # one more, for the newline just before the tail
        kept = kept[self._beginning(kept) :]
        return f"… {self._seen - len(kept)} bytes omitted\n{kept.decode(errors='backslashreplace')}"

    def _beginning(self, kept: bytes) -> int:
        """Where to begin: with a line, unless that would leave most of it out, as where a long one lies before."""
        line = kept.find(b"\n") + 1
        if 0 < line <= len(kept) * 3 // 4:
            return line
        return next((at for at in range(1, min(5, len(kept))) if _begins_character(kept[at])), 1)


class LineSplitter:
    """One of a run's streams: cuts what is read into whole lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._begun = bytearray()
        """A line that has no end yet."""

    def take(self, data: bytes) -> bytes:
        """Give the bytes that can be told now: whole lines, or what is too long to wait for its end."""
        cut = data.rfind(b"\n") + 1
        if cut == 0 and len(self._begun) + len(data) < LINE_BYTES:
            self._begun += data
            return b""
        if len(data) - cut >= LINE_BYTES or cut == 0:
            cut = len(data)
        told = bytes(self._begun) + data[:cut]
        self._begun = bytearray(data[cut:])
        return told

    def rest(self) -> bytes:
        """Give what was printed without a newline at its end."""
        begun, self._begun = bytes(self._begun), bytearray()
        return begun


class Output:
    """Everything that one run prints."""

    def __init__(self, tail: int, tell: Tell, monotonic: Callable[[], Duration], limit: int = LIMIT) -> None:
        self._tail = OutputTail(tail)
        self._tell = tell
        self._monotonic = monotonic
        self._since = monotonic()
        self._limit = limit
        self._room = limit
        self._over = False
        self._gap = (0, 0)
        """Lines and bytes that were left out since the limit was reached."""
        self._left_out = (0, 0)
        self._untold = 0

    @property
    def helping(self) -> int:
        """How much to read at once."""
        return GULP if self._over or not self._limit else SIP

    def take(self, stream: LineSplitter, data: bytes) -> None:
        """Take in what was read from that stream."""
        self._pass_on(stream.name, stream.take(data))

    def end(self, stream: LineSplitter) -> None:
        """Take in that nothing will be read from it any more."""
        self._pass_on(stream.name, stream.rest())

    def close(self) -> tuple[str, str]:
        """Tell what is still to be told; give the tail, and a sentence about what was not told."""
        self._settle("stdout")
        return self._tail.text(), missing_output(self._left_out, self._untold)

    def _pass_on(self, stream: str, data: bytes) -> None:
        if not data:
            return
        self._tail.add(data)
        if not self._limit:
            return
        if self._monotonic() - self._since >= WINDOW:
            self._settle(stream)
        if self._over:
            self._leave_out(data)
        else:
            self._tell_lines(stream, data)

    def _tell_lines(self, stream: str, data: bytes) -> None:
        told = 0
        for line, size in _lines(data):
            self._room -= size + LINE_COST
            if self._room < 0:
                self._over = True
                self._tell(stream, cut_from_here(self._limit))
                self._leave_out(data[told:])
                return
            told += size
            if self._tell(stream, line) is False:
                self._untold += 1

    def _leave_out(self, data: bytes) -> None:
        lines, size = self._gap
        self._gap = (lines + data.count(b"\n"), size + len(data))

    def _settle(self, stream: str) -> None:
        if self._over:
            self._tell(stream, lines_left_out(*self._gap))
            self._left_out = (self._left_out[0] + self._gap[0], self._left_out[1] + self._gap[1])
        self._since = self._monotonic()
        self._room, self._over, self._gap = self._limit, False, (0, 0)


def _lines(data: bytes) -> Iterator[tuple[str, int]]:
    """Give each line, in pieces if it is long, and how many bytes of the data that takes."""
    if len(data) <= LINE_BYTES:  # so is every line in it
        for line in data.removesuffix(b"\n").split(b"\n"):
            yield line.decode(errors="backslashreplace"), len(line) + 1
        return
    for line in data.removesuffix(b"\n").split(b"\n"):
        yield from _pieces(line)


def _pieces(line: bytes) -> Iterator[tuple[str, int]]:
    while len(line) > LINE_BYTES:
        cut = _character_start(line, LINE_BYTES)
        yield line[:cut].decode(errors="backslashreplace") + " …", cut
        line = line[cut:]
    yield line.decode(errors="backslashreplace"), len(line) + 1


def _character_start(line: bytes, at: int) -> int:
    """The place at or up to three bytes before `at` where a UTF-8 character begins."""
    return next((cut for cut in range(at, at - 4, -1) if _begins_character(line[cut])), at)


def _begins_character(byte: int) -> bool:
    return byte & 0xC0 != 0x80  # noqa: PLR2004 - the two bits that mark a continuation byte (RFC 3629)
