"""Writes files beside the loop, in a thread, one at a time; of what waits only the newest counts."""

import asyncio
from collections.abc import Callable
from typing import Final

from rocketd.background_threads import CLOSE_TIMEOUT, start_in_thread

Work = Callable[[], str]
"""Says what went wrong; empty: nothing."""
_NO_THREAD: Final = "the host has no thread left for it"


class StateFileWriter:
    """Whole files that are written anew each time something changes. On the loop's thread."""

    def __init__(self, done: Callable[[str], None]) -> None:
        """`done` hears what each piece said."""
        self._done = done
        self._next: Work | None = None
        self._active: asyncio.Future[str] | None = None

    def put(self, work: Work) -> None:
        """Do this next, in the place of what still waits."""
        self._next = work
        if self._active is None:
            self._begin()

    async def close(self) -> None:
        """Wait for the last piece, for a while."""
        deadline = asyncio.get_running_loop().time() + CLOSE_TIMEOUT
        while self._active is not None and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait([self._active], timeout=left)
            await asyncio.sleep(0)  # what follows from its end has been called as well

    def _begin(self) -> None:
        work, self._next = self._next, None
        if work is None:
            return
        try:
            self._active = start_in_thread(work)
        except RuntimeError:
            self._done(_NO_THREAD)
        else:
            self._active.add_done_callback(self._ended)

    def _ended(self, ended: "asyncio.Future[str]") -> None:
        self._active = None
        error = None if ended.cancelled() else ended.exception()
        if error is not None:
            raise error
        if not ended.cancelled():
            self._done(ended.result())
        self._begin()
