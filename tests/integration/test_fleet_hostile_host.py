"""What a host of a fleet cannot do to the others by its role in the database, however hostile its root is."""

from collections.abc import Iterator
from itertools import count

import pytest

from integration.test_fleet_claims import Host, owning
from rocketd.core.instant import HOUR, SECOND
from rocketd.core.model.events import Finished, Missed, Started
from rocketd.core.model.run import Action, Cause, End
from rocketd.fleet.connection import FleetConnection
from rocketd.fleet.membership import Counts
from rocketd.fleet.operator_statements import say_lost
from rocketd.fleet.record_reader import LoggedRow
from rocketd.fleet.schema_limits import LAST_NUMBER
from rocketd.store.sqlite.rows import Origin, row_of
from support.fleet_hosts import PASSWORD, prepare
from support.servers.postgres_server import PostgresServer, postgres_server

psycopg = pytest.importorskip("psycopg")
_FLEETS = count()
REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation)
CLAIM = """
    INSERT INTO rocketd.record (fleet, host, scope, term, task_name, action, run_id, number, created, due, start, {})
    SELECT fleet, host, 'x', term, task, 'run', 'forged-' || {number}, {number}, {time}, {time}, {time}, {}
    FROM rocketd.owner WHERE fleet = current_setting('test.fleet') AND host = 'web2'
"""
CATCHER = """
    CREATE FUNCTION public.caught({0}, interval) RETURNS interval LANGUAGE sql AS $$
        INSERT INTO public.caught VALUES (current_user); SELECT $2 $$;
    CREATE OPERATOR public.* (FUNCTION = public.caught, LEFTARG = {0}, RIGHTARG = interval)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as made:
        prepare(made)
        yield made


class Hosts:
    """`web1`, which takes part as hosts do, and `web2`, which says to the database what it likes."""

    def __init__(self, server: PostgresServer) -> None:
        self.fleet = f"hostile{next(_FLEETS)}"
        self.honest, self.hostile = (Host(server, self.fleet, name) for name in ("web1", "web2"))
        for one in (self.honest, self.hostile):
            one.connection.execute("SELECT set_config('test.fleet', %s, false)", (self.fleet,))

    def say(self, statement: str) -> int:
        """Have `web2` say this, and return how many rows it has concerned."""
        return int(self.hostile.connection.execute(statement.encode()).rowcount)

    def owned_by_hostile(self) -> None:
        """Have `web2` own the task `report`."""
        self.honest.join()
        owning(self.hostile)

    def handed_over(self) -> int:
        """Have `web2` hand it back, and `web1` take it; returns the number of its next run there."""
        self.hostile.release()
        assert any(self.honest.take() for _ in range(10))
        with self.honest.connection.transaction():
            (task,), events = self.honest.exchange.rebuild(self.honest.connection, self.honest.request)
        numbers = [one.event.run.number for one in events if isinstance(one.event, Started)]
        return max(task.next_number, *(number + 1 for number in numbers), 1)


@pytest.fixture
def hosts(server: PostgresServer) -> Iterator[Hosts]:
    made = Hosts(server)
    yield made
    made.honest.connection.close()
    made.hostile.connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        CLAIM.format("id", "999999", number=1, time="now()").replace("SELECT", "OVERRIDING SYSTEM VALUE SELECT", 1),
        CLAIM.format("x", "'18446744073709551615'::xid8", number=1, time="now()"),
        CLAIM.format("attempt", "1", number=2**63 - 1, time="now()"),
        "UPDATE rocketd.owner SET task = 'other' WHERE fleet = current_setting('test.fleet')",
        "UPDATE rocketd.owner SET fleet = 'other' WHERE fleet = current_setting('test.fleet')",
        "UPDATE rocketd.mutex SET name = 'other' WHERE fleet = current_setting('test.fleet')",
        "UPDATE rocketd.host SET name = 'web2' WHERE fleet = current_setting('test.fleet')",
        "UPDATE rocketd.owner SET term = 9223372036854775807 WHERE fleet = current_setting('test.fleet')",
        "UPDATE rocketd.owner SET next_number = 9223372036854775807 WHERE fleet = current_setting('test.fleet')",
        "UPDATE rocketd.host SET lease_until = '294276-01-01' WHERE fleet = current_setting('test.fleet')",
        "UPDATE rocketd.host SET lease_until = clock_timestamp() + '25 h' WHERE fleet = current_setting('test.fleet')",
    ],
)
def test_what_would_break_the_statements_of_others_is_refused(hosts: Hosts, statement: str) -> None:
    hosts.owned_by_hostile()
    with pytest.raises(REFUSED):
        hosts.say(statement)
    assert hosts.honest.claim(hosts.honest.start(hosts.handed_over()))


def test_a_task_is_added_without_an_owner_and_a_term(hosts: Hosts) -> None:
    hosts.owned_by_hostile()
    added = """
        INSERT INTO rocketd.owner (fleet, task, digest, fingerprint, armed_at, decided_at, host, incarnation, term)
        VALUES (current_setting('test.fleet'), 'mine', '', '', '294276-01-01', '294276-01-01', 'web2',
            gen_random_uuid(), 9223372036854775807) RETURNING 1
    """
    assert hosts.say(added) == 1
    found = "SELECT host, term FROM rocketd.owner WHERE task = 'mine' AND fleet = current_setting('test.fleet')"
    assert hosts.honest.connection.execute(found.encode()).fetchall() == [(None, 0)]
    one = hosts.honest.has("report", "mine", mutex="")
    assert any(one.take() or "mine" in one.terms for _ in range(10))


def test_what_an_owner_has_decided_cannot_lie_in_the_future(hosts: Hosts) -> None:
    hosts.owned_by_hostile()
    last = "'294276-12-31'"
    hosts.say(f"UPDATE rocketd.owner SET armed_at = {last}, decided_at = {last}, settled = true WHERE host = 'web2'")  # noqa: S608 - of this test
    hosts.say(f"UPDATE rocketd.host SET seen_at = {last}, joined_at = {last}, decided_at = {last} WHERE name = 'web2'")  # noqa: S608 - as above
    for number in (1, 2):
        hosts.say(CLAIM.format("attempt", "1", number=number, time=last))
    hosts.say(CLAIM.format("times", "1", number=3, time=last).replace("'run'", "'missed'"))
    hosts.hostile.release()
    with hosts.honest.connection.transaction():
        look, _, _ = hosts.honest.exchange.look(hosts.honest.connection, hosts.honest.request)
    (now,) = hosts.honest.connection.execute("SELECT extract(epoch FROM now())::double precision").fetchone() or (0,)
    most = round(now * SECOND) + HOUR + SECOND
    instants = [at for one in look.taken for at in (one.task.armed_at, one.undecided_since)]
    assert look.taken or any(hosts.honest.take() for _ in range(10))
    for one in look.events:
        if isinstance(one.event, Started):
            instants += [one.event.run.due, one.event.run.start]
        elif isinstance(one.event, Missed):
            instants += [one.event.at, one.event.first, one.event.last]
    assert len(look.events) >= 2
    assert max(instants) <= most


def test_a_run_cannot_be_ended_by_another_with_its_id(hosts: Hosts) -> None:
    one = owning(hosts.honest)
    hosts.hostile.has("mine", mutex="").join()
    while "mine" not in hosts.hostile.terms:
        hosts.hostile.take()
    claimed, local = one.start(1), one.start(7, "backup")
    assert one.claim(claimed)
    rows = [LoggedRow(1, row_of(local.change, Origin("web1", "")))]
    with one.connection.transaction():
        one.membership.send(one.connection, rows, None)
    with pytest.raises(psycopg.errors.UniqueViolation):
        hosts.say(CLAIM.format("attempt", "1", number=1, time="now()").replace("'forged-' || 1", f"'{claimed.run_id}'"))
    forged = CLAIM.format("attempt", "1", number=2, time="now()").replace("'forged-' || 2", f"'{local.run_id}'")
    hosts.say(forged)
    hosts.say(forged.replace("'run'", "'success'"))
    ends = []
    for claim in (claimed, local):
        assert isinstance(claim.change, Started)
        ends.append(Finished(claim.change.run, End(Action.FAIL, Cause.EXIT, 1, exit_code=1)))
    with one.connection.transaction():
        one.membership.send(one.connection, [LoggedRow(2, row_of(end, Origin("web1", ""))) for end in ends], None)
    found = "SELECT run_id FROM rocketd.record WHERE host = 'web1' AND action = 'fail' AND fleet = %s ORDER BY number"
    assert one.connection.execute(found, (hosts.fleet,)).fetchall() == [(claimed.run_id,), (local.run_id,)]


def test_a_task_that_is_taken_over_does_not_bring_a_run_of_this_host_with_it(hosts: Hosts) -> None:
    hosts.owned_by_hostile()
    one = hosts.honest
    local = one.start(7, "backup").change
    assert isinstance(local, Started)
    hosts.say(CLAIM.format("attempt", "1", number=1, time="now()").replace("'forged-' || 1", f"'{local.run.run_id}'"))
    hosts.handed_over()
    end = Finished(local.run, End(Action.FAIL, Cause.EXIT, 1, exit_code=1))
    rows = [LoggedRow(1, row_of(local, Origin("web1", ""))), LoggedRow(2, row_of(end, Origin("web1", "")))]
    with one.connection.transaction():
        one.membership.send(one.connection, rows, None)
    found = "SELECT term FROM rocketd.record WHERE host = 'web1' AND task_name = 'backup' AND fleet = %s"
    assert one.connection.execute(found, (hosts.fleet,)).fetchall() == [(None,), (None,)]


def test_texts_that_all_hosts_read_are_cut(hosts: Hosts) -> None:
    hosts.owned_by_hostile()
    hosts.say(CLAIM.format("message", "repeat('x', 10000000)", number=1, time="now()"))
    (length,) = hosts.honest.connection.execute("SELECT max(length(message)) FROM rocketd.record").fetchone() or (0,)
    assert length == 65536


def test_a_mutex_is_free_once_the_host_that_keeps_it_is_said_to_be_lost(hosts: Hosts) -> None:
    hosts.hostile.has("mine", mutex="db").join()
    while "mine" not in hosts.hostile.terms:
        hosts.hostile.take()
    hosts.say(CLAIM.format("attempt", "1", number=1, time="now()"))
    honest = hosts.honest.has("report", mutex="db")
    honest.join()
    hosts.hostile.exchange.forget(["mine"])
    hosts.say("UPDATE rocketd.mutex SET host = NULL WHERE name = 'db' AND host = 'web2'")
    hosts.say("UPDATE rocketd.host SET lease_until = clock_timestamp() WHERE name = 'web2'")
    assert not any(honest.take() for _ in range(5)), "a run of a task that it does not know may go on there"
    with honest.connection.transaction():
        say_lost(honest.connection, hosts.fleet, "web1", "web2")
    assert any(honest.take() for _ in range(5))


def test_no_function_is_called_that_another_role_has_made(server: PostgresServer, hosts: Hosts) -> None:
    hosts.honest.join()
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")  # as it was before PostgreSQL 15
        admin.execute("CREATE TABLE public.caught (who text)")
        admin.execute("GRANT INSERT ON public.caught TO PUBLIC")
    for kind in ("integer", "bigint", "smallint"):
        hosts.say(CATCHER.format(kind))
    connection = FleetConnection(server.url("web1").replace("@", f":{PASSWORD.replace(' ', '%20')}@"))
    try:
        with connection.transaction() as opened:
            hosts.honest.membership.renew(opened, Counts(0, 0, 0), None)
    finally:
        connection.close()
    with psycopg.connect(server.url(), autocommit=True) as admin:
        assert admin.execute("SELECT who FROM public.caught").fetchall() == []


def test_numbers_end_before_they_could_not_be_recorded() -> None:
    assert LAST_NUMBER < 2**48
