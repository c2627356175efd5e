"""Step 5 of the tables of a fleet: what one host writes must not stop all the others.

A host may say what it likes about itself and about the tasks that it owns, and others read that. So no value may break
a statement of theirs, outlast the host that has written it, or stand for something else:

    columns    nobody gives a record its id or its place in the feed, and rows keep their names
    instants   a record, or what an owner has decided, lies an hour ahead at most, and a lease a day: after a start in
               the year 2099 there would be no other before
    numbers    of runs and terms stay where they can be counted on
    run ids    of two claims with one run id the second is refused: the end of one would be that of both
    texts      of what all hosts read are cut

What is only too late or too long is changed, not refused: a record is not lost because a clock was set.
"""

from typing import Final

LAST_NUMBER: Final = 2**47
"""Half of what the run log takes for the number of a run."""

_RECORD_COLUMNS: Final = """
    fleet, host, scope, created, task_name, action, run_id, number, attempt, due, start, "end", runtime, exit_code,
    signal, "trigger", cause, reason, cause_task, cause_run_id, times, message, exc_text, output, cpu_time,
    memory_peak, io_read, io_written, term, claimed_by
"""
_HOST_COLUMNS: Final = """
    incarnation, state_id, place, joined_at, seen_at, lease_until, left_at, beat, lost_after, version, tags,
    clock_offset, tasks, running, waiting, sent_id, sent_run, decided_at, obstacle, drained
"""
_OWNER_COLUMNS: Final = """
    host, incarnation, term, digest, fingerprint, armed_at, decided_at, settled, next_number, mutex, preferred
"""


def _function(name: str, body: str) -> str:
    return f"""
    CREATE FUNCTION rocketd.{name}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
    BEGIN
        {body.strip()}
        RETURN NEW;
    END $$
    """


def _refuse(condition: str, message: str) -> str:
    return f"IF {condition} THEN RAISE check_violation USING MESSAGE = '{message}'; END IF;"


_RECORD: Final = f"""
        DECLARE latest CONSTANT timestamptz := clock_timestamp() + '1 h';
        BEGIN
        {_refuse(f"NEW.number NOT BETWEEN 0 AND {LAST_NUMBER}", "no run has such a number")}
        NEW.x := pg_current_xact_id();
        IF NEW.created > latest THEN NEW.created := latest; END IF;
        IF NEW.due > latest THEN NEW.due := latest; END IF;
        IF NEW.start > latest THEN NEW.start := latest; END IF;
        IF NEW."end" > latest THEN NEW."end" := latest; END IF;
        NEW.reason := left(NEW.reason, 65536);
        NEW.message := left(NEW.message, 65536);
        NEW.action := left(NEW.action, 100);
        NEW."trigger" := left(NEW."trigger", 100);
        NEW.cause := left(NEW.cause, 100);
        NEW.cause_task := left(NEW.cause_task, 1000);
        NEW.cause_run_id := left(NEW.cause_run_id, 1000);
        END;
"""
_HOST: Final = f"""
        {_refuse("NEW.lease_until > clock_timestamp() + '1 day'", "a lease is a day at most")}
        NEW.joined_at := least(NEW.joined_at, clock_timestamp() + '1 h');
        NEW.seen_at := least(NEW.seen_at, clock_timestamp() + '1 h');
        IF NEW.decided_at > clock_timestamp() + '1 h' THEN NEW.decided_at := clock_timestamp() + '1 h'; END IF;
"""
_OWNER: Final = f"""
        IF TG_OP = 'INSERT' THEN
            NEW.term := 0;
            NEW.host := NULL;
            NEW.incarnation := NULL;
        ELSE
            {_refuse("NEW.term NOT IN (OLD.term, OLD.term + 1)", "a term follows the one before it")}
        END IF;
        {_refuse(f"NEW.next_number > {LAST_NUMBER}", "no run has such a number")}
        NEW.armed_at := least(NEW.armed_at, clock_timestamp() + '1 h');
        NEW.decided_at := least(NEW.decided_at, clock_timestamp() + '1 h');
"""

VERSION_5: Final = (
    "REVOKE INSERT ON rocketd.record FROM rocketd_host",
    f"GRANT INSERT ({_RECORD_COLUMNS}) ON rocketd.record TO rocketd_host",
    "REVOKE UPDATE ON rocketd.host, rocketd.owner, rocketd.mutex FROM rocketd_host",
    f"GRANT UPDATE ({_HOST_COLUMNS}) ON rocketd.host TO rocketd_host",
    f"GRANT UPDATE ({_OWNER_COLUMNS}) ON rocketd.owner TO rocketd_host",
    "GRANT UPDATE (host, incarnation) ON rocketd.mutex TO rocketd_host",
    "CREATE UNIQUE INDEX record_claim ON rocketd.record (fleet, run_id) WHERE term IS NOT NULL AND kind = 'run'",
    _function("limit_record", _RECORD),
    """CREATE TRIGGER limits BEFORE INSERT OR UPDATE ON rocketd.record FOR EACH ROW WHEN (NEW.term IS NOT NULL)
        EXECUTE FUNCTION rocketd.limit_record()""",
    _function("limit_host", _HOST),
    """CREATE TRIGGER limits BEFORE INSERT OR UPDATE OF lease_until, joined_at, seen_at, decided_at ON rocketd.host
        FOR EACH ROW EXECUTE FUNCTION rocketd.limit_host()""",
    _function("limit_owner", _OWNER),
    """CREATE TRIGGER limits BEFORE INSERT OR UPDATE ON rocketd.owner FOR EACH ROW
        EXECUTE FUNCTION rocketd.limit_owner()""",
    "ALTER FUNCTION rocketd.prune(interval) SET search_path = pg_catalog",
)
