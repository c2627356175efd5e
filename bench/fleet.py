"""A fleet on one machine: chains across hosts, take-overs, runs a second, a fleet of one beside SQLite, idle members.

    PYTHONSAFEPATH=1 PYTHONPATH=tests .venv/bin/python bench/fleet.py chain --runs 200
    PYTHONSAFEPATH=1 PYTHONPATH=tests .venv/bin/python bench/fleet.py takeover --runs 20 --lease 3
    PYTHONSAFEPATH=1 PYTHONPATH=tests .venv/bin/python bench/fleet.py sustained --hosts 3
    PYTHONSAFEPATH=1 PYTHONPATH=tests .venv/bin/python bench/fleet.py beside
    PYTHONSAFEPATH=1 PYTHONPATH=tests .venv/bin/python bench/fleet.py idle --hosts 100

Real daemons and a PostgreSQL server of our own (Debian: postgresql), whose disk counts in `sustained` and `beside`
alone: else it has `fsync` off.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from figures import Figure

from rocketd.core.model.records import RunFilter
from rocketd.store.sqlite.store import open_reader
from support.daemon_process import Daemon
from support.fleet_hosts import HOSTS, PASSWORD, FleetHosts, fleet_hosts, prepare
from support.servers.postgres_server import PostgresServer, postgres_server

_NEXT: Final = "after the end of a task on one host, the next on another"
_TAKEN: Final = "after kill -9 of a task's host, its next run on another"
EACH_SECOND: Final = "cron('* * * * * *')"
PATIENCE: Final = 120.0
"""Seconds that anything may take."""
_CHAIN: Final = """
    SELECT extract(epoch FROM following.start - ended."end")::double precision FROM rocketd.record AS following
    JOIN rocketd.record AS ended ON ended.fleet = following.fleet AND ended.run_id = following.cause_run_id
        AND ended.kind = 'end'
    WHERE following.kind = 'run' AND following.task_name = 'load' ORDER BY 1
"""


AT_ONCE: Final = 32
ALWAYS: Final = """
[task.t{number}]
command = ["/bin/echo", "done"]
when = "true"
restart_delay = "0s"
"""
STAMP: Final = """
[task.tick]
command = "date +%s.%N >>{ledger}"
shell = true
when = "{when}"
"""
ONE: Final = 'run_on = "one"\n'
SLOTS: Final = f"[rocketd]\nmax_running = {AT_ONCE}\n"
SECONDS: Final = 10
"""How long a rate is measured, and how many starts of one a second."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure what is asked for."""
    rows: dict[str, Callable[[FleetHosts, argparse.Namespace], object]] = {
        "chain": chain,
        "takeover": take_over,
        "sustained": sustained,
        "beside": beside,
        "idle": idle,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", choices=rows)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lease", type=int, default=10, help="seconds")
    given = parser.parse_args()
    with postgres_server() as server, tempfile.TemporaryDirectory(prefix="rocketd-fleet-") as name:
        Path(name).chmod(0o755)
        prepare(server)
        if given.row in ("sustained", "beside"):
            server.change("fsync = on")
        if given.row == "idle":  # each member keeps a connection
            server.change(f"max_connections = {given.hosts + 50}")
            server.stop("fast")
            server.start()
        given.server = server
        with fleet_hosts(server, "measured", Path(name)) as fleet:
            rows[given.row](fleet, given)


