"""What operators do with a fleet: moving tasks, draining hosts, saying that a host is dead."""

import json
from collections.abc import Iterator

import pytest

from integration.test_fleet_one import EACH_SECOND, begun, check, until
from support.fleet_hosts import FleetHosts, fleet_hosts, prepare
from support.servers.postgres_server import postgres_server

pytest.importorskip("psycopg")
LONG = "4min"
"""A lease that nothing here waits for."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetHosts]:
    """Two hosts with four tasks; each test leaves them as it found them, wherever the tasks are."""
    directory = tmp_path_factory.mktemp("operators")
    for path in (directory, directory.parent):
        path.chmod(0o755)
    with postgres_server() as server:
        prepare(server)
        with fleet_hosts(server, "operators", directory) as made:
            text = made.task("tick", EACH_SECOND, 'overlap = "allow"') + made.task("idle", "never")
            text += made.task("a", "never", 'mutex = "db"') + made.task("b", "never", 'mutex = "db"')
            for name in ("web1", "web2"):
                made.add(name, text, lease=LONG)
            until(made, lambda: all(made.owner(task) for task in ("tick", "idle", "a", "b")))
            until(made, lambda: made.ask("SELECT count(DISTINCT host) FROM rocketd.task WHERE name = 'tick'") == [(2,)])
            yield made


def other(host: str) -> str:
    return {"web1": "web2", "web2": "web1"}[host]


def test_a_task_is_moved_and_runs_there(fleet: FleetHosts) -> None:
    begun(fleet, 1)
    owner = fleet.owner("tick")
    target = other(owner)
    moved = fleet.rocketctl(owner, "fleet", "move", "tick", target)
    assert moved.stdout == f"tick: handed back, for {target} to take over.\n", moved.stderr
    until(fleet, lambda: fleet.owner("tick") == target)
    begun(fleet, 2, target)
    check(fleet)


def test_with_a_task_all_that_have_its_mutex_are_moved(fleet: FleetHosts) -> None:
    owner = fleet.owner("a")
    assert fleet.owner("b") == owner
    moved = fleet.rocketctl(owner, "fleet", "move", "a", other(owner), "--json")
    assert json.loads(moved.stdout) == {"host": other(owner), "tasks": ["a", "b"]}
    until(fleet, lambda: fleet.owner("a") == fleet.owner("b") == other(owner))


def test_what_cannot_be_moved_is_refused_with_a_hint(fleet: FleetHosts) -> None:
    owner = fleet.owner("idle")
    target = other(owner)
    refusals = {
        ("idle", owner): f"{owner} owns task 'idle' already",
        ("idel", target): "no host of the fleet has a task 'idel'",
        ("idle", "web9"): "no host of the fleet is called 'web9'",
    }
    for words, told in refusals.items():
        refused = fleet.rocketctl(owner, "fleet", "move", *words)
        assert refused.returncode != 0
        assert told in refused.stderr
        assert "hint: " in refused.stderr or "already" in told
    elsewhere = fleet.rocketctl(target, "fleet", "move", "idle", target)
    assert f"{target}" in elsewhere.stderr or "already" in elsewhere.stderr
    assert f"hint: rocketctl -H {owner} fleet move idle {target}" in elsewhere.stderr
    assert fleet.rocketctl(owner, "fleet", "move", "idle").returncode == 2
    assert fleet.owner("idle") == owner


def test_a_drained_host_owns_nothing_even_after_a_restart(fleet: FleetHosts) -> None:
    begun(fleet, 1)
    owner = fleet.owner("tick")
    target = other(owner)
    drained = fleet.rocketctl(owner, "fleet", "drain")
    assert drained.stdout.startswith(f"{owner} hands its tasks back"), drained.stderr
    until(fleet, lambda: {fleet.owner(task) for task in ("tick", "idle", "a", "b")} == {target})
    begun(fleet, 2, target)
    shown = json.loads(fleet.rocketctl(target, "fleet", "--json").stdout)
    assert {host["host"]: host["obstacle"] for host in shown["hosts"]} == {owner: "drained", target: ""}
    refused = fleet.rocketctl(target, "fleet", "move", "tick", owner)
    assert f"{owner} must not own tasks" in refused.stderr
    wrong = fleet.rocketctl(target, "fleet", "drain", owner)
    assert f"hint: rocketctl -H {owner} fleet drain" in wrong.stderr
    again = fleet.hosts[owner]
    joined = sum("joined the fleet" in line for line in again.lines)
    assert again.stop() == 0
    again.start()
    again.until_line("joined the fleet", joined + 1)
    stopped = fleet.hosts.pop(target)
    assert stopped.stop() == 0
    until(fleet, lambda: "it is drained" in fleet.why(owner, "tick"))
    undrained = fleet.rocketctl(owner, "fleet", "undrain", "--json")
    assert json.loads(undrained.stdout) == {"host": owner, "drained": False}
    until(fleet, lambda: fleet.owner("tick") == owner)
    fleet.hosts[target] = stopped.start()
    begun(fleet, 1)
    check(fleet)


def test_a_host_is_said_to_be_dead(fleet: FleetHosts) -> None:
    fleet.add("web3", fleet.task("long", "every('5 s') | retry(3)", command="sleep 1000"), lease="6s")
    until(fleet, lambda: any(task == "long" for task, _, _ in fleet.ledger()))
    alive = fleet.rocketctl("web1", "fleet", "lost", "web3", "--yes")
    assert "web3 is alive" in alive.stderr
    for name in ("web1", "web2"):  # they know the task from now on
        daemon = fleet.hosts[name]
        text = (daemon.config / "tasks.toml").read_text()
        daemon.write("tasks.toml", text + fleet.task("long", "every('5 s') | retry(3)", command="sleep 1000"))
        assert fleet.rocketctl(name, "reload").returncode == 0
    fleet.hosts.pop("web3").kill()
    until(fleet, lambda: fleet.owner("long") in ("web1", "web2"))
    asked = fleet.rocketctl("web1", "fleet", "lost", "web3")
    assert "Is it switched off or fenced, for certain?" in asked.stderr
    assert asked.returncode != 0
    dead = fleet.rocketctl("web1", "fleet", "lost", "web3", "--yes")
    assert "web3 counts as dead until it is heard of again; its runs count as lost: long/1" in dead.stdout, dead.stderr
    until(fleet, lambda: any(task == "long" and host != "web3" for task, _, host in fleet.ledger()))
    ends = fleet.ask("SELECT action, cause FROM rocketd.record WHERE kind = 'end' AND task_name = 'long'")
    assert ends == [("crash", "down")]
    assert "no host of the fleet is called 'web7'" in fleet.rocketctl("web1", "fleet", "lost", "web7", "--yes").stderr
