"""Prunes the repository: old records that the state directory has not kept either."""

import sqlite3
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final, TypeAlias

from rocketd.core.instant import Instant
from rocketd.core.model.run import Action
from rocketd.store.sqlite.rows import Row, is_end, key_of, micros, seconds

RecordName: TypeAlias = str | tuple[str, str, Instant]
"""Identifies a record: its run id, or its task, action and time, as a repository may not keep more."""

_OLD: Final = (
    "SELECT run_id, task_name, action, created FROM log WHERE created < ? AND typeof(created) IN ('real', 'integer')"
)


def local_names(database: sqlite3.Connection, before: Instant) -> AbstractSet[RecordName]:
    """Return the records from before then that the state directory has: conditions may need them."""
    rows = database.execute(_OLD, (seconds(before),))
    return {name for run_id, *others in rows for name in (run_id, _name(*others))}


def prunable(rows: Iterable[Row], before: Instant, local: AbstractSet[RecordName]) -> Iterator[Row]:
    """Yield from these records (complete, in log order) those of runs that ended before then, and older misses."""
    old = [row for row in rows if row.created < seconds(before)]
    ended = {row.run_id or key_of(row) for row in old if is_end(row)}
    for row in old:
        is_over = row.action == Action.MISSED or (row.run_id or key_of(row)) in ended
        if is_over and (row.run_id or _name(row.task_name, row.action, row.created)) not in local:
            yield row


def _name(task: str, action: str, created: float) -> RecordName:
    return task, action, micros(created)
