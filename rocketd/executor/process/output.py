r"""The output of a run: lines that are passed on at once, and a tail that is kept for its record.

Everything here is bounded, whatever a task does. An endless line is passed on in pieces, as journald does. The output
of a run within each `LIMIT_INTERVAL` is limited; lines beyond the limit are only counted, and a message marks the
beginning and the end of the gap. Reading continues meanwhile, in larger portions, so that the task is not slowed down
and the tail stays current. Bytes that are not UTF-8 are shown as `\xff`; everything else is passed on unchanged, escape
sequences included: whoever displays them has to make them harmless.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from rocketd.core.instant import MINUTE, Duration
from rocketd.core.messages.output_messages import cut_from_here, lines_left_out, missing_output

LINE_BYTES: Final = 48 * 1024
"""The longest line that is passed on in one piece; as LineMax= of journald.conf(5)."""
LIMIT_INTERVAL: Final[Duration] = MINUTE
DEFAULT_LIMIT: Final = 64 * 1024 * 1024
"""The output that is passed on per `LIMIT_INTERVAL`, in bytes, unless configured otherwise."""
UNLIMITED: Final = sys.maxsize
LINE_COST: Final = 100
"""Bytes that each line counts in addition to its length: a part of its cost in journald."""
SMALL_READ: Final = 1024
"""Bytes per read while lines are passed on: each line takes some 13 µs, and the loop waits meanwhile."""
LARGE_READ: Final = 64 * 1024
"""Bytes per read while lines are only counted: the capacity of a pipe."""

Emit: TypeAlias = Callable[[str, str], object]
"""Called with the name of a stream and a line; returns False if the line was dropped."""


class OutputTail:
    """The last bytes of the output, both streams together; it usually begins with a whole line."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._total = 0

    def add(self, data: bytes) -> None:
        """Append these bytes; the cost does not depend on what was added before."""
        self._total += len(data)
        self._buffer += data[-self._limit - 1 :]
        if len(self._buffer) > 2 * self._limit + 2:
            del self._buffer[: -self._limit - 1]

    def text(self, *, all_added: bool = True) -> str:
        """Return the tail; if output before it was dropped, its first line says how much, if all of it was added."""
        if self._total <= self._limit:
            return self._buffer.decode(errors="backslashreplace")
        if self._limit == 0:
            return ""
        tail = bytes(self._buffer[-self._limit - 1 :])  # one more, for the newline just before the tail
        tail = tail[self._tail_start(tail) :]
        dropped = f"{self._total - len(tail)} bytes" if all_added else "earlier output"
        return f"… {dropped} omitted\n{tail.decode(errors='backslashreplace')}"

    def _tail_start(self, tail: bytes) -> int:
        r"""Return where the tail begins: at a line, unless that would drop more than three quarters of it.

        With a limit of 8, and one byte more in the buffer:

        b"b\ncd\nef\n"   2: the tail is "cd\nef\n"
        b"abcdefg\nh"    1: "h" alone would drop too much, so it is "bcdefg\nh"
        """
        line = tail.find(b"\n") + 1
        if 0 < line <= len(tail) * 3 // 4:
            return line
        return next((at for at in range(1, min(5, len(tail))) if _begins_character(tail[at])), 1)


class LineSplitter:
    """Splits one stream of a run into whole lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._partial = bytearray()
        """A line whose end has not been read yet."""

    def feed(self, data: bytes) -> bytes:
        """Return the bytes that can be passed on now: whole lines, or a line that is too long to wait for its end."""
        cut = data.rfind(b"\n") + 1
        if cut == 0 and len(self._partial) + len(data) < LINE_BYTES:
            self._partial += data
            return b""
        if len(data) - cut >= LINE_BYTES or cut == 0:
            cut = len(data)
        complete = bytes(self._partial) + data[:cut]
        self._partial = bytearray(data[cut:])
        return complete

    def flush(self) -> bytes:
        """Return the last line, if it has no newline at its end."""
        partial, self._partial = bytes(self._partial), bytearray()
        return partial


class Output:
    """The output of one run: passes lines on, and keeps the tail."""

    def __init__(self, tail: int, emit: Emit, monotonic: Callable[[], Duration], limit: int = DEFAULT_LIMIT) -> None:
        self._tail = OutputTail(tail)
        self._emit = emit
        self._monotonic = monotonic
        self._interval_start = monotonic()
        self._limit = limit
        self._remaining = limit
        self._over_limit = False
        self._gap = (0, 0)
        """Lines and bytes that were dropped since the limit was reached."""
        self._omitted = (0, 0)
        self._undelivered = 0
        self.streams: set[str] = set()
        """Those on which anything was printed."""

    @property
    def read_size(self) -> int:
        """The number of bytes to read at once."""
        return LARGE_READ if self._over_limit or not self._limit else SMALL_READ

    def feed(self, stream: LineSplitter, data: bytes) -> None:
        """Handle what was read from a stream."""
        self._handle(stream.name, stream.feed(data))

    def end(self, stream: LineSplitter) -> None:
        """Handle the end of a stream."""
        self._handle(stream.name, stream.flush())

    @property
    def tail(self) -> str:
        """The end of what has been passed on until now."""
        return self._tail.text()

    def close(self) -> tuple[str, str]:
        """Pass on what is left; return the tail, and a sentence about dropped output (empty if there is none)."""
        self._start_interval("stdout")
        return self._tail.text(), missing_output(self._omitted, self._undelivered)

    def _handle(self, stream: str, data: bytes) -> None:
        if not data:
            return
        self._tail.add(data)
        self.streams.add(stream)
        if not self._limit:
            return
        if self._monotonic() - self._interval_start >= LIMIT_INTERVAL:
            self._start_interval(stream)
        if self._over_limit:
            self._omit(data)
        else:
            self._emit_lines(stream, data)

    def _emit_lines(self, stream: str, data: bytes) -> None:
        complete = 0
        for line, size in _lines(data):
            self._remaining -= size + LINE_COST
            if self._remaining < 0:
                self._over_limit = True
                self._emit(stream, cut_from_here(self._limit))
                self._omit(data[complete:])
                return
            complete += size
            if self._emit(stream, line) is False:
                self._undelivered += 1

    def _omit(self, data: bytes) -> None:
        lines, size = self._gap
        self._gap = (lines + data.count(b"\n"), size + len(data))

    def _start_interval(self, stream: str) -> None:
        if self._over_limit:
            self._emit(stream, lines_left_out(*self._gap))
            self._omitted = (self._omitted[0] + self._gap[0], self._omitted[1] + self._gap[1])
        self._interval_start = self._monotonic()
        self._remaining, self._over_limit, self._gap = self._limit, False, (0, 0)


def _lines(data: bytes) -> Iterator[tuple[str, int]]:
    """Yield each line, in pieces if it is long, with the number of bytes that it takes up in the data."""
    if len(data) <= LINE_BYTES:  # then every line in it is short
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
    """Return the position, at most three bytes before `at`, where a UTF-8 character begins."""
    return next((cut for cut in range(at, at - 4, -1) if _begins_character(line[cut])), at)


def _begins_character(byte: int) -> bool:
    return byte & 0xC0 != 0x80  # noqa: PLR2004 - the two bits that mark a continuation byte (RFC 3629)
