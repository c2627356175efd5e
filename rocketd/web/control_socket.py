"""The control socket of a daemon: opened at its start, or as soon as it can be; opened anew if somebody removes it.

A runtime directory that is full, missing or not to be written must keep no task from running: without its socket, the
daemon is only out of reach.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

from rocketd.core.instant import Instant
from rocketd.store.file_identity import Inode, inode
from rocketd.web.unix_socket import CannotListen


class ControlSocket:
    """Serves on it. On the loop's thread."""

    def __init__(
        self, path: Path, serve: Callable[[], AbstractAsyncContextManager[None]], told: Callable[[str], None]
    ) -> None:
        """`serve` raises CannotListen when it is entered; `told` hears why that must wait, and "" once it need not."""
        self._path = path
        self._serve = serve
        self._told = told
        self._stack = AsyncExitStack()
        self._opened: Inode | None = None
        """The socket that is served on; None: there is none."""
        self._opening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open it, now or later; raises CannotListen for what nobody can put right while the daemon runs."""
        try:
            await self._stack.enter_async_context(self._serve())
        except CannotListen as error:
            if not error.may_pass:
                raise
            self._told(f"{error.message}; rocketctl does not reach rocketd until that is put right")
        else:
            self._opened = inode(self._path)
            self._told("")

    def beat(self, _: Instant) -> None:
        """Try again, if it could not be opened so far or is there no more."""
        if self._opening is not None and not self._opening.done():
            return
        if self._opened is None or inode(self._path) != self._opened:
            self._opening = asyncio.create_task(self._open_again())

    async def _open_again(self) -> None:
        try:
            self._opened = None
            await self._stack.aclose()
            await self.open()
        except CannotListen as error:
            self._told(error.message)

    async def close(self) -> None:
        """Hang up on everybody."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._stack.aclose()
