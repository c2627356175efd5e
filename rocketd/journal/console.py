"""Entries as lines on a terminal: what a daemon in the foreground shows a person.

    14:03:07 backup started: daily
    14:03:08 backup | 12 files copied
    14:03:09 backup succeeded after 2.041s

What tasks print is never sent raw: a terminal would obey it.
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
from rocketd.journal.backlog import Formed
from rocketd.journal.buffered import BufferedJournal
from rocketd.journal.nonblocking_writer import NonblockingWriter

_MARGIN: Final = " " * len("14:03:07 ")
_FAINT: Final = "2"
_COLOURS: Final = {Priority.ERROR: "31", Priority.WARNING: "33", Priority.NOTICE: "1", Priority.DEBUG: _FAINT}
"""SGR parameters of ECMA-48; an entry of information has none."""
_TASK_COLOURS: Final = ("32", "34", "35", "36", "92", "94", "95", "96")
"""Those that are seen on light and dark ground and do not mean trouble."""


class ConsoleJournal(BufferedJournal):
    """The `Journal` of a daemon in the foreground, on standard output unless told otherwise."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], Instant],
        zone: tzinfo,
        *,
        level: Priority = Priority.INFO,
        descriptor: int = 1,
    ) -> None:
        outlet = NonblockingWriter(descriptor)
        channel = ConsoleChannel(outlet, now, zone, colour=wants_colour(outlet, os.environ))
        super().__init__(loop, channel, level=level)


def wants_colour(outlet: NonblockingWriter, environment: Mapping[str, str]) -> bool:
    """Whether to colour: on a terminal that can, unless NO_COLOR is set (https://no-color.org)."""
    return outlet.is_terminal and not environment.get("NO_COLOR") and environment.get("TERM", "dumb") != "dumb"


class ConsoleChannel:
    """Entries as lines, with the local time at which they were told."""

    def __init__(self, outlet: NonblockingWriter, now: Callable[[], Instant], zone: tzinfo, *, colour: bool) -> None:
        self._outlet = outlet
        self._now = now
        self._zone = zone
        self._colour = colour
        self.rest = b""
        """Of a line written in part: it must come first, or the next would be glued to it."""
        self._told = (0, "")
        """The last second that was told, and how: most entries are of the same one as the entry before."""

    def form(self, entry: Message) -> Formed:
        return [f"{self._time()} {self._body(entry)}\n".encode(errors="backslashreplace")]

    def send(self, formed: Formed) -> bool:
        if self.rest and not self.finish():
            return False
        self.rest = b"".join(part for part in formed if isinstance(part, bytes))
        self.finish()
        return True

    def finish(self) -> bool:
        if self.rest:
            rest, self.rest = self.rest, b""  # dropped if it cannot be written at all
            self.rest = rest[self._outlet.write(rest) :]
        return not self.rest

    @property
    def watchable(self) -> int | None:
        return self._outlet.watchable

    def wait(self, seconds: float) -> bool:
        return self._outlet.wait(seconds)

    def close(self) -> None:
        self._outlet.close()

    def _time(self) -> str:
        now = self._now()
        second, told = self._told
        if now // SECOND != second:
            told = self._paint(f"{datetime_of(now, self._zone):%H:%M:%S}", _FAINT)
            self._told = (now // SECOND, told)
        return told

    def _body(self, entry: Message) -> str:
        task = entry.fields.get("ROCKETD_TASK", "")
        if entry.is_output:
            return f"{self._task(task)} {self._paint('| ' + visible(entry.message.expandtabs()), _FAINT)}"
        colour = _COLOURS.get(entry.priority, "")
        if task and entry.message.startswith(task):
            return self._task(task) + self._paint(_text(entry.message.removeprefix(task)), colour)
        return self._paint(_text(entry.message), colour)

    def _task(self, name: str) -> str:
        name = visible(name)
        return self._paint(name, _TASK_COLOURS[crc32(name.encode()) % len(_TASK_COLOURS)]) if self._colour else name

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour else text


def _text(message: str) -> str:
    """Make a message printable; further lines stand back, so that none passes for an entry of its own."""
    if message.isprintable():
        return message
    return f"\n{_MARGIN}".join(visible(line.expandtabs()) for line in message.split("\n"))