def figures(_: Path, *, quick: bool) -> list[Figure]:
    """Chains and take-overs, as a row of `make bench`."""
    made: list[Figure] = []
    for measure, what, runs, lease in ((chain, _NEXT, 60, 10), (take_over, _TAKEN, 20, 3)):
        with postgres_server() as server, tempfile.TemporaryDirectory(prefix="rocketd-fleet-") as name:
            Path(name).chmod(0o755)
            prepare(server)
            with fleet_hosts(server, "measured", Path(name)) as fleet:
                found = measure(fleet, argparse.Namespace(runs=runs // 10 if quick else runs, lease=lease))
        for part, which in ((0.5, "median"), (0.99, "99 % are quicker")):
            value = found[min(int(len(found) * part), len(found) - 1)]
            made.append(Figure(f"{what}, lease {lease} s, {which}", "s", value))
    return made


def chain(fleet: FleetHosts, given: argparse.Namespace) -> list[float]:
    """How long after the end of a task on one host the next begins on another."""
    first = fleet.task("extract", "cron('*/4 * * * * *')", 'overlap = "allow"')
    lease = f"{given.lease}s"
    fleet.add("web1", first, lease)
    until(fleet, fleet.ledger)
    fleet.add("web2", first + fleet.task("load", "after_success('extract')", 'overlap = "allow"'), lease)
    until(fleet, lambda: len(fleet.ask(_CHAIN)) >= given.runs, given.runs * 4 + PATIENCE)
    found: list[float] = [row[0] for row in fleet.ask(_CHAIN)]
    show(f"chain across hosts, lease {lease}", found)
    return found


def take_over(fleet: FleetHosts, given: argparse.Namespace) -> list[float]:
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
    return sorted(found)


def sustained(fleet: FleetHosts, given: argparse.Namespace) -> None:
    """How many runs a second are claimed, begun, ended and recorded, as fast as it goes."""
    for place, name in enumerate(HOSTS[: given.hosts]):  # each has its own, as nobody takes over what another owns
        numbers = range(AT_ONCE * place, AT_ONCE * (place + 1))
        text = "".join(ALWAYS.format(number=number) + ONE for number in numbers)
        fleet.add(name, text, f"{given.lease}s", SLOTS)
    owners = "SELECT count(DISTINCT host), count(host) FROM rocketd.owner"
    until(fleet, lambda: fleet.ask(owners)[0] == (given.hosts, AT_ONCE * given.hosts))
    listen(fleet, 2)  # what comes first is not yet the rule
    ended, server = _ended(fleet), _cpu_of(_processes_of(given.server))
    listen(fleet, SECONDS)
    rate = (_ended(fleet) - ended) / SECONDS
    used = _cpu_of(_processes_of(given.server)) - server
    core, each = used / SECONDS * 100, used / rate / SECONDS * 1e6
    of_server = f"the server: {core:.0f} % of a core, {each:.0f} µs a run"
    print(f"runs recorded, {given.hosts} hosts: {rate:.0f} a second; {of_server}")


def _ended(fleet: FleetHosts) -> int:
    return int(fleet.ask("SELECT count(*) FROM rocketd.record WHERE kind = 'end' AND term IS NOT NULL")[0][0])


class Measured(NamedTuple):
    """Of one daemon."""

    late: float
    """The median lateness of a run a second, in seconds."""
    rate: float
    """Runs a second, as fast as it goes."""
    cpu: float
    """Seconds of CPU time of the daemon for each of them."""


def beside(fleet: FleetHosts, given: argparse.Namespace) -> None:
    """A fleet of one host and a host alone, one after the other in turns."""
    found: list[tuple[Measured, Measured]] = []
    for number in range(given.rounds):
        alone = _measured(fleet, f"alone{number}", shared=False)
        found.append((_measured(fleet, HOSTS[number % len(HOSTS)], shared=True), alone))
    print("a fleet of one host beside that host alone (durability full, the server with fsync); median of the ratios")
    for index, (what, factor) in enumerate((("lateness, ms", 1e3), ("runs a second", 1), ("CPU per run, µs", 1e6))):
        mine, others = ([pair[side][index] * factor for pair in found] for side in (0, 1))
        ratios = [one / other for one, other in zip(mine, others, strict=True)]
        middle, least, most = statistics.median(ratios), min(ratios), max(ratios)
        both = f"{statistics.median(mine):.3g} beside {statistics.median(others):.3g}"
        print(f"{what}: {both}, ratio {middle:.2f} ({least:.2f}-{most:.2f})")


def _measured(fleet: FleetHosts, name: str, *, shared: bool) -> Measured:
    more = ONE if shared else ""
    ledger = fleet.directory / f"{name}-ledger"
    with _host(fleet, name, STAMP.format(ledger=ledger, when=EACH_SECOND) + more, shared=shared) as host:
        _listen(host, 3)  # it takes the task over
        _listen(host, SECONDS)
    late = statistics.median(float(line) % 1 for line in ledger.read_text().split()[1:])
    text = "".join(ALWAYS.format(number=number) + more for number in range(AT_ONCE))
    with _host(fleet, name, text, shared=shared) as host:
        _listen(host, 5)
        runs, cpu = _runs(host), _cpu_of([host.pid])
        _listen(host, SECONDS)
        runs, cpu = _runs(host) - runs, _cpu_of([host.pid]) - cpu
    return Measured(late, runs / SECONDS, cpu / runs)


@contextmanager
def _host(fleet: FleetHosts, name: str, tasks: str, *, shared: bool) -> Iterator[Daemon]:
    """A daemon with these tasks, in the fleet or alone; stopped at the end."""
    if shared and name not in fleet.hosts:
        host = fleet.add(name, tasks, "10s", SLOTS)
    else:
        host = fleet.hosts[name] = fleet.hosts.get(name) or Daemon(_made(fleet.directory / name))
        if not shared:
            host.write("rocketd.toml", SLOTS)
        host.write("tasks.toml", tasks)
        host.start()
    try:
        yield host
    finally:
        host.stop()


def _made(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    return directory


def _listen(host: Daemon, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        host.listen(left)


def _runs(host: Daemon) -> int:
    """How many runs have begun: a task's newest has the highest number."""
    reader = open_reader(host.state)
    newest = [reader.runs(RunFilter(task=f"t{number}", limit=1)) for number in range(AT_ONCE)]
    reader.close()
    return sum(views[0].run.number for views in newest if views)


def idle(fleet: FleetHosts, given: argparse.Namespace) -> None:
    """What members that have nothing to do cost the server, each a whole daemon with ten tasks of the fleet."""
    role = f"CREATE ROLE every LOGIN PASSWORD '{PASSWORD}' IN ROLE rocketd_any_host"
    fleet.ask(role)
    text = "".join(f'[task.t{number}]\ncommand = ["/bin/true"]\nwhen = "yearly"\n{ONE}' for number in range(10))
    for number in range(given.hosts):
        fleet.add(f"host{number}", text, f"{given.lease}s", url=given.server.url("every", database="measured"))
    alive = "SELECT count(*) FROM rocketd.host WHERE lease_until > clock_timestamp()"
    until(fleet, lambda: fleet.ask(alive)[0][0] == given.hosts)
    listen(fleet, given.lease)
    beats, seconds = "SELECT sum(beat) FROM rocketd.host", 3 * given.lease
    daemons = [host.pid for host in fleet.hosts.values()]
    before = int(fleet.ask(beats)[0][0]), _cpu_of(_processes_of(given.server)), _cpu_of(daemons)
    listen(fleet, seconds)
    after = int(fleet.ask(beats)[0][0]), _cpu_of(_processes_of(given.server)), _cpu_of(daemons)
    looks, server, members = ((then - now) / seconds for now, then in zip(before, after, strict=True))
    print(f"{given.hosts} idle members, lease {given.lease} s: {looks:.0f} signs of life a second, "
          f"{server * 100:.1f} % of a core of the server, {members / given.hosts * 100:.2f} % for each daemon; "
          f"{fleet.ask(alive)[0][0]} alive")  # fmt: skip


def _processes_of(server: PostgresServer) -> list[int]:
    """Return the processes of the server."""
    first = server.pid
    return [first, *(int(pid) for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split())]


def _cpu_of(processes: list[int]) -> float:
    """Seconds of CPU time of these processes; of children that have ended as well."""
    used = 0
    for pid in processes:
        with suppress(FileNotFoundError):  # it has ended since: then its time is its parent's
            times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
            used += sum(map(int, times if pid == processes[0] and len(processes) > 1 else times[:2]))
    return used / _TICKS


def listen(fleet: FleetHosts, seconds: float) -> None:
    """Take what the hosts say for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for host in fleet.hosts.values():
            host.listen(0.02 / len(fleet.hosts))


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
