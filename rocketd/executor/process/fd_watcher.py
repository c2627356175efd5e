"""Waits for descriptors, cheaply: one epoll inside the loop's own.

A run has up to four descriptors (pidfd, stdout, stderr, a function's report). `loop.add_reader` costs some 20 µs for
each, with a handle object and a context per event; here it is one dict entry and one system call, and a burst of a
hundred exits wakes the loop once. The work per iteration of the loop is bounded: `BATCH` events or `TIME_SLICE`, and
every callback does a bounded amount. It is level-triggered, so leftover events come again in the next iteration; epoll
rotates through the ready descriptors, so one that is always ready does not starve the others.
"""

import asyncio
import select
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final

BATCH: Final = 32
TIME_SLICE: Final = 0.003
"""Seconds after which no further event is handled in this iteration of the loop."""


class FdWatcher:
    """Calls back when a descriptor becomes readable or its other end is closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], object]] = {}
        self.held = False
        loop.add_reader(self._epoll.fileno(), self._dispatch)

    def add(self, descriptor: int, callback: Callable[[], object], events: int = select.EPOLLIN) -> None:
        """Call `callback` whenever the descriptor is readable, or as `events` say; it must tolerate spurious calls."""
        self._epoll.register(descriptor, events)
        self._callbacks[descriptor] = callback

    def remove(self, descriptor: int) -> None:
        """Stop watching. Call this before closing the descriptor: its number may soon be reused.

        Closing alone does not suffice: a child that has not executed its program yet may hold a copy.
        """
        if self._callbacks.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def hold(self) -> None:
        """Suspend all callbacks until `release`; data stays in the pipes."""
        self.held = True
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())

    def release(self) -> None:
        """Allow callbacks again."""
        self.held = False
        if not self._epoll.closed:
            self._loop.add_reader(self._epoll.fileno(), self._dispatch)

    async def wait_readable(self, descriptors: Iterable[int]) -> None:
        """Wait until each descriptor has been readable once, e.g. until all processes (pidfds) have ended."""
        waits = [_Wait(self, descriptor) for descriptor in descriptors]
        try:
            for wait in waits:
                await wait.done
        finally:
            for wait in waits:
                wait.remove()

    def close(self) -> None:
        """Close the epoll; the watched descriptors stay open."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        self._callbacks.clear()

    def _dispatch(self) -> None:
        end = monotonic() + TIME_SLICE
        for _ in range(BATCH):
            for descriptor, _ in self._epoll.poll(0, 1):
                self._callbacks[descriptor]()
                break
            else:
                return
            if self.held or monotonic() >= end:
                return


class _Wait:
    """Waits for one descriptor, once."""

    def __init__(self, watcher: FdWatcher, descriptor: int) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watcher = watcher
        self._descriptor = descriptor
        watcher.add(descriptor, self._on_readable)

    def remove(self) -> None:
        self._watcher.remove(self._descriptor)

    def _on_readable(self) -> None:
        self.remove()
        if not self.done.done():
            self.done.set_result(None)
