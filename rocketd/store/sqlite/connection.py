"""One connection to the store's SQLite file: how it is opened, and its transactions."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, RLock
from typing import Final, Literal, TypeAlias
from weakref import WeakSet

from rocketd.core.errors import StoreError
from rocketd.store.errors import translating_errors
from rocketd.store.file_identity import FileIdentity, Stamp, files_at, stamp

Durability: TypeAlias = Literal["full", "normal"]
"""What a record that was written survives.

full: a power cut; every commit is synced to the disk before `write` returns.
normal: a kill -9 of the daemon, since the page cache outlives it. A power cut may take the newest commits, whole ones
and newest first; it never damages the store. Both are promises of SQLite's WAL mode (PRAGMA synchronous).
"""

BUSY_TIMEOUT: Final = 0.2
"""Seconds to wait for another program's lock. Short: who writes retries by itself and says meanwhile what is wrong."""

_NO_WAL_FILES: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
"""What SQLite says where it may not make or change the files of WAL mode."""

_NO_ROOM: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP)
"""What it says where the disk has no room for them."""

_CHECKPOINT_PAGES: Final = 1_000
"""How long the log is, in pages, when SQLite brings it back into the database: PRAGMA wal_autocheckpoint."""


def no_store(path: Path) -> StoreError:
    """Return the error for a path at which nothing was ever recorded."""
    return StoreError(f"there is no store at {path}", hint="start rocketd once, or name its --state-dir")


def _nothing() -> None:
    pass


def _raise_displaced(_: FileIdentity) -> None:
    raise Displaced("the store was moved away or replaced while it was in use")


def _decode_leniently(raw: bytes) -> str:
    return raw.decode(errors="backslashreplace")


