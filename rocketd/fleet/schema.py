"""The tables of a fleet, in the schema `rocketd` of a PostgreSQL database, and who may do what with them.

    host     one row per host: who holds its name, until when, and how far its records have been sent
    task     what each host has loaded, as it is shown in a list; never a command
    record   the run log of all hosts; `scope` is the state directory that counts the runs
    owner    which host decides about each task that one host runs (`schema_ownership`)
    mutex    which host owns all tasks that have a mutex (`schema_operators`)

A role may write as the host of its own name only, or as any host if it is a member of `rocketd_any_host`; a name that
was taken by one role is refused to another. Nobody but a pruner deletes records.
A step is never edited once it has been released; a change of the tables is a new step at the end.
"""

from collections.abc import Iterator
from typing import Final

from rocketd.fleet.schema_hand_off import VERSION_4
from rocketd.fleet.schema_limits import VERSION_5
from rocketd.fleet.schema_operators import VERSION_3
from rocketd.fleet.schema_ownership import VERSION_2

LOCK: Final = 0x726B7464
"""The advisory lock that is held while the tables are changed ("rktd")."""

_ROLES: Final = """
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['rocketd_host', 'rocketd_any_host', 'rocketd_reader', 'rocketd_pruner'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END $$
"""

_HOST: Final = """
CREATE TABLE rocketd.host (
    fleet text NOT NULL CHECK (fleet ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
    role name NOT NULL DEFAULT current_user,
    incarnation uuid NOT NULL,
    state_id uuid NOT NULL,
    place text NOT NULL CHECK (length(place) <= 200),
    joined_at timestamptz NOT NULL DEFAULT clock_timestamp() CHECK (isfinite(joined_at)),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp() CHECK (isfinite(seen_at)),
    lease_until timestamptz NOT NULL CHECK (isfinite(lease_until)),
    left_at timestamptz,
    beat bigint NOT NULL DEFAULT 0,
    lost_after interval NOT NULL CHECK (lost_after BETWEEN '0' AND '3650 days'),
    version text NOT NULL CHECK (length(version) <= 100),
    tags text[] NOT NULL CHECK (octet_length(array_to_string(tags, ' ')) <= 8000),
    clock_offset double precision CHECK (clock_offset BETWEEN -1e12 AND 1e12),
    tasks integer NOT NULL DEFAULT 0,
    running integer NOT NULL DEFAULT 0,
    waiting bigint NOT NULL DEFAULT 0,
    sent_id bigint NOT NULL DEFAULT 0,
    sent_run text NOT NULL DEFAULT '',
    PRIMARY KEY (fleet, name)
)
"""

_TASK: Final = """
CREATE TABLE rocketd.task (
    fleet text NOT NULL,
    host text NOT NULL,
    name text NOT NULL,
    digest text NOT NULL CHECK (length(digest) <= 100),
    digest_since timestamptz NOT NULL DEFAULT clock_timestamp(),
    shown jsonb NOT NULL CHECK (octet_length(shown::text) <= 65536),
    PRIMARY KEY (fleet, host, name),
    FOREIGN KEY (fleet, host) REFERENCES rocketd.host (fleet, name) ON DELETE CASCADE
)
"""

_RECORD: Final = """
CREATE TABLE rocketd.record (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    x xid8 NOT NULL DEFAULT pg_current_xact_id(),
    fleet text NOT NULL,
    host text NOT NULL,
    scope text NOT NULL,
    kind text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN action IN ('run', 'missed') THEN action ELSE 'end' END
    ) STORED,
    created timestamptz NOT NULL CHECK (isfinite(created)),
    task_name text NOT NULL,
    action text NOT NULL,
    run_id text NOT NULL,
    number bigint,
    attempt integer,
    due timestamptz,
    start timestamptz,
    "end" timestamptz,
    runtime double precision,
    exit_code integer,
    signal integer,
    "trigger" text,
    cause text,
    reason text,
    cause_task text,
    cause_run_id text,
    times bigint,
    message text,
    exc_text text,
    output text,
    cpu_time double precision,
    memory_peak bigint,
    io_read bigint,
    io_written bigint,
    UNIQUE (fleet, host, scope, run_id, kind)
)
"""

_READABLE: Final = """
    id, x, fleet, host, scope, kind, created, task_name, action, run_id, number, attempt, due, start, "end", runtime,
    exit_code, signal, "trigger", cause, reason, cause_task, cause_run_id, times, message,
    cpu_time, memory_peak, io_read, io_written
"""

_OWN_HOST: Final = "role = current_user AND (name = current_user OR pg_has_role('rocketd_any_host', 'member'))"


def _of_own_host(table: str) -> str:
    """Whether a row belongs to a host whose name this role holds."""
    same = f"own.fleet = {table}.fleet AND own.name = {table}.host AND own.role = current_user"
    return f"EXISTS (SELECT 1 FROM rocketd.host AS own WHERE {same})"  # noqa: S608 - our own words


