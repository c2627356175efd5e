# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

"""What is kept beside the run log: task states, open runs, the last sign of life.

It lies in the state directory whatever holds the records. Every function works inside the caller's transaction.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from types import UnionType
from typing import Final

from rocketd.core.instant import Instant
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.events import Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.records import Alive, Change, OpenRun, TaskState
from rocketd.core.model.run import Run, Trigger
from rocketd.store.sqlite.bulk import placeholders, statement, write
from rocketd.store.sqlite.column_values import ColumnFaults
from rocketd.store.sqlite.rows import Origin

_STATE: Final = {
    "name": str,
    "fingerprint": str,
    "armed_at": int,
    "next_number": int,
    "removed_at": int | None,
    "paused": int,
    "paused_until": int | None,
    "paused_by": str,
    "paused_reason": str,
    "missed": str,
}
"""The columns of `task_state`, and what each may hold. `missed` has `member_since`: it was there, and held nothing."""
_RUN: Final = {
    "task": str,
    "number": int,
    "run_id": str,
    "attempt": int,
    "due": int,
    "start": int,
    "trigger": str,
    "reason": str,
    "cause_task": str,
    "cause_run_id": str,
}
OPEN_RUN: Final = _RUN | {"host": str, "boot_id": str, "pid": int, "pid_start": int}
"""The columns of `open_run`, and what each holds."""
TRIGGERS: Final = frozenset(trigger.value for trigger in Trigger)

_state_values: Final = attrgetter(*(name for name in _STATE if name != "missed"), "member_since")
_run_values: Final = attrgetter(*_RUN)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


_UPSERT_TASK: Final = statement(
    "INSERT INTO task_state (name, next_number) VALUES",
    placeholders(2),
    "ON CONFLICT (name) DO UPDATE SET next_number = excluded.next_number WHERE excluded.next_number > next_number",
)
# A next number only ever grows: it must not be given out again, even after the records were pruned.
_SAVE_STATE: Final = statement(
    f"INSERT INTO task_state ({_quoted(_STATE)}) VALUES",
    placeholders(len(_STATE)),
    f"""
    ON CONFLICT (name) DO UPDATE SET next_number = max(next_number, excluded.next_number),
        {", ".join(f"{name} = excluded.{name}" for name in _STATE if name not in {"name", "next_number"})}
    """,
)
_OPEN_RUN: Final = statement(
    f"INSERT INTO open_run ({_quoted(_RUN)}, host, boot_id) VALUES", placeholders(len(_RUN) + 2)
)
_SET_PROCESS: Final = statement(
    "UPDATE open_run SET pid = given.column1, pid_start = given.column2 FROM (VALUES",
    placeholders(4),
    ") AS given WHERE task = given.column3 AND number = given.column4",
)
# Not `IN (VALUES …)`, for which SQLite would go through the whole table.
_CLOSE_RUN: Final = statement("DELETE FROM open_run WHERE", "(task = ? AND number = ?)", separator=" OR ")
# What was recorded before a sign of life says nothing more: it may be of a clock that was ahead.
_SAVE_ALIVE: Final = """
    INSERT INTO alive (one, at) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET at = excluded.at, recorded = NULL
