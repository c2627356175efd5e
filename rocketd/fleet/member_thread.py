"""A background thread that waits for work and for a descriptor at the same time."""

import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil

from rocketd.background_threads import WorkerThread


class MemberThread(WorkerThread):
    """A worker that is also woken when its connection has something to read."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        super().__init__(name, run)
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._released = False

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold its lock, and then wake it."""
        with super().changing():
            yield
            if not self._released:
                os.eventfd_write(self._wakeup, 1)

    def wait_until(self, work: Callable[[], object], timeout: float, descriptor: int) -> None:
        """Wait until there is work or something can be read, for so many seconds at most; on its thread.

        `work` is called with the lock held. `descriptor`: -1 for none.
        """
        end = time.monotonic() + timeout
        poll = select.poll()
        poll.register(self._wakeup, select.POLLIN)
        if descriptor >= 0:
            poll.register(descriptor, select.POLLIN)
        while True:
            with self.locked():
                if work():
                    return
            ready = poll.poll(max(ceil((end - time.monotonic()) * 1000), 0))
            if not ready or any(one != self._wakeup for one, _ in ready):
                return
            os.eventfd_read(self._wakeup)

    def release(self) -> None:
        """Give back what it takes to be woken: it ends now. On its thread."""
        with self.locked():
            self._released = True
            os.close(self._wakeup)
