"""The file of the control socket.

It appears with its final owner and mode, in one step, in place of whatever a killed daemon left there; it never
replaces that of a daemon that still listens. If the daemon dies in between, its next start repeats the same steps.
"""

import errno
import os
import socket
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from rocketd.core.errors import RocketdError

T = TypeVar("T")

_UCRED: Final = struct.Struct("3i")
_SO_PEERGROUPS: Final = 59
"""From <asm-generic/socket.h>; the socket module lacks it."""
_GROUPS_BYTES: Final = 1024
"""The most that `getsockopt` reads: 256 groups."""


class Peer(NamedTuple):
    """The process that connected, as it was at that moment (SO_PEERCRED of unix(7))."""

    pid: int
    uid: int
    groups: frozenset[int]
    """Its group and its supplementary groups."""


def peer_of(connection: socket.socket) -> Peer:
    """Ask the kernel; raises OSError if the connection is gone."""
    pid, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return Peer(pid, uid, frozenset({gid, *_supplementary(connection)}))


def _supplementary(connection: socket.socket) -> tuple[int, ...]:
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES)
    except OSError:  # too many groups: use the first one only
        return ()
    return struct.unpack(f"{len(raw) // 4}I", raw)


BACKLOG: Final = 128


class CannotListen(RocketdError):
    """The control socket cannot be opened."""

    def __init__(self, message: str, *, hint: str = "", temporary: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.temporary = temporary
        """Whether it can be corrected without a restart: the directory is full, missing or not writable."""


@contextmanager
def listening(path: Path, open_to: Callable[[Path], object]) -> Iterator[socket.socket]:
    """Listen at `path`, for its owner and those to whom `open_to` opens the file; raises CannotListen."""
    _check_free(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            _bind(listener, path, open_to)
        except OSError as error:
            raise _cannot_listen(path, error) from None
        own = os.stat(path)  # noqa: PTH116 - compared by os.path.samestat
        try:
            yield listener
        finally:
            _remove(path, own)


def _check_free(path: Path) -> None:
    if not _exists(path):
        return
    if not path.is_socket():
        raise CannotListen(f"{path} is not a socket", hint="remove it, if nothing needs it", temporary=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return  # no process has it open: a daemon that was killed left it behind
        except BlockingIOError:
            pass  # a process has it open, and is busy
        except OSError as error:
            raise _cannot_listen(path, error) from None
    raise CannotListen(f"another daemon listens at {path}", hint="stop it, or give this one another --runtime-dir")


def _exists(path: Path) -> bool:
    try:
        return bool(path.lstat())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _cannot_listen(path, error) from None


def _cannot_listen(path: Path, error: OSError) -> CannotListen:
    """Return the error; only "AF_UNIX path too long", which has no errno, is permanent."""
    why = "the runtime directory is not a directory" if isinstance(error, FileExistsError) else error.strerror or error
    return CannotListen(
        f"cannot listen at {path}: {why}",
        hint="--runtime-dir chooses another directory",
        temporary=error.errno is not None,
    )


def _bind(listener: socket.socket, path: Path, open_to: Callable[[Path], object]) -> None:
    """Bind to a temporary path, and rename that when owner and mode are set."""
    temporary_path = path.with_name(f"{path.name}.new")
    temporary_path.unlink(missing_ok=True)
    os.fchmod(listener.fileno(), stat.S_IRUSR | stat.S_IWUSR)  # the mode that bind gives the file
    listener.bind(str(temporary_path))
    open_to(temporary_path)
    listener.listen(BACKLOG)
    temporary_path.rename(path)


def with_descriptor(path: Path, change: Callable[[Path], T]) -> T:
    """Change who may use the socket at that path, and nothing else that has taken its place; raises OSError."""
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
        return change(Path(f"/proc/self/fd/{descriptor}"))
    finally:
        os.close(descriptor)


def _remove(path: Path, own: os.stat_result) -> None:
    """Remove the file, unless another daemon has replaced it."""
    try:
        if os.path.samestat(path.lstat(), own):
            path.unlink()
    except FileNotFoundError:
        pass
