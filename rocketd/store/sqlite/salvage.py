# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

"""A store with damaged pages is made anew from all that can be read of it; the damaged one is kept for people.

The rows of the log are read by their place in it, ever smaller stretches where that fails. Of those that are lost the
indexes still tell which task, what and when: enough for conditions, so that what has run today does not run again.
"""

import os
import sqlite3
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, NamedTuple

from rocketd.core.errors import StoreError
from rocketd.core.model.run import Action
from rocketd.store.errors import translating_errors
from rocketd.store.file_identity import COMPANIONS
from rocketd.store.rejected_lines import move_aside, sync_directory
from rocketd.store.sqlite.connection import BUSY_TIMEOUT
from rocketd.store.sqlite.consistency import make_consistent
from rocketd.store.sqlite.merge import RESCUED, merge_copy
from rocketd.store.sqlite.migrations import upgrade
from rocketd.store.sqlite.schema import COLUMNS

_NAMES: Final = ", ".join(f'"{name}"' for name in COLUMNS)
_PLACES: Final = ", ".join("?" * (len(COLUMNS) + 1))
_RANGE: Final = f"SELECT id, {_NAMES} FROM log NOT INDEXED WHERE id BETWEEN ? AND ?"
_INDEXED: Final = "SELECT id, task_name, action, created FROM log INDEXED BY log_newest"
_INSERT_PARTIAL: Final = """
    INSERT OR IGNORE INTO log (id, task_name, action, created, start, number, reason)
    VALUES (?, ?, ?, ?, ?, ?, 'its record was damaged')
"""
_ENDS: Final = frozenset(action.value for action in Action if action not in (Action.RUN, Action.MISSED))
_NUMBER: Final = 1 + COLUMNS.index("number")
_OTHER_TABLES: Final = {
    "task_state": "name",
    "open_run": "task, number",
    "alive": "one",
    "clock": "name",
    "spool": "id",
}
"""The other tables, and their keys."""

_RESTORE: Final = "restore a backup: docs/how-to/backup-and-restore.md; or move it away, and rocketd creates a new one"
_MAX_FAILURES: Final = 100_000
"""Stretches that may be in vain: some seconds."""
_MOST: Final = 2**31
"""No log is longer, where its end cannot be read."""


class IndexEntry(NamedTuple):
    """What an index tells of a record."""

    task: str
    action: str
    created: float


class RecordCount(NamedTuple):
    """How much could be read."""

    records: int
    """In whole."""
    indexed: int
    """Of which only the indexes tell."""


def salvage(path: Path) -> RecordCount:
    """Put a new store in the place of the damaged one, which gets a name of its own. Raises StoreError."""
    part = path.with_name(f"{RESCUED}.part")
    with translating_errors(path):
        part.unlink(missing_ok=True)
        upgrade(part)
        address = f"{path.absolute().as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT)) as damaged,
            closing(sqlite3.connect(part, isolation_level=None)) as new,
        ):
            damaged.text_factory = _decoded
            damaged.execute(
                "PRAGMA writable_schema = ON"
            )  # so that a file that was cut off can be read as far as it goes
            damaged.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # without it nothing can be read at all
            new.execute("PRAGMA synchronous = FULL")
            new.execute("BEGIN")
            salvaged = _copy_log(damaged, new)
            for table, key in _OTHER_TABLES.items():
                _copy_table(damaged, new, table, key)
            make_consistent(new)
            if new.execute("SELECT count(*) FROM task_state").fetchone() == (0,):
                raise StoreError(f"{path} is damaged, and nothing can be read of it", hint=_RESTORE)
            new.execute("COMMIT")
        part.replace(path.with_name(RESCUED))
        sync_directory(path.parent)
        for name in (path.name, *(path.name + suffix for suffix in COMPANIONS)):
            if os.path.lexists(path.with_name(name)):
                move_aside(path.with_name(name))
        merge_copy(path, running=False)
    return salvaged


