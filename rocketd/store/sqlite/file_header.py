"""What the first page of a database says of it, read so that it disturbs nobody."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

HEADER: Final = 100
"""Bytes; https://www.sqlite.org/fileformat2.html, section 1.3."""


class FileHeader(NamedTuple):
    """What SQLite keeps for whoever made it."""

    version: int
    application: int


def header_of(path: Path) -> FileHeader | None:
    """Have SQLite read version and application from the first page alone; None: it is no database.

    By ourselves we must not: closing a file takes away all locks that this process has on it, and so those of SQLite,
    whose log another program would then take for left behind, and delete.
    """
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            database.execute("PRAGMA writable_schema = ON")  # a file that was cut off has a first page as well
            (version,) = database.execute("PRAGMA user_version").fetchone()
            (application,) = database.execute("PRAGMA application_id").fetchone()
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return None
        raise
    return FileHeader(version, application & 0xFFFFFFFF)
