"""Joins the fleet that the settings name. What that takes is imported then: most hosts are in none."""

from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rocketd.bootstrap.task_files import TaskFiles
from rocketd.daemon.fleet_control import FleetControl
from rocketd.daemon.loop import Loop

if TYPE_CHECKING:
    from rocketd.bootstrap.fleet import Fleet


class FleetEntry:
    """Joins at the start or in a reload, and leaves when the stack is closed."""

    def __init__(self, loop: Loop, directory: Path, control: FleetControl, stack: AsyncExitStack) -> None:
        self._loop = loop
        self._directory = directory
        self._control = control
        self._stack = stack
        self._fleet: Fleet | None = None

    async def follow(self, task_files: TaskFiles) -> None:
        """Join the fleet of these settings, and follow their reloads."""
        task_files.applied_hooks.append(partial(self._apply, task_files))
        await self._apply(task_files)

    async def _apply(self, task_files: TaskFiles) -> None:
        settings = task_files.loaded.settings.fleet
        if self._fleet is None:
            if not settings.url:
                return
            from rocketd.bootstrap.fleet import Fleet  # noqa: PLC0415 - see above

            self._fleet = Fleet(self._loop, self._directory, partial(setattr, self._control, "fleet"))
            self._stack.push_async_callback(self._fleet.close)
        await self._fleet.apply(settings)
