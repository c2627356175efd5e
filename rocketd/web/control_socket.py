"""The control socket of a daemon: opened at its start, or as soon as possible; opened again if it is removed.

A runtime directory that is full, missing or not writable must not prevent tasks from running: without its socket, the
daemon only cannot be reached.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import TypeAlias

from rocketd.core.instant import Instant
from rocketd.store.file_identity import Inode, inode
from rocketd.web.unix_socket import CannotListen

Heartbeat: TypeAlias = Callable[[], None]
"""What serving has to do at each heartbeat."""


class ControlSocket:
    """Opens the socket, and opens it again if necessary. On the loop's thread."""

    def __init__(
        self,
        path: Path,
        serve: Callable[[], AbstractAsyncContextManager[Heartbeat]],
        report: Callable[[str], None],
        without: str = "rocketctl cannot reach rocketd",
    ) -> None:
        """`serve` raises CannotListen when it is entered; `report` gets the problem, and "" once there is none.

        `without` is what follows from there being no socket.
        """
        self._without = without
        self._path = path
        self._serve = serve
        self._report = report
        self._stack = AsyncExitStack()
        self._opened: Inode | None = None
        """The inode of the socket; None: it is not open."""
        self._opening: asyncio.Task[None] | None = None
        self._heartbeat: Heartbeat = lambda: None

    async def open(self) -> None:
        """Open it, now or later; raises CannotListen for an error that cannot be corrected while the daemon runs."""
        try:
            self._heartbeat = await self._stack.enter_async_context(self._serve())
        except CannotListen as error:
            if not error.temporary:
                raise
            self._report(f"{error.message}; {self._without} until this is corrected")
        else:
            self._opened = inode(self._path)
            self._report("")

    def check(self, _: Instant) -> None:
        """Open it again if it is not open or has been removed; called at each heartbeat."""
        if self._opening is not None and not self._opening.done():
            return
        if self._opened is None or inode(self._path) != self._opened:
            self._opening = asyncio.create_task(self._reopen())
        else:
            self._heartbeat()

    async def update(self) -> None:
        """Let whoever serves notice at once what else it looks for at each heartbeat."""
        if self._opened is not None:
            self._heartbeat()

    async def _reopen(self) -> None:
        try:
            self._opened = None
            await self._stack.aclose()
            await self.open()
        except CannotListen as error:
            self._report(error.message)

    async def close(self) -> None:
        """Close all connections and the socket."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._stack.aclose()
