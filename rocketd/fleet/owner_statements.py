"""The statements by which a host owns tasks of its fleet, claims runs of them, and judges runs of lost hosts.

Who may do what is decided by rows, under their locks, and never by a clock alone: a lease that has run out only lets
others try. Each step first locks the rows of owners and looks at them in the next statement, which then sees all that
was committed before: a condition on a joined row would be checked again with what that row was before the wait.
"""

from typing import Final

from rocketd.fleet.records import COLUMNS, NAMES, TYPES, value_of
from rocketd.fleet.schema_operators import SAID_LOST
from rocketd.fleet.schema_ownership import LOST

_MICROS: Final = "(extract(epoch FROM {}) * 1000000)::bigint"
_GIVEN: Final = """jsonb_to_recordset(%(tasks)s::jsonb)
    AS given (name text, digest text, fingerprint text, armed_at double precision, next_number bigint, mutex text)"""

_TAKEN: Final = _GIVEN.replace("mutex text", "mutex text, decided_at double precision")

DURABLE: Final = """
    SELECT set_config('synchronous_commit', 'on', true)
    WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')
"""
"""What is claimed must survive a crash of the server, and be with its standby, before it begins."""
ASYNCHRONOUS_STANDBYS: Final = "SELECT rocketd.asynchronous_standbys()"

