"""The run log in the store's own SQLite file: writing records.

The statements are SQLite's, prepared once, for many rows at a time: a record costs a fifth of what it would through
SQLAlchemy, and reading the log needs neither its 0.3 s of imports nor its 28 MB. `RunRepo` shows the same table to
everybody else.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from rocketd.core.errors import DuplicateRun
from rocketd.core.model.events import Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.records import Change
from rocketd.core.model.run import RunKey
from rocketd.store.sqlite.bulk import chunks, placeholders, statement, write
from rocketd.store.sqlite.rows import Origin, Row, row_of
from rocketd.store.sqlite.schema import COLUMNS, is_end

_NAMES: Final = ", ".join(f'"{name}"' for name in COLUMNS)

# An end that comes again is the answer to a lost acknowledgement: nothing is left to do. A start never is.
# A stretch of missed times that goes on keeps its place in the log.
_INSERT: Final = statement(
    f"INSERT INTO log ({_NAMES}) VALUES",
    placeholders(len(COLUMNS)),
    f"""
    ON CONFLICT (task_name, number) WHERE {is_end()} DO NOTHING
    ON CONFLICT (run_id) WHERE action = 'missed' DO UPDATE SET
        {", ".join(f'"{name}" = excluded."{name}"' for name in ("created", "due", "end", "times", "reason", "message"))}
    """,
)
_SPAWNED: Final = statement(
    "UPDATE log SET pid = given.column1, pid_start = given.column2 FROM (VALUES",
    placeholders(4),
    ") AS given WHERE task_name = given.column3 AND number = given.column4 AND action = 'run'",
)

_RECORDS: Final = (Started, Finished, Withdrawn, Missed)
"""What becomes a row of its own."""

_RUN_ID: Final = "SELECT run_id FROM log WHERE task_name = ? AND number = ? AND action = 'run'"


def insert(database: sqlite3.Connection, changes: Sequence[Change], origin: Origin) -> None:
    """Append the records among these changes, in their order. Raises DuplicateRun."""
    rows = [row_of(change, origin) for change in changes if isinstance(change, _RECORDS)]
    for chunk in chunks(rows):
        _append(database, chunk)
    write(database, _SPAWNED, [(c.pid, c.pid_start, *c.run.key) for c in changes if isinstance(c, Spawned)])


def _append(database: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Append rows in one step; if one of them must not be there, find out which."""
    try:
        write(database, _INSERT, rows)
    except sqlite3.IntegrityError as error:  # only a start is unique without a rule for what happens otherwise
        if len(rows) > 1:
            for row in rows:
                _append(database, [row])
            return
        key = rows[0].task_name, rows[0].number or 0
        raise duplicate_run(*key, _recorded(database, key)) from error


def _recorded(database: sqlite3.Connection, key: RunKey) -> str:
    """The id of the run that has this number already; empty: it came and went in this transaction."""
    row = database.execute(_RUN_ID, key).fetchone()
    return "" if row is None or row[0] is None else str(row[0])


def duplicate_run(task: str, number: int, run_id: str = "") -> DuplicateRun:
    """Return the error for a run that must not start, as its number is recorded already."""
    hint = "do two daemons share this run log?"
    return DuplicateRun(f"run {task}/{number} is recorded already", hint=hint, run_id=run_id)
