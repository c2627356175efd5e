"""Tasks that one host of a fleet runs: real daemons, a real PostgreSQL server, and what goes wrong between them."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from support.engines.job_directory import JobDirectory
from support.fleet_hosts import HOSTS, PASSWORD, FleetHosts, fleet_hosts, prepare
from support.servers.pgbouncer import pgbouncer
from support.servers.postgres_server import PostgresServer, postgres_server

psycopg = pytest.importorskip("psycopg")

LIMIT = 60.0
"""Seconds that anything may take."""
_NUMBERS = count()
EACH_SECOND = "cron('* * * * * *')"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as made:
        prepare(made)
        yield made


@pytest.fixture
def fleet(server: PostgresServer, tmp_path: Path) -> Iterator[FleetHosts]:
    tmp_path.chmod(0o755)
    with fleet_hosts(server, f"one{next(_NUMBERS)}", tmp_path) as made:
        yield made


def until(fleet: FleetHosts, done: Callable[[], object], limit: float = LIMIT) -> None:
    """Wait until this holds: it is looked at when a host says something, and the runs say something each second."""
    end = time.monotonic() + limit
    while not done():
        assert time.monotonic() < end, fleet.story()
        for host in fleet.hosts.values():
            host.listen(0.1)


def begun(fleet: FleetHosts, runs: int, host: str = "") -> None:
    """Wait until so many runs have begun more than now, all or those of a host."""
    before = len([one for one in fleet.ledger() if host in ("", one[2])])
    until(fleet, lambda: len([one for one in fleet.ledger() if host in ("", one[2])]) >= before + runs)


def check(fleet: FleetHosts) -> None:
    """Nothing has begun twice, or without a record; numbers are used once."""
    assert not fleet.begun_twice()
    begun_by_now = fleet.ledger()  # first: the hosts go on
    claimed = fleet.ask("SELECT task_name, number, host FROM rocketd.record WHERE kind = 'run' AND term IS NOT NULL")
    assert len({key[:2] for key in claimed}) == len(claimed)
    assert set(begun_by_now) <= set(claimed)


def test_one_host_runs_it_and_another_takes_over_after_kill_9(fleet: FleetHosts) -> None:
    text = fleet.task("tick", EACH_SECOND, 'overlap = "allow"')
    for name in ("web1", "web2", "web3"):
        fleet.add(name, text, lease="5s")  # so that none loses it on a busy machine
    begun(fleet, 3)
    owner = fleet.owner("tick")
    assert {host for _, _, host in fleet.ledger()} == {owner}
    until(fleet, lambda: fleet.ask("SELECT 1 FROM rocketd.record WHERE kind = 'end'"))
    assert not [line for one in fleet.hosts.values() for line in one.lines if "does not permit" in line]
    fleet.hosts.pop(owner).kill()
    until(fleet, lambda: any(host != owner for _, _, host in fleet.ledger()))
    begun(fleet, 3)
    check(fleet)


def test_sigterm_hands_it_back_before_the_lease_has_run_out(fleet: FleetHosts) -> None:
    text = fleet.task("tick", EACH_SECOND, 'overlap = "allow"')
    for name in ("web1", "web2"):
        fleet.add(name, text, lease="4min")  # longer than anything may take here
    begun(fleet, 2)
    owner = fleet.owner("tick")
    stopped = fleet.hosts.pop(owner)
    assert stopped.stop() == 0
    until(fleet, lambda: any(host != owner for _, _, host in fleet.ledger()))
    assert any("handed back 1 task of the fleet: tick" in line for line in stopped.lines)
    check(fleet)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[JobDirectory]:
    """Outlives the hosts, if it is asked for first: so nothing is submitted after its end."""
    made = JobDirectory(tmp_path)
    yield made
    made.close()


def test_a_run_that_is_handed_off_goes_on_when_another_host_takes_over(jobs: JobDirectory, fleet: FleetHosts) -> None:
    end = fleet.directory / "end"
    os.mkfifo(end)
    text = fleet.task("far", EACH_SECOND, *jobs.settings, command=f"read line <{end}")
    for name in ("web1", "web2"):
        fleet.add(name, text)
    until(fleet, fleet.ledger)
    owner = fleet.owner("far")
    fleet.hosts.pop(owner).kill()
    until(fleet, lambda: fleet.owner("far") not in {"", owner})
    with end.open("w") as file:
        file.write("now\n")
    ended = "SELECT host, action FROM rocketd.record WHERE number = 1 AND kind = 'end' AND term IS NOT NULL"
    until(fleet, lambda: fleet.ask(ended))
    (other,) = fleet.hosts
    assert fleet.ask(ended) == [(other, "success")]
    assert fleet.ledger()[0] == ("far", 1, owner)
    assert jobs.lines("begun").count(jobs.lines("begun")[0]) == 1
    assert not fleet.begun_twice()


ENDED = "SELECT host, action, cause FROM rocketd.record WHERE number = 1 AND kind = 'end' AND term IS NOT NULL"


def taken_over(fleet: FleetHosts, jobs: JobDirectory, *lines: str, kill: bool = True) -> tuple[str, str]:
    """Have a job taken over, by the death of its host or by a move; return who had it and who has it."""
    text = fleet.task("far", EACH_SECOND, *jobs.settings, *lines, command="sleep 1000")
    for name in ("web1", "web2"):
        fleet.add(name, text)
    until(fleet, lambda: jobs.lines("begun"))
    until(fleet, lambda: fleet.ask("SELECT count(*) FROM rocketd.task") == [(2,)])
    owner = fleet.owner("far")
    target = {"web1": "web2", "web2": "web1"}[owner]
    if kill:
        fleet.hosts.pop(owner).kill()
    else:
        assert fleet.rocketctl(owner, "fleet", "move", "far", target).returncode == 0
    until(fleet, lambda: fleet.owner("far") == target)
    until(fleet, lambda: any("took over 1 task of the fleet: far" in line for line in fleet.hosts[target].lines))
    return owner, target


def cancelled(jobs: JobDirectory) -> list[str]:
    """Return the first job, as often as the engine was asked to end it: with each question, until it has ended."""
    return [line for line in jobs.lines("cancelled") if line in jobs.lines("begun")[:1]]


@pytest.mark.parametrize("kill", [True, False], ids=["its host was killed", "its task was moved"])
def test_a_job_that_was_taken_over_is_stopped_by_its_new_owner(
    jobs: JobDirectory, fleet: FleetHosts, *, kill: bool
) -> None:
    first, owner = taken_over(fleet, jobs, kill=kill)
    if not kill:
        until(fleet, lambda: f"{owner} owns it" in fleet.why(first, "far"))
        assert (
            f"{owner} owns it\nhint: stop it on the host that owns it" in fleet.rocketctl(first, "stop", "far").stderr
        )
    stopped = fleet.rocketctl(owner, "stop", "far")
    assert stopped.returncode == 0, stopped.stderr
    until(fleet, lambda: fleet.ask(ENDED))
    assert fleet.ask(ENDED) == [(owner, "terminate", "operator")]
    if not kill:  # who has begun it takes the same end into its own run log

        def ends() -> list[tuple[str, str]]:
            runs = [run for run in fleet.hosts[first].runs("far") if run.run.number == 1 and run.end is not None]
            return [(str(run.action), str(run.end and run.end.cause)) for run in runs]

        until(fleet, ends)
        assert ends() == [("terminate", "operator")]


@pytest.mark.parametrize("kill", [True, False], ids=["its host was killed", "its task was moved"])
def test_the_timeout_of_a_job_that_was_taken_over_ends_it_once(
    jobs: JobDirectory, fleet: FleetHosts, *, kill: bool
) -> None:
    _, owner = taken_over(fleet, jobs, 'timeout = "8s"', kill=kill)
    until(fleet, lambda: fleet.ask(ENDED))
    assert fleet.ask(ENDED) == [(owner, "terminate", "timeout")]
    assert cancelled(jobs)


@pytest.mark.parametrize("length", [0.7, 5.0], ids=["shorter than the lease", "longer than the lease"])
def test_a_frozen_daemon_begins_nothing_that_another_has_taken_over(fleet: FleetHosts, length: float) -> None:
    text = fleet.task("tick", EACH_SECOND, 'overlap = "allow"')
    for name in ("web1", "web2"):
        fleet.add(name, text)
    begun(fleet, 3)
    owner = fleet.owner("tick")
    frozen = fleet.hosts[owner]
    frozen.signal(signal.SIGSTOP)
    thaw = time.monotonic() + length
    until(fleet, lambda: time.monotonic() > thaw)
    frozen.signal(signal.SIGCONT)
    begun(fleet, 4)
    check(fleet)


def test_a_silent_network_keeps_a_host_from_beginning_anything(fleet: FleetHosts) -> None:
    text = fleet.task("tick", EACH_SECOND, 'overlap = "allow"')
    for name in ("web1", "web2"):
        fleet.add(name, text)
    begun(fleet, 3)
    owner = fleet.owner("tick")
    fleet.networks[owner].silence()
    until(fleet, lambda: any("gave up 1 task of the fleet: tick" in line for line in fleet.hosts[owner].lines))
    until(fleet, lambda: fleet.owner("tick") not in ("", owner))
    begun(fleet, 3)
    fleet.networks[owner].heal()
    begun(fleet, 3)
    check(fleet)


def test_a_server_that_crashes_loses_and_doubles_nothing(fleet: FleetHosts, server: PostgresServer) -> None:
    text = fleet.task("tick", EACH_SECOND, 'overlap = "allow"')
    for name in ("web1", "web2"):
        fleet.add(name, text)
    begun(fleet, 3)
    for _ in range(3):
        server.stop("immediate")
        server.start()
        begun(fleet, 3)
    check(fleet)


def test_the_end_of_a_task_on_one_host_starts_another_on_another_host(fleet: FleetHosts) -> None:
    first = fleet.task("extract", EACH_SECOND, 'overlap = "allow"')
    second = fleet.task("load", "after_success('extract')")
    fleet.add("web1", first, lease="4min")  # what is not announced is noticed too late for this test
    begun(fleet, 1)
    fleet.add("web2", first + second, lease="4min")
    until(fleet, lambda: fleet.owner("load") == "web2")
    until(fleet, lambda: len([one for one in fleet.ledger() if one[0] == "load"]) >= 2)
    assert {host for task, _, host in fleet.ledger() if task == "extract"} == {"web1"}
    check(fleet)
    causes = fleet.ask("SELECT DISTINCT cause_task FROM rocketd.record WHERE task_name = 'load' AND kind = 'run'")
    assert causes == [("extract",)]


def test_a_mutex_holds_across_a_take_over(fleet: FleetHosts) -> None:
    text = fleet.task("long", EACH_SECOND, 'mutex = "db"', command="sleep 1")
    text += fleet.task("short", EACH_SECOND, 'mutex = "db"', "priority = 1")
    for name in ("web1", "web2"):
        fleet.add(name, text, lease="4min")
    until(fleet, lambda: {task for task, _, _ in fleet.ledger()} == {"long", "short"})
    owner = fleet.owner("long")
    assert fleet.owner("short") == owner
    runs = len([one for one in fleet.ledger() if one[0] == "long"])
    until(fleet, lambda: len([one for one in fleet.ledger() if one[0] == "long"]) > runs)
    stopping = fleet.hosts[owner]
    stopping.signal(signal.SIGTERM)
    until(fleet, lambda: any(host != owner for _, _, host in fleet.ledger()))
    assert fleet.hosts.pop(owner).wait() == 0
    begun(fleet, 3)
    lines = [line.split() for line in fleet.ledger_lines()]
    for begin, end in zip(lines[::2], lines[1::2], strict=False):
        assert (begin[0], end[0]) == ("begin", "end"), lines
        assert begin[1:] == end[1:], lines
    check(fleet)


def test_behind_a_pooler_in_transaction_mode_nothing_is_announced_and_everything_else_holds(
    fleet: FleetHosts, server: PostgresServer
) -> None:
    first = fleet.task("extract", EACH_SECOND, 'overlap = "allow"')
    text = first + fleet.task("load", "after_success('extract')")
    with pgbouncer(server.port, HOSTS, PASSWORD) as port:
        for name in ("web1", "web2"):
            fleet.add(name, text, url=f"postgresql://{name}@127.0.0.1:{port}/{fleet.name}")
        until(fleet, lambda: [one for one in fleet.ledger() if one[0] == "load"])
        owner = fleet.owner("extract")
        fleet.hosts.pop(owner).kill()
        begun(fleet, 3, next(iter(fleet.hosts)))
        other = next(iter(fleet.hosts.values()))
        begun(fleet, 3)
        assert sum("a pooler stands before the fleet's database" in line for line in other.lines) == 1
        listening = "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'listen%%'"
        assert fleet.ask(listening) == [(0,)]
    check(fleet)


def test_a_host_with_another_definition_does_not_take_it_over_and_says_so(fleet: FleetHosts) -> None:
    fleet.add("web1", fleet.task("tick", EACH_SECOND, 'overlap = "allow"'))
    begun(fleet, 2)
    fleet.add("web2", fleet.task("tick", EACH_SECOND, 'overlap = "allow"', 'timeout = "1h"'))
    fleet.add("web3", fleet.task("tick", EACH_SECOND, 'overlap = "allow"'))
    until(fleet, lambda: "web1 owns it, where it is another task than here" in fleet.why("web2", "tick"))
    until(fleet, lambda: "stands by on this host: web1 owns it" in fleet.why("web3", "tick"))
    fleet.hosts.pop("web1").kill()
    until(fleet, lambda: fleet.owner("tick") == "web3")
    begun(fleet, 2, "web3")
    assert not [one for one in fleet.ledger() if one[2] == "web2"]
    fleet.hosts.pop("web3").kill()
    begun(fleet, 2, "web2")  # nobody has the other one any longer
    check(fleet)


@pytest.mark.skipif(not os.environ.get("ROCKETD_FLEET_LONG"), reason="takes minutes: ROCKETD_FLEET_LONG=1")
def test_a_daemon_frozen_for_longer_than_lost_after_is_counted_as_lost(fleet: FleetHosts) -> None:
    text = fleet.task("long", "every('5 s') | retry(3)", command="sleep 1000")
    for name in ("web1", "web2"):
        fleet.add(name, text, extra='lost_after = "1 min"\n')
    until(fleet, fleet.ledger)
    owner = fleet.owner("long")
    frozen = fleet.hosts[owner]
    frozen.signal(signal.SIGSTOP)
    until(fleet, lambda: any(host != owner for _, _, host in fleet.ledger()), 150)
    frozen.signal(signal.SIGCONT)
    until(fleet, lambda: any("so these runs are stopped: long/1" in line for line in frozen.lines), 150)
    check(fleet)
    ends = fleet.ask("SELECT action, cause, message FROM rocketd.record WHERE kind = 'end' AND number = 1")
    assert [end[:2] for end in ends] == [("crash", "down")]
