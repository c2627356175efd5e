"""Reads the environment files that the daemon may read itself; the others are the launcher's."""

import os
import stat
from typing import Final

from rocketd.executor.process.path_trust import PathTrust

LARGEST: Final = 1024 * 1024
"""In bytes; execve(2) would refuse most that are larger. launcher.c has it as well."""


class EnvironmentFiles:
    """Reads files that nobody can steer but root and we ourselves."""

    def __init__(self, trust: PathTrust) -> None:
        self._trust = trust

    def read(self, path: str) -> str:
        """Give the text of a file; raises Untrusted, OSError, and ValueError for what is no such file."""
        if not stat.S_ISREG(self._trust.look(path).st_mode):
            raise ValueError("not a regular file")
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:  # noqa: PTH123 - of a descriptor
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise ValueError(f"larger than {LARGEST} bytes")
        if b"\0" in data:
            raise ValueError("contains a NUL byte")
        return _decoded(data)


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte 0x{data[error.start]:02x} at position {error.start}") from None
