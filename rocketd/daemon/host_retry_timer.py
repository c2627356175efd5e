"""When to look again at what the host, and no task file, is to blame for: a user that is not there, a dead file server.

After longer and longer pauses, and only while there is such a problem; at once when the host says that it has changed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from rocketd.core.backoff import Backoff

RETRY: Final = Backoff(1.0, 60.0)
"""Seconds between two checks."""
SETTLE_DELAY: Final = 0.5
"""Seconds after a change: useradd(8) changes several files."""


class HostRetryTimer:
    """Checks again and again until the problems are gone. On the loop's thread."""

    def __init__(self, check: Callable[[], Awaitable[bool]]) -> None:
        """`check` says whether a problem is left that may pass."""
        self._check = check
        self._loop = asyncio.get_running_loop()
        self._pause = RETRY.first
        self._timer: asyncio.TimerHandle | None = None
        self._running_check: asyncio.Task[bool] | None = None
        self._host_has_changed = False
        self._closed = False

    def start(self, *, retry: bool) -> None:
        """Note that the task files were read: check again soon if requested, or only when the host has changed."""
        self._pause = RETRY.first
        self._schedule(self._pause if retry else None)

    def host_changed(self) -> None:
        """Look at once: the host has changed, or has answered at last."""
        self._pause, self._host_has_changed = RETRY.first, True
        self._schedule(SETTLE_DELAY)

    def close(self) -> None:
        """Look no more."""
        self._closed = True
        self._schedule(None)
        if self._running_check is not None:
            self._running_check.cancel()

    def _schedule(self, pause: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        retry = pause is not None and not self._closed
        self._timer = self._loop.call_later(pause or 0.0, self._start_check) if retry else None

    def _start_check(self) -> None:
        self._timer = None
        if self._running_check is None:  # else it is looked at once more afterwards
            self._host_has_changed = False
            self._running_check = self._loop.create_task(self._run_check())
            self._running_check.add_done_callback(self._check_done)

    async def _run_check(self) -> bool:
        return await self._check()

    def _check_done(self, finished: asyncio.Task[bool]) -> None:
        self._running_check = None
        retry_needed = not finished.cancelled() and (finished.exception() is not None or finished.result())
        if self._host_has_changed:
            self._schedule(SETTLE_DELAY)
        elif retry_needed and self._timer is None:
            self._schedule(self._pause)
            self._pause = RETRY.after(self._pause)
