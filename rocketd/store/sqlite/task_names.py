"""Tasks under other names: their records and all that is kept beside these.

It happens between the changes of one transaction, at its place: what comes before has the old name.
"""

import sqlite3
from collections.abc import Iterator, Sequence

from rocketd.core.model.records import Change, Renamed

_STEPS = (
    "UPDATE OR IGNORE log SET task_name = :new WHERE task_name = :old",
    "UPDATE OR IGNORE open_run SET task = :new WHERE task = :old",
    "UPDATE OR IGNORE task_state SET name = :new WHERE name = :old",
)
"""A number that both have had stays with the old name: that cannot be, unless somebody else has written here."""


def parts(changes: Sequence[Change]) -> Iterator[tuple[Renamed | None, Sequence[Change]]]:
    """Divide changes at each rename, which comes before the others of its part."""
    renamed: Renamed | None = None
    rest: list[Change] = []
    for change in changes:
        if isinstance(change, Renamed):
            if renamed or rest:
                yield renamed, rest
            renamed, rest = change, []
        else:
            rest.append(change)
    if renamed or rest:
        yield renamed, rest


def rename(database: sqlite3.Connection, change: Renamed | None) -> None:
    """Carry it out; does nothing if there is none."""
    if change is not None:
        for step in _STEPS:
            database.execute(step, {"old": change.old, "new": change.new})
