"""Waits for descriptors, cheaply: one epoll of our own inside the loop's.

A run has up to four descriptors (its end, stdout, stderr, what a function reports). `loop.add_reader` costs some
20 µs for each, with a handle object and a context per event; here it is one dict entry and one system call, and a
burst of a hundred ends wakes the loop once. What one turn of the loop may do here is bounded: `BATCH` events or
`TURN`, and every watcher does a bounded amount for one. Level-triggered, so what is left over comes again in the next
turn; epoll gives those that are ready by turns, so that one that always is does not keep the others out.
"""

import asyncio
import select
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final

BATCH: Final = 32
TURN: Final = 0.003
"""Seconds after which nothing more is begun in one turn."""


class FdWatcher:
    """Calls back when a descriptor becomes readable or its other end is closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._ready: dict[int, Callable[[], object]] = {}
        self.held = False
        loop.add_reader(self._epoll.fileno(), self._dispatch)

    def add(self, descriptor: int, ready: Callable[[], object], events: int = select.EPOLLIN) -> None:
        """Call `ready` whenever there is something to read, or as `events` say; it must bear a call for nothing."""
        self._epoll.register(descriptor, events)
        self._ready[descriptor] = ready

    def drop(self, descriptor: int) -> None:
        """Wait for it no longer: before it is closed, for its number is soon another's.

        Closing alone would not do: a child on its way into exec may hold a copy.
        """
        if self._ready.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def hold(self) -> None:
        """Call nobody until `release`: what there is to read stays where it is."""
        self.held = True
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())

    def release(self) -> None:
        """Go on."""
        self.held = False
        if not self._epoll.closed:
            self._loop.add_reader(self._epoll.fileno(), self._dispatch)

    async def readable(self, descriptors: Iterable[int]) -> None:
        """Wait until each of these has been readable once, e.g. until all these processes (pidfds) have ended."""
        waits = [_Wait(self, descriptor) for descriptor in descriptors]
        try:
            for wait in waits:
                await wait.over
        finally:
            for wait in waits:
                wait.drop()

    def close(self) -> None:
        """Let go of the epoll; the descriptors stay open."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        self._ready.clear()

    def _dispatch(self) -> None:
        end = monotonic() + TURN
        for _ in range(BATCH):
            for descriptor, _ in self._epoll.poll(0, 1):
                self._ready[descriptor]()
                break
            else:
                return
            if self.held or monotonic() >= end:
                return


class _Wait:
    """Waits once."""

    def __init__(self, watch: FdWatcher, descriptor: int) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watch = watch
        self._descriptor = descriptor
        watch.add(descriptor, self._ready)

    def drop(self) -> None:
        self._watch.drop(self._descriptor)

    def _ready(self) -> None:
        self.drop()
        if not self.over.done():
            self.over.set_result(None)
