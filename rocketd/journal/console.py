"""Messages as lines on a terminal: what a daemon in the foreground shows.

    14:03:07 backup started: daily
    14:03:08 backup | 12 files copied
    14:03:09 backup succeeded after 2.041s

The output of tasks is never sent raw: a terminal would interpret it.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Final
from zlib import crc32

from rocketd.core.escaping import visible
from rocketd.core.instant import SECOND, Instant, datetime_of
from rocketd.core.messages.message import Message, Priority
from rocketd.journal.backlog import EncodedMessage
from rocketd.journal.buffered import BufferedJournal
from rocketd.journal.nonblocking_writer import NonblockingWriter

_MARGIN: Final = " " * len("14:03:07 ")
_FAINT: Final = "2"
_COLOURS: Final = {Priority.ERROR: "31", Priority.WARNING: "33", Priority.NOTICE: "1", Priority.DEBUG: _FAINT}
"""SGR parameters of ECMA-48; a message of priority INFO has none."""
_TASK_COLOURS: Final = ("32", "34", "35", "36", "92", "94", "95", "96")
"""Colours that are legible on light and dark backgrounds and do not signal trouble."""


class ConsoleJournal(BufferedJournal):
    """The `Journal` of a daemon in the foreground, by default on standard output."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], Instant],
        zone: tzinfo,
        *,
        level: Priority = Priority.INFO,
        descriptor: int = 1,
    ) -> None:
        writer = NonblockingWriter(descriptor)
        channel = ConsoleChannel(writer, now, zone, colour=use_colour(writer, os.environ))
        super().__init__(loop, channel, level=level)


def use_colour(writer: NonblockingWriter, environment: Mapping[str, str]) -> bool:
    """Whether to use colours: on a terminal that has them, unless NO_COLOR is set (https://no-color.org)."""
    return writer.is_terminal and not environment.get("NO_COLOR") and environment.get("TERM", "dumb") != "dumb"


class ConsoleChannel:
    """Messages as lines, each with the local time at which it was written."""

    def __init__(self, writer: NonblockingWriter, now: Callable[[], Instant], zone: tzinfo, *, colour: bool) -> None:
        self._writer = writer
        self._now = now
        self._zone = zone
        self._colour = colour
        self.unsent = b""
        """The rest of a line that was written in part; it must be written before the next line."""
        self._last_time = (0, "")
        """The last second and its text: most messages are of the same second as the one before."""

    def encode(self, message: Message) -> EncodedMessage:
        return [f"{self._time()} {self._body(message)}\n".encode(errors="backslashreplace")]

    def send(self, encoded: EncodedMessage) -> bool:
        if self.unsent and not self.flush():
            return False
        self.unsent = b"".join([part for part in encoded if isinstance(part, bytes)])
        self.flush()
        return True

    def flush(self) -> bool:
        if self.unsent:
            unsent, self.unsent = self.unsent, b""  # dropped if it cannot be written at all
            self.unsent = unsent[self._writer.write(unsent) :]
        return not self.unsent

    @property
    def writable_fd(self) -> int | None:
        return self._writer.writable_fd

    def wait(self, seconds: float) -> bool:
        return self._writer.wait(seconds)

    def close(self) -> None:
        self._writer.close()

    def _time(self) -> str:
        now = self._now()
        second, text = self._last_time
        if now // SECOND != second:
            text = self._paint(f"{datetime_of(now, self._zone):%H:%M:%S}", _FAINT)
            self._last_time = (now // SECOND, text)
        return text

    def _body(self, message: Message) -> str:
        task = message.fields.get("ROCKETD_TASK", "")
        if message.is_output:
            return f"{self._task(task)} {self._paint('| ' + visible(message.message.expandtabs()), _FAINT)}"
        colour = _COLOURS.get(message.priority, "")
        if task and message.message.startswith(task):
            return self._task(task) + self._paint(_text(message.message.removeprefix(task)), colour)
        return self._paint(_text(message.message), colour)

    def _task(self, name: str) -> str:
        name = visible(name)
        return self._paint(name, _TASK_COLOURS[crc32(name.encode()) % len(_TASK_COLOURS)]) if self._colour else name

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour else text


def _text(message: str) -> str:
    """Make a message printable; its further lines are indented, so that none looks like a message of its own."""
    if message.isprintable():
        return message
    return f"\n{_MARGIN}".join(visible(line.expandtabs()) for line in message.split("\n"))
