"""Which records of another repository are of no use any more: old ones that the state directory has not kept either."""

import sqlite3
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final, TypeAlias

from rocketd.core.instant import Instant
from rocketd.core.model.run import Action
from rocketd.store.sqlite.rows import Row, is_end, key_of, micros, seconds

RecordName: TypeAlias = str | tuple[str, str, Instant]
"""Of a record: the id of its run, or what happened to which task when, as a repository may keep no more."""

_OLD: Final = (
    "SELECT run_id, task_name, action, created FROM log WHERE created < ? AND typeof(created) IN ('real', 'integer')"
)


def local_names(database: sqlite3.Connection, before: Instant) -> AbstractSet[RecordName]:
    """What the state directory has from before then: conditions may ask for it, here or on the next host."""
    rows = database.execute(_OLD, (seconds(before),))
    return {name for run_id, *others in rows for name in (run_id, _name(*others))}


def prunable(rows: Iterable[Row], before: Instant, local: AbstractSet[RecordName]) -> Iterator[Row]:
    """Of records (complete, in log order): both of runs that ended before then, and of times missed before then."""
    old = [row for row in rows if row.created < seconds(before)]
    ended = {row.run_id or key_of(row) for row in old if is_end(row)}
    for row in old:
        is_over = row.action == Action.MISSED or (row.run_id or key_of(row)) in ended
        if is_over and (row.run_id or _name(row.task_name, row.action, row.created)) not in local:
            yield row


def _name(task: str, action: str, created: float) -> RecordName:
    return task, action, micros(created)
