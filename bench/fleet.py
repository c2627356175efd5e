"""A fleet on one machine: chains across hosts, and take-overs.

    PYTHONSAFEPATH=1 PYTHONPATH=tests .venv/bin/python bench/fleet.py chain --runs 200
    PYTHONSAFEPATH=1 PYTHONPATH=tests .venv/bin/python bench/fleet.py takeover --runs 20 --lease 3

Real daemons and a PostgreSQL server of our own (Debian: postgresql), with `fsync` off: its disk is not measured.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from support.fleet_hosts import FleetHosts, fleet_hosts, prepare
from support.servers.postgres_server import postgres_server

EACH_SECOND: Final = "cron('* * * * * *')"
PATIENCE: Final = 120.0
"""Seconds that anything may take."""
_CHAIN: Final = """
    SELECT extract(epoch FROM following.start - ended."end")::double precision FROM rocketd.record AS following
    JOIN rocketd.record AS ended ON ended.fleet = following.fleet AND ended.run_id = following.cause_run_id
        AND ended.kind = 'end'
    WHERE following.kind = 'run' AND following.task_name = 'load' ORDER BY 1
"""


def main() -> None:
    """Measure what is asked for."""
    rows = {"chain": chain, "takeover": take_over}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", choices=rows)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--lease", type=int, default=10, help="seconds")
    given = parser.parse_args()
    with postgres_server() as server, tempfile.TemporaryDirectory(prefix="rocketd-fleet-") as name:
        Path(name).chmod(0o755)
        prepare(server)
        with fleet_hosts(server, "measured", Path(name)) as fleet:
            rows[given.row](fleet, given)


def chain(fleet: FleetHosts, given: argparse.Namespace) -> None:
    """How long after the end of a task on one host the next begins on another."""
    first = fleet.task("extract", "cron('*/4 * * * * *')", 'overlap = "allow"')
    lease = f"{given.lease}s"
    fleet.add("web1", first, lease)
    until(fleet, fleet.ledger)
    fleet.add("web2", first + fleet.task("load", "after_success('extract')", 'overlap = "allow"'), lease)
    until(fleet, lambda: len(fleet.ask(_CHAIN)) >= given.runs, given.runs * 4 + PATIENCE)
    show(f"chain across hosts, lease {lease}", [row[0] for row in fleet.ask(_CHAIN)])


def take_over(fleet: FleetHosts, given: argparse.Namespace) -> None:
    """How long after kill -9 of the owner another host begins a run."""
    text = fleet.task("tick", EACH_SECOND, 'overlap = "allow"')
    for name in ("web1", "web2", "web3"):
        fleet.add(name, text, f"{given.lease}s")
    found = []
    for _ in range(given.runs):
        before = len(fleet.ledger())
        until(fleet, lambda before=before: len(fleet.ledger()) > before + 1)  # type: ignore[misc]  # bound now
        owner = fleet.owner("tick")
        fleet.hosts[owner].kill()
        killed = time.monotonic()
        until(fleet, lambda owner=owner: fleet.ledger()[-1][2] != owner)  # type: ignore[misc]  # as above
        found.append(time.monotonic() - killed)
        fleet.hosts[owner].start()
    if fleet.begun_twice():
        raise SystemExit(f"begun twice: {fleet.begun_twice()}")
    show(f"take-over after kill -9, lease {given.lease} s, a task of each second", sorted(found))


def until(fleet: FleetHosts, done: Callable[[], object], limit: float = PATIENCE) -> None:
    """Wait until this holds: it is looked at when a host says something."""
    end = time.monotonic() + limit
    while not done():
        if time.monotonic() > end:
            raise SystemExit(fleet.story())
        for host in fleet.hosts.values():
            host.listen(0.02)


def show(what: str, found: list[float]) -> None:
    """Print the spread of sorted seconds."""
    at = [found[min(int(len(found) * part), len(found) - 1)] * 1000 for part in (0.5, 0.9, 0.99)]
    print(f"{what}: {len(found)} times, p50 {at[0]:.0f} ms, p90 {at[1]:.0f} ms, p99 {at[2]:.0f} ms, "
          f"worst {found[-1] * 1000:.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
