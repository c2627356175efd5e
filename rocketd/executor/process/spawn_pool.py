"""Does several things at the same time that spend most of their time outside of the interpreter's lock.

Whoever has only one thing to do does it alone, and no thread is woken; with more, some threads lend a hand.
"""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, TypeAlias

THREADS: Final = 3
"""Threads beside the caller's own. With four of them two CPUs are never without a process to start."""

SpawnJob: TypeAlias = Callable[[], None]


class SpawnPool:
    """A thread's helpers; they are hired when there is more than one thing to do for the first time."""

    def __init__(self, prepare: Callable[[], bool], *, most: int = THREADS) -> None:
        """Each of them calls `prepare` once, before anything else; one that it says no to leaves again."""
        self._prepare = prepare
        self._most = most
        self._hired = 0
        self._kept: SpawnJob | None = None
        self._wanted: SimpleQueue[SpawnJob | None] = SimpleQueue()
        self._done: SimpleQueue[bool] = SimpleQueue()
        self._given = 0

    def begin(self, work: SpawnJob) -> None:
        """Have it done by the end of the next `finish`; it must not raise."""
        if self._kept is not None:
            self._give(self._kept)
        self._kept = work

    def finish(self) -> None:
        """Do what nobody has begun yet, and wait for the rest."""
        if self._kept is not None:
            self._kept()
            self._kept = None
        with suppress(Empty):
            while self._given and (work := self._wanted.get_nowait()):
                self._given -= 1
                work()
        for _ in range(self._given):
            self._done.get()
        self._given = 0

    def close(self) -> None:
        """Let the threads end."""
        for _ in range(self._hired):
            self._wanted.put(None)

    def _give(self, work: SpawnJob) -> None:
        if self._hired < self._most:
            self._hire()
        self._wanted.put(work)
        self._given += 1

    def _hire(self) -> None:
        try:
            while self._hired < self._most:
                Thread(target=self._help, name="hand", daemon=True).start()
                if not self._done.get():
                    self._most = self._hired
                    return
                self._hired += 1
        except RuntimeError:  # no process number is left for a thread: then without
            self._most = self._hired

    def _help(self) -> None:
        ready = self._prepare()
        self._done.put(ready)
        while ready and (work := self._wanted.get()):
            try:
                work()
            finally:
                self._done.put(ready)
