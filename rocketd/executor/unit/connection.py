"""Keeps a connection to systemd: when one is lost, there is another as soon as the bus answers again."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

from rocketd.executor.unit.manager import ConnectionLost, UnitManager, UnitRefused

STOPPING: Final = 2.0
"""Seconds for an answer to whether the host goes down: a stop waits for it."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds between tries to connect: the bus is gone while it is restarted, and tells nobody when it is back."""


class UnitListener(Protocol):
    """Takes what systemd tells of units."""

    def changed(self, path: str, interface: str, values: Mapping[str, Any]) -> None:
        """Take new values of properties of the unit at that path of the bus."""
        ...

    def job_removed(self, unit: str, result: str) -> None:
        """Take that a start or a stop of a unit is over."""
        ...

    async def resumed(self, manager: UnitManager) -> None:
        """Look at every unit: until now, signals may have been missed."""
        ...


class ManagerConnection:
    """One `UnitManager` after the other. On the loop's thread."""

    def __init__(self, address: str | None = None) -> None:
        self._listeners: list[UnitListener] = []
        self._resuming: set[asyncio.Future[None]] = set()
        self._address = address
        self._manager: asyncio.Future[UnitManager] = asyncio.get_running_loop().create_future()
        self.problem = ""
        """Why there is no connection; empty: there is one."""
        self._serving = asyncio.ensure_future(self._serve())

    def add(self, listener: UnitListener) -> None:
        """Have this told of all units as well."""
        self._listeners.append(listener)

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
        for resuming in self._resuming:
            resuming.cancel()
        self._manager.cancel()

    async def _serve(self) -> None:
        pause = FIRST_PAUSE
        while True:
            manager = UnitManager(self._changed, self._job_removed, self._reset)
            try:
                await manager.connect(self._address)
                self.problem, pause = "", FIRST_PAUSE
                self._manager.set_result(manager)
                self._spawn(self._resume(manager))
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

    def _changed(self, path: str, interface: str, values: Mapping[str, Any]) -> None:
        for listener in self._listeners:
            listener.changed(path, interface, values)

    def _job_removed(self, unit: str, result: str) -> None:
        for listener in self._listeners:
            listener.job_removed(unit, result)

    def _reset(self, manager: UnitManager) -> None:
        """Have all units looked at: systemd has read its units anew, or executed itself anew."""
        self._spawn(self._subscribe_and_resume(manager))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        resuming = asyncio.ensure_future(work)
        self._resuming.add(resuming)
        resuming.add_done_callback(self._resuming.discard)

    async def _subscribe_and_resume(self, manager: UnitManager) -> None:
        with suppress(ConnectionLost, UnitRefused):  # the next sign of life of systemd begins with this
            await manager.subscribe()
            await self._resume(manager)

    async def _resume(self, manager: UnitManager) -> None:
        await asyncio.gather(*(listener.resumed(manager) for listener in self._listeners))
