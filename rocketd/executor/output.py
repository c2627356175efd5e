r"""What a run prints: cut into lines that are told at once, and a tail that is kept for its record.

Everything here is bounded, whatever a task does. An endless line is told in pieces, as journald does. Of a flood
`WINDOW_LINES` lines (or `WINDOW_BYTES` bytes) in each `WINDOW` are told; the rest is counted, and the count is told
when the window is over. Reading goes on meanwhile, in larger helpings, so that the task is not held up and the tail
stays the tail. Bytes that are no UTF-8 become visible as `\xff`; everything else is data and stays as it is, escape
sequences included: making them harmless is for whoever shows them.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from rocketd.core.instant import SECOND, Duration

LINE_BYTES: Final = 48 * 1024
"""The longest line that is told in one piece; as LineMax= of journald.conf(5)."""
WINDOW: Final[Duration] = 5 * SECOND
WINDOW_LINES: Final = 5_000
WINDOW_BYTES: Final = 5 * 1024 * 1024
SIP: Final = 4 * 1024
"""How much is read at once while lines are told: telling costs some 13 µs a line, and others wait meanwhile."""
GULP: Final = 64 * 1024
"""How much is read at once while lines are only counted: as much as a pipe holds."""

Tell: TypeAlias = Callable[[str, str], None]
"""Takes the name of a stream and a line."""


class Tail:
    """The last bytes of what was printed, both streams together, from the beginning of a line on."""

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
        kept = kept[kept.find(b"\n") + 1 :] or kept
        kept = kept[-self._limit :]
        return f"… {self._seen - len(kept)} bytes left out\n{kept.decode(errors='backslashreplace')}"


class Stream:
    """One of a run's two streams: cuts what is read into whole lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.begun = b""
        """A line that has no end yet."""

    def take(self, data: bytes) -> bytes:
        """Give the bytes that can be told now: whole lines, or what is too long to wait for its end."""
        if self.begun:
            data = self.begun + data
        cut = data.rfind(b"\n") + 1
        if len(data) - cut >= LINE_BYTES:
            cut = len(data)
        self.begun = data[cut:]
        return data[:cut]

    def rest(self) -> bytes:
        """Give what was printed without a newline at its end."""
        begun, self.begun = self.begun, b""
        return begun


class Output:
    """Everything that one run prints."""

    def __init__(self, tail: int, tell: Tell, monotonic: Callable[[], Duration]) -> None:
        self._tail = Tail(tail)
        self._tell = tell
        self._monotonic = monotonic
        self._since = monotonic()
        self._lines = WINDOW_LINES
        self._bytes = WINDOW_BYTES
        self._left_out = 0

    @property
    def helping(self) -> int:
        """How much to read at once."""
        return GULP if self._left_out else SIP

    def take(self, stream: Stream, data: bytes) -> None:
        """Take in what was read from that stream."""
        self._pass_on(stream.name, stream.take(data))

    def end(self, stream: Stream) -> None:
        """Take in that nothing will be read from it any more."""
        if stream.begun:
            self._pass_on(stream.name, stream.rest())

    def close(self) -> str:
        """Tell what is still to be told, and give the tail."""
        if self._left_out:
            self._settle("stdout")
        return self._tail.text()

    def _pass_on(self, stream: str, data: bytes) -> None:
        if not data:
            return
        self._tail.add(data)
        if self._monotonic() - self._since >= WINDOW:
            self._settle(stream)
        if self._left_out:
            self._left_out += _count(data)
        else:
            self._tell_lines(stream, data)

    def _tell_lines(self, stream: str, data: bytes) -> None:
        for line in _lines(data):
            if self._lines <= 0 or self._bytes < len(line):
                self._left_out += 1
                continue
            self._lines -= 1
            self._bytes -= len(line)
            self._tell(stream, line)

    def _settle(self, stream: str) -> None:
        if self._left_out:
            plural = "line" if self._left_out == 1 else "lines"
            self._tell(stream, f"… {self._left_out} {plural} left out, too many at once")
        self._since = self._monotonic()
        self._lines, self._bytes, self._left_out = WINDOW_LINES, WINDOW_BYTES, 0


def _lines(data: bytes) -> Iterator[str]:
    whole = data.removesuffix(b"\n")
    if len(whole) <= LINE_BYTES:  # so is every line in it
        yield from whole.decode(errors="backslashreplace").split("\n")
        return
    for line in whole.split(b"\n"):
        yield from _pieces(line)


def _pieces(line: bytes) -> Iterator[str]:
    while len(line) > LINE_BYTES:
        cut = _character_start(line, LINE_BYTES)
        yield line[:cut].decode(errors="backslashreplace") + " …"
        line = line[cut:]
    yield line.decode(errors="backslashreplace")


def _character_start(line: bytes, at: int) -> int:
    """The place at or up to three bytes before `at` where a UTF-8 character begins."""
    for cut in range(at, at - 4, -1):
        if line[cut] & 0xC0 != 0x80:  # noqa: PLR2004 - the two bits that mark a continuation byte (RFC 3629)
            return cut
    return at


def _count(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n"))
