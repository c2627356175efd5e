"""The lock on a state directory: one daemon at a time."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rocketd.core.errors import StoreError
from rocketd.store.errors import translating_errors
from rocketd.store.file_identity import Inode, inode
from rocketd.store.regular_file import read_regular
from rocketd.store.state_directory import require_control

FILE_NAME: Final = "lock"


class StateDirectoryHeld(StoreError):
    """Another daemon holds the state directory."""

    def __init__(self, directory: Path, pid: int | None) -> None:
        holder = f"another rocketd (PID {pid})" if pid else "another rocketd"
        super().__init__(
            f"{holder} holds the state directory {directory}",
            hint="stop it (systemctl stop rocketd), or give this one another --state-dir",
        )
        self.pid = pid
        """None: it had not yet written down its PID."""


class StateLock:
    """Holds a state directory from construction until `release`, or until the process dies, however that happens.

    The kernel holds the locks (flock(2)): one on a file that contains the PID of the holder, and one on the directory
    itself, which cannot be replaced unnoticed. The file is never deleted. Raises StateDirectoryHeld, and StoreError for
    a directory that another user can write to.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE_NAME
        self._file = self._directory = -1
        with translating_errors(self.path):
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            try:
                self._acquire()
            except BaseException:
                self._close()
                raise

    def renew(self) -> bool:
        """Lock the file again if somebody has removed or replaced it; return whether that was so.

        Raises StateDirectoryHeld if another daemon was faster, StoreError if there is no directory.
        """
        with translating_errors(self.path):
            return self._acquire()

    def _acquire(self) -> bool:
        """Lock the directory and the file unless they are locked already; return whether the file is a new one."""
        if self._directory < 0 or inode(self.path.parent) != _inode_of(self._directory):
            directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                require_control(self.path.parent, os.fstat(directory))
            except StoreError:
                os.close(directory)
                raise
            with suppress(OSError):  # some network file systems lock files alone
                self._lock(directory)
            self._directory = _replace(self._directory, directory)
        if self._file >= 0 and inode(self.path) == _inode_of(self._file):
            return False
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        self._lock(file)
        self._file = _replace(self._file, file)
        with suppress(OSError):  # the disk cannot be written: the lock is what counts
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        return True

    def _lock(self, descriptor: int) -> None:
        """Lock a descriptor, or close it and raise."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StateDirectoryHeld(self.path.parent, _written_pid(self.path)) from None

    def release(self) -> None:
        """Release the directory; a second call does nothing."""
        if self._file >= 0:
            with suppress(OSError):  # the disk cannot be written: the old PID stays in the file
                os.ftruncate(self._file, 0)
        self._close()

    def _close(self) -> None:
        for descriptor in (self._file, self._directory):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._directory = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _inode_of(descriptor: int) -> Inode | None:
    if descriptor < 0:
        return None
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _replace(previous: int, now: int) -> int:
    """Close the previous descriptor; return the new one."""
    if previous >= 0:
        os.close(previous)
    return now


def _written_pid(path: Path) -> int | None:
    with suppress(OSError, ValueError):
        text = read_regular(path)[:32].strip()
        return int(text) if text.isdigit() else None
    return None
