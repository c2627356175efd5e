# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

"""What is kept beside the log, held against the log when the store is opened: where they differ, the log counts.

After a power cut or a kill they agree, as each transaction writes both. They differ where a disk has damaged a value,
where somebody has changed or restored a part, or where an old write-ahead log was applied to another copy. Whatever the
reason: no number is given out again that is recorded, and no run stays open that has ended.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from rocketd.core.escaping import storable
from rocketd.core.instant import BEGINNING
from rocketd.store.sqlite.column_values import MAX_NUMBER, ColumnFaults, shown, validated
from rocketd.store.sqlite.rows import ACTIONS, Row, micros
from rocketd.store.sqlite.schema import COLUMNS, is_end, is_rare
from rocketd.store.sqlite.task_state import OPEN_RUN, TRIGGERS

_MAX_VALUE: Final = 2**62
_DEFAULTS: Final = {
    "fingerprint": "",
    "armed_at": BEGINNING,
    "next_number": 1,
    "removed_at": None,
    "paused": 0,
    "paused_until": None,
    "paused_by": "",
    "paused_reason": "",
    "missed": "",
}
"""What is kept of a task, and what takes the place of a value that it must not hold."""


def _cast(column: str, kind: str) -> str:
    return f"""CAST(coalesce({column}, {"''" if kind == "TEXT" else 0}) AS {kind})"""


_NUMBERS: Final = f"""
    SELECT name, next_number,
        (SELECT number FROM log WHERE task_name = name AND action = 'run' AND number BETWEEN 1 AND {MAX_NUMBER}
         ORDER BY number DESC LIMIT 1) AS begun,
        (SELECT number FROM log WHERE task_name = name AND {is_end()} AND number BETWEEN 1 AND {MAX_NUMBER}
         ORDER BY number DESC LIMIT 1) AS ended
    FROM task_state
"""
_UNKNOWN: Final = """
    WITH RECURSIVE seen (name) AS (
        SELECT min(task_name) FROM log WHERE action = 'run'
        UNION ALL
        SELECT (SELECT min(task_name) FROM log WHERE action = 'run' AND task_name > seen.name) FROM seen
        WHERE seen.name IS NOT NULL
    )
    SELECT name FROM seen WHERE typeof(name) = 'text' AND name NOT IN (SELECT name FROM task_state)
"""
_ENDED: Final = f"""
    SELECT task, number FROM open_run
    WHERE EXISTS (SELECT 1 FROM log WHERE task_name = task AND log.number = open_run.number AND {is_end()})
"""
_TRIGGERS: Final = ", ".join(f"'{trigger}'" for trigger in TRIGGERS)
_REOPEN: Final = f"""
    INSERT OR IGNORE INTO open_run
    SELECT task_name, number, {_cast("run_id", "TEXT")}, {_cast("attempt", "INTEGER")},
        CAST(round(coalesce(due, start, created) * 1000000) AS INTEGER),
        CAST(round(coalesce(start, created) * 1000000) AS INTEGER),
        CASE WHEN "trigger" IN ({_TRIGGERS}) THEN "trigger" ELSE 'schedule' END, {_cast("reason", "TEXT")},
        {_cast("cause_task", "TEXT")}, {_cast("cause_run_id", "TEXT")}, {_cast("host", "TEXT")},
        {_cast("boot_id", "TEXT")}, {_cast("pid", "INTEGER")}, {_cast("pid_start", "INTEGER")}
    FROM log WHERE task_name = CAST(? AS TEXT) AND number = ? AND action = 'run'
"""
_UNKNOWN_TRIGGER: Final = f"""
    UPDATE open_run SET "trigger" = 'schedule' WHERE "trigger" NOT IN ({_TRIGGERS}) RETURNING task, number
"""
_ACTIONS: Final = f"""
    WITH RECURSIVE seen (action) AS (
        SELECT min(action) FROM log WHERE {is_rare()}
        UNION ALL
        SELECT (SELECT min(action) FROM log WHERE {is_rare()} AND action > seen.action) FROM seen
        WHERE seen.action IS NOT NULL
    )
    SELECT action FROM seen WHERE action IS NOT NULL
"""
_OF_ACTION: Final = f"""
    SELECT id, {", ".join(f'"{name}"' for name in COLUMNS)} FROM log
    WHERE {is_rare()} AND CAST(action AS BLOB) = CAST(? AS BLOB)
"""
_REMOVE_OPEN: Final = """
    DELETE FROM open_run
    WHERE CAST(task AS BLOB) IS CAST(? AS BLOB) AND CAST(number AS BLOB) IS CAST(? AS BLOB)
"""
_NEWEST: Final = "SELECT created FROM log WHERE typeof(created) IN ('real', 'integer') ORDER BY id DESC LIMIT 1"
_WRONG_CLOCKS: Final = """
    DELETE FROM clock WHERE typeof(wall) <> 'integer' OR typeof(boot_id) <> 'text' OR typeof(boottime) <> 'integer'
    RETURNING *
"""


def make_consistent(database: sqlite3.Connection) -> list[str]:
    """Mend it, inside the caller's transaction; says for each thing what was wrong."""
    previous = database.text_factory
    database.text_factory = _decoded
    try:
        return list(_repairs(database))
    finally:
        database.text_factory = previous


def _decoded(raw: bytes) -> str:
    """Read what is no UTF-8 as well; it is no name of a task, and no text of ours."""
    return raw.decode(errors="surrogateescape")


