"""Faults of networks and servers that take a while: ROCKETD_FLEET_LONG=1, and KILLS=200 for that many kills."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from integration.test_fleet_one import EACH_SECOND, begun, check, until
from support.fleet_hosts import FleetHosts, fleet_hosts, prepare
from support.servers.postgres_server import OWNER, PostgresServer, postgres_server

psycopg = pytest.importorskip("psycopg")
pytestmark = pytest.mark.skipif(not os.environ.get("ROCKETD_FLEET_LONG"), reason="takes minutes: ROCKETD_FLEET_LONG=1")
KILLS = int(os.environ.get("KILLS", "10"))


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with postgres_server() as made:
        prepare(made)
        yield made


@pytest.fixture
def fleet(server: PostgresServer, tmp_path: Path) -> Iterator[FleetHosts]:
    tmp_path.chmod(0o755)
    with fleet_hosts(server, "faults", tmp_path) as made:
        yield made


def test_a_network_that_loses_the_answers_alone(fleet: FleetHosts) -> None:
    text = fleet.task("tick", EACH_SECOND, 'overlap = "allow"')
    for name in ("web1", "web2"):
        fleet.add(name, text)
    begun(fleet, 3)
    for _ in range(3):
        owner = fleet.owner("tick")
        fleet.networks[owner].silence(answers_only=True)
        until(fleet, lambda owner=owner: fleet.owner("tick") not in ("", owner))  # type: ignore[misc]  # bound now
        begun(fleet, 3)
        fleet.networks[owner].heal()
        begun(fleet, 2)
        check(fleet)


def test_kills_lose_and_double_nothing(fleet: FleetHosts) -> None:
    chance = Random(7)  # noqa: S311 - a test must replay
    text = fleet.task("tick", EACH_SECOND, 'overlap = "allow"')
    names = ("web1", "web2", "web3")
    for name in names:
        fleet.add(name, text)
    begun(fleet, 2)
    for _ in range(KILLS):
        name = fleet.owner("tick") if chance.random() < 0.7 else chance.choice(names)
        one = fleet.hosts[name or "web1"]
        one.kill()
        end = time.monotonic() + chance.random() * 3
        until(fleet, lambda end=end: time.monotonic() > end)  # type: ignore[misc]  # bound now
        one.start()
    begun(fleet, 5)
    check(fleet)
    until(fleet, lambda: fleet.owner("tick"))
    ticks = fleet.ask(
        "SELECT due, 1 FROM rocketd.record WHERE kind = 'run' AND term IS NOT NULL UNION ALL "
        "SELECT due, times FROM rocketd.record WHERE kind = 'missed' AND term IS NOT NULL ORDER BY 1"
    )
    seconds = int((ticks[-1][0] - ticks[0][0]).total_seconds()) + 1
    assert sum(row[1] for row in ticks) >= seconds, "every tick is a run or is recorded as missed"
    begun_dues = fleet.ask("SELECT due FROM rocketd.record WHERE kind = 'run' AND trigger = 'schedule'")
    assert len(set(begun_dues)) == len(begun_dues), "a tick is run twice"


def test_an_asynchronous_standby_is_refused_and_a_synchronous_one_takes_over(
    server: PostgresServer, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    directory = Path(tempfile.mkdtemp(prefix="rocketd-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(directory, OWNER)
    standby = PostgresServer(directory, primary=server)
    standby.start()
    try:
        with fleet_hosts(server, "standby", tmp_path) as fleet:
            text = fleet.task("tick", EACH_SECOND, 'overlap = "allow"')
            for name in ("web1", "web2"):
                both = f"postgresql://{name}@127.0.0.1:{server.port},127.0.0.1:{standby.port}/standby"
                fleet.add(name, text, url=both)
            until(fleet, lambda: "a standby of the fleet's database is asynchronous" in fleet.why("web1", "tick"))
            assert not fleet.ledger()
            server.change("synchronous_standby_names = '*'")
            begun(fleet, 3)
            server.stop("immediate")
            standby.promote()
            standby.change("synchronous_standby_names = ''")
            fleet.url = standby.url(database="standby")
            begun(fleet, 5)
            check(fleet)
    finally:
        standby.stop()
        shutil.rmtree(directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_of_the_server_begins_nothing_and_loses_nothing(tmp_path: Path) -> None:
    disk = Path(tempfile.mkdtemp(prefix="rocketd-postgres-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150m,mode=755", "tmpfs", str(disk)], check=True, timeout=60)
    try:
        shutil.chown(disk, OWNER)
        server = PostgresServer(disk)
        server.change_at_rest("max_wal_size = 32MB")
        server.start()
        prepare(server)
        tmp_path.chmod(0o755)
        with fleet_hosts(server, "full", tmp_path) as fleet:
            text = fleet.task("tick", EACH_SECOND, 'overlap = "allow"')
            for name in ("web1", "web2"):
                fleet.add(name, text)
            begun(fleet, 3)
            filler = disk / "filler"
            with filler.open("wb") as file:
                try:
                    while True:
                        file.write(bytes(65536))
                except OSError:
                    pass
            with pytest.raises(psycopg.Error):
                fleet.ask("CREATE TABLE more AS SELECT repeat('x', 1000) FROM generate_series(1, 200000)")
            end = time.monotonic() + 10
            until(fleet, lambda: time.monotonic() > end)
            filler.unlink()
            server.stop_if_running()
            server.start()
            begun(fleet, 5)
            check(fleet)
        server.stop()
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True, timeout=60)
        disk.rmdir()
