"""Whether a store is whole: looked at when it is opened after a crash, and in the background afterwards.

SQLite notices a damaged page only when it reads it, and applies a write-ahead log to whatever database lies beside it:
one that was restored from a backup becomes a mixture of both. So a small store that was not closed is read as a whole
before anything rests on it; a large one, and each store once a day, by a thread that gives way to everybody.
"""

import os
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from rocketd.core.instant import Instant
from rocketd.store.errors import translating_errors
from rocketd.store.rejected_lines import ReportDamage, move_aside
from rocketd.store.sqlite.connection import BUSY_TIMEOUT, close_all
from rocketd.store.sqlite.salvage import RecordCount, salvage

MAX_CHECKED_AT_START: Final = 32 * 1024 * 1024
"""Bytes of a store that is looked at before a start goes on: 0.2 s."""
_MAX_THOROUGH: Final = 64 * 1024 * 1024
"""Bytes of a store of which the indexes are held against the rows as well, which takes ten times as long."""
_CHECK_INTERVAL: Final = 24 * 60 * 60.0
"""Seconds between two looks in the background."""
_LOWEST_PRIORITY: Final = 19
"""How nice the thread is."""
_CLOSE_TIMEOUT: Final = 5.0

_MAX_THOROUGH_AT_START: Final = 4 * 1024 * 1024
"""Bytes of a store of which that is done before a start goes on, after a crash: 0.3 s."""
DAMAGED: Final = ".is-damaged"
"""How the name of the file ends that tells the next start to look."""

WHAT_TO_DO: Final = "see docs/how-to/backup-and-restore.md"
NEXT_START: Final = (
    "tasks keep running as long as they can be recorded; a restart of rocketd makes a new store of all that can be "
    "read, or restore a backup: see docs/how-to/backup-and-restore.md"
)


def find_damage(path: Path, *, without_log: bool = False, thorough: bool = False) -> str:
    """Return what is wrong with a database; empty: nothing is. `without_log`: as if there were no write-ahead log."""
    options = "mode=ro&immutable=1" if without_log else "mode=ro"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{options}", uri=True, timeout=BUSY_TIMEOUT)) as database:
        return _damage_of(database, thorough=thorough)


def _damage_of(database: sqlite3.Connection, *, thorough: bool) -> str:
    try:
        for pragma in ("quick_check", "integrity_check") if thorough else ("quick_check",):
            (found,) = database.execute(f"PRAGMA {pragma}(1)").fetchone()
            if found != "ok":
                return " ".join(str(found).split())
    except sqlite3.DatabaseError as error:
        if _is_damage(error):
            return str(error)
        raise
    return ""


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def ensure_intact(path: Path, found: ReportDamage) -> None:
    """Look at a store before it is opened, and put right what can be: raises StoreError.

    A write-ahead log with which it is damaged, and without which it is whole, is of another copy: it is moved aside.
    Only the numbers that were given out are taken from it, as far as they can be read. Of a store that is damaged
    itself, all that can be read is kept.
    """
    log, marker = (path.with_name(path.name + suffix) for suffix in ("-wal", DAMAGED))
    with translating_errors(path):
        size = path.stat().st_size if path.exists() else 0
        if size == 0 or (size > MAX_CHECKED_AT_START and not marker.exists()):
            return
        close_all(path)
        has_log = log.exists() and log.stat().st_size > 0
        damage = find_damage(
            path, thorough=size <= (_MAX_THOROUGH if marker.exists() else _MAX_THOROUGH_AT_START if has_log else 0)
        )
        if has_log and (damage or not _log_fits(path, log)) and not find_damage(path, without_log=True, thorough=True):
            _set_aside_log(path, log, found)
        elif damage:
            found("store files", _salvage_message(path, damage, salvage(path)))
        marker.unlink(missing_ok=True)


