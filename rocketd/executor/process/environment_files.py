"""Reads the environment files that the daemon may read itself; the launcher reads all others."""

import os
import stat
from typing import Final

from rocketd.executor.process.path_trust import PathTrust

MAX_BYTES: Final = 1024 * 1024
"""In bytes; execve(2) would refuse most larger ones. Also in environment.c of the launcher."""


class EnvironmentFiles:
    """Reads files that only root and the daemon's own user control."""

    def __init__(self, trust: PathTrust) -> None:
        self._trust = trust

    def read(self, path: str) -> str:
        """Return the text of a file.

        Raises UntrustedPath, OSError, and ValueError for a file that is not regular, too large or not text.
        """
        if not stat.S_ISREG(self._trust.stat(path).st_mode):
            raise ValueError("not a regular file")
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:  # noqa: PTH123 - of a descriptor
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES} bytes")
        if b"\0" in data:
            raise ValueError("contains a NUL byte")
        return _decoded(data)


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte 0x{data[error.start]:02x} at position {error.start}") from None
