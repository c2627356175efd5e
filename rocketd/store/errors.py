"""Translates SQLite's errors into sentences that an operator can act on."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from rocketd.core.errors import StoreError


class _Translation(NamedTuple):
    sentence: str
    hint: str
    temporary: bool
    lasting: bool = False


_LOCKED: Final = _Translation("is locked by another program", "see which one: fuser -v {path}", temporary=True)
_CORRUPT: Final = _Translation(
    "is damaged",
    "restart rocketd, which makes a new store of all that can be read, or restore a backup: "
    "docs/how-to/backup-and-restore.md",
    temporary=False,
)

_FULL: Final = _Translation("cannot grow: the disk is full", "make room in {directory}", temporary=True, lasting=True)

_TROUBLES: Final = {
    sqlite3.SQLITE_IOERR_SHMSIZE: _FULL,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _Translation(
        "cannot be read or written: input/output error",
        "check dmesg, and whether the quota of {directory} is used up",
        temporary=True,
        lasting=True,
    ),
    # Temporary, because repairing or remounting the disk resolves it; until then, no run starts, but nothing else ends.
    sqlite3.SQLITE_READONLY: _Translation(
        "is read-only", "check whether {directory} is mounted read-only, and who owns it", temporary=True, lasting=True
    ),
    sqlite3.SQLITE_CANTOPEN: _Translation(
        "cannot be opened", "check the owner and the mode of {directory}", temporary=True
    ),
    sqlite3.SQLITE_NOMEM: _Translation("cannot be used: out of memory", "", temporary=True),
    sqlite3.SQLITE_CORRUPT: _CORRUPT,
    sqlite3.SQLITE_NOTADB: _CORRUPT,
}


_LASTING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


class InvalidText(StoreError):
    """A text in the store is not UTF-8: Python's sqlite3 only returns it as bytes."""


def is_corrupt(error: StoreError) -> bool:
    """Whether SQLite has found damaged pages."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def store_error(error: sqlite3.Error, path: Path) -> StoreError:
    """Return what SQLite's error means for this file."""
    if "decode to UTF-8" in str(error):
        return InvalidText(f"{path} contains text that is not UTF-8", hint=_CORRUPT.hint.format(path=path))
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    trouble = _TROUBLES.get(code, _TROUBLES.get(code & 0xFF))  # the low byte is the kind, the rest the detail
    if trouble is None:
        return StoreError(f"{path}: {error}", hint=_CORRUPT.hint.format(path=path))
    hint = trouble.hint.format(path=path, directory=path.parent)
    return StoreError(f"{path} {trouble.sentence}", hint=hint, temporary=trouble.temporary, lasting=trouble.lasting)


@contextmanager
def translating_errors(path: Path) -> Iterator[None]:
    """Raise `StoreError` for what SQLite or the file system raises inside."""
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(error, path) from error
    except (FileExistsError, NotADirectoryError) as error:
        hint = "move it away, or give another --state-dir"
        raise StoreError(f"{path.parent} is not a directory", hint=hint) from error
    except IsADirectoryError as error:
        raise StoreError(f"{path} is a directory", hint="move it away") from error
    except OSError as error:
        hint = f"check the owner and the mode of {path.parent}"
        temporary = not isinstance(error, PermissionError)  # a disk that is full or read-only may be mended
        lasting = error.errno in _LASTING
        raise StoreError(f"{path}: {error.strerror}", hint=hint, temporary=temporary, lasting=lasting) from error