"""
_SAVE_CLOCK: Final = """
    INSERT INTO clock (name, wall, boot_id, boottime) VALUES (?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET wall = excluded.wall, boot_id = excluded.boot_id, boottime = excluded.boottime
"""
_CLOCKS: Final = """
    SELECT name, wall, boot_id, boottime FROM clock
    WHERE typeof(wall) = 'integer' AND typeof(boot_id) = 'text' AND typeof(boottime) = 'integer'
"""
_INIT_TRUSTED: Final = """
    INSERT OR IGNORE INTO clock (name, wall, boot_id, boottime)
    SELECT 'trusted', coalesce((SELECT at FROM alive), ?), ?, ?
"""
_SAVE_RECORD_TIME: Final = "UPDATE alive SET recorded = max(coalesce(recorded, ?), ?)"


def apply(database: sqlite3.Connection, changes: Sequence[Change], origin: Origin) -> None:
    """Let the changes of one transaction have their effect.

    Of one run the start comes before the process, and that before the end: so each kind is written in one go, and the
    process of a run that has ended as well need not be written.
    """
    ended = {change.run.key for change in changes if isinstance(change, (Finished, Withdrawn))}
    write(database, _UPSERT_TASK, list(_next_numbers(changes).items()))
    write(database, _SAVE_STATE, [_state_values(change) for change in changes if isinstance(change, TaskState)])
    write(database, _OPEN_RUN, [(*_run_values(c.run), *origin) for c in changes if isinstance(c, Started)])
    spawned = [change for change in changes if isinstance(change, Spawned) and change.run.key not in ended]
    write(database, _SET_PROCESS, [(c.pid, c.pid_start, *c.run.key) for c in spawned])
    write(database, _CLOSE_RUN, list(ended))
    _save_signs_of_life(database, changes, origin)


def _next_numbers(changes: Iterable[Change]) -> dict[str, int]:
    """The tasks that these changes tell of, and the number that each may give out next."""
    next_numbers: dict[str, int] = {}
    for change in changes:
        match change:
            case Started(run) | Finished(run) | Withdrawn(run):
                next_numbers[run.task] = max(next_numbers.get(run.task, 1), run.number + 1)
            case Missed(task):
                next_numbers.setdefault(task, 1)
    return next_numbers


def instant_of_record(change: Change) -> Instant | None:
    """When what the record tells of happened; None: it is no record."""
    match change:
        case Started(run):
            return run.start
        case Finished(_, end):
            return end.at
        case Withdrawn() | Missed():
            return change.at
    return None


def _save_signs_of_life(database: sqlite3.Connection, changes: Iterable[Change], origin: Origin) -> None:
    for change in changes:
        if isinstance(change, Alive):
            reading = change.at, origin.boot_id, change.boottime
            if change.boottime is not None:
                database.execute(_INIT_TRUSTED, reading)
                database.execute(_SAVE_CLOCK, ("alive", *reading))
            database.execute(_SAVE_ALIVE, (change.at,))
    recorded = [at for at in map(instant_of_record, changes) if at is not None]
    if recorded:
        newest = max(recorded)
        database.execute(_SAVE_RECORD_TIME, (newest, newest))


def clock_readings(database: sqlite3.Connection) -> dict[str, ClockReading]:
    """Read what the clocks showed at the last sign of life (`alive`), and up to when time is `trusted` to have come."""
    rows = database.execute(_CLOCKS)
    return {name: ClockReading(*reading) for name, *reading in rows}


def save_trusted_reading(database: sqlite3.Connection, reading: ClockReading) -> None:
    """Note up to when time is trusted to have come."""
    database.execute(_SAVE_CLOCK, ("trusted", *reading))


def note_record_time(database: sqlite3.Connection, at: Instant) -> None:
    """Note that a record tells of that instant."""
    database.execute(_SAVE_RECORD_TIME, (at, at))


def states(database: sqlite3.Connection, faults: ColumnFaults) -> dict[str, TaskState]:
    """Read the state of every task ever seen; one that cannot be trusted is left out."""
    rows = database.execute(f"SELECT {_quoted(_STATE)} FROM task_state")
    read = (_state(row, faults.at_row(f"row {row[0]} of task_state")) for row in rows)
    return {state.name: state for state in read if state}


def _state(row: tuple[object, ...], faults: ColumnFaults) -> TaskState | None:
    if not _is_valid(_STATE, row, faults):
        return None
    state = TaskState(*row)  # type: ignore[arg-type]  # they have been looked at
    return replace(state, paused=bool(state.paused))


def open_runs(database: sqlite3.Connection, faults: ColumnFaults) -> list[OpenRun]:
    """Read the runs without an end, in the order in which they were decided; without those that cannot be trusted."""
    rows = database.execute(f"SELECT {_quoted(OPEN_RUN)} FROM open_run ORDER BY start, run_id")
    read = (_open_run(row, faults.at_row(f"row {row[0]}/{row[1]} of open_run")) for row in rows)
    return [run for run in read if run]


def _open_run(row: tuple[object, ...], faults: ColumnFaults) -> OpenRun | None:
    if not _is_valid(OPEN_RUN, row, faults):
        return None
    run = Run(*row[: len(_RUN)])  # type: ignore[arg-type]  # they have been looked at
    return OpenRun(replace(run, trigger=Trigger(run.trigger)), *row[len(_RUN) :])  # type: ignore[arg-type]  # as above


def _is_valid(expected: Mapping[str, type | UnionType], row: Sequence[object], faults: ColumnFaults) -> bool:
    invalid = [
        (name, value)
        for (name, kind), value in zip(expected.items(), row, strict=True)
        if not isinstance(value, kind) or (name == "trigger" and value not in TRIGGERS)
    ]
    for name, value in invalid:
        faults.add(name, value)
    return not invalid


def last_alive(database: sqlite3.Connection) -> Instant | None:
    """Read the newest sign of life."""
    row: tuple[Instant | None, Instant | None] = database.execute("SELECT at, recorded FROM alive").fetchone()
    return max((at for at in row if at is not None), default=None)
