"""Which version a store has, told from its first bytes without opening it, and how it is made newer.

Tables are made and changed in rollback-journal mode only, never in WAL mode. So the version in the first bytes of the
file is the true one whatever write-ahead log lies beside it, and a store that is too new can be refused untouched.
Only where a change of the tables was cut short does a rollback journal lie there: it is settled before all else.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from stat import S_ISREG

from rocketd.core.errors import StoreError
from rocketd.store.errors import translating_errors
from rocketd.store.rejected_lines import sync_directory
from rocketd.store.sqlite.file_header import HEADER, header_of
from rocketd.store.sqlite.schema import APPLICATION_ID, STEPS


def version_of(path: Path) -> int:
    """Read the version from the file's first bytes; 0 if there is no file, or none that was ever made to its end.

    Raises StoreError if it is not a store of ours.
    """
    with translating_errors(path):
        try:
            status = path.stat()
        except FileNotFoundError:
            if path.is_symlink():
                raise StoreError(f"{path} is a broken symbolic link", hint="move it away, or repair it") from None
            return 0
        if not S_ISREG(status.st_mode):  # opening a FIFO would wait for ever
            raise StoreError(f"{path} is not a file", hint="move it away, and rocketd creates a new one")
        if status.st_size == 0:
            return 0
        header = header_of(path) if status.st_size >= HEADER else None
    if header is None:
        if _is_unfinished(path):
            return 0
        raise StoreError(f"{path} is damaged, or is not a store", hint="move it away, and rocketd creates a new one")
    version, application = header
    if version and application != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program", hint="give rocketd a state directory of its own")
    return version


def check(path: Path, steps: Sequence[Sequence[str]] = STEPS) -> int:
    """Return the store's version; raises StoreError if it is newer than this program. Touches nothing."""
    version = version_of(path)
    if version > len(steps):
        raise StoreError(
            f"{path} has version {version}, and this rocketd knows versions up to {len(steps)}",
            hint="install the newer rocketd again, or give this one another state directory",
        )
    return version


def upgrade(path: Path, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Create the store, or bring it to the newest version, in one transaction; a copy of the old one is kept beside it.

    The caller holds the state directory's lock.
    """
    check(path, steps)
    _roll_back_unfinished(path)
    version = check(path, steps)
    if version == len(steps):
        return
    with translating_errors(path):
        _create(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = DELETE")  # see the top of this file
            if version and any(steps[version:]):
                back_up(database, path.with_name(f"{path.name}.version-{version}"))
            _apply_steps(database, version, steps)


def _is_unfinished(path: Path) -> bool:
    """Whether somebody died, or the power went, while the tables were made or changed."""
    journal = path.with_name(f"{path.name}-journal")
    return journal.exists() and journal.stat().st_size > 0


def _roll_back_unfinished(path: Path) -> None:
    """Let SQLite undo what was cut short: until then the first bytes may show a version that was never reached."""
    if _is_unfinished(path):
        with translating_errors(path), closing(sqlite3.connect(path)) as database:
            database.execute("SELECT 1 FROM sqlite_schema").fetchall()


def _create(path: Path) -> None:
    """Make the file before SQLite does, which would make it readable by all; SQLite's other files take its mode."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640))


def _apply_steps(database: sqlite3.Connection, version: int, steps: Sequence[Sequence[str]]) -> None:
    database.execute("PRAGMA synchronous = FULL")
    database.execute("BEGIN EXCLUSIVE")  # dying anywhere in here leaves the old version: the closing rolls back
    for step in steps[version:]:
        for statement in step:
            database.execute(statement)
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {len(steps)}")
    database.execute("COMMIT")


def back_up(database: sqlite3.Connection, target: Path) -> None:
    """Copy the database, so that the copy is whole or absent, and is one file that nothing else belongs to."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    _create(part)
    with closing(sqlite3.connect(part)) as copy:
        copy.execute("PRAGMA synchronous = FULL")
        database.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    part.replace(target)
    sync_directory(target.parent)
