"""What the database makes of claims: fences under concurrency, claims whose outcome was in doubt, rights of roles."""

import threading
from collections.abc import Callable, Iterator
from itertools import count
from uuid import uuid4

import pytest

from rocketd.core.instant import SECOND
from rocketd.core.model.events import Missed, Started
from rocketd.core.model.run import Run, Trigger
from rocketd.fleet.exchange_types import Claim, Definition, ExchangeRequest
from rocketd.fleet.membership import Membership
from rocketd.fleet.schema import script
from rocketd.fleet.task_exchange import TaskExchange
from support.fleet_hosts import PASSWORD, prepare
from support.servers.postgres_server import PostgresServer, postgres_server

psycopg = pytest.importorskip("psycopg")
_FLEETS = count()
_IDS = count()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as made:
        prepare(made)
        yield made


class Host:
    """A member of a fleet, one transaction at a time, as its role."""

    def __init__(self, server: PostgresServer, fleet: str, name: str, lease: int = 60 * SECOND) -> None:
        self.connection = psycopg.connect(server.url(name), password=PASSWORD, autocommit=True)
        state = str(uuid4())
        self.membership = Membership(
            fleet, name, str(uuid4()), state, "", 0, lease, 300 * SECOND, "1", (), output=False
        )
        self.exchange = TaskExchange(self.membership)
        self.request = ExchangeRequest(1, [Definition("report", "digest", "1 UTC daily", 1_760_000_000 * SECOND, 1)])
        self.terms: dict[str, int] = {}

    def join(self) -> None:
        with self.connection.transaction():
            self.membership.join(self.connection)
        self.exchange.begin()
        with self.connection.transaction():
            self.exchange.rebuild(self.connection, self.request)
        with self.connection.transaction():
            self.membership.publish(self.connection, [], None)

    def take(self) -> bool:
        with self.connection.transaction():
            _, self.terms, _ = self.exchange.look(self.connection, self.request)
        self.exchange.looked(self.terms)
        return "report" in self.terms

    def release(self) -> None:
        with self.connection.transaction():
            self.exchange.release(self.connection, {"report": 0})
        self.exchange.forget(["report"])

    def claim(self, claim: Claim) -> bool:
        with self.connection.transaction():
            granted, _ = self.exchange.claim(self.connection, [claim])
        return bool(granted)

    def start(self, number: int, task: str = "report") -> Claim:
        run = Run(task, number, f"{self.membership.host}-{next(_IDS)}", 1, 0, 0, Trigger.SCHEDULE, "daily")
        return Claim(Started(run), self.terms.get(task, 0), 0)

    def has(self, *names: str, mutex: str) -> "Host":
        """Have these tasks instead, with that mutex."""
        self.request.definitions = [Definition(name, "digest", "1 UTC daily", 0, 1, mutex) for name in names]
        return self


MakeHost = Callable[..., Host]


@pytest.fixture
def host(server: PostgresServer) -> Iterator[MakeHost]:
    fleet, made = f"fleet{next(_FLEETS)}", []

    def make(name: str, **more: int) -> Host:
        made.append(Host(server, fleet, name, **more))
        return made[-1]

    yield make
    for one in made:
        one.connection.close()


def owning(one: Host) -> Host:
    one.join()
    assert any(one.take() for _ in range(10))  # it is not the first choice of the hash, perhaps
    return one


def test_only_the_owner_claims_and_each_number_once(host: MakeHost) -> None:
    one, other = owning(host("web1")), host("web2")
    other.join()
    assert not other.take()
    assert not other.claim(other.start(1))
    first = one.start(1)
    assert one.claim(first)
    assert one.claim(first), "asked again, as after a commit without an answer"
    assert not one.claim(one.start(1)), "another run with that number"
    assert one.claim(one.start(2))


def test_an_owner_of_an_earlier_term_claims_nothing(host: MakeHost) -> None:
    one, other = owning(host("web1")), host("web2")
    late, in_doubt = one.start(1), one.start(2)
    assert one.claim(in_doubt)
    one.release()
    owning(other)
    assert not one.claim(late)
    assert not one.claim(in_doubt), "it is there, and must not begin: another host decides now"
    assert other.claim(other.start(3))


