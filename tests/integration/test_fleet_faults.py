"""Faults of networks and servers that take a while: ROCKETD_FLEET_LONG=1, and KILLS=200 for that many kills."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from math import inf
from pathlib import Path
from random import Random

import pytest

from integration.test_fleet_one import EACH_SECOND, begun, check, until
from support.fleet_hosts import FleetHosts, fleet_hosts, prepare
from support.servers.postgres_server import OWNER, PostgresServer, postgres_server

psycopg = pytest.importorskip("psycopg")
pytestmark = pytest.mark.skipif(not os.environ.get("ROCKETD_FLEET_LONG"), reason="takes minutes: ROCKETD_FLEET_LONG=1")
KILLS = int(os.environ.get("KILLS", "10"))
_RUNS = """
    FROM rocketd.record AS run WHERE kind = 'run' AND NOT EXISTS (
        SELECT 1 FROM rocketd.record AS taken WHERE taken.run_id = run.run_id AND taken.action = 'withdrawn')
"""
"""Without those that were taken back before they began."""


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
    text = fleet.task("tick", EACH_SECOND, 'overlap = "allow"') + fleet.exclusive_task("guarded", EACH_SECOND)
    names = ("web1", "web2", "web3")
    for name in names:
        fleet.add(name, text)
    begun(fleet, 2)
    killed: list[tuple[float, bool]] = []
    for _ in range(KILLS):
        owner = fleet.owner("tick")
        name = owner if owner and chance.random() < 0.7 else chance.choice(names)
        one = fleet.hosts[name]
        one.kill()
        killed.append((time.time(), name == owner))
        end = time.monotonic() + chance.random() * 3
        until(fleet, lambda end=end: time.monotonic() > end)  # type: ignore[misc]  # bound now
        one.start()
    begun(fleet, 5)
    check(fleet)
    until(fleet, lambda: fleet.owner("tick"))
    report(fleet, killed)
    lost = lost_ticks(fleet)
    assert not lost, f"neither a run nor recorded as missed: {lost}"
    dues = fleet.ask(f"SELECT task_name, due {_RUNS} AND trigger = 'schedule'")
    assert len(set(dues)) == len(dues), "a tick is run twice"
    assert not fleet.ledger("overlap"), "a task ran beside itself"


def lost_ticks(fleet: FleetHosts) -> list[int]:
    """Return the seconds, since 1970, of which `tick` has neither a run nor an interval of misses."""
    runs = fleet.ask(f"SELECT extract(epoch FROM due)::bigint {_RUNS} AND task_name = 'tick'")  # noqa: S608 - of this test
    missed = fleet.ask(
        'SELECT extract(epoch FROM due)::bigint, extract(epoch FROM "end")::bigint FROM rocketd.record '
        "WHERE task_name = 'tick' AND kind = 'missed'"
    )
    known = {due for (due,) in runs} | {second for first, last in missed for second in range(first, last + 1)}
    return [second for second in range(min(known), max(known)) if second not in known]


def report(fleet: FleetHosts, killed: list[tuple[float, bool]]) -> None:
    """Print the figures: what was killed, what became of the ticks, and how long nobody ran the task."""
    starts = f"SELECT extract(epoch FROM start)::double precision {_RUNS} AND task_name = 'tick' ORDER BY 1"  # noqa: S608 - of this test
    begun_at = [row[0] for row in fleet.ask(starts)]
    gaps = []
    for (at, of_owner), (following, _) in pairwise([*killed, (inf, False)]):
        after = next((start for start in begun_at if start > at), inf)
        if of_owner and after < following:
            gaps.append(after - at)
    gaps.sort()
    crashed = fleet.ask("SELECT count(*) FROM rocketd.record WHERE action = 'crash'")[0][0]
    missed = fleet.ask(
        "SELECT coalesce(sum(times), 0) FROM rocketd.record WHERE task_name = 'tick' AND kind = 'missed'"
    )
    print(  # noqa: T201 - what the target is called for
        f"{len(killed)} kills, {sum(of_owner for _, of_owner in killed)} of the owner; "
        f"{len(fleet.ledger())} runs begun, {len(fleet.begun_twice())} twice, {len(fleet.ledger('overlap'))} overlaps, "
        f"{crashed} cut off; {len(lost_ticks(fleet))} ticks lost, {missed[0][0]} recorded as missed"
    )
    if gaps:
        p50, p99 = (gaps[min(int(len(gaps) * part), len(gaps) - 1)] for part in (0.5, 0.99))
        print(  # noqa: T201 - as above
            f"from the kill of the owner to the next run of a task of each second, lease 2 s, where nothing else was "
            f"killed: {len(gaps)} times, p50 {p50:.2f} s, p99 {p99:.2f} s, worst {gaps[-1]:.2f} s"
        )


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
