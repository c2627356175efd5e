"""The store is watched: a database that was removed or replaced while it is in use is put right, with all its records.

What is open still holds every record, though it has no name any more. So it is copied, and the copy kept beside the
store until it is part of it again:

    under the store's name lies            what is done
    nothing                                the copy gets the name
    an older store (a backup, say)         what it lacks is written into it
    one that tells of other runs, or       nothing is changed: an operator has to say what is to be;
    no store at all, or a damaged one      until then what happens goes to the spool
    the store, without or with other       what is in its log is written into it, and it is opened anew
    companions (-wal, -shm)
    the store, overwritten in place        as at a start after a crash: a log that does not fit is set aside, a
    (cp backup.db rocketd.db)              damaged store rebuilt; what was in it alone is gone

It takes a thread of its own, as a copy of a large store takes its time: whoever writes is told meanwhile that the store
is away, and tries again. If we die in between, the next one finds the copy, and finishes.
"""

import os
import sqlite3
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from threading import Thread
from typing import Final

from rocketd.core.errors import StoreError
from rocketd.store.errors import translating_errors
from rocketd.store.file_identity import COMPANIONS, FileIdentity, Stamp, files_at, stamp
from rocketd.store.rejected_lines import ReportDamage, move_aside
from rocketd.store.sqlite.connection import Database, Displaced
from rocketd.store.sqlite.integrity import ensure_intact, mark_damaged
from rocketd.store.sqlite.merge import RESCUED, merge_copy
from rocketd.store.sqlite.migrations import back_up, upgrade
from rocketd.store.state_directory import StateDirectory

REPAIR_TIMEOUT: Final = 45.0
"""Seconds that a stop waits for the copy."""


class StoreGuard:
    """Looks after the database of a state directory, whose only writer this process is."""

    def __init__(self, database: Database, report_damage: ReportDamage, lock: AbstractContextManager[object]) -> None:
        """`lock` keeps away who else writes to it in this process."""
        self._lock = lock
        self._database = database
        self._path = database.path
        self._report_damage = report_damage
        self._directory = StateDirectory(self._path.parent)
        self._thread: Thread | None = None
        self._last_stamp: Stamp | None = None
        """What the file showed when it was looked at last, if somebody writes to it."""
        self._repair_needed = False
        """Whether something is still to be put right."""
        self._event = self._reason = self._hint = ""
        """What happened, and why it could not be put right so far."""
        database.check_available = self._check_available
        database.on_displaced = self._on_displaced

    @property
    def is_repairing(self) -> bool:
        """Whether something is being put right."""
        return self._repair_needed

    def finish(self) -> None:
        """Finish a repair before the database is closed, so that no record is lost with it. Raises StoreError."""
        if self._thread is None and (self._repair_needed or self._database.is_displaced):
            self._start_repair()
        if self._thread is not None:
            self._thread.join(REPAIR_TIMEOUT)
            if self._repair_needed and self._last_stamp is not None and not self._thread.is_alive():
                self._start_repair()  # it was seen once: the second look tells whether somebody is still writing
                self._thread.join(REPAIR_TIMEOUT)
            self._check_available()

    def _check_available(self) -> None:
        """Raise StoreError until what has been begun is done; where it could not be, it is begun again."""
        if self._thread is None:
            if not self._repair_needed:
                return
            self._start_repair()
        elif not self._thread.is_alive():
            self._thread = None
            if not self._repair_needed:
                return
        raise StoreError(self._reason, hint=self._hint, temporary=True)

    def _on_displaced(self, present: FileIdentity) -> None:
        """Begin to put it right."""
        self._event = self._reason = _what_happened(self._path, self._database.files, present)
        self._start_repair()
        raise Displaced(self._reason)

    def _start_repair(self) -> None:
        self._repair_needed = True
        opened = self._database.files
        self._event = self._event or _what_happened(self._path, opened, files_at(self._path))
        thread = Thread(target=self._repair, args=(opened,), name="store", daemon=True)
        with suppress(RuntimeError):  # the host has no thread left: whoever asks next begins it
            thread.start()
            self._thread = thread

    # -- on its thread ----------------------------------------------------------------------------------------------

    def _repair(self, opened: FileIdentity | None) -> None:
        try:
            with translating_errors(self._path), self._lock:
                self._directory.check()
                self._database.close_others()
                done = self._repair_files(opened)
            self._report_damage("store files", f"{self._event}; {done}")
            self._event, self._repair_needed = "", False
        except StoreError as error:
            self._reason, self._hint = f"{self._event}: {error.message}", error.hint

    def _repair_files(self, opened: FileIdentity | None) -> str:
        """Put it right; says what was done."""
        with self._database.locked() as connection:
            if connection is None or opened is None:  # somebody has closed it
                return merge_copy(self._path, running=True) or "it is back"
            if self._database.is_overwritten:
                return self._after_overwriting()
            if files_at(self._path).database == opened.database:
                busy, in_log, written = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
                if busy or in_log != written:
                    raise StoreError(f"{self._path} is being read", temporary=True)
                self._database.close()
                _move_aside_companions(self._path)
                return "all records are in it, and rocketd has reopened it"
            back_up(connection, self._path.with_name(RESCUED))
            self._database.close()
            _remove_companions(opened)
            return merge_copy(self._path, running=True)

    def _after_overwriting(self) -> str:
        """Take the file as a start would, once whoever writes to it has come to an end; says what was done."""
        before, self._last_stamp = self._last_stamp, stamp(self._path)
        if self._last_stamp != before:
            raise StoreError("somebody may still be writing to it", temporary=True)
        notes: list[str] = []
        with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as other:
            with suppress(sqlite3.DatabaseError):  # as long as it is open, closing ours does not bring the log back
                other.execute("SELECT 1 FROM sqlite_schema").fetchall()
            self._database.close()
        mark_damaged(self._path)
        upgrade(self._path)
        ensure_intact(self._path, lambda _, note: notes.append(note))
        return "; ".join(notes) or "all records are in it"


def _what_happened(path: Path, opened: FileIdentity | None, present: FileIdentity) -> str:
    if opened is not None and present.database == opened.database:
        wrong = next((s for s, a, b in zip(COMPANIONS, present[2:], opened[2:], strict=True) if a != b), "")
        if not wrong:
            return f"another program wrote to {path} while it was in use"
        return f"{path}{wrong} was moved away or replaced while the store was in use"
    change = "replaced" if os.path.lexists(path) else "removed or moved away"
    return f"{path} was {change} while it was in use"


def _move_aside_companions(path: Path) -> None:
    """What lies there now belongs to nothing that is open, or SQLite would have removed it."""
    for suffix in COMPANIONS:
        companion = path.with_name(path.name + suffix)
        if companion.exists() and companion.stat().st_size > 0:
            move_aside(companion)


def _remove_companions(opened: FileIdentity) -> None:
    """Remove those of what was open, so that they are applied to nothing else: all that is in them has been copied."""
    present = files_at(Path(opened.place))
    for suffix, inode, now in zip(COMPANIONS, opened[2:], present[2:], strict=True):
        if inode is not None and inode == now:
            Path(opened.place + suffix).unlink(missing_ok=True)
