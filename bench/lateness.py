"""How late a lone run begins, one a second: the program itself notes when it began.

Limit: a timer alone, with which nothing is started. Peer: APScheduler 3 in memory, which records nothing.
With `durability = "full"` a start may be later by one sync of the disk, which is measured between its runs.
"""

import asyncio
import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Final, TypeAlias

from apscheduler.schedulers.background import BackgroundScheduler
from figures import Figure
from under_test import daemon, stamp, stamps, write_tasks

from rocketd.daemon.clock import TimerAlarm

SETTINGS: Final = '[rocketd]\ntimezone = "UTC"\n[store]\ndurability = "{durability}"\n'
WHICH: Final = ("median", "worst")
Late: TypeAlias = tuple[float, float]
"""The median and the worst, in milliseconds."""


def lateness(directory: Path, *, quick: bool) -> list[Figure]:
    """Of the same program, started by each of them in turn."""
    seconds = 8 if quick else 20
    program = stamp(directory)
    normal, _ = _ours(program, directory / "normal", "normal", seconds)
    full, sync = _ours(program, directory / "full", "full", seconds)
    timer = asyncio.run(_timer(seconds))
    peer = late(_apscheduler(program, directory / "peer", seconds)[1:])
    return [*_synced(sync), *_normal(normal, timer, peer), *_full(full, normal, sync)]


def _synced(sync: Late) -> list[Figure]:
    return [Figure(f"one sync of 4 KiB, {which}", "ms", took) for which, took in zip(WHICH, sync, strict=True)]


def _normal(ours: Late, timer: Late, peer: Late) -> list[Figure]:
    alone, is_peer = "a timerfd alone, nothing started", "APScheduler 3, in memory"
    return [
        Figure(f"lateness, {which}", "ms", ours[place], timer[place], alone, peer[place], is_peer)
        for place, which in enumerate(WHICH)
    ]


def _full(ours: Late, normal: Late, sync: Late) -> list[Figure]:
    limit_is, goal = "with durability normal, and one sync", "ratio 1"
    return [
        Figure(f"lateness, {which}, durability full", "ms", full, without + synced, limit_is, goal=goal)
        for which, full, without, synced in zip(WHICH, ours, normal, sync, strict=True)
    ]


def late(noted: Sequence[float], period: int = 1) -> Late:
    """How late these starts were, each due at a multiple of so many seconds."""
    waits = [at % period * 1000 for at in noted]
    return statistics.median(waits), max(waits)


def _ours(program: Path, where: Path, durability: str, seconds: int) -> tuple[Late, Late]:
    """Return how late its runs were, and how long the disk took for a sync between them."""
    where.mkdir()
    task = f"command = ['{program}', '{where / 'stamps'}']\nwhen = 'cron(\"* * * * * *\")'\nrestart_delay = \"0s\""
    write_tasks(where, [task], SETTINGS.format(durability=durability))
    with daemon(where):
        sync = _syncs(where / "synced", seconds + 1)
    return late(stamps(where / "stamps")[1:]), sync  # the first is a matter of coming up


async def _timer(seconds: int) -> Late:
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
    return late(rung[1:])


def _syncs(path: Path, seconds: int) -> Late:
    """How long the disk takes for a small append, five times a second, and never while a run begins."""
    took = []
    with path.open("wb", buffering=0) as file:
        for _ in range(seconds):
            time.sleep(1.3 - time.time() % 1)
            for _ in range(5):
                began = time.perf_counter()
                file.write(bytes(4096))
                os.fdatasync(file.fileno())
                took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took), max(took)


def _apscheduler(program: Path, noted: Path, seconds: int) -> Sequence[float]:
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(subprocess.call, "cron", [(program, noted)], second="*")
    scheduler.start()
    time.sleep(seconds + 1)
    scheduler.shutdown()
    return stamps(noted)
