"""The records that still matter, found in the store's own SQLite file by seeks alone; see `Store.recovery_events`.

One seek finds the newest record of a task, an action and a kind of run: its index ends in the place in the log. So a
restart costs as many seeks as there are tasks times actions, however long the log is.
"""

# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from rocketd.core.history.history import CRASHES_KEPT
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.events import Event
from rocketd.core.model.run import Action
from rocketd.store.sqlite.column_values import ColumnFaults, validated
from rocketd.store.sqlite.rows import Row, event_of, seconds
from rocketd.store.sqlite.schema import COLUMNS, ENDS, is_end, is_hand, is_withdrawn

Newest: TypeAlias = dict[str, int]
"""By the name of a task, the place of a record in the log."""

_NEWEST: Final = f"""
    SELECT given.value, (SELECT id FROM log
                         WHERE task_name = given.value AND action = ? AND {is_hand()} = ?
                         ORDER BY id DESC LIMIT 1)
    FROM json_each(?) AS given
"""
_BEGUN: Final = f"""
    SELECT given.value, (SELECT log.id FROM log
                         WHERE log.task_name = given.value AND log.action = 'run' AND {is_hand()} = ?
                             AND NOT {is_withdrawn("log")}
                         ORDER BY log.id DESC LIMIT 1)
    FROM json_each(?) AS given
"""
# A stop of the daemon itself is a crash, but no failure: what came before it still counts as the last one.
_FAILED: Final = f"""
    SELECT given.value, (SELECT id FROM log
                         WHERE task_name = given.value AND action = 'crash' AND {is_hand()} = ?
                             AND cause IS NOT 'shutdown'
                         ORDER BY id DESC LIMIT 1)
    FROM json_each(?) AS given
"""
_CRASHES: Final = f"""
    SELECT id FROM log WHERE task_name = ? AND action = 'crash' AND {is_hand()} = 0 AND id > ?
    ORDER BY id DESC LIMIT {CRASHES_KEPT}
"""
# CROSS JOIN keeps the order of the tables: the few that are given first, whatever the planner may guess.
_ENDS_OF: Final = f"""
    SELECT ended.id
    FROM json_each(?) AS given
    CROSS JOIN log AS begun ON begun.id = given.value AND begun.action = 'run'
    CROSS JOIN log AS ended ON ended.task_name = begun.task_name AND ended.number = begun.number
        AND {is_end("ended")}
"""
_OPEN: Final = """
    SELECT log.id FROM open_run
    CROSS JOIN log ON log.task_name = open_run.task AND log.number = open_run.number AND log.action = 'run'
"""
_YOUNG: Final = f"""
    SELECT id FROM log WHERE task_name = ? AND action = ? AND {is_hand()} IN (0, 1) AND created >= ?
        AND action <> 'withdrawn' AND NOT (action = 'run' AND {is_withdrawn("log")})
"""
_NEEDED: Final = COLUMNS[: COLUMNS.index("exc_text")]
_LONG: Final = len(COLUMNS) - len(_NEEDED)
_ROWS: Final = f"""
    SELECT id, {", ".join(f'"{name}"' for name in _NEEDED)}, {", ".join(["NULL"] * _LONG)} FROM log
    WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id
"""


def recovery_events(
    database: sqlite3.Connection, reach: Mapping[tuple[str, Action], Duration], now: Instant, faults: ColumnFaults
) -> Iterator[Event]:
    """Read the events that still matter, in log order; without output and tracebacks, which no condition asks for."""
    ids = {*_of_tasks(database), *_places(database, _OPEN, ())}
    for (task, action), age in reach.items():
        ids.update(_places(database, _YOUNG, (task, action.value, seconds(now - age))))
    for key, *values in database.execute(_ROWS, (json.dumps(list(ids)),)):
        if row := validated(Row._make(values), faults.at_row(f"row {key} of log")):
            yield event_of(row)


def _of_tasks(database: sqlite3.Connection) -> Iterator[int]:
    tasks = [name for (name,) in database.execute("SELECT name FROM task_state WHERE typeof(name) = 'text'")]
    scheduled = {action: _newest(database, action, 0, tasks) for action in ("missed", *ENDS)}
    scheduled["run"] = _newest_started(database, 0, tasks)
    started = _newest_started(database, 1, tasks)  # most tasks never run by hand, and need not be asked further
    by_hand = {action: _newest(database, action, 1, started) for action in ENDS}
    for newest in (*scheduled.values(), started, *by_hand.values()):
        yield from newest.values()
    yield from _places(database, _ENDS_OF, (json.dumps([*scheduled["run"].values(), *started.values()]),))
    for hand, crashed in enumerate((scheduled["crash"], by_hand["crash"])):
        yield from _found(database.execute(_FAILED, (hand, json.dumps(list(crashed))))).values()
    yield from _series(database, scheduled)


def _series(database: sqlite3.Connection, scheduled: Mapping[str, Newest]) -> Iterator[int]:
    """The crashes of each task since its last end of another kind."""
    for task, crashed in scheduled["crash"].items():
        other = max(scheduled[action].get(task, 0) for action in ENDS if action != "crash")
        if crashed > other:
            yield from _places(database, _CRASHES, (task, other))


# Starts 5 and 6 of a task; 6 was withdrawn. The newest start is 6, and a withdrawn record comes after it, so it is
# doubtful: the slower query then finds 5. Most tasks have no such record, and cost two seeks.
def _newest_started(database: sqlite3.Connection, hand: int, tasks: Iterable[str]) -> Newest:
    """The newest starts, but of runs that were withdrawn: the past is as if these had never been."""
    started = _newest(database, "run", hand, tasks)
    withdrawn = _newest(database, "withdrawn", hand, started)
    doubtful = {task for task, place in withdrawn.items() if place > started[task]}
    certain = {task: place for task, place in started.items() if task not in doubtful}
    return certain | _found(database.execute(_BEGUN, (hand, json.dumps(list(doubtful)))))


def _newest(database: sqlite3.Connection, action: str, hand: int, tasks: Iterable[str]) -> Newest:
    return _found(database.execute(_NEWEST, (action, hand, json.dumps(list(tasks)))))


def _found(rows: Iterable[tuple[str, int | None]]) -> Newest:
    return {task: place for task, place in rows if place is not None}


def _places(database: sqlite3.Connection, sql: str, values: tuple[str | float, ...]) -> list[int]:
    return [place for (place,) in database.execute(sql, values)]
