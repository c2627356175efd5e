# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

"""The run log in the store's own SQLite file: writing records.

The statements are SQLite's, prepared once and run many rows at a time: a record costs a fifth of what it would through
SQLAlchemy, and reading the log needs neither its 0.3 s of imports nor its 28 MB. `RunRepo` shows the same table to
everybody else.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from rocketd.core.errors import DuplicateRun
from rocketd.core.events import Finished, Missed, Spawned, Started
from rocketd.core.records import Change
from rocketd.core.run import RunKey
from rocketd.store.rows import Origin, row_of
from rocketd.store.schema import COLUMNS, is_end

_NAMES: Final = ", ".join(f'"{name}"' for name in COLUMNS)

# An end that comes again is the answer to a lost acknowledgement: nothing is left to do. A start never is.
# A stretch of missed times that goes on keeps its place in the log.
_INSERT: Final = f"""
    INSERT INTO log ({_NAMES}) VALUES ({", ".join("?" * len(COLUMNS))})
    ON CONFLICT (task_name, number) WHERE {is_end()} DO NOTHING
    ON CONFLICT (run_id) WHERE action = 'missed' DO UPDATE SET
        {", ".join(f'"{name}" = excluded."{name}"' for name in ("created", "due", "end", "times", "reason", "message"))}
"""
_SPAWNED: Final = "UPDATE log SET pid = ?, pid_start = ? WHERE task_name = ? AND number = ? AND action = 'run'"

_RUN_ID: Final = "SELECT run_id FROM log WHERE task_name = ? AND number = ? AND action = 'run'"


def insert(database: sqlite3.Connection, changes: Sequence[Change], origin: Origin) -> None:
    """Append the records among these changes, in their order. Raises DuplicateRun."""
    rows = [row_of(change, origin) for change in changes if isinstance(change, Started | Finished | Missed)]
    left = iter(rows)
    try:
        database.executemany(_INSERT, left)
    except sqlite3.IntegrityError as error:  # only a start is unique without a rule for what happens otherwise
        failed = rows[len(rows) - len(list(left)) - 1]
        key = failed.task_name, failed.number or 0
        raise duplicate_run(*key, _recorded(database, key)) from error
    spawned = [(c.pid, c.pid_start, *c.run.key) for c in changes if isinstance(c, Spawned)]
    if spawned:
        database.executemany(_SPAWNED, spawned)


def _recorded(database: sqlite3.Connection, key: RunKey) -> str:
    """The id of the run that has this number already; empty: it came and went in this transaction."""
    row = database.execute(_RUN_ID, key).fetchone()
    return "" if row is None or row[0] is None else str(row[0])


def duplicate_run(task: str, number: int, run_id: str = "") -> DuplicateRun:
    """Say that this run must not start."""
    hint = "do two daemons share this run log?"
    return DuplicateRun(f"run {task}/{number} is recorded already", hint=hint, run_id=run_id)