def _encoded(value: object) -> object:
    return value.encode(errors="surrogateescape") if isinstance(value, str) else value


def _is_text(value: object) -> bool:
    return isinstance(value, str) and storable(value) == value


def _repairs(database: sqlite3.Connection) -> Iterator[str]:
    yield from _actions(database)
    yield from _states(database)
    yield from _unknown(database)
    yield from _open_runs(database)
    yield from _numbers(database)
    yield from _sign_of_life(database)


def _actions(database: sqlite3.Connection) -> Iterator[str]:
    """Put right the action of our own records: by it they are found."""
    actions = [action for (action,) in database.execute(_ACTIONS) if action not in ACTIONS]
    for action in actions:
        for key, *values in database.execute(_OF_ACTION, (_encoded(action),)).fetchall():
            faults = ColumnFaults()
            row = validated(Row._make(values), faults.at_row(f"row {key} of log"))
            if row is not None and row.number and row.run_id:
                with suppress(sqlite3.IntegrityError):  # it has such a record already
                    database.execute("UPDATE log SET action = ? WHERE id = ?", (row.action, key))
                yield str(faults)


def _states(database: sqlite3.Connection) -> Iterator[str]:
    names = list(_DEFAULTS)
    for name, *values in database.execute(f"SELECT name, {', '.join(names)} FROM task_state").fetchall():
        if not _is_text(name):
            database.execute("DELETE FROM task_state WHERE CAST(name AS BLOB) IS CAST(? AS BLOB)", (_encoded(name),))
            yield f"a row of task_state had {shown(name)} for a name"
            continue
        wrong = [(column, value) for column, value in zip(names, values, strict=True) if not _is_valid(column, value)]
        for column, value in wrong:
            database.execute(f"UPDATE task_state SET {column} = ? WHERE name = ?", (_DEFAULTS[column], name))
            yield f"row {name} of task_state had {shown(value)} in {column}"
            if column == "armed_at":  # nothing is known of the time before: its ticks count from now on
                database.execute("UPDATE task_state SET fingerprint = '' WHERE name = ?", (name,))


def _is_valid(column: str, value: object) -> bool:
    default = _DEFAULTS[column]
    if value is None:
        return default is None
    if isinstance(default, str):
        return _is_text(value)
    if column == "next_number":
        return isinstance(value, int) and 1 <= value <= MAX_NUMBER + 1
    return isinstance(value, int) and abs(value) <= _MAX_VALUE


def _unknown(database: sqlite3.Connection) -> Iterator[str]:
    for (name,) in database.execute(_UNKNOWN).fetchall():
        if not _is_text(name):
            continue
        database.execute("INSERT INTO task_state (name) VALUES (?)", (name,))
        yield f"task_state lacked {name}, of which runs are recorded"


def _numbers(database: sqlite3.Connection) -> Iterator[str]:
    """Raise the next numbers; a newest start that has neither an end nor a place among the open runs is open."""
    for name, next_number, last_start, last_end in database.execute(_NUMBERS).fetchall():
        highest = max(last_start or 0, last_end or 0)
        if highest >= next_number:
            database.execute("UPDATE task_state SET next_number = ? WHERE name = ?", (highest + 1, name))
            yield f"row {name} of task_state said that {next_number} is its next number, though {highest} is recorded"
        if last_start and last_start > (last_end or 0) and database.execute(_REOPEN, (name, last_start)).rowcount > 0:
            yield f"open_run lacked {name}/{last_start}, which has no end"


def _open_runs(database: sqlite3.Connection) -> Iterator[str]:
    columns = ", ".join(f'"{name}"' for name in OPEN_RUN)
    for row in database.execute(f"SELECT {columns} FROM open_run").fetchall():
        wrong = [
            (name, value)
            for (name, kind), value in zip(OPEN_RUN.items(), row, strict=True)
            if not (isinstance(value, int) if kind is int else _is_text(value))
        ]
        for name, value in wrong:
            yield f"row {shown(row[0])}/{row[1]} of open_run had {shown(value)} in {name}"
        if wrong:
            database.execute(_REMOVE_OPEN, tuple(map(_encoded, row[:2])))
            database.execute(_REOPEN, tuple(map(_encoded, row[:2])))
    for task, number in database.execute(_UNKNOWN_TRIGGER).fetchall():
        yield f"row {task}/{number} of open_run had an unknown trigger"
    for task, number in database.execute(_ENDED).fetchall():
        database.execute("DELETE FROM open_run WHERE task = ? AND number = ?", (task, number))
        yield f"open_run had {task}/{number}, whose end is recorded"


def _sign_of_life(database: sqlite3.Connection) -> Iterator[str]:
    """Make sure that there is a sign of life: if need be, that of the newest record."""
    for name, *values in database.execute(_WRONG_CLOCKS).fetchall():
        yield f"row {name} of clock had {values}"
    rows = database.execute("SELECT at, recorded FROM alive").fetchall()
    known = tuple(value if isinstance(value, int) else None for value in (rows[0] if rows else (None, None)))
    if rows and known == rows[0]:
        return
    newest = database.execute(_NEWEST).fetchone()
    recorded = micros(newest[0]) if known == (None, None) and newest else known[1]
    database.execute("INSERT OR REPLACE INTO alive (one, at, recorded) VALUES (1, ?, ?)", (known[0], recorded))
    yield f"the row of alive had {rows[0]}" if rows else "alive had no row"
