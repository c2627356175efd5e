"""Step 2 of the tables of a fleet: which host owns a task that one host runs, and what it has claimed.

    owner    one row per task: who decides about it, in which term; up to `decided_at` all chances were used or missed,
             and, once that is `settled`, up to that of its owner's host
    host     `decided_at`: up to then, all that follows for the tasks that it owns has been recorded
    record   `term` is set in the records of these tasks: a start or an interval of misses that the owner has claimed,
             and the end of a run that was claimed

Nothing in here is a command: it says who may decide about a task, and hosts without it in their files ignore it.
"""

from typing import Final

_OWNER: Final = """
CREATE TABLE rocketd.owner (
    fleet text NOT NULL,
    task text NOT NULL CHECK (length(task) <= 200),
    host text,
    incarnation uuid,
    term bigint NOT NULL DEFAULT 0,
    digest text NOT NULL CHECK (length(digest) <= 100),
    fingerprint text NOT NULL CHECK (length(fingerprint) <= 20000),
    armed_at timestamptz NOT NULL CHECK (isfinite(armed_at)),
    decided_at timestamptz NOT NULL CHECK (isfinite(decided_at)),
    settled boolean NOT NULL DEFAULT false,
    next_number bigint NOT NULL DEFAULT 1 CHECK (next_number >= 1),
    PRIMARY KEY (fleet, task)
)
"""


def of_own_host(table: str, column: str = "host") -> str:
    """Whether a row belongs to a host whose name this role holds."""
    same = f"own.fleet = {table}.fleet AND own.name = {table}.{column} AND own.role = current_user"
    return f"EXISTS (SELECT 1 FROM rocketd.host AS own WHERE {same})"  # noqa: S608 - our own words


_HELD: Final = """EXISTS (SELECT 1 FROM rocketd.host AS holder WHERE holder.fleet = owner.fleet
    AND holder.name = owner.host AND holder.incarnation = owner.incarnation
    AND holder.lease_until > clock_timestamp())"""
_OF_NO_LIVE_HOST: Final = f"owner.host IS NULL OR {of_own_host('owner')} OR NOT {_HELD}"
CLAIMED: Final = """EXISTS (SELECT 1 FROM rocketd.owner AS owner WHERE owner.fleet = record.fleet
    AND owner.task = record.task_name AND owner.host = record.host AND owner.term = record.term)"""
OWN_END: Final = """EXISTS (SELECT 1 FROM rocketd.record AS claimed WHERE claimed.fleet = record.fleet
    AND claimed.run_id = record.run_id AND claimed.kind = 'run' AND claimed.term = record.term
    AND claimed.task_name = record.task_name AND claimed.number = record.number
    AND claimed.host = record.host AND claimed.scope = record.scope)"""

LOST: Final = """(
    (silent.state_id::text = claimed.scope AND silent.lease_until < clock_timestamp()
        AND silent.seen_at + silent.lost_after < clock_timestamp())
    OR (silent.state_id::text <> claimed.scope AND silent.joined_at + silent.lost_after < clock_timestamp())
)"""
"""Whether the host of a claimed run counts as lost, or another machine has had its name for as long."""
_LOST_END: Final = f"""EXISTS (
    SELECT 1 FROM rocketd.record AS claimed
    JOIN rocketd.host AS silent ON silent.fleet = claimed.fleet AND silent.name = claimed.host
    JOIN rocketd.owner AS owner ON owner.fleet = claimed.fleet AND owner.task = claimed.task_name
    WHERE claimed.fleet = record.fleet AND claimed.run_id = record.run_id AND claimed.kind = 'run'
        AND claimed.term = record.term AND claimed.task_name = record.task_name
        AND owner.host = record.host AND {LOST}
)"""  # noqa: S608 - our own words
_MAY_CLAIM: Final = f"""record.term IS NULL OR CASE record.kind
    WHEN 'end' THEN {OWN_END} OR (record.action = 'crash' AND {_LOST_END})
    ELSE {CLAIMED} END"""

VERSION_2: Final = (
    _OWNER,
    "ALTER TABLE rocketd.host ADD COLUMN decided_at timestamptz CHECK (isfinite(decided_at))",
    "ALTER TABLE rocketd.record ADD COLUMN term bigint",
    "ALTER TABLE rocketd.record ADD COLUMN claimed_by uuid",
    """
    CREATE UNIQUE INDEX record_claimed ON rocketd.record (fleet, task_name, number)
        WHERE term IS NOT NULL AND kind = 'run'
    """,
    "CREATE UNIQUE INDEX record_end ON rocketd.record (fleet, run_id) WHERE term IS NOT NULL AND kind = 'end'",
    "CREATE INDEX record_run ON rocketd.record (fleet, run_id)",
    "CREATE INDEX record_feed ON rocketd.record (x) WHERE term IS NOT NULL",
    "CREATE INDEX record_shared ON rocketd.record (fleet, task_name, id) WHERE term IS NOT NULL",
    """
    CREATE FUNCTION rocketd.asynchronous_standbys() RETURNS bigint LANGUAGE sql SECURITY DEFINER
        SET search_path = pg_catalog AS $$
        SELECT count(*) FROM pg_stat_replication
        WHERE state = 'streaming' AND application_name <> 'pg_receivewal' AND sync_state = 'async'
            AND NOT EXISTS (SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))
    $$
    """,
    "REVOKE ALL ON FUNCTION rocketd.asynchronous_standbys() FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION rocketd.asynchronous_standbys() TO rocketd_host, rocketd_reader",
    "ALTER TABLE rocketd.owner ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY look ON rocketd.owner FOR SELECT USING (true)",
    f"CREATE POLICY add ON rocketd.owner FOR INSERT WITH CHECK (host IS NULL OR {of_own_host('owner')})",
    f"""CREATE POLICY take ON rocketd.owner FOR UPDATE USING ({_OF_NO_LIVE_HOST})
        WITH CHECK (host IS NULL OR {of_own_host("owner")})""",
    f"CREATE POLICY claim ON rocketd.record AS RESTRICTIVE FOR INSERT WITH CHECK ({_MAY_CLAIM})",
    "GRANT SELECT, INSERT, UPDATE ON rocketd.owner TO rocketd_host",
    "GRANT SELECT ON rocketd.owner TO rocketd_reader",
    "GRANT SELECT (term, claimed_by) ON rocketd.record TO rocketd_reader",
    "GRANT UPDATE (x) ON rocketd.record TO rocketd_host",
)
