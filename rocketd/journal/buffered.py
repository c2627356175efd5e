"""A journal that never waits for its reader.

While the reader is too slow, messages wait in a bounded backlog until the loop reports that the channel is writable;
nothing is polled. If there is no reader, nothing can be watched, and the next message tries again.

`on_congested` is called with True when so much waits that the output of tasks should not be read, and with False when
all of it has been sent.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol

from rocketd.core.instant import SECOND, Duration
from rocketd.core.messages.daemon_messages import lines_left_out
from rocketd.core.messages.message import Message, Priority
from rocketd.journal.backlog import DEFAULT_SIZE, Backlog, EncodedMessage

BATCH: Final = 256
"""Messages sent in one iteration of the loop; about 3 ms."""


class Channel(Protocol):
    """Sends encoded messages. Only `wait` blocks."""

    def encode(self, message: Message) -> EncodedMessage:
        """Return the message as it is to be sent."""
        ...

    def send(self, encoded: EncodedMessage) -> bool:
        """Send a message, or return False if there is no room now. Raises OSError if it can never be sent."""
        ...

    @property
    def unsent(self) -> bytes:
        """The rest of a message that was sent in part."""
        ...

    def flush(self) -> bool:
        """Send the unsent rest; return whether nothing is left."""
        ...

    @property
    def writable_fd(self) -> int | None:
        """The descriptor that becomes writable when there is room; None: there is no reader to wait for."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait for room, for `seconds` at most; return whether there is some."""
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
        backlog_size: int = DEFAULT_SIZE,
    ) -> None:
        self._loop = loop
        self._channel = channel
        self._level = level
        self._backlog = Backlog(backlog_size)
        self._watched_fd: int | None = None
        self._congested = False
        self.on_congested: Callable[[bool], None] = _ignore

    def is_enabled(self, priority: Priority) -> bool:
        """Whether messages of this priority are written."""
        return priority <= self._level

    def write(self, message: Message) -> bool:
        """Send a message, or queue it until the reader accepts it. Ignores those below the level."""
        if not self.is_enabled(message.priority):
            return True
        encoded = self._channel.encode(message)
        accepted = self._idle and self._send(encoded)
        if accepted and not self._backlog.pending and not self._channel.unsent:
            return True
        accepted = accepted or self._enqueue(encoded, message)
        if self._watched_fd is None and not self._idle:
            self._on_writable()
        return accepted

    def close(self, timeout: Duration = SECOND) -> int:
        """Send what waits, for `timeout` at most; return the number of messages that are lost."""
        self._unwatch()
        deadline = monotonic() + timeout / SECOND
        while not self._flush() and self._channel.wait(deadline - monotonic()):
            pass
        self._channel.close()
        return len(self._backlog) + self._backlog.dropped

    def _enqueue(self, encoded: EncodedMessage, message: Message) -> bool:
        queued = self._backlog.add(encoded, is_output=message.is_output)
        if self._backlog.congested and not self._congested:
            self._congested = True
            self.on_congested(True)  # noqa: FBT003 - a callback that takes the new state
        return queued

    @property
    def _idle(self) -> bool:
        """Whether nothing waits, so that the next message can be sent at once."""
        return (
            self._watched_fd is None
            and not self._backlog.pending
            and (not self._channel.unsent or self._flush_channel())
        )

    def _on_writable(self) -> None:
        """Send what waits, and have the loop call this again when there is room for the rest."""
        if self._flush():
            self._unwatch()
            if self._congested:
                self._congested = False
                self.on_congested(False)  # noqa: FBT003 - a callback that takes the new state
        else:
            self._watch()

    def _flush(self) -> bool:
        """Send what waits, but no more than a batch; return whether nothing is left."""
        self._backlog.drain(self._send, BATCH)
        if self._backlog.dropped and not self._backlog:
            self._report_gap()
        return not self._backlog and self._flush_channel()

    def _report_gap(self) -> None:
        gap, self._backlog.dropped = self._backlog.dropped, 0
        self._backlog.add(self._channel.encode(lines_left_out(gap)), is_output=False)
        self._backlog.drain(self._send, 1)
        if self._backlog.dropped:  # not even this could be sent: report it later
            self._backlog.dropped = gap

    def _send(self, encoded: EncodedMessage) -> bool:
        """Return whether the message is settled: sent, or dropped and counted."""
        try:
            return self._channel.send(encoded)
        except OSError:
            self._backlog.dropped += 1
            return True

    def _flush_channel(self) -> bool:
        try:
            return self._channel.flush()
        except OSError:
            self._backlog.dropped += 1
            return True

    def _watch(self) -> None:
        writable_fd = self._channel.writable_fd
        if writable_fd == self._watched_fd:
            return
        self._unwatch()
        if writable_fd is not None:
            self._loop.add_writer(writable_fd, self._on_writable)
            self._watched_fd = writable_fd

    def _unwatch(self) -> None:
        if self._watched_fd is not None:
            self._loop.remove_writer(self._watched_fd)
            self._watched_fd = None


def _ignore(_congested: bool) -> None:  # noqa: FBT001 - a callback that takes the new state
    pass