class Displaced(StoreError):
    """What lies under the name of the store is not what is open."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, temporary=True)


_registry_lock: Final = Lock()
_open: Final[WeakSet["Database"]] = WeakSet()
"""Those of this process: SQLite shares what belongs to a file among all connections that a process has to it."""


class Database:
    """A connection that opens when it is first used and again after an error that only a new one can cure.

    It is used by one thread at a time; another may close it, between two transactions. Before each, it looks whether
    its files are still there. A reader opens them anew if not; a writer raises Displaced, as what it has open may be
    all that there is.
    """

    def __init__(self, path: Path, *, durability: Durability = "full", read_only: bool = False) -> None:
        self.path = path
        self._durability = durability
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = None
        self._files: FileIdentity | None = None
        self._log_limit = 0
        """Bytes to which the log is cut when it begins anew; it is brought back only when it is longer."""
        self._stamp: Stamp | None = None
        """What the file has shown since this process wrote to it last."""
        self._lock = RLock()
        self.check_available: Callable[[], None] = _nothing
        """What is asked before each transaction; it raises StoreError while the store is put right."""
        self.on_displaced: Callable[[FileIdentity], None] = _raise_displaced
        """What a writer does about files that are not its own; it raises StoreError, or they are opened anew."""
        self.lenient = False
        """Whether texts that are no UTF-8 are read as well, with `\\xff` in the place of what is none."""
        with _registry_lock:
            _open.add(self)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """All that is read inside is of one moment. Raises StoreError."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All that is written inside is kept when this returns, or none of it. Raises StoreError."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def close(self, timeout: float = -1) -> None:
        """Close the connection; using the database again opens a new one.

        Raises StoreError if somebody uses it for longer than `timeout` seconds; -1: for however long.
        """
        if not self._lock.acquire(timeout=timeout):
            raise StoreError(f"{self.path} is being read", temporary=True)
        try:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
        finally:
            self._lock.release()

    @contextmanager
    def locked(self) -> Iterator[sqlite3.Connection | None]:
        """Keep everybody else from using it; gives the connection that is open."""
        with self._lock:
            yield self._connection

    def close_others(self) -> None:
        """Close what else this process has open of the same file. Raises StoreError if somebody reads for too long."""
        close_all(self.path, but=self)

    @property
    def is_writer(self) -> bool:
        """Whether it is open, and not for reading alone."""
        return not self._read_only and self._connection is not None

    @property
    def files(self) -> FileIdentity | None:
        """What it has opened last."""
        return self._files

    @property
    def is_displaced(self) -> bool:
        """Whether it is open, and what lies under its name is something else by now."""
        return self._connection is not None and (files_at(self.path) != self._files or self.is_overwritten)

    @property
    def is_overwritten(self) -> bool:
        """Whether it is open for writing, and another program has written to its file: to the database itself.

        SQLite writes there only when it brings the log back, which is done at the end of a transaction.
        """
        if not self.is_writer or self._files is None or stamp(self.path) == self._stamp:
            return False
        return files_at(self.path).database == self._files.database and not self._has_company()

    def _has_company(self) -> bool:
        """Whether somebody else of this process writes to it."""
        with _registry_lock:
            return any(one is not self and one.path == self.path and one.is_writer for one in _open)

    def _check_files(self) -> None:
        """Make sure that the files that are open are those at the path."""
        if self._connection is None or self._files is None:
            return
        here = files_at(self.path)
        if here == self._files and not self.is_overwritten:
            return
        if not self._read_only:
            self.on_displaced(here)
        self.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        self.check_available()
        with self._lock, translating_errors(self.path):
            self._check_files()
            connection = self._connected()
            connection.text_factory = _decode_leniently if self.lenient else str
            try:
                connection.execute(begin)
                yield connection
                self._commit(connection)
            except BaseException as error:
                self._roll_back(connection, error)
                raise

    def _commit(self, connection: sqlite3.Connection) -> None:
        if self.is_overwritten:
            self.on_displaced(files_at(self.path))
        connection.execute("COMMIT")
        if self._has_company() or self._log_size() > self._log_limit:  # else another program has changed the file
            self._stamp = stamp(self.path)

    def _roll_back(self, connection: sqlite3.Connection, error: BaseException) -> None:
        """Undo it.

        An I/O error keeps its connection: with a new one, SQLite would read its log again, and could find there the
        very commit that failed.
        """
        if connection.in_transaction:
            with suppress(sqlite3.Error):  # SQLite has rolled back by itself, or will when the connection goes
                connection.execute("ROLLBACK")
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if connection.in_transaction or code in _NO_WAL_FILES:
            self.close()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            before = files_at(self.path)
            self._connection = self._open_reader() if self._read_only else self._open_writer()
            self._files = files_at(self.path)
            self._stamp = stamp(self.path)
            if before.database != self._files.database:  # somebody is at work here
                self.close()
                raise Displaced(f"{self.path} was replaced while it was opened")
        return self._connection

    def _open_writer(self) -> sqlite3.Connection:
        connection = self._open("mode=rw")  # never creates: a store that was moved away is an error
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._durability}")
        self._log_limit = _CHECKPOINT_PAGES * connection.execute("PRAGMA page_size").fetchone()[0]
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {self._log_limit}")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # its companions are there from now on
        connection.execute("PRAGMA temp_store = MEMORY")  # a statement's own journal would be a file in /var/tmp
        return connection

    def _open_reader(self) -> sqlite3.Connection:
        """Open it beside a running daemon or without one.

        Who may read the directory but not write in it cannot make the files of WAL mode. Without a daemon they are not
        needed, as its last act was to put everything into the store itself.
        """
        if not self.path.exists():
            raise no_store(self.path)
        connection = self._open("mode=ro")
        try:
            connection.execute("SELECT 1 FROM alive").fetchall()
        except sqlite3.OperationalError as error:
            connection.close()
            no_wal_files = error.sqlite_errorcode & 0xFF in _NO_WAL_FILES or error.sqlite_errorcode in _NO_ROOM
            if not no_wal_files or self._has_log():
                raise
            return self._open("mode=ro&immutable=1")
        return connection

    def _has_log(self) -> bool:
        return self._log_size() > 0

    def _log_size(self) -> int:
        found = stamp(self.path.with_name(f"{self.path.name}-wal"))
        return found[0] if found else 0

    def _open(self, options: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{options}",
            uri=True,
            timeout=BUSY_TIMEOUT,
            isolation_level=None,  # transactions are ours alone
            check_same_thread=False,  # opened at start, used by the recorder's thread
        )


def close_all(path: Path, but: Database | None = None) -> None:
    """Close what this process has open of a file. Raises StoreError if somebody reads for too long."""
    with _registry_lock:
        databases = [database for database in _open if database is not but and database.path == path]
    for database in databases:
        database.close(timeout=BUSY_TIMEOUT)


def is_in_use(path: Path) -> bool:
    """Whether this process has somebody who writes to that file."""
    with _registry_lock:
        return any(database.path == path and database.is_writer for database in _open)
