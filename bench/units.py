"""What starts programs, one after the other in one booted machine, on each Debian.

rocketd with units and with processes, a loop of bare StartTransientUnit calls, and systemd's own timers. Measured are
the time from the second at which a job is due to its program's first instruction, a burst, and the CPU of the whole
machine. They take turns, several times, so that whatever else the host does shows in all of them.
"""

import itertools
import math
import os
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import ClassVar, Final, Protocol

from contenders import UNITS
from figures import Measurements, Spread
from under_test import stamp, wait_for_stamps

from support.machines import debian_trees
from support.machines.administrator import lift_sandbox
from support.machines.machine import Machine

SUITES: Final = {"bookworm": "Debian 12", "trixie": "Debian 13"}
_PYTHON: Final = "/usr/lib/rocketd/venv/bin/python3"
_PROGRAM: Final = "/usr/local/bin/stamp"
_LEAD: Final = 4
"""Seconds from when jobs are handed over to the first of them: longer than it takes to load 300 timers."""
_SETTLED: Final = 3.0
"""Seconds after which all that belongs to the last run is done: its record, its unit."""


class Starter(Protocol):
    """What has programs run."""

    name: ClassVar[str]

    def begin(self, machine: Machine) -> None:
        """Make it ready."""
        ...

    def burst(self, machine: Machine, count: int, due: int, file: str) -> None:
        """Hand over so many jobs for one second; each appends to the file."""
        ...

    def each(self, machine: Machine, count: int, due: int, file: str) -> None:
        """Hand over a job for each second from then on; returns after the last, or before the first."""
        ...

    def end(self, machine: Machine) -> None:
        """Take it all away again."""
        ...


class Rocketd:
    """This project, as its package installs it."""

    name: ClassVar = "rocketd, units"
    settings: ClassVar = 'executor = "unit"'

    def begin(self, machine: Machine) -> None:
        machine.write("/etc/rocketd/rocketd.toml", f"[rocketd]\nmax_running = 2000\n{self.settings}\n")
        lift_sandbox(machine)
        machine.run("systemctl", "start", "rocketd")

    def burst(self, machine: Machine, count: int, due: int, file: str) -> None:
        when = datetime.fromtimestamp(due, UTC)
        self._give(machine, count, f"{when.second} {when.minute} {when.hour} * * *", file)

    def each(self, machine: Machine, count: int, due: int, file: str) -> None:  # noqa: ARG002 - until it is ended
        self._give(machine, 1, "* * * * * *", file)

    def _give(self, machine: Machine, count: int, when: str, file: str) -> None:
        task = f'command = ["{_PROGRAM}", "{file}"]\nwhen = "cron(\'{when}\')"\n'
        machine.write("/etc/rocketd/jobs.toml", "".join(f"[task.t{number}]\n{task}" for number in range(count)))
        machine.run("systemctl", "reload", "rocketd")

    def end(self, machine: Machine) -> None:
        machine.run("rm", "/etc/rocketd/jobs.toml")
        machine.run("systemctl", "stop", "rocketd")


class RocketdProcesses(Rocketd):
    """The same with processes."""

    name: ClassVar = "rocketd, processes"
    settings: ClassVar = 'executor = "process"'


class Raw:
    """The calls that the unit executor makes, and nothing else."""

    name: ClassVar = "bare calls"

    def begin(self, machine: Machine) -> None:
        machine.write("/root/raw_units.py", Path(__file__).with_name("raw_units.py").read_text())

    def burst(self, machine: Machine, count: int, due: int, file: str) -> None:
        machine.run(_PYTHON, "/root/raw_units.py", "burst", str(count), str(due), _PROGRAM, file)

    def each(self, machine: Machine, count: int, due: int, file: str) -> None:
        machine.run(_PYTHON, "/root/raw_units.py", "each", str(count), str(due), _PROGRAM, file)

    def end(self, machine: Machine) -> None:
        pass


class Timers:
    """systemd's timers, exact to the microsecond."""

    name: ClassVar = "systemd timers"

    def begin(self, machine: Machine) -> None:
        pass

    def burst(self, machine: Machine, count: int, due: int, file: str) -> None:
        self._give(machine, count, f"{datetime.fromtimestamp(due, UTC):%Y-%m-%d %H:%M:%S} UTC", file)

    def each(self, machine: Machine, count: int, due: int, file: str) -> None:  # noqa: ARG002 - until it is ended
        self._give(machine, 1, "*:*:*", file)

    def _give(self, machine: Machine, count: int, when: str, file: str) -> None:
        names = [f"job{number}" for number in range(count)]
        for name in names:
            service = f"[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart={_PROGRAM} {file}\n"
            machine.write(f"{UNITS}/{name}.service", service)
            machine.write(f"{UNITS}/{name}.timer", f"[Timer]\nAccuracySec=1us\nOnCalendar={when}\n")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", *(f"{name}.timer" for name in names))

    def end(self, machine: Machine) -> None:
        machine.sh(f"systemctl stop 'job*.timer'; rm {UNITS}/job*; systemctl daemon-reload")


