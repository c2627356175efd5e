"""The tables of the store, and the steps by which a store of one version becomes one of the next.

    log         the run log: one row per run record; `id` is its place in the log
    task_state  what belongs to a task and not to the log
    open_run    the runs without an end, and whose they are
    alive       the last sign of life
    clock       what the clocks showed at the last sign of life, and when old records were last looked for
    spool       records on their way to another repository (empty where the log is ours)

Times are seconds in `log`, because that is what users of the log expect, and integer microseconds elsewhere.
A step is never edited once it has been released; a change of the tables is a new step at the end.
"""

from typing import Final

from rocketd.core.instant import BEGINNING

FILE_NAME: Final = "rocketd.db"
"""The name of the store in the state directory."""

APPLICATION_ID: Final = 0x726B7464
"""What `PRAGMA application_id` says of a file that is ours ("rktd")."""

ENDS: Final = ("success", "fail", "terminate", "inaction", "crash")
"""The actions that end a run that has begun."""


def is_end(table: str = "log") -> str:
    """Whether a row is the end of a run, in the words of its partial index: SQLite uses it only for the same ones."""
    return f"{table}.action NOT IN ('run', 'missed')"


def is_hand(table: str = "log") -> str:
    """1 for a run by hand, else 0; in the words of its index."""
    return f"({table}.\"trigger\" IS 'hand')"


def is_withdrawn(begun: str) -> str:
    """Whether the run of that start never began."""
    same = f"gone.task_name = {begun}.task_name AND gone.number = {begun}.number"
    its_end = f"{same} AND {is_end('gone')} AND gone.action = 'withdrawn'"
    return f"EXISTS (SELECT 1 FROM log AS gone WHERE {its_end})"  # noqa: S608 - our own words


def is_rare(table: str = "log") -> str:
    """Whether `history --action` has to look far for such a row; in the words of its partial index."""
    return f"{table}.action NOT IN ('run', 'success')"


def _bare(term: str) -> str:
    """An index names its columns without their table."""
    return term.replace("log.", "")


COLUMNS: Final = (
    "created",
    "task_name",
    "action",
    "run_id",
    "number",
    "attempt",
    "due",
    "start",
    "end",
    "runtime",
    "exit_code",
    "signal",
    "trigger",
    "cause",
    "reason",
    "cause_task",
    "cause_run_id",
    "host",
    "boot_id",
    "pid",
    "pid_start",
    "times",
    "message",
    "exc_text",
    "output",
    "cpu_time",
    "memory_peak",
    "io_read",
    "io_written",
)
"""The columns of `log` behind its `id`.

The long ones come late: to read those before them, SQLite need not walk over them. Behind them is what came later.
"""
USAGE_COLUMNS: Final = COLUMNS[-4:]
"""What a run has used; stores before version 4, and tables that were made before it, do not have them."""
USAGE_VERSION: Final = 4

_VERSION_1: Final = (
    """
    CREATE TABLE log (
        id INTEGER PRIMARY KEY,
        created REAL NOT NULL,
        task_name TEXT NOT NULL,
        action TEXT NOT NULL,
        run_id TEXT,
        number INTEGER,
        attempt INTEGER,
        due REAL,
        start REAL,
        "end" REAL,
        runtime REAL,
        exit_code INTEGER,
        signal INTEGER,
        "trigger" TEXT,
        cause TEXT,
        reason TEXT,
        cause_task TEXT,
        cause_run_id TEXT,
        host TEXT,
        boot_id TEXT,
        pid INTEGER,
        pid_start INTEGER,
        times INTEGER,
        message TEXT,
        exc_text TEXT,
        output TEXT
    )
    """,
    # What makes "never twice" a property of the database and not of luck.
    "CREATE UNIQUE INDEX log_start ON log (task_name, number) WHERE action = 'run'",
    f"CREATE UNIQUE INDEX log_end ON log (task_name, number) WHERE {_bare(is_end())}",
    "CREATE UNIQUE INDEX log_missed ON log (run_id) WHERE action = 'missed'",
    # Resume: the newest of each action is one seek; `created` spares the row where only its age is asked.
    f"CREATE INDEX log_newest ON log (task_name, action, {_bare(is_hand())}, id, created)",
    # History, and pruning by age.
    "CREATE INDEX log_created ON log (created)",
    "CREATE INDEX log_run_id ON log (run_id) WHERE action = 'run'",
    f"CREATE INDEX log_rare ON log (action, id) WHERE {_bare(is_rare())}",
    f"""
    CREATE TABLE task_state (
        name TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL DEFAULT '',
        armed_at INTEGER NOT NULL DEFAULT {BEGINNING},
        next_number INTEGER NOT NULL DEFAULT 1,
        removed_at INTEGER,
        paused INTEGER NOT NULL DEFAULT 0,
        paused_until INTEGER,
        paused_by TEXT NOT NULL DEFAULT '',
        paused_reason TEXT NOT NULL DEFAULT '',
        missed TEXT NOT NULL DEFAULT ''
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE open_run (
        task TEXT NOT NULL,
        number INTEGER NOT NULL,
        run_id TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        due INTEGER NOT NULL,
        start INTEGER NOT NULL,
        "trigger" TEXT NOT NULL,
        reason TEXT NOT NULL,
        cause_task TEXT NOT NULL,
        cause_run_id TEXT NOT NULL,
        host TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        pid INTEGER NOT NULL DEFAULT 0,
        pid_start INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (task, number)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE alive (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER, recorded INTEGER)",
    "INSERT INTO alive VALUES (1, NULL, NULL)",
    "CREATE TABLE spool (id INTEGER PRIMARY KEY AUTOINCREMENT, again INTEGER NOT NULL, record TEXT NOT NULL)",
)

_VERSION_2: Final = (
    # With the last sign of life, and up to when time is trusted to have come: what the other clock showed.
    """
    CREATE TABLE clock (
        name TEXT PRIMARY KEY CHECK (name IN ('alive', 'trusted')),
        wall INTEGER NOT NULL,
        boot_id TEXT NOT NULL,
        boottime INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
)

_VERSION_3: Final[tuple[str, ...]] = ()
"""The same tables; the log may tell of runs that were withdrawn, which a program that knows no more cannot read."""

_VERSION_4: Final = (
    "ALTER TABLE log ADD COLUMN cpu_time REAL",
    "ALTER TABLE log ADD COLUMN memory_peak INTEGER",
    "ALTER TABLE log ADD COLUMN io_read INTEGER",
    "ALTER TABLE log ADD COLUMN io_written INTEGER",
)

STEPS: Final[tuple[tuple[str, ...], ...]] = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4)
"""The statements that make version n + 1 of version n, at index n. Version 0 is an empty file."""
