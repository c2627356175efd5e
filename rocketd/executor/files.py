"""Reads the environment files of runs; a file server that does not answer holds the loop up for a moment only."""

import errno
import os
import stat
from threading import Thread
from typing import Final

from rocketd.executor.mounts import Mounts

PATIENCE: Final = 1.0
"""Seconds to wait for a file that may hang."""
LARGEST: Final = 1024 * 1024
"""In bytes; execve(2) would refuse most that are larger."""


class Files:
    """Reads a file here, or where that may hang in a thread: never in a second one while the first has not answered."""

    def __init__(self, mounts: Mounts) -> None:
        self._mounts = mounts
        self._looks: dict[str, _Look] = {}

    def read(self, path: str) -> str:
        """Give the text of a file; raises OSError, and ValueError for what is no such file."""
        if not self._mounts.may_hang(path):
            return _read(path)
        self._must_have_answered(path)
        look = self._looks[path] = _Look(path)
        look.start()
        look.join(PATIENCE)
        self._must_have_answered(path)
        del self._looks[path]
        return look.text()

    def _must_have_answered(self, path: str) -> None:
        if path in self._looks and self._looks[path].is_alive():
            raise TimeoutError(errno.ETIMEDOUT, "no answer")


class _Look(Thread):
    def __init__(self, path: str) -> None:
        super().__init__(name="file", daemon=True)
        self._path = path
        self._found: str | Exception = ""

    def run(self) -> None:
        try:
            self._found = _read(self._path)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where it was asked for
            self._found = error

    def text(self) -> str:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


def _read(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe in its place must not hang us
    with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"larger than {LARGEST} bytes")
    if b"\0" in data:
        raise ValueError("contains a NUL byte")
    return data.decode()
