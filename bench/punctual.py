"""How punctual runs begin: one a second (lateness), and a thousand at the same second (burst).

Limits: a timer alone; a loop that only spawns. Peer: APScheduler 3 in memory, which records nothing.
"""

import asyncio
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from apscheduler.schedulers.background import BackgroundScheduler
from figures import Figure
from under_test import daemon, stamp, stamps, wait_for_stamps, write_tasks

from rocketd.daemon.clock import TimerAlarm

SETTINGS: Final = '[rocketd]\nmax_running = 2000\ntimezone = "UTC"\n[store]\ndurability = "{durability}"\n'


def lateness(directory: Path, *, quick: bool) -> list[Figure]:
    """One run a second: how late the program itself says that it began."""
    seconds = 8 if quick else 60
    program = stamp(directory)
    ours = {}
    for durability in ("normal", "full"):
        where = directory / durability
        where.mkdir()
        write_tasks(where, [_task(program, where, 'cron("* * * * * *")')], SETTINGS.format(durability=durability))
        with daemon(where):
            time.sleep(seconds + 1)
        ours[durability] = _lateness(stamps(where / "stamps"))
    timer = asyncio.run(_timer(seconds))
    peer = _lateness(_apscheduler(program, directory / "peer", seconds))
    figures = []
    for place, (which, goal) in enumerate((("median", "1.0"), ("worst", "2.5"))):
        limit, other = timer[place], peer[place]
        is_limit = ("a timerfd alone, nothing started", "APScheduler 3, in memory")
        figures.append(
            Figure(f"lateness, {which}", "ms", ours["normal"][place], limit, is_limit[0], other, is_limit[1], goal)
        )
        figures.append(Figure(f"lateness, {which}, durability full", "ms", ours["full"][place], limit, is_limit[0]))
    return figures


def burst(directory: Path, *, quick: bool) -> list[Figure]:
    """A thousand due at one second: when the last of them began."""
    count = 300 if quick else 1000
    program = stamp(directory)
    spawned = [_spawned(program, directory / f"limit{turn}", count) for turn in range(2)]
    due = int(time.time()) + 6
    at = datetime.fromtimestamp(due, UTC)
    where = directory / "ours"
    where.mkdir()
    tasks = [_task(program, where, f'calendar("{at:%Y-%m-%d %H:%M:%S}")')] * count
    write_tasks(where, tasks, SETTINGS.format(durability="normal"))
    with daemon(where):
        noted = wait_for_stamps(where / "stamps", count, 60)
    last, first = noted[-1] - due, noted[0] - due
    spawned.append(_spawned(program, directory / "limit2", count))
    peer = _apscheduler_burst(program, directory / "peer", count)
    limit = statistics.median(spawned)
    what = f"burst of {count}"
    return [
        Figure(
            f"{what}, last begun", "s", last, limit, "a loop that only spawns", peer, "APScheduler 3, in memory", "0.35"
        ),
        Figure(f"{what}, first begun", "s", first),
    ]


def _task(program: Path, where: Path, when: str) -> str:
    return f"command = ['{program}', '{where / 'stamps'}']\nwhen = '{when}'\nrestart_delay = \"0s\""


def _lateness(noted: Sequence[float]) -> tuple[float, float]:
    """The median and the worst, in milliseconds; the first is the start's own affair."""
    late = [at % 1 * 1000 for at in noted[1:]]
    return statistics.median(late), max(late)


async def _timer(seconds: int) -> tuple[float, float]:
    """How late an alarm rings."""
    rung: list[float] = []
    done = asyncio.Event()
    first = int(time.time()) + 1

    def ring() -> None:
        rung.append(time.time())
        alarm.set((first + len(rung)) * 1_000_000)
        if len(rung) == seconds:
            done.set()

    alarm = TimerAlarm(ring)
    alarm.set(first * 1_000_000)
    await done.wait()
    alarm.close()
    return _lateness(rung)


def _spawned(program: Path, noted: Path, count: int) -> float:
    """When the last of so many began that a loop spawned as fast as it could."""
    defaults = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
    began = time.time()
    arguments = (program, noted)
    pids = [
        os.posix_spawn(program, arguments, {}, setsid=True, setsigmask=(), setsigdef=defaults) for _ in range(count)
    ]
    for pid in pids:
        os.waitpid(pid, 0)
    return stamps(noted)[-1] - began


def _apscheduler(program: Path, noted: Path, seconds: int) -> Sequence[float]:
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(subprocess.call, "cron", [(program, noted)], second="*")
    scheduler.start()
    time.sleep(seconds + 1)
    scheduler.shutdown()
    return stamps(noted)


def _apscheduler_burst(program: Path, noted: Path, count: int) -> float:
    """Its jobs start the program and do not wait for it, as it has ten threads."""
    scheduler = BackgroundScheduler(timezone=UTC)
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    for _ in range(count):
        scheduler.add_job(subprocess.Popen, "date", args=[(program, noted)], run_date=due, misfire_grace_time=60)
    scheduler.start()
    last = wait_for_stamps(noted, count, 60)[-1] - due.timestamp()
    scheduler.shutdown()
    return last