def _log_fits(path: Path, log: Path) -> bool:
    """Whether the database ends where its log says: the first page, which tells, is written whenever it grows.

    SQLite passes over what lies behind, so a mixture of two copies may look whole. It is tried with a copy.
    """
    from shutil import copyfile  # noqa: PLC0415 - with what they import, half a megabyte that is seldom needed
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - as above

    with suppress(OSError, sqlite3.OperationalError), TemporaryDirectory() as directory:
        copy = Path(directory) / path.name
        copyfile(path, copy)
        copyfile(log, f"{copy}-wal")
        with closing(sqlite3.connect(copy)) as database:
            try:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                pages, size = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
            except sqlite3.DatabaseError as error:
                if _is_damage(error):
                    return False
                raise
        return copy.stat().st_size <= int(pages) * int(size)
    return True


def _set_aside_log(path: Path, log: Path, found: ReportDamage) -> None:
    numbers = _numbers(path)
    for companion in (log, path.with_name(f"{path.name}-shm")):
        if companion.exists():
            move_aside(companion)
    _raise_numbers(path, numbers)
    found(
        "store files",
        f"{log} belonged to another copy of the store, as when a backup is restored without removing it: it was moved "
        "aside, and what it holds is missing from the run log",
    )


def _salvage_message(path: Path, damage: str, salvaged: RecordCount) -> str:
    partial = f", and the task, action and time of {salvaged.indexed} more" if salvaged.indexed else ""
    return (
        f"{path} was damaged ({damage}): rocketd has made a new one with {salvaged.records} "
        f"records{partial}; and moved the damaged one aside. What is missing may be in a backup: {WHAT_TO_DO}"
    )


def mark_damaged(path: Path) -> None:
    """Make the next start check the whole store, however large it is; raises OSError."""
    path.with_name(path.name + DAMAGED).touch(mode=0o640)


def _numbers(path: Path) -> dict[str, int]:
    """Read the next numbers out of the mixture; empty: they cannot be read."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT name, next_number FROM task_state").fetchall()
        return {name: number for name, number in rows if isinstance(name, str) and isinstance(number, int)}
    return {}


def _raise_numbers(path: Path, numbers: dict[str, int]) -> None:
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT)) as database, database:
        database.executemany(
            "UPDATE task_state SET next_number = max(next_number, ?) WHERE name = ?",
            [(number, name) for name, number in numbers.items()],
        )


class IntegrityMonitor:
    """Looks at the whole store in the background: soon after the start, and once a day."""

    def __init__(self, path: Path, found: ReportDamage) -> None:
        self._path = path
        self._report_damage = found
        self._next = time.monotonic()
        self._thread: threading.Thread | None = None
        self._database: sqlite3.Connection | None = None

    def on_heartbeat(self, _: Instant) -> None:
        """Begin to look, if it is time."""
        if time.monotonic() >= self._next and (self._thread is None or not self._thread.is_alive()):
            thread = threading.Thread(target=self._check, name="integrity", daemon=True)
            with suppress(RuntimeError):  # the host has no thread left: the next heartbeat tries again
                thread.start()
                self._thread = thread
                self._next = time.monotonic() + _CHECK_INTERVAL

    def close(self) -> None:
        """Look no further."""
        if self._database is not None:
            with suppress(sqlite3.ProgrammingError):  # it has just come to its end
                self._database.interrupt()
        if self._thread is not None:
            self._thread.join(_CLOSE_TIMEOUT)

    def _check(self) -> None:
        with suppress(OSError):  # it may not, and is only as fast as the others
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)
        with suppress(sqlite3.Error, OSError):  # that it is away, or cannot be read, is told by whoever writes
            thorough = self._path.stat().st_size <= _MAX_THOROUGH
            address = f"{self._path.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT, check_same_thread=False)) as database:
                self._database = database
                if damage := _damage_of(database, thorough=thorough):
                    mark_damaged(self._path)
                    self._report_damage("integrity", f"{self._path} is damaged ({damage}); {NEXT_START}")
