"""Stops, kills and collects the units of runs, over whatever connection there is."""

import asyncio
import signal
from contextlib import suppress
from typing import Final

from rocketd.core.instant import SECOND
from rocketd.executor.unit.connection import ManagerConnection
from rocketd.executor.unit.manager import ConnectionLost, UnitManager, UnitRefused
from rocketd.executor.unit.run_files import RunFiles
from rocketd.executor.unit.unit_run import UnitRun

MAX_HELD: Final = 100
"""How many stopped units systemd keeps for us at once: each takes a match rule of its own, of which it has 512."""


class UnitStopper:
    """Ends what a unit runs, and lets go of units."""

    def __init__(self, connection: ManagerConnection, files: RunFiles) -> None:
        self._connection = connection
        self._files = files
        self._held = 0
        self._kills: set[asyncio.Task[None]] = set()
        self.host_stops = False
        """Whether the host goes down: systemd has its own stop for each unit then, which waits for that of rocketd."""

    async def stop(self, one: UnitRun) -> bool:
        """Have it stopped: TERM, its grace, KILL. False: there is no such unit any more."""
        while not one.ending:
            manager = await self._connection.manager()
            try:
                await self._hold(manager, one)
                if self.host_stops:
                    await manager.kill(one.unit, signal.SIGTERM)
                    asyncio.get_running_loop().call_later(one.task.kill_grace / SECOND, self._overdue, one)
                else:
                    await manager.stop(one.unit)
            except UnitRefused:
                return False
            except ConnectionLost:
                continue
            break
        return True

    async def _hold(self, manager: UnitManager, one: UnitRun) -> None:
        """Have its unit kept with its exit status; where the bus has no room for that, it is stopped without."""
        if self._held < MAX_HELD and not one.held:
            self._held += 1
            one.held = True
            try:
                await manager.hold(one.unit)
            except UnitRefused:
                self._held -= 1
                one.held = False

    async def kill(self, one: UnitRun) -> None:
        """Have all of its processes killed."""
        with suppress(ConnectionLost, UnitRefused):
            await (await self._connection.manager()).kill(one.unit, signal.SIGKILL)

    def _overdue(self, one: UnitRun) -> None:
        if not one.ending:
            task = asyncio.get_running_loop().create_task(self.kill(one))
            self._kills.add(task)
            task.add_done_callback(self._kills.discard)

    async def collect(self, one: UnitRun) -> None:
        """Let go of the unit of a run whose end is recorded, end what it left behind, and remove its files."""
        while True:
            manager = await self._connection.manager()
            try:
                await manager.collect(one.unit)
            except ConnectionLost:
                continue
            break
        self._held -= one.held
        self._files.remove(one.run.run_id)
