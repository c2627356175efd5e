"""rocketd, systemd timers and Debian cron, each in a booted Debian of its own, as they are when they are installed.

What they cost when there is nothing to do, how late a lone job begins, and how long a thousand at one second take.
A machine's CPU is that of all its processes: whoever is asked to start a job has others to help with it.
"""

import dataclasses
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from contenders import CONTENDERS, STAMPS, Contender, Cron, Job
from figures import Beside
from lateness import Late, late
from under_test import stamp, stamps, wait_for_stamps

from support.machines import debian_trees
from support.machines.machine import Machine

HEADS: Final = ("", *(contender.name for contender in CONTENDERS))
SUITE: Final = "bookworm"
SETTLED: Final = 90.0
"""Seconds from a start after which there is nothing more that belongs to it: a minute later, old records go."""
CALM: Final = 10
"""The second of a minute from which cron, which starts jobs at a full minute, is at rest."""


@dataclasses.dataclass(frozen=True)
class Lab:
    """What machines are made of."""

    directory: Path
    bare: Path
    with_rocketd: Path
    program: Path

    @contextmanager
    def machine(self, contender: Contender, jobs: Sequence[Job]) -> Iterator[Machine]:
        """Boot one in which the contender has these jobs."""
        disk = self.directory / f"disk-{time.monotonic_ns()}"
        with Machine(disk, *([self.with_rocketd] if contender.is_ours else []), self.bare) as machine:
            inside = machine.path("/usr/local/bin/stamp")
            inside.write_bytes(self.program.read_bytes())
            inside.chmod(0o755)
            if not isinstance(contender, Cron):
                machine.run("systemctl", "stop", "cron")
            contender.write(machine, jobs)
            yield machine


def machines(directory: Path, *, quick: bool) -> list[Beside]:
    """All of it; only root can."""
    if os.getuid() != 0:
        print("machines: left out, for only root can boot them")
        return []
    bare = debian_trees.bare(SUITE, "peers")
    layer = directory / "installed"
    layer.mkdir()
    lab = Lab(directory, bare, debian_trees.install(bare, debian_trees.package(SUITE), layer), stamp(directory))
    idle, lone, burst = (1_000, 8, 200) if quick else (10_000, 25, 1_000)
    return [*_idle(lab, idle), *_lateness(lab, lone), *_burst(lab, burst)]


def _idle(lab: Lab, count: int) -> list[Beside]:
    """All three at once, for they do nothing: over one minute, in which each has its turn to look."""
    away = (datetime.now(UTC).hour + 6) % 24
    jobs = [
        Job(("/bin/true", str(number)), hour=(away + number % 4) % 24, minute=number % 60) for number in range(count)
    ]
    with ExitStack() as stack:
        booted = [stack.enter_context(lab.machine(contender, jobs)) for contender in CONTENDERS]
        settled = time.monotonic() + SETTLED
        taken = [_taken_up(*pair) for pair in zip(CONTENDERS, booted, strict=True)]
        time.sleep(max(0.0, settled - time.monotonic()))
        before = [contender.usage(machine) for contender, machine in zip(CONTENDERS, booted, strict=True)]
        time.sleep(60)
        after = [contender.usage(machine) for contender, machine in zip(CONTENDERS, booted, strict=True)]
        listed = [_listed(*pair) for pair in zip(CONTENDERS, booted, strict=True)]
    idled = [(then.cpu - first.cpu) * 1000 for first, then in zip(before, after, strict=True)]
    wakeups = [then.wakeups - first.wakeups for first, then in zip(before, after, strict=True)]
    jobs_given, none_due = f"{count:,} jobs taken up", f"a minute with {count:,} jobs, none due"
    return [
        Beside(jobs_given, "s", [took for took, _ in taken]),
        Beside(jobs_given, "s CPU of the machine", [cpu for _, cpu in taken]),
        Beside(f"memory with {count:,} jobs", "MB", [usage.memory for usage in after]),
        Beside(none_due, "ms CPU", idled),
        Beside(none_due, "wake-ups", wakeups),
        Beside(f"listing {count:,} jobs", "s", listed),
    ]


def _taken_up(contender: Contender, machine: Machine) -> tuple[float, float]:
    began, cpu = time.monotonic(), machine.cpu()
    contender.take_up(machine)
    took = time.monotonic() - began
    time.sleep(3)  # what is put off until after the start belongs to it
    return took, machine.cpu() - cpu


def _listed(contender: Contender, machine: Machine) -> float | None:
    """Seconds to list them; None: there is no such command."""
    if not contender.lists:
        return None
    took = []
    for _ in range(3):
        began = time.monotonic()
        machine.sh(f"{' '.join(contender.lists)} >/dev/null")
        took.append(time.monotonic() - began)
    return min(took)


def _lateness(lab: Lab, seconds: int) -> list[Beside]:
    """A job each second; with cron each minute, meanwhile, at moments at which the others are not measured."""
    cron = next(contender for contender in CONTENDERS if isinstance(contender, Cron))
    waits: dict[Contender, Late] = {}
    with _lone(lab, cron) as minutes:
        for contender in CONTENDERS:
            _wait_for_second(CALM)
            if contender is not cron:
                with _lone(lab, contender) as noted:
                    time.sleep(seconds)
                    waits[contender] = late(stamps(noted)[1:])
        waits[cron] = late(stamps(minutes), 60)
    return [
        Beside(f"lateness of a lone job, {which}", "ms", [waits[contender][place] for contender in CONTENDERS])
        for place, which in enumerate(("median", "worst"))
    ]


@contextmanager
def _lone(lab: Lab, contender: Contender) -> Iterator[Path]:
    with lab.machine(contender, [Job(("/usr/local/bin/stamp", STAMPS))]) as machine:
        contender.take_up(machine)
        yield machine.path(STAMPS)


def _burst(lab: Lab, count: int) -> list[Beside]:
    bursts = [_burst_of(lab, contender, count) for contender in CONTENDERS]
    return [
        Beside(f"burst of {count:,}, last begun", "s", [last for last, _ in bursts]),
        Beside(f"burst of {count:,}, CPU of the machine per run", "µs", [cpu for _, cpu in bursts]),
    ]


def _burst_of(lab: Lab, contender: Contender, count: int) -> tuple[float, float]:
    """When the last of so many due at one second has begun, and what each run cost."""
    due = int(time.time()) + 10 + count // 200
    if isinstance(contender, Cron):
        due = (due // 60 + 1) * 60
    at = datetime.fromtimestamp(due, UTC)
    jobs = [Job(("/usr/local/bin/stamp", STAMPS), at.hour, at.minute, at.second)] * count
    with lab.machine(contender, jobs) as machine:
        contender.take_up(machine)
        time.sleep(max(0.0, due - 1 - time.time()))
        cpu = machine.cpu()
        noted = wait_for_stamps(machine.path(STAMPS), count, 60)
        time.sleep(2)  # until all that belongs to a run is done
        return noted[-1] - due, (machine.cpu() - cpu) / count * 1e6


def _wait_for_second(second: int) -> None:
    """Wait until the clock shows it the next time."""
    time.sleep((second - time.time()) % 60)
