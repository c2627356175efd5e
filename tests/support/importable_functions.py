"""Functions that child processes of tests can import."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from rocketd.exc import TaskInactionException

CPU_TIME = 20_000_000
"""Nanoseconds that `work` uses at least."""


def work() -> None:
    end = time.thread_time_ns() + CPU_TIME
    while time.thread_time_ns() < end:
        pass


async def work_in_loop() -> None:
    work()


def add(left: int, right: int = 1) -> int:
    return left + right


def own_pid() -> int:
    return os.getpid()


async def as_coroutine() -> str:
    return "from a loop of its own"


def nothing_to_do() -> None:
    raise TaskInactionException("the directory is empty")


def broken() -> None:
    raise ValueError("no such thing")


class Panic(BaseException):
    """No Exception, as those of Rust and the outcomes of pytest."""


def panics() -> dict[str, object]:
    raise Panic("enough")


class Picky(Exception):
    """Cannot be made of its `args`, as unpickling does."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right}")


def picky() -> None:
    raise Picky("left", "right")


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def unpicklable() -> object:
    return lambda: None


def deaf(ready: str) -> None:
    """Ignore TERM, and have a child that does, too."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ignorant = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", ignorant])
    Path(ready).write_text(str(child.pid))
    time.sleep(600)
