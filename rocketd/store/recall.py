"""What belongs to the tasks, read out of the run log where nothing was kept beside it.

A log without its state directory (a new host, a program that keeps none) still tells when a task was first seen, which
numbers are used, and which runs have no end. Its conditions count as unchanged.
"""

import sqlite3
from collections.abc import Iterable, Mapping

from rocketd.core.model.events import Started
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action, RunKey
from rocketd.store import state
from rocketd.store.rows import Origin, Row, is_end, key_of, micros, run_of
from rocketd.store.sound import Faults


def recall(database: sqlite3.Connection, rows: Iterable[Row], fingerprints: Mapping[str, str]) -> None:
    """Keep what the records (complete, in log order) tell of tasks of which nothing is kept.

    `fingerprints` are those of the tasks that there are; the others are left alone.
    """
    known = state.states(database, Faults())
    fresh = [row for row in rows if row.task_name in fingerprints and row.task_name not in known]
    state.apply(database, list(_states(fresh, fingerprints).values()), Origin("", ""))
    for row in _open(fresh).values():
        state.apply(database, [Started(run_of(row))], Origin(row.host or "", row.boot_id or ""))
    if fresh:
        state.seen(database, micros(max(row.created for row in fresh)))


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
