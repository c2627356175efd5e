# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

"""A copy of the store, kept because the store was removed or replaced while it was in use, becomes part of it again.

Where nothing has the store's name, the copy gets it. Where another copy of the same store has it, that gets what it
lacks: the records, and what is kept of tasks and open runs as the copy has it, which is newer. Each step may be the
last one before we die: the copy goes when all that is in it is safe.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from stat import S_ISREG
from typing import Final

from rocketd.core.errors import StoreError
from rocketd.store.errors import translating_errors
from rocketd.store.file_identity import COMPANIONS
from rocketd.store.rejected_lines import move_aside, sync_directory
from rocketd.store.sqlite.connection import BUSY_TIMEOUT
from rocketd.store.sqlite.consistency import make_consistent
from rocketd.store.sqlite.migrations import upgrade, version_of
from rocketd.store.sqlite.schema import COLUMNS, FILE_NAME, is_end

RESCUED: Final = f"{FILE_NAME}.rescued"
"""The name of the copy."""

_STATE: Final = (
    "fingerprint",
    "armed_at",
    "removed_at",
    "paused",
    "paused_until",
    "paused_by",
    "paused_reason",
    "missed",
)
_MOVE_AWAY: Final = "move it away, and rocketd writes its own records back"
_LOG: Final = ", ".join(f'"{name}"' for name in COLUMNS)
_OURS: Final = ", ".join(f'ours."{name}"' for name in COLUMNS)
_UPDATED: Final = ", ".join(
    f'"{name}" = excluded."{name}"' for name in ("created", "due", "end", "times", "reason", "message")
)

_AHEAD: Final = """
    SELECT name, main.task_state.next_number - 1 FROM main.task_state JOIN ours.task_state USING (name)
    WHERE main.task_state.next_number > ours.task_state.next_number LIMIT 1
"""
_OTHERS: Final = """
    SELECT here.task_name, here.number FROM main.log AS here
    JOIN ours.log AS there ON there.task_name = here.task_name AND there.number = here.number AND there.action = 'run'
    WHERE here.action = 'run' AND here.run_id IS NOT there.run_id LIMIT 1
"""
_MERGE: Final = (
    # What has no number, and no id of its own, is known by what it tells.
    f"""
    INSERT INTO main.log ({_LOG})
    SELECT {_OURS} FROM ours.log AS ours
    WHERE ours.number IS NOT NULL OR (ours.action = 'missed' AND ours.run_id IS NOT NULL) OR NOT EXISTS (
        SELECT 1 FROM main.log AS here
        WHERE here.created = ours.created AND here.task_name = ours.task_name AND here.action = ours.action)
    ORDER BY ours.id
    ON CONFLICT (task_name, number) WHERE action = 'run' DO NOTHING
    ON CONFLICT (task_name, number) WHERE {is_end("log").replace("log.", "")} DO NOTHING
    ON CONFLICT (run_id) WHERE action = 'missed' DO UPDATE SET {_UPDATED} WHERE excluded.times > times
    """,
    f"""
    INSERT INTO main.task_state (name, next_number, {", ".join(_STATE)})
    SELECT name, next_number, {", ".join(_STATE)} FROM ours.task_state WHERE TRUE
    ON CONFLICT (name) DO UPDATE SET next_number = max(next_number, excluded.next_number),
        {", ".join(f"{name} = excluded.{name}" for name in _STATE)}
    """,
    "INSERT OR REPLACE INTO main.open_run SELECT * FROM ours.open_run",
    """
    UPDATE main.alive SET (at, recorded) = (SELECT at, recorded FROM ours.alive)
    WHERE coalesce(at, recorded, 0) <= (SELECT coalesce(at, recorded, 0) FROM ours.alive)
    """,
    """
    INSERT OR REPLACE INTO main.clock SELECT * FROM ours.clock AS there
    WHERE NOT EXISTS (SELECT 1 FROM main.clock AS here WHERE here.name = there.name AND here.wall > there.wall)
    """,
    "INSERT OR IGNORE INTO main.spool SELECT * FROM ours.spool",
    "UPDATE main.spool SET again = 1",  # what waited there may have been sent since
    # Ids of what waits only ever grow.
    "INSERT INTO main.sqlite_sequence (name, seq) SELECT name, seq FROM ours.sqlite_sequence",
    "CREATE TEMP TABLE highest AS SELECT name, max(seq) AS seq FROM main.sqlite_sequence GROUP BY name",
    "DELETE FROM main.sqlite_sequence",
    "INSERT INTO main.sqlite_sequence (name, seq) SELECT name, seq FROM temp.highest",
)


def merge_copy(path: Path, *, running: bool) -> str:
    """Make the copy part of the store at that path; says what was done, empty: there is no copy. Raises StoreError.

    With `running`, somebody goes on by what the copy has: a store that tells of other runs is left alone, and so is the
    copy. Without, both count.
    """
    copy = path.with_name(RESCUED)
    if not copy.exists():
        return ""
    with translating_errors(path):
        if _is_empty(path) or (not running and _is_damaged(path)):
            for companion in (path, *(path.with_name(path.name + suffix) for suffix in COMPANIONS)):
                if os.path.lexists(companion):
                    move_aside(companion)
            os.link(copy, path)  # unlike a rename it takes nobody's place
            copy.unlink()
            sync_directory(path.parent)
            return "rocketd has written it back with all records"
        count, complete = _merge(path, copy, running=running)
        if complete:
            copy.unlink()
        else:
            move_aside(copy)  # a number has two runs by now, of which the store keeps one
        sync_directory(path.parent)
    return f"rocketd now uses the file in its place, and has added {count} records that it lacked"


def _is_empty(path: Path) -> bool:
    """Whether nothing is there that anybody could miss."""
    if not os.path.lexists(path):
        return True
    status = path.lstat()
    return S_ISREG(status.st_mode) and status.st_size == 0


def _is_damaged(path: Path) -> bool:
    """Whether nothing can be made of what is there: we died before it was moved aside."""
    if not path.is_file():
        return False
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT)) as database:
        try:
            return bool(database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
        except sqlite3.DatabaseError as error:
            return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _merge(path: Path, copy: Path, *, running: bool) -> tuple[int, bool]:
    """Write into the store what it lacks; says how many records, and whether it has all by now."""
    if version_of(path) == 0:
        raise StoreError(f"{path} is not a store of rocketd", hint=_MOVE_AWAY)
    upgrade(copy)
    upgrade(path)
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)) as database:
        if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise StoreError(f"{path} is damaged", hint=_MOVE_AWAY)
        database.execute("ATTACH ? AS ours", (str(copy),))
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA temp_store = MEMORY")
        database.execute("BEGIN IMMEDIATE")
        if running:
            _must_be_older(database, path)
        before = _count(database)
        for statement in _MERGE:
            database.execute(statement)
        make_consistent(database)
        after, others = _count(database), database.execute(_OTHERS).fetchone()
        database.execute("COMMIT")
        return after - before, others is None


def _must_be_older(database: sqlite3.Connection, path: Path) -> None:
    for query in (_AHEAD, _OTHERS):
        for task, number in database.execute(query):
            raise StoreError(
                f"{path} has runs that this rocketd does not know ({task}/{number})",
                hint=f"{_MOVE_AWAY}; or restart rocketd to use both",
            )


def _count(database: sqlite3.Connection) -> int:
    (count,) = database.execute("SELECT count(*) FROM main.log").fetchone()
    return int(count)
