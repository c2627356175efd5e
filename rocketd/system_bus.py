"""A connection to the system bus that no user of the host can hold up.

Any user may send a signal of 32 MiB to any connection of the system bus, and to decode one takes ten seconds and a
gigabyte. So a signal that is larger than those of systemd is skipped before it is decoded. And any user may send one
that looks like systemd's: so its sender has to own systemd's name.
"""

from __future__ import annotations

import os
import socket
from errno import EAGAIN
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

SYSTEMD: Final = "org.freedesktop.systemd1"
BUS: Final = "org.freedesktop.DBus"
OWNER_RULE: Final = f"type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{SYSTEMD}'"
"""What `SystemdFilter` has to hear of, as a rule for AddMatch."""

MAX_SIGNAL: Final = 64 * 1024
"""Bytes of a signal; those of systemd about a unit have a few thousand."""
MAX_SKIPPED: Final = 1024 * 1024
"""Bytes that are skipped before others have their turn."""
_HEAD: Final = 16
"""Bytes until the sizes of a message are known: D-Bus specification, message format."""
_SIGNAL: Final = 4


async def connect_to_bus(address: str | None) -> MessageBus:
    """Connect to the system bus, or to the one at an address; raises OSError, and the exceptions of dbus-fast."""
    from dbus_fast import BusType  # noqa: PLC0415 - only who uses units pays for it: memory and time
    from dbus_fast.aio import MessageBus  # noqa: PLC0415 - as above

    class SystemBus(MessageBus):
        """A connection whose socket skips large signals, once it is no longer asked who we are."""

        async def _authenticate(self) -> None:
            await super()._authenticate()
            connected, writer = self._sock, self._writer
            assert connected is not None and writer is not None  # noqa: S101, PT018 - they have just been used
            self._sock = writer.sock = SystemBusSocket(connected.detach())

    return await SystemBus(bus_address=address, bus_type=BusType.SYSTEM).connect()


class SystemdFilter:
    """Passes on the signals of systemd, and of nobody else: a handler of messages."""

    def __init__(self, on_signal: Callable[[Message], None], on_owner: Callable[[], None]) -> None:
        """`on_owner` is called when systemd has come back to the bus."""
        self._on_signal = on_signal
        self._on_owner = on_owner
        self._owner = ""
        """The connection of systemd; empty: it has none."""

    def begin(self, owner: str) -> None:
        """Begin with the owner that the bus names; one that has come meanwhile is newer."""
        self._owner = self._owner or owner

    def __call__(self, message: Message) -> None:
        """Take a message."""
        if message.sender == self._owner:
            self._on_signal(message)
        elif message.sender == BUS and message.member == "NameOwnerChanged" and message.body[:1] == [SYSTEMD]:
            self._owner = str(message.body[2])
            if self._owner:
                self._on_owner()


class SystemBusSocket(socket.socket):
    """A socket that skips large signals."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(fileno=descriptor)
        self.settimeout(0)
        self._filter = MessageFilter()

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive some bytes of messages that are passed on; raises BlockingIOError."""
        skipped = 0
        while data := super().recv(size, flags):
            if passed := self._filter.feed(data):
                return passed
            skipped += len(data)
            if skipped >= MAX_SKIPPED:
                raise BlockingIOError(EAGAIN, os.strerror(EAGAIN))  # as if there were no more: what is left comes next
        return data


class MessageFilter:
    """Takes the bytes of messages as they come, and returns those of messages that are passed on."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._left = 0
        """Bytes of the current message that are still to come, once its head is known."""
        self._skips = False

    def feed(self, data: bytes) -> bytes:
        """Return what is to be passed on."""
        passed = bytearray()
        at = 0
        while at < len(data):
            part = data[at : at + (self._left or _HEAD - len(self._head))]
            at += len(part)
            if self._left:
                self._left -= len(part)
            else:
                self._head += part
                if len(self._head) < _HEAD:
                    break
                part = self._begin()
            passed += b"" if self._skips else part
        return bytes(passed)

    def _begin(self) -> bytes:
        """Begin a message whose head is complete; return that."""
        head, self._head = bytes(self._head), bytearray()
        order = "little" if head[:1] == b"l" else "big"
        body, fields = (int.from_bytes(head[place : place + 4], order) for place in (4, 12))  # type: ignore[arg-type] # one of two
        self._left = (fields + 7) // 8 * 8 + body
        self._skips = head[1] == _SIGNAL and self._left > MAX_SIGNAL
        return head
