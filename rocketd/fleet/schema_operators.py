"""Step 3 of the tables of a fleet: mutexes of tasks that one host runs, and what operators say about hosts and tasks.

    mutex        one row per mutex: the host that owns it, and with it all tasks that have it
    owner        `mutex`: that of the task; `preferred`: the host to which an operator has moved it
    host         `obstacle`: why it owns no task; `drained`: an operator has said that it must not
    lost_host    an operator has said that a silent host is dead, so that its runs are over

A host can say that of its own row alone: it drains itself, and moves a task only while it owns it. That a host is dead
counts only while its lease has run out, and until it is heard of again.
"""

from typing import Final

from rocketd.fleet.schema_ownership import CLAIMED, LOST, OWN_END, of_own_host

_HELD: Final = """EXISTS (SELECT 1 FROM rocketd.host AS holder WHERE holder.fleet = mutex.fleet
    AND holder.name = mutex.host AND holder.incarnation = mutex.incarnation
    AND holder.lease_until > clock_timestamp())"""
_SILENT: Final = """EXISTS (SELECT 1 FROM rocketd.host AS silent WHERE silent.fleet = lost_host.fleet
    AND silent.name = lost_host.host AND silent.state_id = lost_host.state_id AND silent.seen_at = lost_host.seen_at
    AND silent.lease_until < clock_timestamp())"""
SAID_LOST: Final = """(
    silent.state_id::text = claimed.scope AND silent.lease_until < clock_timestamp()
    AND EXISTS (SELECT 1 FROM rocketd.lost_host AS said WHERE said.fleet = silent.fleet AND said.host = silent.name
        AND said.state_id = silent.state_id AND said.seen_at = silent.seen_at)
)"""
"""Whether an operator has said that the host of a claimed run is dead, and nothing has been heard of it since."""
_LOST_END: Final = f"""EXISTS (
    SELECT 1 FROM rocketd.record AS claimed
    JOIN rocketd.host AS silent ON silent.fleet = claimed.fleet AND silent.name = claimed.host
    JOIN rocketd.owner AS owner ON owner.fleet = claimed.fleet AND owner.task = claimed.task_name
    WHERE claimed.fleet = record.fleet AND claimed.run_id = record.run_id AND claimed.kind = 'run'
        AND claimed.term = record.term AND claimed.task_name = record.task_name
        AND owner.host = record.host AND ({LOST} OR {SAID_LOST})
)"""  # noqa: S608 - our own words
MAY_CLAIM: Final = f"""record.term IS NULL OR CASE record.kind
    WHEN 'end' THEN {OWN_END} OR (record.action = 'crash' AND {_LOST_END})
    ELSE {CLAIMED} END"""
_OF_NO_LIVE_HOST: Final = f"mutex.host IS NULL OR {of_own_host('mutex')} OR NOT {_HELD}"

VERSION_3: Final = (
    """
    CREATE TABLE rocketd.mutex (
        fleet text NOT NULL,
        name text NOT NULL CHECK (length(name) <= 200),
        host text,
        incarnation uuid,
        PRIMARY KEY (fleet, name)
    )
    """,
    """
    CREATE TABLE rocketd.lost_host (
        fleet text NOT NULL,
        host text NOT NULL,
        state_id uuid NOT NULL,
        seen_at timestamptz NOT NULL,
        said_by text NOT NULL,
        said_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (fleet, host, state_id, seen_at)
    )
    """,
    "ALTER TABLE rocketd.owner ADD COLUMN mutex text NOT NULL DEFAULT '' CHECK (length(mutex) <= 200)",
    "ALTER TABLE rocketd.owner ADD COLUMN preferred text",
    "ALTER TABLE rocketd.host ADD COLUMN obstacle text NOT NULL DEFAULT '' CHECK (length(obstacle) <= 200)",
    "ALTER TABLE rocketd.host ADD COLUMN drained boolean NOT NULL DEFAULT false",
    "CREATE INDEX owner_mutex ON rocketd.owner (fleet, mutex) WHERE mutex <> ''",
    "ALTER TABLE rocketd.mutex ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE rocketd.lost_host ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY look ON rocketd.mutex FOR SELECT USING (true)",
    f"CREATE POLICY add ON rocketd.mutex FOR INSERT WITH CHECK (host IS NULL OR {of_own_host('mutex')})",
    f"""CREATE POLICY take ON rocketd.mutex FOR UPDATE USING ({_OF_NO_LIVE_HOST})
        WITH CHECK (host IS NULL OR {of_own_host("mutex")})""",
    "CREATE POLICY look ON rocketd.lost_host FOR SELECT USING (true)",
    f"""CREATE POLICY say ON rocketd.lost_host FOR INSERT
        WITH CHECK ({_SILENT} AND {of_own_host("lost_host", "said_by")})""",
    "DROP POLICY claim ON rocketd.record",
    f"CREATE POLICY claim ON rocketd.record AS RESTRICTIVE FOR INSERT WITH CHECK ({MAY_CLAIM})",
    "GRANT SELECT, INSERT, UPDATE ON rocketd.mutex TO rocketd_host",
    "GRANT SELECT, INSERT ON rocketd.lost_host TO rocketd_host",
    "GRANT SELECT ON rocketd.mutex, rocketd.lost_host TO rocketd_reader",
)
