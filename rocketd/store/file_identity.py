"""The identity of a store's files: whether the files at its paths are those that were opened.

An open file stays open when its name is removed or given to another file. SQLite keeps using it, and what it writes is
lost with the process. So each reader and writer checks first; three stat(2) calls take some microseconds.
"""

import os
import stat
from pathlib import Path
from typing import NamedTuple, TypeAlias

Inode: TypeAlias = tuple[int, int]
"""Device and number."""

COMPANIONS = ("-wal", "-shm")
"""The files that SQLite's WAL mode keeps beside a database."""


class FileIdentity(NamedTuple):
    """The database and its companions; None: there is none."""

    place: str
    """The real path of the database, without symbolic links: its companions are beside it."""
    database: Inode | None
    wal: Inode | None
    shm: Inode | None


def files_at(path: Path) -> FileIdentity:
    """Return the identity of the files that are there now."""
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
    """Return the device and inode at that path; None: there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - as above
    except OSError:
        return None
    return status.st_dev, status.st_ino


Stamp: TypeAlias = tuple[int, int]
"""Size in bytes and modification time in nanoseconds: they change whenever somebody writes to the file."""


def stamp(path: Path) -> Stamp | None:
    """Return the stamp of the file at that path; None: there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - as above
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
