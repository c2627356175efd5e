"""Entries for journald, through systemd-python."""

import asyncio
from collections.abc import Mapping
from errno import EAGAIN, ECONNREFUSED, ENOBUFS
from typing import Final

from rocketd.core.messages.message import Message, Priority
from rocketd.journal.backlog import SIZE, Formed
from rocketd.journal.buffered import BufferedJournal
from rocketd.journal.journald_socket import JournalSocket

MESSAGE_BYTES: Final = 96 * 1024
"""A longer message is cut: the kernel takes datagrams of about 200 kB, all fields together."""

FIELD_BYTES: Final = 8 * 1024
"""Ten fields of this length fit beside the message."""

_NOT_NOW: Final = frozenset({EAGAIN, ENOBUFS, ECONNREFUSED})


class JournaldJournal(BufferedJournal):
    """The `Journal` of a service."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, level: Priority = Priority.INFO, backlog_size: int = SIZE
    ) -> None:
        super().__init__(loop, JournaldChannel(), level=level, backlog_size=backlog_size)


class JournaldChannel:
    """Entries as datagrams, each with its fields."""

    rest: Final = b""
    """A datagram goes out whole or not at all."""

    def __init__(self) -> None:
        self._socket = JournalSocket()
        self._fields: Mapping[str, str] = {}
        self._formed_fields: Formed = ()
        """Those of the last entry: all lines of a run have the same."""

    def form(self, entry: Message) -> Formed:
        """Write the fields of systemd.journal-fields(7)."""
        if entry.fields is not self._fields:
            self._fields = entry.fields
            self._formed_fields = [_field(name, value, FIELD_BYTES) for name, value in entry.fields.items()]
        message = _field("MESSAGE", entry.message, MESSAGE_BYTES)
        fields = [message, f"PRIORITY={entry.priority:d}", f"SYSLOG_IDENTIFIER={entry.identifier}"]
        if entry.message_id:
            fields.append(f"MESSAGE_ID={entry.message_id}")
        return (*fields, *self._formed_fields)

    def send(self, formed: Formed) -> bool:
        if not self._socket.has_room():
            return False
        try:
            self._socket.send(formed)
        except OSError as error:
            if error.errno in _NOT_NOW:
                return False
            raise
        return True

    def finish(self) -> bool:
        return True

    @property
    def watchable(self) -> int | None:
        connected = self._socket.connected
        return connected.fileno() if connected else None

    def wait(self, seconds: float) -> bool:
        return self._socket.wait(seconds)

    def close(self) -> None:
        self._socket.close()


def _field(name: str, value: str, most: int) -> str | bytes:
    field = f"{name}={_cut(value, most)}"
    return field if field.isascii() else _bytes(field)


def _cut(text: str, most: int) -> str:
    """Shorten to that many bytes, and say so: what is cut must not look like the end of the line."""
    if 4 * len(text) <= most:  # no character takes more than 4 bytes
        return text
    encoded = _bytes(text)
    if len(encoded) <= most:
        return text
    kept = encoded[:most].decode(errors="ignore")
    return f"{kept} … (cut here, {len(encoded)} bytes in all)"


def _bytes(text: str) -> bytes:
    """Encode; bytes that were none of UTF-8 go out as they came in."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return text.encode(errors="backslashreplace")