STARTERS: Final[Sequence[Starter]] = (Rocketd(), RocketdProcesses(), Raw(), Timers())
HEADS: Final = ("", *(starter.name for starter in STARTERS))


def units(directory: Path, *, quick: bool) -> list[Spread]:
    """All of it; only root can."""
    if os.getuid() != 0:
        print("units: left out, for only root can boot machines")
        return []
    rounds, lone, burst = (1, 5, 100) if quick else (3, 15, 300)
    return [row for suite in SUITES for row in _on(directory / suite, suite, rounds, lone, burst)]


def _on(directory: Path, suite: str, rounds: int, lone: int, burst: int) -> Iterator[Spread]:
    latencies: dict[str, list[float]] = {starter.name: [] for starter in STARTERS}
    lasts: dict[str, list[float]] = {starter.name: [] for starter in STARTERS}
    costs: dict[str, list[float]] = {starter.name: [] for starter in STARTERS}
    with _machine(directory, suite) as machine:
        exposure = _exposure(machine)
        for number, starter in itertools.product(range(rounds), STARTERS):
            files = f"/var/tmp/{STARTERS.index(starter)}{number}"  # noqa: S108 - in a machine of its own
            starter.begin(machine)
            latencies[starter.name].append(_lone(starter, machine, lone, f"{files}lone"))
            last, cost = _burst(starter, machine, burst, f"{files}burst")
            lasts[starter.name].append(last)
            costs[starter.name].append(cost)
            starter.end(machine)
    debian = SUITES[suite]
    yield Spread(f"{debian}: due to first instruction of a lone job", "ms", _in_order(latencies))
    yield Spread(f"{debian}: burst of {burst}, last begun", "s", _in_order(lasts))
    yield Spread(f"{debian}: the same, CPU of the machine per run", "ms", _in_order(costs))
    yield Spread(f"{debian}: systemd-analyze security of the service", "of 10", [[exposure], [], [], []])


def _in_order(found: dict[str, list[float]]) -> list[Measurements]:
    return [found[starter.name] for starter in STARTERS]


@contextmanager
def _machine(directory: Path, suite: str) -> Iterator[Machine]:
    directory.mkdir()
    (directory / "layer").mkdir()
    bare = debian_trees.bare(suite)
    installed = debian_trees.install(bare, debian_trees.package(suite), directory / "layer")
    with Machine(directory / "disk", installed, bare) as machine:
        program = machine.path(_PROGRAM)
        program.write_bytes(stamp(directory).read_bytes())
        program.chmod(0o755)
        machine.run("systemctl", "stop", "rocketd")
        yield machine


def _lone(starter: Starter, machine: Machine, count: int, file: str) -> float:
    """The median of how many milliseconds after its second a job begins."""
    due = math.ceil(time.time()) + 1
    starter.each(machine, count, due, file)
    noted = wait_for_stamps(machine.path(file), count + 1, due + count + 1 - time.time())
    return median(at % 1 for at in noted[1:]) * 1000  # the first may have met what prepared it


def _burst(starter: Starter, machine: Machine, count: int, file: str) -> tuple[float, float]:
    """When the last began, in seconds after all were due; and what a run cost, in milliseconds."""
    due = math.ceil(time.time()) + _LEAD + count // 100
    with ThreadPoolExecutor() as thread:
        before = thread.submit(_cpu_at, machine, due - 0.5)
        starter.burst(machine, count, due, file)
    noted = wait_for_stamps(machine.path(file), count, 60)
    if len(noted) != count:
        raise RuntimeError(f"{starter.name}: {len(noted)} of {count} began")
    time.sleep(_SETTLED)
    return noted[-1] - due, (machine.cpu() - before.result()) / count * 1000


def _cpu_at(machine: Machine, instant: float) -> float:
    """The CPU that it has used by then, when all has been prepared."""
    time.sleep(instant - time.time())
    return machine.cpu()


def _exposure(machine: Machine) -> float:
    """What systemd-analyze says of the rights of the daemon, as its package installs it: 0 is none."""
    said = machine.run("systemd-analyze", "security", "--no-pager", "rocketd.service").stdout
    return float(re.findall(r"exposure level for rocketd.service: ([0-9.]+)", said)[0])
