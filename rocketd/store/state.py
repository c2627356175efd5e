# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

"""What is kept beside the run log: task states, open runs, the last sign of life.

It lies in the state directory whatever holds the records. Every function works inside the caller's transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

from rocketd.core.events import Finished, Missed, Spawned, Started
from rocketd.core.instant import Instant
from rocketd.core.records import Alive, Change, OpenRun, TaskState
from rocketd.core.run import Run, Trigger
from rocketd.store.rows import Origin
from rocketd.store.rows_at_once import places, statement, write

_STATE: Final = (
    "name",
    "fingerprint",
    "armed_at",
    "next_number",
    "removed_at",
    "paused",
    "paused_until",
    "paused_by",
    "paused_reason",
)
_RUN: Final = (
    "task",
    "number",
    "run_id",
    "attempt",
    "due",
    "start",
    "trigger",
    "reason",
    "cause_task",
    "cause_run_id",
)

_state_values: Final = attrgetter(*_STATE)
_run_values: Final = attrgetter(*_RUN)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


_MEET: Final = statement(
    "INSERT INTO task_state (name, next_number) VALUES",
    places(2),
    "ON CONFLICT (name) DO UPDATE SET next_number = excluded.next_number WHERE excluded.next_number > next_number",
)
# A next number only ever grows: it must not be given out again, even after the records were pruned.
_KEEP: Final = statement(
    f"INSERT INTO task_state ({_quoted(_STATE)}) VALUES",
    places(len(_STATE)),
    f"""
    ON CONFLICT (name) DO UPDATE SET next_number = max(next_number, excluded.next_number),
        {", ".join(f"{name} = excluded.{name}" for name in _STATE if name not in {"name", "next_number"})}
    """,
)
_OPEN: Final = statement(f"INSERT INTO open_run ({_quoted(_RUN)}, host, boot_id) VALUES", places(len(_RUN) + 2))
_SPAWN: Final = statement(
    "UPDATE open_run SET pid = given.column1, pid_start = given.column2 FROM (VALUES",
    places(4),
    ") AS given WHERE task = given.column3 AND number = given.column4",
)
# Not `IN (VALUES …)`, for which SQLite would go through the whole table.
_CLOSE: Final = statement("DELETE FROM open_run WHERE", "(task = ? AND number = ?)", between=" OR ")
_ALIVE: Final = "UPDATE alive SET at = ?"
_RECORDED: Final = "UPDATE alive SET recorded = max(coalesce(recorded, ?1), ?1)"


def apply(database: sqlite3.Connection, changes: Sequence[Change], origin: Origin) -> None:
    """Let the changes of one transaction have their effect.

    Of one run the start comes before the process, and that before the end: so each kind is written in one go, and the
    process of a run that has ended as well need not be written.
    """
    ended = {change.run.key for change in changes if isinstance(change, Finished)}
    write(database, _MEET, list(_met(changes).items()))
    write(database, _KEEP, [_state_values(change) for change in changes if isinstance(change, TaskState)])
    write(database, _OPEN, [(*_run_values(c.run), *origin) for c in changes if isinstance(c, Started)])
    spawned = [change for change in changes if isinstance(change, Spawned) and change.run.key not in ended]
    write(database, _SPAWN, [(c.pid, c.pid_start, *c.run.key) for c in spawned])
    write(database, _CLOSE, list(ended))
    _live(database, changes)


def _met(changes: Iterable[Change]) -> dict[str, int]:
    """The tasks that these changes tell of, and the number that each may give out next."""
    met: dict[str, int] = {}
    for change in changes:
        match change:
            case Started(run) | Finished(run):
                met[run.task] = max(met.get(run.task, 1), run.number + 1)
            case Missed(task):
                met.setdefault(task, 1)
    return met


def instant_of_record(change: Change) -> Instant | None:
    """When what the record tells of happened; None: it is no record."""
    match change:
        case Started(run):
            return run.start
        case Finished(_, end):
            return end.at
        case Missed():
            return change.at
    return None


def _live(database: sqlite3.Connection, changes: Iterable[Change]) -> None:
    for change in changes:
        if isinstance(change, Alive):
            database.execute(_ALIVE, (change.at,))
    recorded = [at for at in map(instant_of_record, changes) if at is not None]
    if recorded:
        database.execute(_RECORDED, (max(recorded),))


def seen(database: sqlite3.Connection, at: Instant) -> None:
    """Note that a record tells of that instant."""
    database.execute(_RECORDED, (at,))


def states(database: sqlite3.Connection) -> dict[str, TaskState]:
    """Read the state of every task ever seen."""
    rows = database.execute(f"SELECT {_quoted(_STATE)} FROM task_state")
    return {row[0]: _state(row) for row in rows}


def _state(row: tuple[str, str, int, int, int | None, int, int | None, str, str]) -> TaskState:
    name, fingerprint, armed_at, next_number, removed_at, paused, until, by, reason = row
    return TaskState(name, fingerprint, armed_at, next_number, removed_at, bool(paused), until, by, reason)


def open_runs(database: sqlite3.Connection) -> list[OpenRun]:
    """Read the runs without an end, in the order in which they were decided."""
    rows = database.execute(
        f"SELECT {_quoted(_RUN)}, host, boot_id, pid, pid_start FROM open_run ORDER BY start, run_id"
    )
    return [OpenRun(_run(row[: len(_RUN)]), *row[len(_RUN) :]) for row in rows]


def _run(row: tuple[str, int, str, int, int, int, str, str, str, str]) -> Run:
    task, number, run_id, attempt, due, start, trigger, *rest = row
    return Run(task, number, run_id, attempt, due, start, Trigger(trigger), *rest)


def last_alive(database: sqlite3.Connection) -> Instant | None:
    """Read the newest sign of life."""
    row: tuple[Instant | None, Instant | None] = database.execute("SELECT at, recorded FROM alive").fetchone()
    return max((at for at in row if at is not None), default=None)