def _decoded(raw: bytes) -> str:
    return raw.decode(errors="backslashreplace")


def _copy_log(damaged: sqlite3.Connection, new: sqlite3.Connection) -> RecordCount:
    indexed = dict(_indexed(damaged))
    low, high = _bounds(damaged, indexed)
    insert = f"INSERT OR IGNORE INTO log (id, {_NAMES}) VALUES ({_PLACES})"
    numbers: dict[int, object] = {}
    for rows in _read(damaged, low, high):
        new.executemany(insert, rows)
        numbers |= {row[0]: row[_NUMBER] for row in rows}  # type: ignore[misc]  # ids are integers
    partial = list(_numbered(indexed, numbers))
    new.executemany(_INSERT_PARTIAL, [(*key, created, created, number) for *key, created, number in partial])
    return RecordCount(len(numbers), len(partial))


# The index has a start, an end and a start of one task; of the rows, only the first can be read:
#   start, row says 7    7 is open
#   end, row is lost     ends the first open run: 7
#   start, row is lost   the number after the newest: 8
def _numbered(indexed: Mapping[int, IndexEntry], numbers: Mapping[int, object]) -> Iterator[tuple[object, ...]]:
    """Yield each lost record with the number of its run: numbers count from one start of a task to the next."""
    newest: dict[str, int] = {}
    open_numbers: dict[str, list[int]] = defaultdict(list)
    for key, (task, action, created) in sorted(indexed.items()):
        number = numbers.get(key)
        if action == Action.RUN:
            newest[task] = number if isinstance(number, int) else newest.get(task, 0) + 1
            open_numbers[task].append(newest[task])
        elif action in _ENDS:
            number = number if isinstance(number, int) else next(iter(open_numbers[task]), newest.get(task, 0))
            open_numbers[task] = [one for one in open_numbers[task] if one != number]
        if key not in numbers and (action == Action.RUN or action in _ENDS):
            yield key, task, action, created, newest[task] if action == Action.RUN else number


def _indexed(damaged: sqlite3.Connection) -> Iterator[tuple[int, IndexEntry]]:
    """What the index of the newest records tells, from both ends if it is damaged in between."""
    for order in ("", " ORDER BY task_name DESC, action DESC"):
        with suppress(sqlite3.DatabaseError):
            for key, *entry in damaged.execute(_INDEXED + order):
                yield key, IndexEntry(*entry)


def _bounds(damaged: sqlite3.Connection, indexed: Mapping[int, IndexEntry]) -> tuple[int, int]:
    low, high = min(indexed, default=1), max(indexed, default=_MOST)
    with suppress(sqlite3.DatabaseError):
        first, last = damaged.execute("SELECT min(id), max(id) FROM log").fetchone()
        if first is not None:
            low, high = min(low, first), max(last, high if indexed else last)
    return low, high


def _read(damaged: sqlite3.Connection, low: int, high: int) -> Iterator[list[tuple[object, ...]]]:
    """Read the rows of a stretch of the log; where one cannot be read, those before and behind it."""
    ranges, failures_left = deque([(low, high)]), _MAX_FAILURES
    while ranges and failures_left:
        low, high = ranges.popleft()  # the long ones first: they may hold more
        try:
            yield damaged.execute(_RANGE, (low, high)).fetchall()
        except sqlite3.DatabaseError:
            failures_left -= 1
            if low < high:
                middle = (low + high) // 2
                ranges += [(low, middle), (middle + 1, high)]


def _copy_table(damaged: sqlite3.Connection, new: sqlite3.Connection, table: str, key: str) -> None:
    """Copy what can be read from both ends."""
    for order in ("", " DESC"):
        by = ", ".join(f"{column}{order}" for column in key.split(", "))
        with suppress(sqlite3.DatabaseError):
            for row in damaged.execute(f"SELECT * FROM {table} ORDER BY {by}"):
                with suppress(sqlite3.IntegrityError):
                    new.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})", row)
