# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

"""The run log in the store's own SQLite file: writing records, and the questions that the daemon asks.

The statements are SQLite's, prepared once and run many rows at a time: a record costs a fifth of what it would through
SQLAlchemy, and reading the log needs neither its 0.3 s of imports nor its 28 MB. `RunRepo` shows the same table to
everybody else.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rocketd.core.errors import DuplicateRun
from rocketd.core.events import Event, Finished, Missed, Spawned, Started
from rocketd.core.history import CRASHES_KEPT
from rocketd.core.instant import Duration, Instant
from rocketd.core.records import Change
from rocketd.core.run import Action
from rocketd.store.rows import Origin, Row, event_of, row_of, seconds
from rocketd.store.schema import COLUMNS, ENDS, is_end, is_hand

_NAMES: Final = ", ".join(f'"{name}"' for name in COLUMNS)
_ENDS: Final = ", ".join(f"'{action}'" for action in ENDS)

# An end that comes again is the answer to a lost acknowledgement: nothing is left to do. A start never is.
# A stretch of missed times that goes on keeps its place in the log.
_INSERT: Final = f"""
    INSERT INTO log ({_NAMES}) VALUES ({", ".join("?" * len(COLUMNS))})
    ON CONFLICT (task_name, number) WHERE {is_end()} DO NOTHING
    ON CONFLICT (run_id) WHERE action = 'missed' DO UPDATE SET
        {", ".join(f'"{name}" = excluded."{name}"' for name in ("created", "due", "end", "times", "reason", "message"))}
"""
_SPAWNED: Final = "UPDATE log SET pid = ?, pid_start = ? WHERE task_name = ? AND number = ? AND action = 'run'"

# One seek per task, action and kind of run; the index ends in `id`, so the newest is the last of its stretch.
_NEWEST: Final = f"""
    WITH actions (action) AS (VALUES ('run'), ('missed'), {", ".join(f"('{action}')" for action in ENDS)}),
         hands (hand) AS (VALUES (0), (1))
    SELECT (SELECT id FROM log
            WHERE task_name = task_state.name AND action = actions.action AND {is_hand()} = hands.hand
            ORDER BY id DESC LIMIT 1)
    FROM task_state, actions, hands
"""
_ENDS_OF: Final = f"""
    SELECT ended.id
    FROM json_each(?) AS given
    CROSS JOIN log AS begun ON begun.id = given.value AND begun.action = 'run'
    CROSS JOIN log AS ended ON ended.task_name = begun.task_name AND ended.number = begun.number
        AND {is_end("ended")}
"""
# A stop of the daemon itself is a crash, but no failure: what came before it still counts as the last one.
_FAILED: Final = f"""
    WITH hands (hand) AS (VALUES (0), (1))
    SELECT (SELECT id FROM log
            WHERE task_name = task_state.name AND action = 'crash' AND {is_hand()} = hands.hand
                AND cause IS NOT 'shutdown'
            ORDER BY id DESC LIMIT 1)
    FROM task_state, hands
"""
# CROSS JOIN keeps the order of the tables: the few open runs first, whatever the planner may guess.
_OPEN: Final = """
    SELECT log.id FROM open_run
    CROSS JOIN log ON log.task_name = open_run.task AND log.number = open_run.number AND log.action = 'run'
"""
_CRASHED: Final = f"""
    SELECT name, coalesce((SELECT max(id) FROM log WHERE task_name = name AND action IN ({_ENDS}) AND action <> 'crash'
                           AND {is_hand()} = 0), 0) AS other
    FROM task_state
    WHERE other < (SELECT max(id) FROM log WHERE task_name = name AND action = 'crash' AND {is_hand()} = 0)
"""
_CRASHES: Final = f"""
    SELECT id FROM log WHERE task_name = ? AND action = 'crash' AND {is_hand()} = 0 AND id > ?
    ORDER BY id DESC LIMIT {CRASHES_KEPT}
"""
_YOUNG: Final = f"""
    SELECT id FROM log WHERE task_name = ? AND action = ? AND {is_hand()} IN (0, 1) AND created >= ?
"""
_ROWS: Final = f"""
    SELECT {", ".join(f'"{name}"' for name in COLUMNS[:-2])}, NULL, NULL FROM log
    WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id
"""


def insert(database: sqlite3.Connection, changes: Sequence[Change], origin: Origin) -> None:
    """Append the records among these changes, in their order. Raises DuplicateRun."""
    rows = [row_of(change, origin) for change in changes if isinstance(change, Started | Finished | Missed)]
    left = iter(rows)
    try:
        database.executemany(_INSERT, left)
    except sqlite3.IntegrityError as error:  # only a start is unique without a rule for what happens otherwise
        failed = rows[len(rows) - len(list(left)) - 1]
        raise duplicate_run(failed.task_name, failed.number or 0) from error
    spawned = [(c.pid, c.pid_start, *c.run.key) for c in changes if isinstance(c, Spawned)]
    if spawned:
        database.executemany(_SPAWNED, spawned)


def duplicate_run(task: str, number: int) -> DuplicateRun:
    """Say that this run must not start."""
    return DuplicateRun(f"run {task}/{number} is recorded already", hint="do two daemons share this run log?")


def past_ids(database: sqlite3.Connection, reach: Mapping[tuple[str, Action], Duration], now: Instant) -> list[int]:
    """Find the records that still matter: see `Store.past`."""
    ids = {row[0] for sql in (_NEWEST, _FAILED, _OPEN) for row in database.execute(sql)}
    ids.discard(None)
    ids.update([row[0] for row in database.execute(_ENDS_OF, (json.dumps(list(ids)),))])
    for crashed in database.execute(_CRASHED).fetchall():
        ids.update(row[0] for row in database.execute(_CRASHES, crashed))
    for (task, action), age in reach.items():
        ids.update(row[0] for row in database.execute(_YOUNG, (task, action.value, seconds(now - age))))
    return list(ids)


def past(database: sqlite3.Connection, reach: Mapping[tuple[str, Action], Duration], now: Instant) -> Iterator[Event]:
    """Read the events that still matter, in log order; without output and tracebacks, which no condition asks for."""
    ids = json.dumps(past_ids(database, reach, now))
    for row in database.execute(_ROWS, (ids,)):
        yield event_of(Row._make(row))