def test_a_lease_that_has_run_out_claims_nothing_and_is_taken_over(server: PostgresServer, host: MakeHost) -> None:
    one, other = owning(host("web1")), host("web2")
    other.join()
    claim = one.start(1)
    assert not other.take()
    with psycopg.connect(server.url(), autocommit=True) as admin:
        over = "UPDATE rocketd.host SET lease_until = clock_timestamp() WHERE fleet = %s AND name = 'web1'"
        admin.execute(over, (one.membership.fleet,))
    assert not one.claim(claim)
    assert any(other.take() for _ in range(10))  # it is not the first choice of the hash, perhaps
    assert not one.claim(claim)


def test_missed_chances_are_claimed_too(host: MakeHost) -> None:
    one, other = owning(host("web1")), host("web2")
    other.join()
    missed = Missed("report", "m1", SECOND, 0, 0, 1, "why")
    assert one.claim(Claim(missed, one.terms["report"], 0))
    assert not other.claim(Claim(Missed("report", "m2", SECOND, 0, 0, 1, "why"), 1, 0))


def test_no_claim_of_an_earlier_owner_slips_in_behind_those_of_a_later_one(
    server: PostgresServer, host: MakeHost
) -> None:
    hosts = [host("web1"), host("web2")]
    for one in hosts:
        one.join()
    stop = threading.Event()
    failures: list[BaseException] = []

    def compete(one: Host) -> None:
        """Own it, claim some, hand it back; and claim something as if that had not happened."""
        try:
            while not stop.is_set():
                if not one.take():
                    continue
                stale = one.start(0)
                for _ in range(3):
                    with one.connection.transaction():
                        row = one.connection.execute(
                            "SELECT next_number FROM rocketd.owner WHERE fleet = %s", (one.membership.fleet,)
                        ).fetchone()
                    one.claim(one.start(row[0]))
                one.release()
                one.claim(
                    Claim(
                        Started(Run("report", 10**9 + next(_IDS), f"late{next(_IDS)}", 1, 0, 0, Trigger.HAND, "")),
                        stale.term,
                        0,
                    )
                )
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=compete, args=(one,)) for one in hosts]
    for thread in threads:
        thread.start()
    time_is_up = threading.Timer(4, stop.set)
    time_is_up.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    with psycopg.connect(server.url()) as admin:
        rows = admin.execute(
            "SELECT term, number FROM rocketd.record WHERE fleet = %s AND kind = 'run' ORDER BY id",
            (hosts[0].membership.fleet,),
        ).fetchall()
    assert len(rows) > 20
    assert rows == sorted(rows), "terms and numbers rise together"
    assert len({number for _, number in rows}) == len(rows)


def test_all_tasks_with_a_mutex_have_one_owner(host: MakeHost) -> None:
    one, other = host("web1").has("report", "load", mutex="db"), host("web2").has("load", mutex="db")
    one.join()
    other.join()
    assert any(one.take() for _ in range(10))
    assert {*one.terms} == {"report", "load"}
    one.release()
    for _ in range(5):
        other.take()
    assert not other.terms, "web1 still owns its mutex"
    one.exchange.forget(["load"])
    with one.connection.transaction():
        one.exchange.release(one.connection, {"load": 0})
    for _ in range(3):
        other.take()
    assert {*other.terms} == {"load"}


def test_who_takes_a_mutex_over_waits_for_the_claims_of_the_last_owner_and_sees_them(host: MakeHost) -> None:
    one = host("web1", lease=SECOND).has("report", "load", mutex="db")
    other = host("web2").has("report", "load", mutex="db")
    one.join()
    assert any(one.take() for _ in range(10))
    other.join()
    late = one.start(2, "load")
    with one.connection.transaction():
        granted, _ = one.exchange.claim(one.connection, [one.start(1, "load")])
        assert granted
        while one.connection.execute(
            "SELECT lease_until > clock_timestamp() FROM rocketd.host WHERE fleet = %s AND name = 'web1'",
            (one.membership.fleet,),
        ).fetchone() == (True,):
            pass  # the lease has to run out before the claim is committed
        taking = threading.Thread(target=lambda: [other.take() for _ in range(3)])
        taking.start()
        taking.join(0.5)
        assert taking.is_alive(), "it waits"
    taking.join(30)
    assert {*other.terms} == {"report", "load"}
    with other.connection.transaction():
        _, events = other.exchange.rebuild(other.connection, other.request)
    assert [one.event.run.number for one in events if isinstance(one.event, Started)] == [1]
    assert not one.claim(late)


