"""A journal that never waits for its reader.

While the reader takes nothing, entries wait in a bounded backlog and the loop watches for room; nothing looks again
and again. Where nobody can be reached, there is nothing to watch, and the next entry tries again.

`on_crowded` is called with True when so much waits that it is better not to read what tasks print, and with False when
all of that has been told.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

from rocketd.core.instant import SECOND, Duration
from rocketd.core.messages.daemon_messages import lines_left_out
from rocketd.core.messages.message import Message, Priority
from rocketd.journal.backlog import SIZE, Backlog, Formed

BATCH: Final = 256
"""Entries sent in one iteration of the loop; about 3 ms."""


class Channel(Protocol):
    """Where formed entries go. Never waits but in `wait`."""

    def form(self, entry: Message) -> Formed:
        """Write the entry as it will be sent."""
        ...

    def send(self, formed: Formed) -> bool:
        """Send it, or return False if there is no room now. Raises OSError if it can never be sent."""
        ...

    @property
    def rest(self) -> bytes:
        """What is left of an entry that was sent in part."""
        ...

    def finish(self) -> bool:
        """Send that; whether nothing is left."""
        ...

    @property
    def watchable(self) -> int | None:
        """The descriptor to watch for room; None: there is nobody to wait for."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait for room, for that long at most."""
        ...

    def close(self) -> None: ...


class BufferedJournal:
    """A `Journal` over a channel. Only the loop's own thread may call it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        channel: Channel,
        *,
        level: Priority = Priority.INFO,
        backlog_size: int = SIZE,
    ) -> None:
        self._loop = loop
        self._channel = channel
        self._level = level
        self._backlog = Backlog(backlog_size)
        self._watched: int | None = None
        self._crowded = False
        self.on_crowded: Callable[[bool], None] = _nobody

    def is_enabled(self, priority: Priority) -> bool:
        """Whether it is as urgent as the level."""
        return priority <= self._level

    def write(self, entry: Message) -> bool:
        """Tell one entry, or keep it until it is taken. Those less urgent than the level are dropped."""
        if not self.is_enabled(entry.priority):
            return True
        formed = self._channel.form(entry)
        told = (self._idle and self._send(formed)) or self._keep(formed, entry)
        if self._watched is None and not self._idle:
            self._go_on()
        return told

    def close(self, patience: Duration = SECOND) -> int:
        """Tell what waits, for that long at most; returns how many entries nobody will see."""
        self._unwatch()
        deadline = monotonic() + patience / SECOND
        while not self._told() and self._channel.wait(deadline - monotonic()):
            pass
        self._channel.close()
        return len(self._backlog) + self._backlog.left_out

    def _keep(self, formed: Formed, entry: Message) -> bool:
        kept = self._backlog.keep(formed, is_output=entry.is_output)
        if self._backlog.crowded and not self._crowded:
            self._crowded = True
            self.on_crowded(True)  # noqa: FBT003 - as it is told
        return kept

    @property
    def _idle(self) -> bool:
        """Whether nothing waits, so that the next entry may go out at once."""
        return self._watched is None and not self._backlog.owes and (not self._channel.rest or self._finish())

    def _go_on(self) -> None:
        """Tell what waits, and have the loop call again when there is room for the rest."""
        if self._told():
            self._unwatch()
            if self._crowded:
                self._crowded = False
                self.on_crowded(False)  # noqa: FBT003 - as it is told
        else:
            self._watch()

    def _told(self) -> bool:
        """Tell what waits, but no more than a batch; whether nothing waits any more."""
        self._backlog.drain(self._send, BATCH)
        if self._backlog.left_out and not self._backlog:
            self._tell_gap()
        return not self._backlog and self._finish()

    def _tell_gap(self) -> None:
        gap, self._backlog.left_out = self._backlog.left_out, 0
        self._backlog.keep(self._channel.form(lines_left_out(gap)), is_output=False)
        self._backlog.drain(self._send, 1)
        if self._backlog.left_out:  # not even this could be sent: it stays to be told
            self._backlog.left_out = gap

    def _send(self, formed: Formed) -> bool:
        """Whether it is done with: sent, or given up and counted."""
        try:
            return self._channel.send(formed)
        except OSError:
            self._backlog.left_out += 1
            return True

    def _finish(self) -> bool:
        try:
            return self._channel.finish()
        except OSError:
            self._backlog.left_out += 1
            return True

    def _watch(self) -> None:
        watchable = self._channel.watchable
        if watchable == self._watched:
            return
        self._unwatch()
        if watchable is not None:
            self._loop.add_writer(watchable, self._go_on)
            self._watched = watchable

    def _unwatch(self) -> None:
        if self._watched is not None:
            self._loop.remove_writer(self._watched)
            self._watched = None


def _nobody(_crowded: bool) -> None:  # noqa: FBT001 - as it is told
    pass
