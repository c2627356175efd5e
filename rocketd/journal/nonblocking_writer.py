"""Writes to a descriptor without ever waiting for its reader.

O_NONBLOCK belongs to the open file, and so to every process that shares it: the shell that started the daemon would
find its terminal non-blocking. So a terminal or a pipe is opened again by its name in /proc, which makes a separate
open file; a socket, which cannot be opened, has a flag for each send; a regular file never blocks.
"""

import os
import stat
from errno import EBADF, ECONNRESET, EIO, ENOTCONN, EPIPE
from select import POLLOUT, poll
from socket import MSG_DONTWAIT, MSG_NOSIGNAL, socket
from typing import Final

_GONE: Final = frozenset({EPIPE, ECONNRESET, ENOTCONN, EBADF, EIO})  # EIO: the terminal was hung up


class NonblockingWriter:
    """Writes to the file of a descriptor; the descriptor itself is not changed."""

    def __init__(self, descriptor: int) -> None:
        self._mode = os.fstat(descriptor).st_mode
        self._file = _reopened(descriptor, self._mode)
        self._socket = socket(fileno=os.dup(descriptor)) if stat.S_ISSOCK(self._mode) else None
        self._poll = poll()
        self._poll.register(self._file, POLLOUT)
        self.gone = False
        """Whether the reader is gone: everything written is dropped."""

    def write(self, data: bytes) -> int:
        """Write what there is room for; return the number of bytes (all of them once the reader is gone).

        Raises OSError if nothing can be written for another reason, as on a full disk.
        """
        if self.gone:
            return len(data)
        try:
            return self._write(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno not in _GONE:
                raise
            self.gone = True
            return len(data)

    def wait(self, seconds: float) -> bool:
        """Wait for room, for `seconds` at most; return whether there is some."""
        return seconds > 0 and bool(self._poll.poll(seconds * 1000))

    @property
    def writable_fd(self) -> int | None:
        """The descriptor that becomes writable when there is room; None: there is nothing to wait for."""
        return None if self.gone or stat.S_ISREG(self._mode) else self._file

    @property
    def is_terminal(self) -> bool:
        """Whether it writes to a terminal."""
        return os.isatty(self._file)

    def close(self) -> None:
        os.close(self._file)
        if self._socket is not None:
            self._socket.close()
        self.gone = True

    def _write(self, data: bytes) -> int:
        if self._socket is not None:
            return self._socket.send(data, MSG_DONTWAIT | MSG_NOSIGNAL)
        return os.write(self._file, data)


def _reopened(descriptor: int, mode: int) -> int:
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        try:
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:  # a terminal of another user, as after su(1): a line may block until Ctrl-Q
            pass
    return os.dup(descriptor)
