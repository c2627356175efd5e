"""Keeps a connection to systemd: when one is lost, there is another as soon as the bus answers again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from rocketd.executor.unit.manager import ConnectionLost, UnitManager, UnitRefused

STOPPING: Final = 2.0
"""Seconds for an answer to whether the host goes down: a stop waits for it."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds between tries to connect: the bus is gone while it is restarted, and tells nobody when it is back."""


class ManagerConnection:
    """One `UnitManager` after the other. On the loop's thread."""

    def __init__(
        self,
        changed: Callable[[str, str, Mapping[str, Any]], None],
        job_removed: Callable[[str, str], None],
        connected: Callable[[UnitManager], Awaitable[None]],
        address: str | None = None,
    ) -> None:
        """`connected` is called with each new connection: signals may have been missed before it."""
        self._changed = changed
        self._job_removed = job_removed
        self._connected = connected
        self._address = address
        self._manager: asyncio.Future[UnitManager] = asyncio.get_running_loop().create_future()
        self.problem = ""
        """Why there is no connection; empty: there is one."""
        self._serving = asyncio.ensure_future(self._serve())

    async def manager(self) -> UnitManager:
        """Return a connection; waits for one."""
        return await asyncio.shield(self._manager)

    @property
    def is_there(self) -> bool:
        """Whether there is a connection now."""
        return self._manager.done()

    async def host_is_stopping(self) -> bool:
        """Whether the host goes down; false if systemd does not say."""
        with suppress(TimeoutError, ConnectionLost, UnitRefused):
            async with asyncio.timeout(STOPPING):
                return await (await self.manager()).is_stopping()
        return False

    async def close(self) -> None:
        """Leave the bus."""
        self._serving.cancel()
        with suppress(asyncio.CancelledError):
            await self._serving
        self._manager.cancel()

    async def _serve(self) -> None:
        pause = FIRST_PAUSE
        while True:
            manager = UnitManager(self._changed, self._job_removed)
            try:
                await manager.connect(self._address)
                self.problem, pause = "", FIRST_PAUSE
                self._manager.set_result(manager)
                await self._connected(manager)
                await manager.gone()
                self.problem = "the connection was lost"
            except (OSError, TimeoutError, UnitRefused, ConnectionLost, ImportError) as error:
                self.problem = str(error) or "the system bus does not answer"
            except Exception as error:  # noqa: BLE001 - whatever else the library raises: it is tried again
                self.problem = f"{type(error).__name__}: {error}"
            finally:
                if self._manager.done():
                    self._manager = asyncio.get_running_loop().create_future()
                manager.close()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
