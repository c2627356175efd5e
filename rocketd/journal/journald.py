"""Messages for journald, through systemd-python."""

import asyncio
from collections.abc import Mapping
from errno import EAGAIN, ECONNREFUSED, ENOBUFS
from typing import Final

from rocketd.core.messages.message import Message, Priority
from rocketd.journal.backlog import DEFAULT_SIZE, EncodedMessage
from rocketd.journal.buffered import BufferedJournal
from rocketd.journal.journald_socket import JournalSocket

MESSAGE_BYTES: Final = 96 * 1024
"""A longer message is cut: the kernel accepts datagrams of about 200 kB, all fields together."""

FIELD_BYTES: Final = 8 * 1024
"""Ten fields of this length fit in addition to the message."""

_TEMPORARY: Final = frozenset({EAGAIN, ENOBUFS, ECONNREFUSED})


class JournaldJournal(BufferedJournal):
    """The `Journal` of a service."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, level: Priority = Priority.INFO, backlog_size: int = DEFAULT_SIZE
    ) -> None:
        super().__init__(loop, JournaldChannel(), level=level, backlog_size=backlog_size)


class JournaldChannel:
    """Messages as datagrams, each with its fields."""

    unsent: Final = b""
    """Always empty: a datagram is sent completely or not at all."""

    def __init__(self) -> None:
        self._socket = JournalSocket()
        self._fields: Mapping[str, str] = {}
        self._formed_fields: EncodedMessage = ()
        """The fields of the last message: all lines of a run have the same."""

    def encode(self, entry: Message) -> EncodedMessage:
        """Return the fields of systemd.journal-fields(7)."""
        if entry.fields is not self._fields:
            self._fields = entry.fields
            self._formed_fields = [_field(name, value, FIELD_BYTES) for name, value in entry.fields.items()]
        message = _field("MESSAGE", entry.message, MESSAGE_BYTES)
        fields = [message, f"PRIORITY={entry.priority:d}", f"SYSLOG_IDENTIFIER={entry.identifier}"]
        if entry.message_id:
            fields.append(f"MESSAGE_ID={entry.message_id}")
        return (*fields, *self._formed_fields)

    def send(self, encoded: EncodedMessage) -> bool:
        if not self._socket.has_room():
            return False
        try:
            self._socket.send(encoded)
        except OSError as error:
            if error.errno in _TEMPORARY:
                return False
            raise
        return True

    def flush(self) -> bool:
        return True

    @property
    def writable_fd(self) -> int | None:
        connected = self._socket.connected
        return connected.fileno() if connected else None

    def wait(self, seconds: float) -> bool:
        return self._socket.wait(seconds)

    def close(self) -> None:
        self._socket.close()


def _field(name: str, value: str, limit: int) -> str | bytes:
    field = f"{name}={_cut(value, limit)}"
    return field if field.isascii() else _bytes(field)


def _cut(text: str, limit: int) -> str:
    """Shorten a text to `limit` bytes, and mark it as cut: it must not look like a complete line."""
    if 4 * len(text) <= limit:  # no character takes more than 4 bytes
        return text
    encoded = _bytes(text)
    if len(encoded) <= limit:
        return text
    head = encoded[:limit].decode(errors="ignore")
    return f"{head} … (cut here, {len(encoded)} bytes in all)"


def _bytes(text: str) -> bytes:
    """Encode a text; bytes that were not UTF-8 are sent as they were read."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:  # a surrogate that does not stand for a byte
        return text.encode(errors="backslashreplace")
