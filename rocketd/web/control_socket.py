"""The control socket of a daemon: opened at its start, or as soon as there is room for it.

A full runtime directory must keep no task from running: without its socket, the daemon is only out of reach.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from rocketd.core.instant import Instant
from rocketd.web.unix_socket import CannotListen


class ControlSocket:
    """Serves on it. On the loop's thread."""

    def __init__(self, serve: Callable[[], AbstractAsyncContextManager[None]], told: Callable[[str], None]) -> None:
        """`serve` raises CannotListen when it is entered; `told` hears why that must wait, and "" once it need not."""
        self._serve = serve
        self._told = told
        self._stack = AsyncExitStack()
        self._is_open = False
        self._opening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open it, now or later; raises CannotListen for what does not pass by itself."""
        try:
            await self._stack.enter_async_context(self._serve())
        except CannotListen as error:
            if not error.may_pass:
                raise
            self._told(f"{error.message}; rocketctl does not reach rocketd until there is room")
        else:
            self._is_open = True
            self._told("")

    def beat(self, _: Instant) -> None:
        """Try again, if it could not be opened so far."""
        if not self._is_open and (self._opening is None or self._opening.done()):
            self._opening = asyncio.create_task(self._open_later())

    async def _open_later(self) -> None:
        try:
            await self.open()
        except CannotListen as error:
            self._told(error.message)

    async def close(self) -> None:
        """Hang up on everybody."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._stack.aclose()
