"""Which files a store is made of: whether what lies under their names is what was opened.

A file that is open stays so when its name is removed or given to another. SQLite goes on with it, and what it writes is
gone with the process. So whoever reads or writes looks first; three stat(2) take some microseconds.
"""

import os
import stat
from pathlib import Path
from typing import NamedTuple, TypeAlias

Inode: TypeAlias = tuple[int, int]
"""Device and number."""

COMPANIONS = ("-wal", "-shm")
"""What SQLite's WAL mode keeps beside a database."""


class FileIdentity(NamedTuple):
    """The database and its companions; None: there is none."""

    place: str
    """Where the database is, behind any symbolic link: its companions lie beside it."""
    database: Inode | None
    wal: Inode | None
    shm: Inode | None


def files_at(path: Path) -> FileIdentity:
    """Look what lies there now."""
    place, found = _resolve(str(path))
    wal, shm = (inode(place + suffix) for suffix in COMPANIONS)
    return FileIdentity(place, found, wal, shm)


def _resolve(path: str) -> tuple[str, Inode | None]:
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            path = os.path.realpath(path)
            status = os.stat(path)  # noqa: PTH116 - it is called for each transaction
    except OSError:
        return path, None
    return path, (status.st_dev, status.st_ino)


def inode(path: str | Path) -> Inode | None:
    """What has that name; None: nothing has."""
    try:
        status = os.stat(path)  # noqa: PTH116 - as above
    except OSError:
        return None
    return status.st_dev, status.st_ino


Stamp: TypeAlias = tuple[int, int]
"""Bytes and modification time in nanoseconds: what changes whenever somebody writes to a file."""


def stamp(path: Path) -> Stamp | None:
    """What the file with that name shows now; None: there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - as above
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
