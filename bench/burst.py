"""Many tasks due at the same second: when the last of them has begun, and what that cost.

Limit: a loop that only spawns. Peers: APScheduler 3, in memory and with its jobs in SQLite; it records no runs.
"""

import os
import signal
import statistics
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from apscheduler.jobstores.base import BaseJobStore
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from figures import Curve, Figure, Points
from under_test import daemon, stamp, stamps, wait_for_stamps, write_tasks

SETTINGS: Final = '[rocketd]\nmax_running = 5000\ntimezone = "UTC"\n[store]\ndurability = "{durability}"\n'
PATIENCE: Final = 60.0
AHEAD: Final = 4
"""Seconds in which a scheduler can be made ready before the burst."""


class Burst(NamedTuple):
    """How one went."""

    first: float
    """Seconds from the second at which all were due until the first had begun."""
    last: float
    cpu: float
    """Microseconds of the scheduler's CPU for each run."""


def burst(directory: Path, *, quick: bool) -> list[Figure | Curve]:
    """Bursts of growing size; the table shows the one of 1,000."""
    sizes = (1, 10, 100, 300) if quick else (1, 10, 100, 1000, 3000)
    shown = 300 if quick else 1000
    program = stamp(directory)
    lines: dict[str, Points] = {"rocketd": [], "spawning alone": [], "APScheduler 3, no records": []}
    figures: list[Figure] = []
    for size in sizes:
        where = directory / str(size)
        where.mkdir()
        bursts = _bursts(program, where, size)
        for points, one in zip(lines.values(), bursts, strict=True):
            points.append((size, one.last))
        if size == shown:
            figures = _figures(program, where, size, bursts)
    return [*figures, Curve("growth-burst", "last of a burst begun, s", "tasks due at one second", lines)]


def _bursts(program: Path, where: Path, size: int) -> tuple[Burst, Burst, Burst]:
    before = spawned(program, where / "before", size)
    mine = ours(program, where / "normal", size, "normal")
    after = spawned(program, where / "after", size)
    peer = apscheduler(program, where / "peer", size, MemoryJobStore())
    limit = Burst(*(statistics.mean(pair) for pair in zip(before, after, strict=True)))
    return mine, limit, peer


def _figures(program: Path, where: Path, size: int, bursts: tuple[Burst, Burst, Burst]) -> list[Figure]:
    mine, limit, peer = bursts
    full = ours(program, where / "full", size, "full")
    kept = apscheduler(program, where / "kept", size, SQLAlchemyJobStore(f"sqlite:///{where}/jobs.db"))
    alone, in_memory, in_sqlite = "a loop that only spawns", "APScheduler 3, in memory", "APScheduler 3, jobs in SQLite"
    what = f"burst of {size:,}"
    return [
        Figure(f"{what}, last begun", "s", mine.last, limit.last, alone, peer.last, in_memory),
        Figure(f"{what}, last begun, durability full", "s", full.last, limit.last, alone, kept.last, in_sqlite),
        Figure(f"{what}, first begun", "s", mine.first, limit.first, alone, peer.first, in_memory),
        Figure(f"{what}, CPU per run", "µs", mine.cpu, limit.cpu, alone, peer.cpu, in_memory),
    ]


def ours(program: Path, where: Path, count: int, durability: str) -> Burst:
    """By a daemon with as many tasks."""
    where.mkdir()
    due = int(time.time()) + AHEAD + count // 1000
    at = datetime.fromtimestamp(due, UTC)
    task = f"command = ['{program}', '{where / 'stamps'}']\nwhen = 'cron(\"{at.second} {at.minute} {at.hour} * * *\")'"
    write_tasks(where, [task] * count, SETTINGS.format(durability=durability))
    with daemon(where) as one:
        time.sleep(max(0.0, due - 0.5 - time.time()))
        before = one.usage.cpu
        noted = wait_for_stamps(where / "stamps", count, PATIENCE)
        time.sleep(0.5)  # until the ends have been recorded as well
        cpu = one.usage.cpu - before
    return Burst(noted[0] - due, noted[-1] - due, cpu / count * 1e6)


def spawned(program: Path, noted: Path, count: int) -> Burst:
    """By a loop that does so as fast as it can, and reaps them afterwards."""
    defaults = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
    arguments = (program, noted)

    def spawn() -> None:
        pids = [
            os.posix_spawn(program, arguments, {}, setsid=True, setsigmask=(), setsigdef=defaults) for _ in range(count)
        ]
        for pid in pids:
            os.waitpid(pid, 0)

    began, cpu = time.time(), _cpu(spawn)
    starts = stamps(noted)
    return Burst(starts[0] - began, starts[-1] - began, cpu / count * 1e6)


def apscheduler(program: Path, noted: Path, count: int, jobs: BaseJobStore) -> Burst:
    """Its jobs start the program and do not wait for it, as it has ten threads."""
    scheduler = BackgroundScheduler(timezone=UTC, jobstores={"default": jobs})
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=AHEAD + count // 500)
    arguments = [(str(program), str(noted))]
    for _ in range(count):
        scheduler.add_job(
            subprocess.Popen,
            CronTrigger(hour=due.hour, minute=due.minute, second=due.second, timezone=UTC),
            args=arguments,
            misfire_grace_time=60,
        )
    scheduler.start()
    time.sleep(max(0.0, due.timestamp() - 0.5 - time.time()))

    def watch() -> None:
        wait_for_stamps(noted, count, PATIENCE)
        scheduler.shutdown()

    cpu = _cpu(watch)
    starts = stamps(noted)
    first, last = starts[0] - due.timestamp(), starts[-1] - due.timestamp()
    return Burst(first, last, cpu / count * 1e6)


def _cpu(act: Callable[[], None]) -> float:
    """Seconds of CPU of this process, its children's not counted."""
    began = time.process_time()
    act()
    return time.process_time() - began
