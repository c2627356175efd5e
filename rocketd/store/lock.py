"""The lock on a state directory: one daemon at a time."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rocketd.core.errors import StoreError
from rocketd.store.trouble import told

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
    """Holds a state directory from its making until `release`, or until the process is gone, however that dies.

    The lock is the kernel's (flock(2)); the PID in the file only says whose it is. The file is never deleted: two
    daemons could otherwise lock two files of the same name. Raises StateDirectoryHeld.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / FILE_NAME
        with told(path):
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                self._hold(directory)
            except BaseException:
                os.close(self._descriptor)
                raise

    def _hold(self, directory: Path) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateDirectoryHeld(directory, self._written_pid()) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def _written_pid(self) -> int | None:
        text = os.pread(self._descriptor, 32, 0).strip()
        return int(text) if text.isdigit() else None

    def release(self) -> None:
        """Let go of the directory; a second time changes nothing."""
        if self._descriptor >= 0:
            with suppress(OSError):  # a disk that takes nothing: whose it was is still written there
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