_OWN_MISSED: Final = f"kind = 'missed' AND {_of_own_host('record')}"

_VERSION_1: Final = (
    _ROLES,
    "CREATE SCHEMA rocketd",
    """
    CREATE TABLE rocketd.schema_version (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        number integer NOT NULL,
        least integer NOT NULL
    )
    """,
    "INSERT INTO rocketd.schema_version (number, least) VALUES (0, 0)",
    _HOST,
    _TASK,
    _RECORD,
    "CREATE INDEX record_created ON rocketd.record (fleet, created) WHERE kind <> 'end'",
    "CREATE INDEX record_task ON rocketd.record (fleet, task_name, created) WHERE kind <> 'end'",
    """
    CREATE FUNCTION rocketd.prune(older interval) RETURNS bigint LANGUAGE sql AS $$
        WITH gone AS (DELETE FROM rocketd.record WHERE created < clock_timestamp() - older RETURNING 1)
        SELECT count(*) FROM gone
    $$
    """,
    "REVOKE ALL ON FUNCTION rocketd.prune(interval) FROM PUBLIC",
    "ALTER TABLE rocketd.host ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE rocketd.task ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE rocketd.record ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY look ON rocketd.host FOR SELECT USING (true)",
    f"CREATE POLICY join_as ON rocketd.host FOR INSERT WITH CHECK ({_OWN_HOST})",
    f"CREATE POLICY renew ON rocketd.host FOR UPDATE USING ({_OWN_HOST}) WITH CHECK ({_OWN_HOST})",
    "CREATE POLICY look ON rocketd.task FOR SELECT USING (true)",
    f"CREATE POLICY write ON rocketd.task FOR ALL USING ({_of_own_host('task')})",
    "CREATE POLICY look ON rocketd.record FOR SELECT USING (true)",
    f"CREATE POLICY record ON rocketd.record FOR INSERT WITH CHECK ({_of_own_host('record')})",
    f"CREATE POLICY missed ON rocketd.record FOR UPDATE USING ({_OWN_MISSED}) WITH CHECK (kind = 'missed')",
    "CREATE POLICY prune ON rocketd.record FOR DELETE TO rocketd_pruner USING (true)",
    "GRANT rocketd_host TO rocketd_any_host",
    "GRANT USAGE ON SCHEMA rocketd TO rocketd_host, rocketd_reader, rocketd_pruner",
    "GRANT SELECT ON rocketd.schema_version TO rocketd_host, rocketd_reader",
    "GRANT SELECT, INSERT, UPDATE ON rocketd.host TO rocketd_host",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON rocketd.task TO rocketd_host",
    "GRANT SELECT, INSERT ON rocketd.record TO rocketd_host",
    'GRANT UPDATE (created, due, "end", times, reason, message) ON rocketd.record TO rocketd_host',
    "GRANT SELECT ON rocketd.host, rocketd.task TO rocketd_reader",
    f"GRANT SELECT ({_READABLE}) ON rocketd.record TO rocketd_reader",
    "GRANT SELECT (created), DELETE ON rocketd.record TO rocketd_pruner",
    "GRANT EXECUTE ON FUNCTION rocketd.prune(interval) TO rocketd_pruner",
)

STEPS: Final[tuple[tuple[str, ...], ...]] = (_VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5)
"""The statements that make version n + 1 of version n, at index n."""

LEAST: Final = (1, 1, 1, 1, 1)
"""The oldest version that a program may know to use the tables of version n + 1, at index n."""


def statements_from(version: int) -> Iterator[str]:
    """Yield the statements that bring tables of that version up to date; 0: there are none."""
    yield "SET LOCAL search_path = pg_catalog"  # whoever may write into `public` must not be called from here
    yield f"SELECT pg_advisory_xact_lock({LOCK})"
    for step in STEPS[version:]:
        for statement in step:
            yield statement.strip()
    yield f"UPDATE rocketd.schema_version SET number = {len(STEPS)}, least = {LEAST[-1]}"  # noqa: S608 - numbers


def script() -> str:
    """Return all of it as a script for psql, for a database that has none of it."""
    statements = "\n\n".join(f"{statement};" for statement in statements_from(0))
    return f"{_INTRODUCTION}\\set ON_ERROR_STOP on\nBEGIN;\n\n{statements}\n\nCOMMIT;\n"


_INTRODUCTION: Final = """\
-- The tables of rocketd for several hosts, and who may do what with them.
-- For a database that has none of it: rocketctl fleet sql | psql --dbname=rocketd
--
-- One role for each host, of the name of the host, which can write as this host alone:
--     CREATE ROLE "web1" LOGIN PASSWORD '...' IN ROLE rocketd_host;
-- Or one role for all hosts that trust each other:
--     CREATE ROLE rocketd LOGIN PASSWORD '...' IN ROLE rocketd_any_host;
-- rocketd_reader sees the history without output; rocketd_pruner calls rocketd.prune('180 days').

"""
