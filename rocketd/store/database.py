"""One connection to the store's SQLite file: how it is opened, and its transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, TypeAlias

from rocketd.core.errors import StoreError
from rocketd.store.trouble import told

Durability: TypeAlias = Literal["full", "normal"]
"""What a record that was written survives.

full: a power cut; every commit is synced to the disk before `write` returns.
normal: a kill -9 of the daemon, since the page cache outlives it. A power cut may take the newest commits, whole ones
and newest first; it never damages the store. Both are promises of SQLite's WAL mode (PRAGMA synchronous).
"""

BUSY: Final = 0.2
"""Seconds to wait for another program's lock. Short: who writes retries by itself and says meanwhile what is wrong."""

_CANNOT_SHARE: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
"""What SQLite says where it may not make or change the files of WAL mode."""

_JOURNAL_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of write-ahead log that are kept after a long reader let go."""


def no_store(path: Path) -> StoreError:
    """Say that nothing was ever recorded there."""
    return StoreError(f"there is no store at {path}", hint="start rocketd once, or name its --state-dir")


def _visible(raw: bytes) -> str:
    return raw.decode(errors="backslashreplace")


class Database:
    """A connection that opens when it is first used and again after an error that only a new one can cure.

    One thread at a time.
    """

    def __init__(self, path: Path, *, durability: Durability = "full", read_only: bool = False) -> None:
        self.path = path
        self._durability = durability
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = None
        self.lenient = False
        """Whether texts that are no UTF-8 are read as well, with `\\xff` in the place of what is none."""

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

    def close(self) -> None:
        """Close the connection; using the database again opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with told(self.path):
            connection = self._connected()
            connection.text_factory = _visible if self.lenient else str
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                self._give_up(connection, error)
                raise

    def _give_up(self, connection: sqlite3.Connection, error: BaseException) -> None:
        """Undo it.

        An I/O error keeps its connection: with a new one, SQLite would read its log again, and could find there the
        very commit that failed.
        """
        if connection.in_transaction:
            with suppress(sqlite3.Error):  # SQLite has rolled back by itself, or will when the connection goes
                connection.execute("ROLLBACK")
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if connection.in_transaction or code in _CANNOT_SHARE:
            self.close()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open_reader() if self._read_only else self._open_writer()
        return self._connection

    def _open_writer(self) -> sqlite3.Connection:
        connection = self._open("mode=rw")  # never creates: a store that was moved away is an error
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._durability}")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT}")
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
            if error.sqlite_errorcode & 0xFF not in _CANNOT_SHARE or self._has_log():
                raise
            return self._open("mode=ro&immutable=1")
        return connection

    def _has_log(self) -> bool:
        log = self.path.with_name(f"{self.path.name}-wal")
        return log.exists() and log.stat().st_size > 0

    def _open(self, options: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{options}",
            uri=True,
            timeout=BUSY,
            isolation_level=None,  # transactions are ours alone
            check_same_thread=False,  # opened at start, used by the recorder's thread
        )