def test_a_mutex_that_a_run_of_an_unknown_task_holds_is_not_taken(host: MakeHost) -> None:
    one, other = host("web1").has("report", "load", mutex="db"), host("web2").has("report", mutex="db")
    one.join()
    assert any(one.take() for _ in range(10))
    claim = one.start(1, "load")
    assert one.claim(claim)
    with one.connection.transaction():
        one.exchange.release(one.connection, {"load": 0, "report": 0})
        one.membership.leave(one.connection)
    other.join()
    assert not any(other.take() for _ in range(5))
    with one.connection.transaction():
        one.exchange.close_unknown(one.connection, [claim.run_id])
    assert any(other.take() for _ in range(5))


FORBIDDEN = {
    "take it from a live owner": "UPDATE rocketd.owner SET host = 'web2' WHERE fleet = '{fleet}'",
    "claim a run": """INSERT INTO rocketd.record (fleet, host, scope, created, task_name, action, run_id, number, term)
        VALUES ('{fleet}', 'web2', '', now(), 'report', 'run', 'x', 99, 1)""",
    "claim it for the owner": """INSERT INTO rocketd.record (fleet, host, scope, created, task_name, action, run_id,
        number, term) VALUES ('{fleet}', 'web1', '', now(), 'report', 'run', 'x', 99, 1)""",
    "end a run of a live host": """INSERT INTO rocketd.record (fleet, host, scope, created, task_name, action, run_id,
        number, term, cause) VALUES ('{fleet}', 'web2', '', now(), 'report', 'crash', '{run}', 1, 1, 'down')""",
    "say that it succeeded": """INSERT INTO rocketd.record (fleet, host, scope, created, task_name, action, run_id,
        number, term) VALUES ('{fleet}', 'web2', '', now(), 'report', 'success', '{run}', 1, 1)""",
    "record that it missed": """INSERT INTO rocketd.record (fleet, host, scope, created, task_name, action, run_id,
        term) VALUES ('{fleet}', 'web2', '', now(), 'report', 'missed', 'x', 1)""",
    "own it for another": "UPDATE rocketd.owner SET host = 'web3' WHERE fleet = '{fleet}'",
    "delete it": "DELETE FROM rocketd.owner WHERE fleet = '{fleet}'",
    "take its mutex": "UPDATE rocketd.mutex SET host = 'web2' WHERE fleet = '{fleet}'",
    "move it": "UPDATE rocketd.owner SET preferred = 'web2' WHERE fleet = '{fleet}'",
    "drain its owner": "UPDATE rocketd.host SET drained = true WHERE fleet = '{fleet}' AND name = 'web1'",
    "say that its owner is dead": """INSERT INTO rocketd.lost_host (fleet, host, state_id, seen_at, said_by)
        SELECT fleet, name, state_id, seen_at, 'web2' FROM rocketd.host WHERE fleet = '{fleet}' AND name = 'web1'""",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_role_of_another_host_cannot(what: str, host: MakeHost) -> None:
    one, other = owning(host("web1").has("report", mutex="db")), host("web2")
    other.join()
    claim = one.start(1)
    assert one.claim(claim)
    statement = FORBIDDEN[what].format(fleet=one.membership.fleet, run=claim.run_id)
    try:
        changed = other.connection.execute(statement).rowcount
    except psycopg.errors.InsufficientPrivilege:
        changed = 0
    assert changed == 0
    assert one.claim(one.start(2)), "it owns it as before"


def test_the_script_for_psql_makes_the_tables_of_owners() -> None:
    assert "CREATE TABLE rocketd.owner" in script()
