"""Taking over records that a repository has and the state directory has not.

Of a task of which nothing is kept here: all of them, and what belongs to the task with them. Of one that is known:
those of runs with numbers that have not been given out here yet, and the ends of runs that are open here. Whatever else
is missing here was pruned.
"""

# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from rocketd.core.model.events import Started
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action, RunKey
from rocketd.store.sqlite import task_state
from rocketd.store.sqlite.rows import Origin, Row, event_of, is_end, key_of, micros, run_of
from rocketd.store.sqlite.schema import COLUMNS
from rocketd.store.sqlite.validation import ColumnFaults


def derive_states(database: sqlite3.Connection, rows: Iterable[Row], fingerprints: Mapping[str, str]) -> None:
    """Keep what the records (complete, in log order) tell of tasks of which nothing is kept.

    `fingerprints` are those of the tasks that there are; the others are left alone.
    """
    known = task_state.states(database, ColumnFaults())
    fresh = [row for row in rows if row.task_name in fingerprints and row.task_name not in known]
    task_state.apply(database, list(_states(fresh, fingerprints).values()), Origin("", ""))
    for row in _open(fresh).values():
        task_state.apply(database, [Started(run_of(row))], Origin(row.host or "", row.boot_id or ""))
    if fresh:
        task_state.note_record_time(database, micros(max(row.created for row in fresh)))


def _states(rows: Iterable[Row], fingerprints: Mapping[str, str]) -> dict[str, TaskState]:
    states: dict[str, TaskState] = {}
    for row in rows:
        name = row.task_name
        number = 0 if row.action == Action.MISSED else row.number or 0
        before = states.get(name)
        armed_at = micros(row.created) if before is None else before.armed_at
        following = max(number + 1, 1 if before is None else before.next_number)
        states[name] = TaskState(name, fingerprints[name], armed_at, following)
    return states


def _open(rows: Iterable[Row]) -> dict[RunKey, Row]:
    going: dict[RunKey, Row] = {}
    for row in rows:
        if row.action == Action.RUN:
            going[key_of(row)] = row
        elif is_end(row):
            going.pop(key_of(row), None)
    return going


_NEVER: Final = 2**63

_INSERT: Final = f"""
    INSERT OR IGNORE INTO log ({", ".join(f'"{name}"' for name in COLUMNS)})
    VALUES ({", ".join("?" * len(COLUMNS))})
"""


def import_missing(database: sqlite3.Connection, rows: Iterable[Row], fingerprints: Mapping[str, str]) -> int:
    """Take over what is not known here from these records (complete, in log order); says how many.

    `fingerprints` are those of the tasks that there are; the records of others are left alone.
    """
    numbers = {name: known.next_number for name, known in task_state.states(database, ColumnFaults()).items()}
    ours = [row for row in rows if row.task_name in fingerprints]
    new = [row for row in ours if row.task_name not in numbers]
    later = [*_ends(database, ours), *(row for row in ours if (row.number or 0) >= numbers.get(row.task_name, _NEVER))]
    derive_states(database, new, fingerprints)
    _go_on(database, later)
    database.executemany(_INSERT, [*new, *later])
    return len(new) + len(later)


def _ends(database: sqlite3.Connection, rows: Iterable[Row]) -> Iterator[Row]:
    """The ends of runs that are open here, with the numbers that they have here."""
    going = {one.run.run_id: one.run.number for one in task_state.open_runs(database, ColumnFaults())}
    for row in rows:
        if is_end(row) and row.run_id in going:
            yield row._replace(number=going[row.run_id])


def _go_on(database: sqlite3.Connection, rows: list[Row]) -> None:
    """Let runs that began after the state directory's newest have their effect."""
    ended = {key_of(row) for row in rows if is_end(row)}
    for row in rows:
        if is_end(row) or key_of(row) not in ended:
            task_state.apply(database, [event_of(row)], Origin(row.host or "", row.boot_id or ""))
