"""What a run costs the daemon: the executor beside the least that any Python program must do for one.

The limit: posix_spawn with a pipe for its output, read to its end, pidfd, reaped; one epoll, no asyncio, no meaning.
The executor: a clean environment, directory, umask, session, lines, tail, events.

    python bench/spawn.py [RUNS] [AT ONCE] [MIB OF BALLAST]

prints a table, and the same as JSON on the last line. CPU is this process's alone, not its children's.
"""

import asyncio
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.run import Run, Trigger
from rocketd.core.model.task import Command, Task
from rocketd.executor.process.executor import ProcessExecutor

PROGRAM = "/bin/echo"
ARGV = (PROGRAM, "done")
TASK = Task("bench", Command(ARGV))


class RealClock:
    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> int:
        return time.monotonic_ns() // 1000

    def boottime(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class Limit:
    """The least."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.going: dict[int, tuple[int, int]] = {}
        self.signals = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
        self.environment = {"PATH": "/usr/bin:/bin"}

    def start(self) -> None:
        out, out_writer = os.pipe2(os.O_CLOEXEC)
        actions = [(os.POSIX_SPAWN_DUP2, out_writer, number) for number in (1, 2)]
        pid = os.posix_spawn(
            PROGRAM, ARGV, self.environment, file_actions=actions, setsid=True, setsigmask=(), setsigdef=self.signals
        )
        os.close(out_writer)
        pidfd = os.pidfd_open(pid)
        self.epoll.register(pidfd, select.EPOLLIN)
        self.going[pidfd] = (pid, out)

    def wait(self) -> int:
        ended = self.epoll.poll()
        for pidfd, _ in ended:
            self.epoll.unregister(pidfd)  # a child on its way into exec may hold a copy: closing is not enough
            pid, out = self.going.pop(pidfd)
            os.waitpid(pid, 0)
            while os.read(out, 65536):
                pass
            os.close(out)
            os.close(pidfd)
        return len(ended)


@dataclass
class Figures:
    name: str
    runs_per_second: float
    cpu_microseconds_per_run: float


def measure(name: str, runs: int, work: Callable[[], None]) -> Figures:
    begun, cpu = time.perf_counter(), time.process_time()
    work()
    elapsed, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return Figures(name, runs / elapsed, cpu / runs * 1e6)


def limit(runs: int, at_once: int) -> None:
    bench = Limit()
    started = ended = 0
    while ended < runs:
        while started < runs and started - ended < at_once:
            bench.start()
            started += 1
        ended += bench.wait()


async def executor(runs: int, at_once: int) -> None:
    events: asyncio.Queue[Spawned | Finished | Withdrawn] = asyncio.Queue()
    clock = RealClock()
    bench = ProcessExecutor(events.put_nowait, lambda _run, _stream, _line: None, clock=clock)
    started = ended = 0
    while ended < runs:
        while started < runs and started - ended < at_once:
            started += 1
            now = clock.now()
            bench.start(TASK, Run("bench", started, str(uuid4()), 1, now, now, Trigger.SCHEDULE, ""))
        ended += isinstance(await events.get(), Finished)
    await bench.close()


def main(runs: int = 2000, at_once: int = 32, ballast: int = 60) -> None:
    kept = bytearray(os.urandom(1)) * (ballast << 20)
    figures = []
    for _ in range(3):
        figures.append(measure("limit", runs, lambda: limit(runs, at_once)))
        figures.append(measure("executor", runs, lambda: asyncio.run(executor(runs, at_once))))
    names = ("limit", "executor")
    best = [max((f for f in figures if f.name == name), key=lambda f: f.runs_per_second) for name in names]
    print(f"{'':10}{'runs/s':>10}{'CPU µs/run':>12}   best of 3, {runs} runs, {at_once} at once, {len(kept) >> 20} MiB")
    for figure in best:
        print(f"{figure.name:10}{figure.runs_per_second:10.0f}{figure.cpu_microseconds_per_run:12.0f}")
    print(json.dumps([vars(figure) for figure in best]))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
