"""A host with an earlier rocketd beside one with this, as while hosts are upgraded: `make versions FROM=COMMIT`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.test_fleet_one import EACH_SECOND, begun, check, until
from support.fleet_hosts import FleetHosts, fleet_hosts, prepare
from support.servers.postgres_server import postgres_server

psycopg = pytest.importorskip("psycopg")
EARLIER = os.environ.get("ROCKETD_EARLIER_PYTHON", "")
pytestmark = pytest.mark.skipif(not EARLIER, reason="needs an earlier rocketd: make versions FROM=COMMIT")

TURNS = 6
"""Take-overs: three from each version to the other."""
TICKS = """
    SELECT due, 1 FROM rocketd.record WHERE kind = 'run' AND term IS NOT NULL
    UNION ALL SELECT due, times FROM rocketd.record WHERE kind = 'missed' AND term IS NOT NULL ORDER BY 1
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[FleetHosts]:
    """The tables are those of this version: `rocketctl fleet upgrade` comes before the hosts."""
    tmp_path.chmod(0o755)
    with postgres_server() as server:
        prepare(server)
        with fleet_hosts(server, "versions", tmp_path) as made:
            text = made.task("tick", EACH_SECOND, 'overlap = "allow"')
            made.add("web1", text, python=EARLIER)
            made.add("web2", text)
            yield made


def test_tasks_go_from_each_version_to_the_other(fleet: FleetHosts) -> None:
    """By a stop and by kill -9 in turns: nothing begins twice, and each tick is a run or is recorded as missed."""
    begun(fleet, 3)
    for turn in range(TURNS):
        owner = fleet.owner("tick")
        (other,) = {"web1", "web2"} - {owner}
        until(fleet, lambda: fleet.ask("SELECT count(*) FROM rocketd.host WHERE lease_until > now()") == [(2,)])
        if turn % 4 < 2:
            assert fleet.hosts[owner].stop() == 0
        else:
            fleet.hosts[owner].kill()
        until(fleet, lambda other=other: fleet.owner("tick") == other)  # type: ignore[misc]  # bound now
        fleet.hosts[owner].start()
        begun(fleet, 3, other)
    until(fleet, lambda: fleet.ask("SELECT 1 FROM rocketd.record WHERE kind = 'end' AND host = 'web1'"))
    check(fleet)
    assert {host for _, _, host in fleet.ledger()} == {"web1", "web2"}
    ticks = fleet.ask(TICKS)
    seconds = int((ticks[-1][0] - ticks[0][0]).total_seconds()) + 1
    assert sum(row[1] for row in ticks) >= seconds
    dues = fleet.ask("SELECT due FROM rocketd.record WHERE kind = 'run' AND trigger = 'schedule'")
    assert len(set(dues)) == len(dues)


def test_a_task_of_one_version_starts_one_of_the_other(fleet: FleetHosts) -> None:
    begun(fleet, 2)
    text = '[defaults]\nenvironment = { HOST = "web1" }\n' + fleet.task("after", "after_success('tick')")
    fleet.hosts["web1"].write("after.toml", text)
    assert fleet.rocketctl("web1", "reload").returncode == 0
    until(fleet, lambda: fleet.owner("after") == "web1")
    if fleet.owner("tick") == "web1":
        assert fleet.rocketctl("web1", "fleet", "move", "tick", "web2").returncode == 0
    until(fleet, lambda: fleet.owner("tick") == "web2")
    runs = len([one for one in fleet.ledger() if one[0] == "after"])
    until(fleet, lambda: len([one for one in fleet.ledger() if one[0] == "after"]) >= runs + 2)
    check(fleet)
