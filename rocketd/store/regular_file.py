"""Reads a whole file; what is not a regular file is not read: a FIFO in its place would block."""

import os
import stat
from pathlib import Path


def read_regular(path: Path) -> str:
    """Return the text of a file. Raises OSError, and ValueError if it is not a regular file or not UTF-8."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, encoding="utf-8") as file:  # noqa: PTH123 - it is open already
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        return file.read()
