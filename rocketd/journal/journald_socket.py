"""The socket by which libsystemd reaches journald, made such that sending never waits.

`sendv` blocks, and holds the interpreter's lock, when journald does not read: as soon as the queue of journald's
socket is full, or the buffer of the sender's. A stopped journald would freeze the daemon with every thread.
libsystemd opens one datagram socket for all entries and does not hand it out. So it is looked up after the first
entry, connected and set non-blocking: one poll then knows about the queue and the buffer, and an entry that finds no
room all the same fails with EAGAIN. Until then, and where the lookup fails, a connected socket of our own tells
whether the queue is full.
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
"""Built into libsystemd."""

_Identity: TypeAlias = tuple[int, int, int]


class JournalSocket:
    """Sends to journald. Raises OSError, with EAGAIN when there is no room, and never waits but in `wait`."""

    _library: ClassVar[socket.socket | None] = None
    """libsystemd's own, shared with it for the life of the process."""

    def __init__(self) -> None:
        self._own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._own.settimeout(0)
        self._socket = self._library or self._own
        self._poll = poll()
        self._poll.register(self._socket, POLLOUT)
        self._sought = self._library is not None
        self._identity: _Identity | None = None
        """Of the file it is connected to; None: to none."""

    @property
    def connected(self) -> socket.socket | None:
        """What to poll for room; None while journald cannot be reached."""
        return self._socket if self._identity else None

    def has_room(self) -> bool:
        """Whether an entry can be sent now. Connects anew if journald's socket has been replaced."""
        identity = _identity_of(PATH)
        if identity != self._identity:
            self._connect(identity)
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait for room, for that long at most."""
        if self._identity is None or seconds < 0:
            return False
        return bool(self._poll.poll(seconds * 1000))

    def send(self, fields: Sequence[str | bytes]) -> None:
        """Send one entry; may lose it silently if journald's socket vanishes at this very moment."""
        if not self._sought:
            self._send_first(fields)
            return
        try:
            sendv(*fields)
        except OSError as error:
            if error.errno == ECONNREFUSED:  # the file is there, but nobody has it open
                self._identity = None
            raise

    def close(self) -> None:
        """Close what is ours; libsystemd keeps its own."""
        self._own.close()
        self._identity = None

    def _send_first(self, fields: Sequence[str | bytes]) -> None:
        self._sought = True
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
    """Descriptors of datagram sockets of this process that have no name and no peer: as libsystemd's is at first."""
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
