"""Records on their way to another repository.

A record is added in the transaction that also writes the run log, and removed when the repository has it. So it is
never lost, whenever the daemon dies; a record that may have arrived unnoticed is looked up before it is sent again.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from rocketd.store.sqlite.column_values import ColumnFaults, validated
from rocketd.store.sqlite.rows import Row

# An id is the microsecond of the record, or the next free one: unique and rising, also in a repository that is older
# than this state directory.
_PUT: Final = """
    INSERT INTO spool (id, again, record)
    VALUES (max(?, 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'spool'), 0)), ?, ?)
"""


class OutboxRow(NamedTuple):
    """A record, its id in the repository, and whether it may have arrived already."""

    id: int
    may_exist: bool
    row: Row


def add(database: sqlite3.Connection, rows: Iterable[tuple[Row, bool]]) -> None:
    """Append records, each with whether it may be in the repository already."""
    entries = [(round(row.created * 1_000_000), may_exist, json.dumps(row)) for row, may_exist in rows]
    if entries:
        database.executemany(_PUT, entries)


class PendingRows(NamedTuple):
    """Records that have not arrived, in order, and those that cannot be read: ids and records."""

    records: list[OutboxRow]
    unreadable: list[tuple[int, bytes]]


def read_pending(database: sqlite3.Connection, limit: int = -1) -> PendingRows:
    """Read up to `limit` records that have not arrived; -1: all."""
    pending = PendingRows([], [])
    rows = database.execute("SELECT id, again, CAST(record AS BLOB) FROM spool ORDER BY id LIMIT ?", (limit,))
    for key, may_exist, record in rows:
        row = _parse_row(record)
        if row is None:
            pending.unreadable.append((key, record))
        else:
            pending.records.append(OutboxRow(key, bool(may_exist), row))
    return pending


def _parse_row(record: bytes) -> Row | None:
    try:
        return validated(Row(*json.loads(record)), ColumnFaults())
    except (ValueError, TypeError, RecursionError):
        return None


def count(database: sqlite3.Connection) -> int:
    """Return the number of records."""
    row: tuple[int] = database.execute("SELECT count(*) FROM spool").fetchone()
    return row[0]


def delete(database: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Remove records that have arrived, or never will."""
    database.executemany("DELETE FROM spool WHERE id = ?", [(key,) for key in ids])


def mark_uncertain(database: sqlite3.Connection) -> None:
    """Mark all records as possibly arrived: the daemon or the repository failed before the acknowledgement."""
    database.execute("UPDATE spool SET again = 1 WHERE again = 0")
