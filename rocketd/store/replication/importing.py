"""Imports records that a repository has and the state directory does not.

Of a task without state here: all records, and the task's state. Of a known task: the runs with numbers that have not
been used here yet, and the ends of runs that are open here. Everything else that is missing here was pruned.

If the state directory is empty, the records are the whole past: a task that waits for the ends of others is armed
before the oldest of their records, so that an end for which it has not run yet still counts.
"""

# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from rocketd.core.instant import MICROSECOND
from rocketd.core.model.events import Started
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action, RunKey
from rocketd.store.sqlite import task_state
from rocketd.store.sqlite.column_values import ColumnFaults
from rocketd.store.sqlite.rows import Origin, Row, event_of, is_end, key_of, micros, run_of
from rocketd.store.sqlite.schema import COLUMNS

Followed: TypeAlias = Mapping[str, Collection[str]]
"""The tasks whose ends a task waits for."""


def derive_states(
    database: sqlite3.Connection, rows: Iterable[Row], fingerprints: Mapping[str, str], followed: Followed
) -> None:
    """Import the records (complete, in log order) of tasks without state here.

    `fingerprints` are those of the loaded tasks; records of other tasks are skipped.
    """
    known = task_state.states(database, ColumnFaults())
    new_rows = [row for row in rows if row.task_name in fingerprints and row.task_name not in known]
    states = _states(new_rows, fingerprints)
    if not known:
        states |= _following(states, fingerprints, followed)
    task_state.apply(database, list(states.values()), Origin("", ""))
    for row in _open(new_rows).values():
        task_state.apply(database, [Started(run_of(row))], Origin(row.host or "", row.boot_id or ""))
    if new_rows:
        task_state.note_record_time(database, micros(max(row.created for row in new_rows)))


def _states(rows: Iterable[Row], fingerprints: Mapping[str, str]) -> dict[str, TaskState]:
    states: dict[str, TaskState] = {}
    for row in rows:
        name = row.task_name
        number = 0 if row.action == Action.MISSED else row.number or 0
        previous = states.get(name)
        armed_at = micros(row.created) if previous is None else previous.armed_at
        next_number = max(number + 1, 1 if previous is None else previous.next_number)
        states[name] = TaskState(name, fingerprints[name], armed_at, next_number)
    return states


def _following(
    states: Mapping[str, TaskState], fingerprints: Mapping[str, str], followed: Followed
) -> dict[str, TaskState]:
    """Arm tasks that wait for others just before the oldest record of these, with or without records of their own."""
    armed: dict[str, TaskState] = {}
    for name, others in followed.items():
        oldest = min((states[other].armed_at for other in others if other in states), default=None)
        if oldest is not None and name in fingerprints:
            state = states.get(name, TaskState(name, fingerprints[name], oldest, next_number=1))
            armed[name] = replace(state, armed_at=min(state.armed_at, oldest - MICROSECOND))
    return armed


def _open(rows: Iterable[Row]) -> dict[RunKey, Row]:
    open_numbers: dict[RunKey, Row] = {}
    for row in rows:
        if row.action == Action.RUN:
            open_numbers[key_of(row)] = row
        elif is_end(row):
            open_numbers.pop(key_of(row), None)
    return open_numbers


_NEVER: Final = 2**63

_INSERT: Final = f"""
    INSERT OR IGNORE INTO log ({", ".join(f'"{name}"' for name in COLUMNS)})
    VALUES ({", ".join("?" * len(COLUMNS))})
"""


def import_missing(
    database: sqlite3.Connection, rows: Iterable[Row], fingerprints: Mapping[str, str], followed: Followed
) -> int:
    """Import what is missing here from these records (complete, in log order); return how many.

    `fingerprints` are those of the loaded tasks; records of other tasks are skipped. `followed` maps each task to those
    whose ends it waits for.
    """
    numbers = {name: known.next_number for name, known in task_state.states(database, ColumnFaults()).items()}
    loaded = [row for row in rows if row.task_name in fingerprints]
    new = [row for row in loaded if row.task_name not in numbers]
    later = [
        *_ends(database, loaded),
        *(row for row in loaded if (row.number or 0) >= numbers.get(row.task_name, _NEVER)),
    ]
    derive_states(database, new, fingerprints, followed)
    _apply_later(database, later)
    database.executemany(_INSERT, [*new, *later])
    return len(new) + len(later)


def _ends(database: sqlite3.Connection, rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the ends of runs that are open here, with the numbers that they have here."""
    open_numbers = {one.run.run_id: one.run.number for one in task_state.open_runs(database, ColumnFaults())}
    for row in rows:
        if is_end(row) and row.run_id in open_numbers:
            yield row._replace(number=open_numbers[row.run_id])


def _apply_later(database: sqlite3.Connection, rows: list[Row]) -> None:
    """Apply the runs that began after the newest one in the state directory."""
    ended = {key_of(row) for row in rows if is_end(row)}
    for row in rows:
        if is_end(row) or key_of(row) not in ended:
            task_state.apply(database, [event_of(row)], Origin(row.host or "", row.boot_id or ""))
