"""The page about several hosts, followed to the letter in booted Debians, and what becomes of a fleet that is hurt.

It takes minutes, and a Debian tree of its own: `make machines`.
"""

# ruff: noqa: S608 - the queries are those of this file, with names that it has chosen
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.machines import debian_trees
from support.machines.administrator import RELOADED
from support.machines.fleet_machines import Block, blocks, connect, fleet_machines, type_block
from support.machines.machine import Machine, MachineError

pytestmark = pytest.mark.skipif("ROCKETD_MACHINES" not in os.environ, reason="takes minutes: make machines")

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "several-hosts.md"
HOSTS = ("db1", "web1", "web2")
LEASE = 3
LOST_AFTER = 60
TICK = """\
[task.tick]
command = ["/bin/sh", "-c", "echo $ROCKETD_NUMBER >>/var/lib/rocketd/ledger"]
when = "cron('* * * * * *')"
run_on = "one"
overlap = "allow"
"""


class Fleet:
    """Three hosts: `db1` has the database as well."""

    def __init__(self, machines: dict[str, Machine]) -> None:
        self.machines = machines

    def on(self, host: str, command: str) -> str:
        """Return what a command prints on a host."""
        return self.machines[host].sh(f"cd /root; {command}")

    def ask(self, query: str) -> list[list[str]]:
        """Ask the database, as its superuser."""
        argv = ["psql", "--dbname=rocketd", "--no-align", "--tuples-only", "--field-separator=|", f"--command={query}"]
        lines = self.machines["db1"].run("sh", "-c", 'cd / && exec "$@"', "sh", *argv, user="postgres").stdout
        return [line.split("|") for line in lines.splitlines()]

    def owner(self, task: str) -> str:
        found = self.ask(f"SELECT host FROM rocketd.owner WHERE task = '{task}'")
        return found[0][0] if found else ""

    def until(self, query: str, done: Callable[[list[list[str]]], object], seconds: int = 60) -> list[list[str]]:
        """Ask again whenever a host has recorded something, or a second has passed, until this holds."""
        for _ in range(seconds):
            if done(found := self.ask(query)):
                return found
            self.machines["db1"].sh("sleep 1")
        raise MachineError(f"waited {seconds} s for {query}: {found}\n{self.story()}")

    def until_owner(self, task: str, which: Callable[[str], object], seconds: int = 60) -> str:
        query = f"SELECT coalesce(host, '') FROM rocketd.owner WHERE task = '{task}'"
        return self.until(query, lambda rows: rows and which(rows[0][0]), seconds)[0][0]

    def until_runs_more(self, task: str = "tick", runs: int = 3, host: str = "%") -> None:
        count = (
            f"SELECT count(*) FROM rocketd.record WHERE kind = 'run' AND task_name = '{task}' AND host LIKE '{host}'"
        )
        before = int(self.ask(count)[0][0])
        self.until(count, lambda rows: int(rows[0][0]) >= before + runs)

    def reload(self, host: str) -> None:
        """Have the files read again; returns when they count."""
        self.machines[host].run("rocketctl", "reload")

    def check(self) -> None:
        """No number has begun twice anywhere, and what has begun was claimed by its host."""
        ledgers = {
            host: self.on(host, "cat /var/lib/rocketd/ledger 2>/dev/null || true").split() for host in self.machines
        }
        twice = [
            number
            for number, count in Counter(number for numbers in ledgers.values() for number in numbers).items()
            if count > 1
        ]
        assert not twice, ledgers
        claims = self.ask("SELECT host, number FROM rocketd.record WHERE kind = 'run' AND task_name = 'tick'")
        claimed = {(host, number) for host, number in claims}
        assert {(host, number) for host, numbers in ledgers.items() for number in numbers} <= claimed
        assert len({number for _, number in claims}) == len(claims)

    def story(self) -> str:
        tail = "journalctl --unit=rocketd --output=cat --no-pager --lines=15"
        return "\n".join(
            f"{host}:\n{machine.run('sh', '-c', tail, check=False).stdout}" for host, machine in self.machines.items()
        )


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Follow the page: from three Debians with rocketd and an empty PostgreSQL to a fleet."""
    with fleet_machines(tmp_path_factory.mktemp("fleet"), HOSTS, [debian_trees.TOP / "dist"]) as machines:
        fleet = Fleet(machines)
        follow_page(fleet)
        yield fleet


def follow_page(fleet: Fleet) -> None:
    """Type its blocks in their order, each where it belongs."""
    for block in blocks(PAGE):
        if block.where == "on each host":
            for host in HOSTS:
                type_on_host(fleet, host, block)
        elif block.where.endswith("for each host"):
            for host in HOSTS:
                type_block(fleet.machines["db1"], block, "postgres", **{"web1": host, "…": f"secret of {host}"})
        else:
            host, user = re.fullmatch("on (.*) as (.*)", block.where).groups()  # type: ignore[union-attr]  # or it fails
            type_block(fleet.machines[host], block, user)
            if block.kind == "toml":
                fleet.reload(host)


def type_on_host(fleet: Fleet, host: str, block: Block) -> None:
    machine = fleet.machines[host]
    if "apt install" in block.text:
        package = next((debian_trees.TOP / "dist").glob("rocketd-fleet_*_bookworm_all.deb"))
        machine.sh(f"cp {package} /root")
        type_block(machine, block)
    elif "[fleet]" in block.text:
        machine.write("/etc/rocketd/fleet.crt", fleet.on("db1", "cat /var/lib/postgresql/server.crt"))
        type_block(machine, block, **{"//web1@": f"//{host}@"})
        settings = machine.path("/etc/rocketd/rocketd.toml")
        settings.write_text(settings.read_text() + f'lease = "{LEASE}s"\nlost_after = "{LOST_AFTER}s"\n')
    elif "fleet.password" in block.text:
        reloads = len(machine.journal(RELOADED))
        type_block(machine, block, **{"…": f"secret of {host}"})
        machine.await_journal(RELOADED, count=reloads + 1)
    else:
        type_block(machine, block)
        if block.kind == "toml":
            machine.write("/usr/local/bin/report", '#!/bin/sh\necho "report of $(uname -n)"\n', mode=0o755)
            fleet.reload(host)


def without_numbers(text: str) -> str:
    """Put one word for each number with its unit, and one blank for several."""
    return re.sub(" +", " ", re.sub(r"[-+]?\d+(\.\d+)?(us|ms|s)?", "N", text))


def other(*hosts: str) -> str:
    return next(host for host in HOSTS if host not in hosts)


def test_the_page_makes_a_fleet(fleet: Fleet) -> None:
    fleet.until("SELECT name FROM rocketd.host WHERE tasks > 0", lambda rows: len(rows) == len(HOSTS))
    owner = fleet.until_owner("report", bool)
    shown = without_numbers(fleet.on("web2", "rocketctl fleet"))
    assert "HOST LEASE CLOCK VERSION TASKS RUNNING NOTE" in shown
    for host in HOSTS:
        notes = [*(["this host"] if host == "web2" else []), "@web @eu", *(["owns N task"] if host == owner else [])]
        assert "; ".join(notes) in shown
    assert "Fleet default: N hosts, N alive." in shown


def test_its_answers_are_those_of_the_page(fleet: Fleet) -> None:
    page = PAGE.read_text()
    owner = fleet.until_owner("report", bool)
    host = other(owner)
    line = next(line for line in page.splitlines() if line.startswith("report stands by"))
    assert line.replace("web1", owner) in fleet.on(host, "rocketctl why report")
    assert "HOST  LEASE" in page
    listed = fleet.on(host, "rocketctl list --fleet")
    assert all(f"{one} " in listed for one in HOSTS)
    assert "other hosts" in fleet.on("web1", "rocketctl list")  # prune-fleet
    assert "succe" in fleet.on("db1", "rocketctl run prune-fleet --wait; rocketctl history prune-fleet")
    fleet.until("SELECT 1 FROM rocketd.record WHERE task_name = 'prune-fleet' AND kind = 'end'", bool)
    assert "prune-fleet/1" in fleet.on("web2", "rocketctl history --fleet prune-fleet")


def test_a_verb_reaches_another_host(fleet: Fleet) -> None:
    owner = fleet.until_owner("report", bool)
    assert "report" in fleet.on("db1", "rocketctl -H web2 list")
    said = fleet.on("db1", f"rocketctl -H root@{owner} run report --wait")
    assert f"report of {owner}" in said
    refused = fleet.machines["db1"].run("rocketctl", "-H", other(owner, "db1"), "run", "report", check=False)
    assert f"{owner} owns it" in refused.stderr
    fleet.until("SELECT 1 FROM rocketd.record WHERE task_name = 'report' AND action = 'success'", bool)
    assert re.search(rf"success +{owner} +report/1", fleet.on("web1", "rocketctl history --fleet report"))


def test_the_verbs_of_operators(fleet: Fleet) -> None:
    owner = fleet.until_owner("report", bool)
    target = other(owner)
    verbs = {
        line.split("  ")[0] for line in PAGE.read_text().splitlines() if line.startswith("rocketctl -H web1 fleet")
    }
    assert verbs == {f"rocketctl -H web1 fleet {verb}" for verb in ("move report web2", "drain", "undrain")}
    fleet.on("db1", f"rocketctl -H {owner} fleet move report {target}")
    fleet.until_owner("report", lambda host: host == target)
    fleet.on("db1", f"rocketctl -H {target} fleet drain")
    fleet.until_owner("report", lambda host: host not in {"", target})
    assert "drained" in fleet.on("db1", "rocketctl fleet")
    fleet.machines[target].run("systemctl", "restart", "rocketd")
    assert "drained" in fleet.on("db1", "rocketctl fleet")
    fleet.on("db1", f"rocketctl -H {target} fleet undrain")
    fleet.until(f"SELECT 1 FROM rocketd.host WHERE name = '{target}' AND obstacle = ''", bool)
    assert "drained" not in fleet.on("db1", "rocketctl fleet")


def give(fleet: Fleet, name: str, text: str) -> None:
    for host in HOSTS:
        fleet.machines[host].write(f"/etc/rocketd/{name}.toml", text)
        fleet.reload(host)


def test_a_power_cut_and_a_stop_lose_and_double_nothing(fleet: Fleet) -> None:
    """The host with the database is not cut: without it nothing of the fleet begins."""
    give(fleet, "tick", TICK)
    fleet.on("db1", "rocketctl fleet drain")
    owner = fleet.until_owner("tick", lambda host: host not in {"", "db1"})
    fleet.until_runs_more()
    fleet.machines[owner].power_cut()
    fleet.until_owner("tick", lambda host: host not in {"", "db1", owner})
    fleet.until_runs_more()
    assert "silent since" in fleet.on("db1", "rocketctl fleet")
    assert f"{owner} counts as dead until it is heard of again" in fleet.on(
        "db1", f"rocketctl fleet lost {owner} --yes"
    )
    fleet.machines[owner].start()
    connect(fleet.machines, owner)
    fleet.until(f"SELECT 1 FROM rocketd.host WHERE name = '{owner}' AND lease_until > now()", bool)
    second = fleet.until_owner("tick", bool)
    fleet.machines[second].run("systemctl", "stop", "rocketd")
    fleet.until_owner("tick", lambda host: host not in {"", second})
    fleet.until_runs_more()
    fleet.machines[second].run("systemctl", "start", "rocketd")
    fleet.check()


@pytest.mark.parametrize("seconds", [1, 2 * LEASE], ids=["shorter than its lease", "longer than its lease"])
def test_a_host_that_was_suspended_begins_nothing_that_another_has_begun(fleet: Fleet, seconds: int) -> None:
    give(fleet, "tick", TICK)
    fleet.on("db1", "rocketctl fleet drain")
    owner = fleet.until_owner("tick", lambda host: host not in {"", "db1"})
    fleet.until_runs_more()
    freeze(fleet, owner, seconds)
    fleet.until_runs_more()
    fleet.check()


def freeze(fleet: Fleet, host: str, seconds: int) -> None:
    fleet.machines[host].freeze()
    try:
        fleet.on("db1", f"sleep {seconds}")
    finally:
        fleet.machines[host].thaw()
