"""Taking over records that a repository has and the state directory has not.

Of a task of which nothing is kept here: all of them, and what belongs to the task with them. Of one that is known:
those of runs with numbers that have not been given out here yet, and the ends of runs that are open here. Whatever else
is missing here was pruned.
"""

# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from rocketd.store import state
from rocketd.store.recall import recall
from rocketd.store.rows import Origin, Row, event_of, is_end, key_of
from rocketd.store.schema import COLUMNS
from rocketd.store.sound import Faults

_NEVER: Final = 2**63

_INSERT: Final = f"""
    INSERT OR IGNORE INTO log ({", ".join(f'"{name}"' for name in COLUMNS)})
    VALUES ({", ".join("?" * len(COLUMNS))})
"""


def adopt(database: sqlite3.Connection, rows: Iterable[Row], fingerprints: Mapping[str, str]) -> int:
    """Take over what is not known here from these records (complete, in log order); says how many.

    `fingerprints` are those of the tasks that there are; the records of others are left alone.
    """
    numbers = {name: known.next_number for name, known in state.states(database, Faults()).items()}
    ours = [row for row in rows if row.task_name in fingerprints]
    new = [row for row in ours if row.task_name not in numbers]
    later = [*_ends(database, ours), *(row for row in ours if (row.number or 0) >= numbers.get(row.task_name, _NEVER))]
    recall(database, new, fingerprints)
    _go_on(database, later)
    database.executemany(_INSERT, [*new, *later])
    return len(new) + len(later)


def _ends(database: sqlite3.Connection, rows: Iterable[Row]) -> Iterator[Row]:
    """The ends of runs that are open here, with the numbers that they have here."""
    going = {one.run.run_id: one.run.number for one in state.open_runs(database, Faults())}
    for row in rows:
        if is_end(row) and row.run_id in going:
            yield row._replace(number=going[row.run_id])


def _go_on(database: sqlite3.Connection, rows: list[Row]) -> None:
    """Let runs that began after the state directory's newest have their effect."""
    ended = {key_of(row) for row in rows if is_end(row)}
    for row in rows:
        if is_end(row) or key_of(row) not in ended:
            state.apply(database, [event_of(row)], Origin(row.host or "", row.boot_id or ""))
