"""Records on their way to another repository.

A record is put here in the transaction that holds everything else, and taken out when the repository has it. So it is
never lost on the way, whenever we die; what may have arrived without our knowing is looked for before it is sent again.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from rocketd.store.rows import Row

# An id is the microsecond of the record, or the next free one: unique and rising, also in a repository that is older
# than this state directory.
_PUT: Final = """
    INSERT INTO spool (id, again, record)
    VALUES (max(?, 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'spool'), 0)), ?, ?)
"""


class Spooled(NamedTuple):
    """A record, the id that it is to have, and whether it may have arrived already."""

    id: int
    again: bool
    row: Row


def put(database: sqlite3.Connection, rows: Iterable[tuple[Row, bool]]) -> None:
    """Append records; of each, whether it may be in the repository already."""
    entries = [(round(row.created * 1_000_000), again, json.dumps(row)) for row, again in rows]
    if entries:
        database.executemany(_PUT, entries)


def waiting(database: sqlite3.Connection, limit: int = -1) -> list[Spooled]:
    """What has not arrived, in order; -1: all of it."""
    rows = database.execute("SELECT id, again, record FROM spool ORDER BY id LIMIT ?", (limit,))
    return [Spooled(key, bool(again), Row(*json.loads(record))) for key, again, record in rows]


def count(database: sqlite3.Connection) -> int:
    """How many there are."""
    row: tuple[int] = database.execute("SELECT count(*) FROM spool").fetchone()
    return row[0]


def take_out(database: sqlite3.Connection, arrived: Sequence[Spooled]) -> None:
    """Forget what has arrived."""
    database.executemany("DELETE FROM spool WHERE id = ?", [(one.id,) for one in arrived])


def doubt(database: sqlite3.Connection) -> None:
    """All that is here may have arrived: we died, or the repository failed, before its answer was known."""
    database.execute("UPDATE spool SET again = 1 WHERE again = 0")
