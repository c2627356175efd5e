"""Background threads: work that the process does not wait for when it exits.

`asyncio.run` waits without a limit for asyncio's own threads: one that hangs in a dead file server or directory service
would keep the daemon from stopping.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from threading import Condition, Thread
from typing import Final, TypeVar

MAX_IDLE: Final = 4
"""The most idle threads that are kept for more work."""

CLOSE_TIMEOUT: Final = 5.0
"""Seconds that closing may take, all of it together."""
_MIN_CLOSE_TIMEOUT: Final = 0.2
"""Seconds for each further one, once these are used up."""

T = TypeVar("T")


class WorkTimeout(Exception):
    """The work did not finish in time. It continues, and its result is discarded."""


async def in_thread(work: Callable[[], T], *, time_limit: float | None = None) -> T:
    """Do work in another thread; raises what it raises, and WorkTimeout after this many seconds."""
    future = start_in_thread(work)
    done, _ = await asyncio.wait([future], timeout=time_limit)
    if not done:
        raise WorkTimeout
    return future.result()


async def close_in_thread(close: Callable[[], None]) -> None:
    """Close something; if that hangs, as on a disk or a file server that does not answer, abandon it."""
    global _close_time_left  # noqa: PLW0603 - shared by the process: it has one time limit for closing
    try:
        future = start_in_thread(close)
    except RuntimeError:  # the host has no thread left
        close()
        return
    done, _ = await asyncio.wait([future], timeout=max(_close_time_left, _MIN_CLOSE_TIMEOUT))
    if not done:
        _close_time_left = 0.0
        return
    future.result()


def start_in_thread(work: Callable[[], T]) -> "asyncio.Future[T]":
    """Start work in another thread; raises RuntimeError if the host has no thread left."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = copy_context()

    def do() -> None:
        try:
            result = context.run(work)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the caller gets it
            finish(partial(future.set_exception, error))
        else:
            finish(partial(future.set_result, result))

    def finish(action: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(lambda: None if future.done() else action())

    future.add_done_callback(_retrieve_exception)
    (_idle.pop() if _idle else _Worker()).do(do)
    return future


def _retrieve_exception(future: "asyncio.Future[T]") -> None:
    """Mark the exception as retrieved: a caller that has given up must not cause a warning about it."""
    if not future.cancelled():
        future.exception()


class WorkerThread:
    """A thread that waits for work, and ends on request. The process does not wait for it when it exits.

    Read what it shares with other threads inside `locked`, change it inside `changing`, and take it inside
    `waiting_for`.
    """

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self.closing = False
        """Whether it has been asked to end."""
        self._condition = Condition()
        self._thread = Thread(target=run, name=name, daemon=True)

    def start(self) -> None:
        """Start it; once."""
        self._thread.start()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold its lock."""
        with self._condition:
            yield

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold its lock, and then wake it."""
        with self._condition:
            yield
            self._condition.notify()

    def wait(self, timeout: float | None = None) -> None:
        """Release the lock, which its thread holds, until it is woken, for this many seconds at most."""
        self._condition.wait(timeout)

    @contextmanager
    def waiting_for(self, work: Callable[[], object], timeout: float | None = None) -> Iterator[None]:
        """Wait until there is work, for that many seconds at most, and then hold its lock."""
        with self._condition:
            self._condition.wait_for(work, timeout)
            yield

    def close(self, timeout: float | None = None) -> bool:
        """Ask it to end, and wait for that many seconds; return whether it has ended."""
        with self.changing():
            self.closing = True
        return self.join(timeout)

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has ended, for that many seconds at most; return whether it has, or never started."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()


class _Worker:
    """A thread that does one piece of work after the other."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        Thread(target=self._run, name="background", daemon=True).start()

    def do(self, work: Callable[[], None]) -> None:
        self._work.put(work)

    def _run(self) -> None:
        while True:
            self._work.get()()
            if len(_idle) >= MAX_IDLE:
                return
            _idle.append(self)


_idle: Final[list[_Worker]] = []
_close_time_left = CLOSE_TIMEOUT