DECIDED_BEFORE: Final = """
    SELECT coalesce(decided_at, seen_at) FROM rocketd.host WHERE fleet = %(fleet)s AND name = %(host)s FOR UPDATE
"""
RELEASE_ALL: Final = """
    UPDATE rocketd.owner SET host = NULL, incarnation = NULL,
        decided_at = CASE WHEN settled THEN greatest(decided_at, %(decided_at)s) ELSE decided_at END
    WHERE fleet = %(fleet)s AND host = %(host)s
"""
RELEASE_ALL_MUTEXES: Final = """
    UPDATE rocketd.mutex SET host = NULL, incarnation = NULL WHERE fleet = %(fleet)s AND host = %(host)s
"""
RELEASE: Final = """
    UPDATE rocketd.owner SET host = NULL, incarnation = NULL,
        decided_at = CASE WHEN settled THEN least(clock_timestamp(), to_timestamp(%(now)s))
            - %(undecided)s * interval '1 microsecond' ELSE decided_at END
    WHERE fleet = %(fleet)s AND host = %(host)s AND incarnation = %(incarnation)s AND task = ANY(%(names)s)
"""
SET_OBSTACLE: Final = """
    UPDATE rocketd.host SET obstacle = %(obstacle)s
    WHERE fleet = %(fleet)s AND name = %(host)s AND incarnation = %(incarnation)s
"""
ADD: Final = f"""
    INSERT INTO rocketd.owner (fleet, task, digest, fingerprint, armed_at, decided_at, next_number, mutex)
    SELECT %(fleet)s, name, digest, fingerprint, to_timestamp(armed_at), to_timestamp(armed_at), next_number, mutex
    FROM {_GIVEN} ON CONFLICT DO NOTHING
"""  # noqa: S608 - our own words; values are bound
DESCRIBE: Final = f"""
    UPDATE rocketd.owner AS owner SET digest = given.digest, fingerprint = given.fingerprint,
        armed_at = CASE WHEN owner.fingerprint = given.fingerprint THEN owner.armed_at
            ELSE to_timestamp(given.armed_at) END
    FROM {_GIVEN}
    WHERE owner.fleet = %(fleet)s AND owner.task = given.name AND owner.host = %(host)s
        AND owner.incarnation = %(incarnation)s
        AND (owner.digest, owner.fingerprint) IS DISTINCT FROM (given.digest, given.fingerprint)
"""  # noqa: S608 - as above
OWNERS: Final = f"""
    SELECT owner.task, coalesce(owner.host, ''), owner.term, owner.digest,
        owner.host = %(host)s AND owner.incarnation = %(incarnation)s,
        coalesce(holder.lease_until > clock_timestamp(), false),
        coalesce({_MICROS.format("holder.lease_until - clock_timestamp()")}, 0), coalesce(owner.preferred, '')
    FROM rocketd.owner AS owner
    LEFT JOIN rocketd.host AS holder ON holder.fleet = owner.fleet AND holder.name = owner.host
        AND holder.incarnation = owner.incarnation
    WHERE owner.fleet = %(fleet)s AND owner.task = ANY(%(names)s)
"""  # noqa: S608 - as above
DIGESTS: Final = """
    SELECT task.name, task.host, task.digest FROM rocketd.task AS task
    JOIN rocketd.host AS host ON host.fleet = task.fleet AND host.name = task.host
        AND host.lease_until > clock_timestamp() AND host.obstacle = ''
    WHERE task.fleet = %(fleet)s AND task.name = ANY(%(names)s)
"""
LOCK: Final = """
    SELECT task FROM rocketd.owner WHERE fleet = %(fleet)s AND task = ANY(%(names)s) ORDER BY task FOR UPDATE
"""
_DECIDED: Final = "CASE WHEN owner.settled THEN greatest(owner.decided_at, holder.decided_at) ELSE owner.decided_at END"
FREE: Final = f"""
    SELECT owner.task, {_MICROS.format(_DECIDED)}
    FROM rocketd.owner AS owner
    LEFT JOIN rocketd.host AS holder ON holder.fleet = owner.fleet AND holder.name = owner.host
        AND holder.incarnation = owner.incarnation
    WHERE owner.fleet = %(fleet)s AND owner.task = ANY(%(names)s)
        AND (owner.host IS NULL OR owner.host = %(host)s OR holder.name IS NULL
            OR holder.lease_until <= clock_timestamp())
        AND EXISTS (SELECT 1 FROM rocketd.host AS own WHERE own.fleet = %(fleet)s AND own.name = %(host)s
            AND own.incarnation = %(incarnation)s AND own.lease_until > clock_timestamp())
"""  # noqa: S608 - as above
TAKE: Final = f"""
    UPDATE rocketd.owner AS owner SET host = %(host)s, incarnation = %(incarnation)s, term = owner.term + 1,
        digest = given.digest, fingerprint = given.fingerprint, settled = false, mutex = given.mutex,
        decided_at = to_timestamp(given.decided_at),
        armed_at = CASE WHEN owner.fingerprint = given.fingerprint THEN owner.armed_at ELSE clock_timestamp() END
    FROM {_TAKEN}
    WHERE owner.fleet = %(fleet)s AND owner.task = given.name AND owner.task = ANY(%(names)s)
    RETURNING owner.task, owner.term, {_MICROS.format("owner.armed_at")}, owner.next_number
"""  # noqa: S608 - as above
FACTS: Final = f"""
    SELECT task, {_MICROS.format("armed_at")}, next_number FROM rocketd.owner
    WHERE fleet = %(fleet)s AND task = ANY(%(names)s)
"""  # noqa: S608 - as above
SETTLE: Final = """
    UPDATE rocketd.owner SET settled = true WHERE fleet = %(fleet)s AND task = ANY(%(names)s) AND host = %(host)s
        AND incarnation = %(incarnation)s
"""
HELD: Final = """
    SELECT owner.task, owner.term FROM rocketd.owner AS owner
    JOIN rocketd.host AS own ON own.fleet = owner.fleet AND own.name = owner.host
        AND own.incarnation = owner.incarnation AND own.lease_until > clock_timestamp()
    WHERE owner.fleet = %(fleet)s AND owner.task = ANY(%(names)s) AND owner.host = %(host)s
        AND owner.incarnation = %(incarnation)s
        AND (owner.mutex = '' OR EXISTS (SELECT 1 FROM rocketd.mutex AS mutex WHERE mutex.fleet = owner.fleet
            AND mutex.name = owner.mutex AND mutex.host = owner.host AND mutex.incarnation = owner.incarnation))
"""
_GROWN: Final = ", ".join(
    f'"{name}" = excluded."{name}"' for name in ("created", "due", "end", "times", "reason", "message")
)
CLAIM: Final = f"""
    INSERT INTO rocketd.record (fleet, host, scope, term, claimed_by, {NAMES})
    SELECT %(fleet)s, %(host)s, %(state_id)s, owner.term, %(incarnation)s, {", ".join(map(value_of, COLUMNS))}
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS given ({", ".join(f'"{name}" {TYPES[name]}' for name in COLUMNS)})
    JOIN rocketd.owner AS owner ON owner.fleet = %(fleet)s AND owner.task = given.task_name
    WHERE given.action = 'missed' OR given.number >= owner.next_number
    ON CONFLICT (fleet, host, scope, run_id, kind) DO UPDATE SET {_GROWN}, x = pg_current_xact_id()
        WHERE record.kind = 'missed' AND excluded.times >= record.times
"""  # noqa: S608 - as above
COUNT: Final = """
    UPDATE rocketd.owner AS owner SET next_number = greatest(owner.next_number, given.number + 1)
    FROM (SELECT task_name, max(number) AS number FROM jsonb_to_recordset(%(rows)s::jsonb)
        AS given (task_name text, number bigint) GROUP BY task_name) AS given
    WHERE owner.fleet = %(fleet)s AND owner.task = given.task_name AND given.number IS NOT NULL
"""
CLAIMED: Final = """
    SELECT run_id FROM rocketd.record WHERE fleet = %(fleet)s AND run_id = ANY(%(runs)s) AND kind = 'run'
        AND term IS NOT NULL AND host = %(host)s AND scope = %(state_id)s
"""
_AS_CRASH: Final = """
    INSERT INTO rocketd.record (fleet, host, scope, term, created, task_name, action, run_id, number, attempt, due,
        start, "end", "trigger", cause, reason, cause_task, cause_run_id, message)
    SELECT claimed.fleet, %(host)s, %(state_id)s, claimed.term, clock_timestamp(), claimed.task_name, 'crash',
        claimed.run_id, claimed.number, claimed.attempt, claimed.due, claimed.start, clock_timestamp(),
        claimed."trigger", 'down', claimed.reason, claimed.cause_task, claimed.cause_run_id,
"""
NO_END: Final = """NOT EXISTS (SELECT 1 FROM rocketd.record AS ended WHERE ended.fleet = claimed.fleet
    AND ended.run_id = claimed.run_id AND ended.kind = 'end' AND ended.term IS NOT NULL)"""
