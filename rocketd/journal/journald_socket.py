"""The socket through which libsystemd reaches journald, modified so that sending never blocks.

`sendv` blocks, and holds the interpreter's lock, when journald does not read: as soon as the queue of journald's socket
is full, or the buffer of the sender's. A stopped journald would freeze the daemon with all its threads. libsystemd
opens one datagram socket for all entries and does not expose it. So it is looked up after the first entry, connected
and set non-blocking: one poll then covers the queue and the buffer, and an entry that finds no room nevertheless fails
with EAGAIN. Until then, and if the lookup fails, a connected socket of this module shows whether the queue is full.
"""

import os
import socket
import stat
from collections.abc import Sequence
from errno import ECONNREFUSED
from select import POLLOUT, poll
from typing import ClassVar, Final, TypeAlias

from systemd.journal import sendv

PATH: Final = "/run/systemd/journal/socket"
"""A constant of libsystemd."""

_Identity: TypeAlias = tuple[int, int, int]


class JournalSocket:
    """Sends entries to journald. Raises OSError, with EAGAIN if there is no room. Only `wait` blocks."""

    _library: ClassVar[socket.socket | None] = None
    """The socket of libsystemd, shared with it until the process ends."""

    def __init__(self) -> None:
        self._own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._own.settimeout(0)
        self._socket = self._library or self._own
        self._poll = poll()
        self._poll.register(self._socket, POLLOUT)
        self._searched = self._library is not None
        self._identity: _Identity | None = None
        """Of the file that it is connected to; None: it is not connected."""

    @property
    def connected(self) -> socket.socket | None:
        """The socket to poll for room; None while journald cannot be reached."""
        return self._socket if self._identity else None

    def has_room(self) -> bool:
        """Whether an entry can be sent now. Connects again if journald's socket has been replaced."""
        identity = _identity_of(PATH)
        if identity != self._identity:
            self._connect(identity)
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait for room, for `seconds` at most; return whether there is some."""
        if self._identity is None or seconds < 0:
            return False
        return bool(self._poll.poll(seconds * 1000))

    def send(self, fields: Sequence[str | bytes]) -> None:
        """Send one entry; it may be lost silently if journald's socket disappears at this moment."""
        if not self._searched:
            self._send_first(fields)
            return
        try:
            sendv(*fields)
        except OSError as error:
            if error.errno == ECONNREFUSED:  # the file exists, but no process has it open
                self._identity = None
            raise

    def close(self) -> None:
        """Close the socket of this module; libsystemd keeps its own."""
        self._own.close()
        self._identity = None

    def _send_first(self, fields: Sequence[str | bytes]) -> None:
        self._searched = True
        before = _unnamed_sockets()
        try:
            self.send(fields)
        finally:
            self._adopt(_unnamed_sockets() - before)

    def _adopt(self, opened: set[int]) -> None:
        if len(opened) != 1:
            return
        self._socket = JournalSocket._library = socket.socket(fileno=os.dup(opened.pop()))
        self._socket.settimeout(0)
        self._poll.unregister(self._own)
        self._poll.register(self._socket, POLLOUT)
        self._identity = None

    def _connect(self, identity: _Identity | None) -> None:
        try:
            self._socket.connect(PATH)
        except OSError:
            identity = None
        self._identity = identity


def _identity_of(path: str) -> _Identity | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - once per entry: a Path object costs as much as the call
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_ctime_ns)


def _unnamed_sockets() -> set[int]:
    """Return the datagram sockets of this process without a name and a peer, as libsystemd's is at first."""
    return {int(name) for name in os.listdir("/proc/self/fd") if _is_unnamed_socket(int(name))}  # noqa: PTH208 - numbers


def _is_unnamed_socket(descriptor: int) -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return False
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            return (copy.family, copy.type) == (socket.AF_UNIX, socket.SOCK_DGRAM) and _is_unconnected(copy)
    except OSError:  # closed meanwhile
        return False


def _is_unconnected(copy: socket.socket) -> bool:
    try:
        copy.getpeername()
    except OSError:
        return not copy.getsockname()
    return False
