"""A descriptor to write lines to without ever waiting for whoever reads them.

O_NONBLOCK belongs to the open file and so to every process that shares it: the shell that started us would find its
terminal non-blocking. So a terminal or a pipe is opened once more by its name in /proc, which gives a file of our own;
a socket, which cannot be opened, has a flag for each send; a regular file never lets anybody wait.
"""

import os
import stat
from errno import EBADF, ECONNRESET, EIO, ENOTCONN, EPIPE
from select import POLLOUT, poll
from socket import MSG_DONTWAIT, MSG_NOSIGNAL, socket
from typing import Final

_GONE: Final = frozenset({EPIPE, ECONNRESET, ENOTCONN, EBADF, EIO})  # EIO: the terminal was hung up


class NonblockingWriter:
    """Writes to what a descriptor is open on; the descriptor itself is left alone."""

    def __init__(self, descriptor: int) -> None:
        self._mode = os.fstat(descriptor).st_mode
        self._file = _own_file(descriptor, self._mode)
        self._socket = socket(fileno=os.dup(descriptor)) if stat.S_ISSOCK(self._mode) else None
        self._poll = poll()
        self._poll.register(self._file, POLLOUT)
        self.gone = False
        """The reader has gone away: everything written is dropped."""

    def write(self, data: bytes) -> int:
        """Write what there is room for; returns how many bytes that were, all of them once the reader is gone.

        Raises OSError where nothing can be written for another reason, as on a full disk.
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
        """Wait for room, for that long at most."""
        return seconds > 0 and bool(self._poll.poll(seconds * 1000))

    @property
    def watchable(self) -> int | None:
        """The descriptor to watch for room; None: there will be none."""
        return None if self.gone or stat.S_ISREG(self._mode) else self._file

    @property
    def is_terminal(self) -> bool:
        """Whether a person may be looking."""
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


def _own_file(descriptor: int, mode: int) -> int:
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        try:
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:  # a terminal of another user, as after su(1): a line may then have to wait for Ctrl-Q
            pass
    return os.dup(descriptor)
