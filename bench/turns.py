"""rocketd beside what is possible and beside APScheduler 3, by turns: what else the host does shows in all of them.

Every figure is a ratio, one for each turn, and so has a spread. `make bench BENCH=guard` compares the medians with
generous bounds in two minutes, for whoever changes what each run goes through.
"""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import burst
import spawn
import throughput
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from figures import Row, number
from tasks import task
from under_test import Daemon, daemon, stamp, stamps, write_tasks

from rocketd.daemon.clock import TimerAlarm

HEADS: Final = ("", "to", "median", "least", "most", "goal", "guard")
_TURN: Final = 3
"""Seconds in which each of three has one run that is alone."""
_LIMIT_RUNS: Final = 400
_PEER: Final = "APScheduler 3"
_SPAWN_LOOP: Final = "a loop that only spawns"


class Ratio(NamedTuple):
    """How many times as much rocketd needs, turn by turn; with `at_least`, how many times as much it does."""

    what: str
    to: str
    values: Sequence[float]
    goal: float
    """On a quiet machine."""
    bound: float
    """Anywhere: beyond it something is wrong."""
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the median is within the bound."""
        return median(self.values) >= self.bound if self.at_least else median(self.values) <= self.bound


def row_of_ratio(ratio: Ratio) -> Row:
    """Return its cells, in the order of `HEADS`."""
    sign = "≥" if ratio.at_least else "≤"
    values = (median(ratio.values), min(ratio.values), max(ratio.values))
    bounds = (f"{sign} {number(ratio.goal)}", f"{sign} {number(ratio.bound)}")
    return (ratio.what, ratio.to, *map(number, values), *bounds)


def turns(directory: Path, *, quick: bool) -> list[Ratio]:
    """All of them."""
    program = stamp(directory)
    return [
        *_lateness(directory / "lone", program, turns=8 if quick else 20),
        *_bursts(directory, program, 300 if quick else 1_000, turns=2 if quick else 5),
        *_sustained(directory / "sustained", turns=6 if quick else 20),
        *_at_rest(directory / "rest"),
        *_answers(directory / "answers", 2_000 if quick else 10_000, turns=2 if quick else 3),
    ]


# -- one run that is alone ---------------------------------------------------------------------------------------------


def _lateness(directory: Path, program: Path, turns: int) -> list[Ratio]:
    """Return those of a run that is alone: rocketd, APScheduler and a timer have each third second."""
    directory.mkdir()
    ours, peer = directory / "ours", directory / "peer"
    seconds = [",".join(map(str, range(first, 60, _TURN))) for first in range(_TURN)]
    task = f"command = ['{program}', '{ours}']\nwhen = 'cron(\"{seconds[0]} * * * * *\")'\nrestart_delay = \"0s\""
    write_tasks(directory, [task], '[rocketd]\ntimezone = "UTC"\n[store]\ndurability = "normal"\n')
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(subprocess.call, "cron", [(program, peer)], second=seconds[1])
    with daemon(directory):
        scheduler.start()
        timer = asyncio.run(_timer(turns + 2))
        scheduler.shutdown()
    late = [_late_by_turn(noted) for noted in (stamps(ours), stamps(peer), timer)]
    common = sorted(late[0].keys() & late[1].keys() & late[2].keys())[1:]
    return [
        Ratio("lateness of a lone run", _PEER, [late[0][turn] / late[1][turn] for turn in common], 1.4, 4),
        Ratio("lateness of a lone run", "a timerfd alone", [late[0][turn] / late[2][turn] for turn in common], 10, 60),
    ]


def _late_by_turn(noted: Sequence[float]) -> dict[int, float]:
    return {int(at) // _TURN: at % 1 for at in noted}


async def _timer(turns: int) -> list[float]:
    """Return when an alarm rang, in the last second of each turn."""
    rung: list[float] = []
    done = asyncio.Event()
    first = (int(time.time()) // _TURN + 1) * _TURN + _TURN - 1

    def ring() -> None:
        rung.append(time.time())
        alarm.set((first + _TURN * len(rung)) * 1_000_000)
        if len(rung) == turns:
            done.set()

    alarm = TimerAlarm(ring)
    alarm.set(first * 1_000_000)
    await done.wait()
    alarm.close()
    return rung


# -- many at the same second -------------------------------------------------------------------------------------------


def _bursts(directory: Path, program: Path, count: int, turns: int) -> list[Ratio]:
    mine, alone, peer = [], [], []
    for turn in range(turns):
        where = directory / f"burst{turn}"
        where.mkdir()
        mine.append(burst.ours(program, where / "ours", count, "normal"))
        alone.append(burst.spawned(program, where / "alone", count))
        peer.append(burst.apscheduler(program, where / "peer", count, MemoryJobStore()))
    what = f"burst of {count:,}"

    def ratios(of: Callable[[burst.Burst], float], others: Sequence[burst.Burst]) -> list[float]:
        return [of(one) / of(other) for one, other in zip(mine, others, strict=True)]

    return [
        Ratio(f"{what}, last begun", _SPAWN_LOOP, ratios(lambda one: one.last, alone), 1.4, 4),
        Ratio(f"{what}, last begun", _PEER, ratios(lambda one: one.last, peer), 1.1, 4),
        Ratio(f"{what}, first begun", "15 ms", [one.first / 0.015 for one in mine], 1, 20),
        Ratio(f"{what}, CPU per run", _PEER, ratios(lambda one: one.cpu, peer), 1.3, 6),
    ]


# -- as fast as it goes ------------------------------------------------------------------------------------------------


def _sustained(directory: Path, turns: int) -> list[Ratio]:
    """Return those of a daemon that is stopped while the limit has its turn."""
    directory.mkdir()
    settings = f'[rocketd]\nmax_running = {throughput.AT_ONCE}\n[store]\ndurability = "normal"\n'
    write_tasks(directory, [throughput.TASK] * throughput.AT_ONCE, settings)
    rates, cpus = [], []
    with daemon(directory) as one:
        time.sleep(2)
        for _ in range(turns):
            with _stopped(one.pid):
                limit = spawn.measure("limit", _LIMIT_RUNS, partial(spawn.limit, _LIMIT_RUNS, throughput.AT_ONCE))
            time.sleep(0.2)
            begun, before, since = throughput.begun(directory), one.usage.cpu, time.monotonic()
            time.sleep(1)
            runs, cpu = throughput.begun(directory) - begun, one.usage.cpu - before
            rates.append(runs / (time.monotonic() - since) / limit.runs_per_second)
            cpus.append(cpu / runs * 1e6 / limit.cpu_microseconds_per_run)
    limit_is = "spawn, read and reap in one loop"
    return [
        Ratio("sustained, runs a second", limit_is, rates, 0.55, 0.2, at_least=True),
        Ratio("sustained, CPU per run", limit_is, cpus, 4.5, 16),
    ]


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# -- doing nothing, and answering --------------------------------------------------------------------------------------


def _at_rest(directory: Path) -> list[Ratio]:
    directory.mkdir()
    write_tasks(directory, [])
    with daemon(directory) as one:
        time.sleep(2)
        return [Ratio("memory at rest, no tasks", "28 MB", [one.usage.memory / 28], 1, 1.5)]


def _answers(directory: Path, count: int, turns: int) -> list[Ratio]:
    """Return the CPU time of the answers about many tasks, beside what encoding the same as JSON takes.

    Each is asked for twice: the first time all is made, after that only what has changed, which here is nothing.
    """
    directory.mkdir()
    found: dict[str, list[float]] = {}
    for turn in range(turns):
        where = directory / str(turn)
        where.mkdir()
        write_tasks(where, map(task, range(count)))
        with daemon(where) as one:
            time.sleep(3)
            asked: dict[str, Callable[[], object]] = {
                "list": partial(_get_list, where),
                "why --all": partial(_all_pages, where),
                "metrics": partial(_get_lines, where),
            }
            for name, ask in asked.items():
                for which in ("the first time", "again"):
                    found.setdefault(f"{name} of {count:,} tasks, {which}, CPU", []).append(_cost(one, ask))
    return [Ratio(what, "the same as JSON alone", values, 2, 120) for what, values in found.items()]


def _cost(one: Daemon, ask: Callable[[], object]) -> float:
    before = one.usage.cpu
    answer = ask()
    took = one.usage.cpu - before
    began = time.process_time()
    json.dumps(answer).encode()
    return took / (time.process_time() - began)


def _get_list(directory: Path) -> list[object]:
    return [json.loads(_get(directory, "/v1/tasks"))]


def _get_lines(directory: Path) -> list[str]:
    return _get(directory, "/v1/metrics").decode().splitlines()


def _all_pages(directory: Path) -> list[object]:
    pages: list[object] = []
    after = ""
    while not pages or after:
        page = json.loads(_get(directory, f"/v1/why?after={after}"))
        pages.append(page)
        after = page["next"]
    return pages


def _get(directory: Path, target: str) -> bytes:
    connection = http.client.HTTPConnection("localhost", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(directory / "run/control.sock"))
    connection.request("GET", target)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"{target}: {answer.status} {text[:200]!r}")
    return text
