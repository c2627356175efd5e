"""When to look again at what the host, and no task file, is to blame for: a user that is not there, a dead file server.

After longer and longer pauses, and only while there is such a problem; at once when the host says that it has changed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds between two looks; each pause is twice the last."""
SETTLE_DELAY: Final = 0.5
"""Seconds after a change: useradd(8) changes several files."""


class HostRetryTimer:
    """Looks again and again until the problems have passed. On the loop's thread."""

    def __init__(self, look: Callable[[], Awaitable[bool]]) -> None:
        """`look` says whether a problem is left that may pass."""
        self._look = look
        self._loop = asyncio.get_running_loop()
        self._pause = FIRST_PAUSE
        self._next: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[bool] | None = None
        self._changed = False
        self._closed = False

    def start(self, *, wanted: bool) -> None:
        """The task files have been read: look again soon if that is wanted, or else only when the host has changed."""
        self._pause = FIRST_PAUSE
        self._set(self._pause if wanted else None)

    def host_changed(self) -> None:
        """Look at once: the host has changed, or has answered at last."""
        self._pause, self._changed = FIRST_PAUSE, True
        self._set(SETTLE_DELAY)

    def close(self) -> None:
        """Look no more."""
        self._closed = True
        self._set(None)
        if self._looking is not None:
            self._looking.cancel()

    def _set(self, pause: float | None) -> None:
        if self._next is not None:
            self._next.cancel()
        wanted = pause is not None and not self._closed
        self._next = self._loop.call_later(pause or 0.0, self._go) if wanted else None

    def _go(self) -> None:
        self._next = None
        if self._looking is None:  # else it is looked at once more afterwards
            self._changed = False
            self._looking = self._loop.create_task(self._one_look())
            self._looking.add_done_callback(self._looked)

    async def _one_look(self) -> bool:
        return await self._look()

    def _looked(self, looking: asyncio.Task[bool]) -> None:
        self._looking = None
        left = not looking.cancelled() and (looking.exception() is not None or looking.result())
        if self._changed:
            self._set(SETTLE_DELAY)
        elif left and self._next is None:
            self._set(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
