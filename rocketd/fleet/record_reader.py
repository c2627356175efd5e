"""The run log of this host, as it goes to the fleet: what comes after a place in it, and the misses that have grown.

Only a reader of the store, with a connection of its own: whoever writes never waits for it. Places in the log rise with
every commit, so that what comes after a place is all that came later.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from rocketd.store.sqlite.column_values import ColumnFaults, validated
from rocketd.store.sqlite.connection import Database
from rocketd.store.sqlite.rows import Row
from rocketd.store.sqlite.schema import COLUMNS, FILE_NAME, is_rare

_NAMES: Final = ", ".join(f'"{name}"' for name in COLUMNS)
_AFTER: Final = f"SELECT id, {_NAMES} FROM log WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - our own words
_MISSED: Final = f"SELECT id, {_NAMES} FROM log WHERE action = 'missed'"  # noqa: S608 - as above
_LAST_MISSED: Final = f"{_MISSED} AND {is_rare()} ORDER BY id DESC LIMIT ?"  # by the index of rare actions
BATCH: Final = 500
"""Records at a time."""
_BATCH_TEXT: Final = 256 * 1024
"""Characters of text at a time: what a slow network takes within a third of a lease."""
_LAST: Final = 200
"""Intervals of misses that may still grow: one for each task that misses its times now, at most."""


class LoggedRow(NamedTuple):
    """A record, and its place in the run log."""

    id: int
    row: Row


class LogPlace(NamedTuple):
    """Up to where records have been sent: a place in the run log, and whose record is there."""

    id: int = 0
    run: str = ""


class RecordReader:
    """Reads the run log in a state directory. Methods raise StoreError."""

    def __init__(self, directory: Path) -> None:
        self._database = Database(directory / FILE_NAME, read_only=True)
        self._database.lenient = True
        self.faults = ColumnFaults()

    def after(self, place: int, limit: int = BATCH) -> tuple[Sequence[LoggedRow], int]:
        """Return the next records after a place, and up to which place these are all; the same place: no more."""
        with self._database.reading() as database:
            taken: list[tuple[object, ...]] = []
            size = 0
            for values in database.execute(_AFTER, (place, limit)):
                size += sum(len(value) for value in values if isinstance(value, str))
                if taken and size > _BATCH_TEXT:
                    break
                taken.append(values)
        if not taken:
            return [], place
        return list(self._sound(taken)), _id(taken[-1])

    def last_missed(self, place: int) -> Sequence[LoggedRow]:
        """Return the newest intervals of misses up to a place, as they are now."""
        with self._database.reading() as database:
            rows = database.execute(_LAST_MISSED, (_LAST,)).fetchall()
        return [one for one in self._sound(rows) if one.id <= place]

    def waiting(self, place: int) -> int:
        """Return how many records come after a place, at most."""
        return max(self.newest() - place, 0)

    def newest(self) -> int:
        """Return the newest place in the log; 0: it is empty."""
        with self._database.reading() as database:
            return _newest(database)

    def unknown_of(self, runs: Collection[str]) -> list[str]:
        """Return those of these ids of runs that the log does not have."""
        with self._database.reading() as database:
            query = "SELECT 1 FROM log WHERE run_id = ? LIMIT 1"
            return [run_id for run_id in runs if database.execute(query, (run_id,)).fetchone() is None]

    def continues(self, position: LogPlace) -> bool:
        """Whether the log is the one that was sent up to there, and not an older copy of it that was restored."""
        with self._database.reading() as database:
            row = database.execute("SELECT run_id FROM log WHERE id = ?", (position.id,)).fetchone()
            if row is None:  # deleted as old, or not yet there
                return _newest(database) >= position.id
            return (row[0] or "") == position.run

    def close(self) -> None:
        """Close it."""
        self._database.close()

    def _sound(self, rows: Sequence[tuple[object, ...]]) -> Iterator[LoggedRow]:
        for values in rows:
            row = validated(Row._make(values[1:]), self.faults)
            if row is not None:
                yield LoggedRow(_id(values), row)


def _id(values: tuple[object, ...]) -> int:
    place = values[0]
    assert isinstance(place, int)  # noqa: S101 - SQLite keeps nothing else in an INTEGER PRIMARY KEY
    return place


def _newest(database: sqlite3.Connection) -> int:
    (newest,) = database.execute("SELECT max(id) FROM log").fetchone()
    return newest or 0
