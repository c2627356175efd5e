"""Threads beside the loop."""

import asyncio
import subprocess
import sys
from threading import Event

from rocketd.background_threads import WorkerThread, close_in_thread
from support.shortages import no_threads

LIMIT = 10.0
"""Seconds after which a test fails."""


def _wait(event: Event) -> None:
    event.wait(LIMIT)


class Collector:
    """Takes what it is given, on a thread of its own, until it is asked to end."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.given: list[int] = []
        self.idle = Event()
        self.thread = WorkerThread("collector", self.run)

    def run(self) -> None:
        while True:
            with self.thread.waiting_for(lambda: self.given or self.thread.closing, 6 * LIMIT):
                given, self.given = self.given, []
                closing = self.thread.closing
            self.taken += given
            self.idle.set()
            if closing:
                return

    def give(self, number: int) -> None:
        with self.thread.changing():
            self.given.append(number)


def test_a_change_wakes_the_thread() -> None:
    collector = Collector()
    collector.thread.start()
    collector.give(1)
    assert collector.idle.wait(LIMIT)
    assert collector.taken == [1]
    assert collector.thread.close(LIMIT)


def test_what_was_changed_before_the_start_and_before_the_end_is_taken() -> None:
    collector = Collector()
    collector.give(1)
    collector.thread.start()
    collector.give(2)
    assert collector.thread.close(LIMIT)
    assert collector.taken == [1, 2]


def test_a_thread_that_hangs_is_not_waited_for_longer_than_asked() -> None:
    hung = Event()
    thread = WorkerThread("hangs", lambda: _wait(hung))
    thread.start()
    assert not thread.close(0.0)
    hung.set()
    assert thread.join(LIMIT)


def test_a_thread_that_was_never_started_has_ended() -> None:
    assert WorkerThread("idle", lambda: None).close(LIMIT)


def test_where_no_thread_can_be_started_it_is_closed_all_the_same() -> None:
    closed: list[str] = []

    async def close() -> None:
        with no_threads():
            await close_in_thread(lambda: closed.append("closed"))

    asyncio.run(close())
    assert closed == ["closed"]


def test_where_no_thread_can_be_started_a_process_ends_with_its_own_code() -> None:
    program = """
import threading
from rocketd.daemon.forced_exit import exit_deadline, exit_within
threading.stack_size(1 << 46)
with exit_deadline(9):
    exit_within(9, 1)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
