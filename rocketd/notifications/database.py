"""What has to be delivered, in a SQLite file of its own: it outlives a kill of the daemon, and a power cut.

A row stays, as done, until the *position* has passed its event: the place in the run log up to which every event is in
this file. After a kill, the events after that place are added once more, and those that are here already are not
delivered again. Rows and position are written in one transaction; should a power cut take the newest ones (WAL without
a sync), both are gone, and the events are added again from the run log, which has its own durability.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

FILE_NAME: Final = "notifications.db"
_VERSION: Final = 1
_SCHEMA: Final = (
    """
    CREATE TABLE delivery (
        id INTEGER PRIMARY KEY, event TEXT NOT NULL, target TEXT NOT NULL, content TEXT NOT NULL, added REAL NOT NULL,
        done INTEGER NOT NULL DEFAULT 0, UNIQUE (event, target)
    )
    """,
    "CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    f"PRAGMA user_version = {_VERSION}",
)
_INSERT: Final = "INSERT INTO delivery (event, target, content, added) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_BUSY_TIMEOUT: Final = 5.0


class DeliveryRow(NamedTuple):
    """Something to deliver."""

    event: str
    """The key of the event."""
    target: str
    """Where it goes: `hook/on_fail`."""
    content: str
    added: float
    """When, in seconds since the epoch."""


class StoredState(NamedTuple):
    """What an earlier daemon has left."""

    position: int | None
    """The place in the run log up to which all is known here; None: nothing was ever noted."""
    failing: frozenset[str]
    """The tasks that had failed last, as of that place."""
    overdue: Mapping[str, int]
    """The tasks that were reported as overdue, and since when they are, in microseconds since the epoch."""
    pending: Sequence[DeliveryRow]
    """What was not delivered, oldest first."""


class NotificationDatabase:
    """The file. Blocks; one thread at a time. Methods raise sqlite3.Error and OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = ""
        """Where a file that could not be read was put; empty: there was none."""
        self._connection: sqlite3.Connection | None = None

    def load(self) -> StoredState:
        """Return what is in it; a file that is not a database is put aside. Without a file, none is made."""
        if not self.path.exists():
            return StoredState(None, frozenset(), {}, ())
        try:
            return self._load()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self._set_aside()
            return self._load()

    def add(self, rows: Sequence[DeliveryRow]) -> list[bool]:
        """Add rows; return which of them were not known before. Part of a transaction."""
        return [self._database.execute(_INSERT, row).rowcount > 0 for row in rows]

    def finish(self, keys: Sequence[tuple[str, str]]) -> None:
        """Note that these (event, target) have been delivered. Part of a transaction."""
        self._database.executemany("UPDATE delivery SET done = 1 WHERE event = ? AND target = ?", keys)

    def save_overdue(self, overdue: Mapping[str, int]) -> None:
        """Note the tasks that were reported as overdue. Part of a transaction."""
        self._database.execute("INSERT OR REPLACE INTO state VALUES ('overdue', ?)", (json.dumps(dict(overdue)),))

    def save_position(self, position: int, failing: frozenset[str]) -> None:
        """Note up to where the run log is known here; what is done can go. Part of a transaction."""
        values = [("position", str(position)), ("failing", json.dumps(sorted(failing)))]
        self._database.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", values)
        self._database.execute("DELETE FROM delivery WHERE done = 1")

    def begin(self) -> None:
        """Begin a transaction."""
        self._database.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """End it."""
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Close the file, taking back an open transaction; the next use opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    @property
    def _database(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
        try:
            self.path.chmod(0o640)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            if not connection.execute("PRAGMA user_version").fetchone()[0]:
                connection.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    connection.execute(statement)
                connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _load(self) -> StoredState:
        state = dict(self._database.execute("SELECT name, value FROM state"))
        rows = self._database.execute("SELECT event, target, content, added FROM delivery WHERE NOT done ORDER BY id")
        position = state.get("position", "")
        failing = json.loads(state.get("failing", "[]"))
        pending = [DeliveryRow(str(event), str(to), str(content), float(added)) for event, to, content, added in rows]
        overdue = {str(task): int(since) for task, since in json.loads(state.get("overdue", "{}")).items()}
        return StoredState(int(position) if position else None, frozenset(map(str, failing)), overdue, pending)

    def _set_aside(self) -> None:
        self.close()
        damaged = self.path.with_name(f"{self.path.name}.damaged")
        self.path.replace(damaged)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(f"{self.path.name}{suffix}").unlink(missing_ok=True)
        self.damaged = str(damaged)