JUDGE: Final = f"""
    {_AS_CRASH} claimed.host || ' has not been heard of for ' || extract(epoch FROM
        date_trunc('second', clock_timestamp() - silent.seen_at))::bigint || ' s: its run counts as lost'
    FROM rocketd.record AS claimed
    JOIN rocketd.host AS silent ON silent.fleet = claimed.fleet AND silent.name = claimed.host
    JOIN rocketd.owner AS owner ON owner.fleet = claimed.fleet AND owner.task = claimed.task_name
        AND owner.host = %(host)s AND owner.incarnation = %(incarnation)s
    WHERE claimed.fleet = %(fleet)s AND claimed.run_id = ANY(%(runs)s) AND claimed.kind = 'run'
        AND claimed.term IS NOT NULL AND {NO_END}
        AND ({SAID_LOST} OR ({LOST} AND pg_postmaster_start_time() + silent.lost_after < clock_timestamp()))
    ON CONFLICT DO NOTHING RETURNING task_name
"""
ELSEWHERE: Final = f"""
    SELECT claimed.run_id, concat_ws(' ', silent.name, silent.state_id,
            CASE WHEN silent.state_id::text = claimed.scope THEN concat_ws(' ', silent.incarnation, silent.beat) END),
        {_MICROS.format("silent.lost_after")}, {SAID_LOST}
    FROM rocketd.record AS claimed
    JOIN rocketd.host AS silent ON silent.fleet = claimed.fleet AND silent.name = claimed.host
    WHERE claimed.fleet = %(fleet)s AND claimed.run_id = ANY(%(runs)s) AND claimed.kind = 'run'
        AND claimed.term IS NOT NULL
"""  # noqa: S608 - as above
LEFT_OPEN: Final = f"""
    SELECT claimed.run_id FROM rocketd.record AS claimed
    WHERE claimed.fleet = %(fleet)s AND claimed.host = %(host)s AND claimed.scope = %(state_id)s
        AND claimed.kind = 'run' AND claimed.term IS NOT NULL AND claimed.claimed_by <> %(incarnation)s AND {NO_END}
"""  # noqa: S608 - as above
CLOSE: Final = f"""
    {_AS_CRASH} 'rocketd or the host went down as the run was claimed'
    FROM rocketd.record AS claimed
    WHERE claimed.fleet = %(fleet)s AND claimed.run_id = ANY(%(runs)s) AND claimed.kind = 'run'
        AND claimed.host = %(host)s AND claimed.scope = %(state_id)s AND claimed.term IS NOT NULL AND {NO_END}
    ON CONFLICT DO NOTHING
"""
