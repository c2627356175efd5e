"""The events of the run log by their places in it: what came after a place that was noted earlier."""

# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

import sqlite3
from typing import Final, NamedTuple

from rocketd.core.model.events import Event
from rocketd.store.sqlite.column_values import ColumnFaults, validated
from rocketd.store.sqlite.rows import Row, event_of
from rocketd.store.sqlite.schema import COLUMNS, is_withdrawn

_NAMES: Final = ", ".join(f'"{name}"' for name in COLUMNS)
_AFTER: Final = f"""
    SELECT id, {_NAMES} FROM log WHERE id > ? AND NOT (action = 'run' AND {is_withdrawn("log")}) ORDER BY id LIMIT ?
"""


class LogEvents(NamedTuple):
    """Events in the order in which they were recorded; without the starts of runs that were withdrawn."""

    events: tuple[Event, ...]
    position: int
    """The place of the last one in the log."""


def last_position(database: sqlite3.Connection) -> int:
    """Return the place of the newest record; 0: there is none."""
    return int(database.execute("SELECT coalesce(max(id), 0) FROM log").fetchone()[0])


def events_after(database: sqlite3.Connection, position: int, limit: int, faults: ColumnFaults) -> LogEvents:
    """Read up to `limit` events after that place."""
    events: list[Event] = []
    for place, *values in database.execute(_AFTER, (position, limit)):
        position = place
        if row := validated(Row._make(values), faults.at_row(f"row {place} of log")):
            events.append(event_of(row))
    return LogEvents(tuple(events), position)
