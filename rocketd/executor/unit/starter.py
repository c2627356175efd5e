"""Starts the unit of a run: never twice, as there is one unit of a name, and systemd refuses a second."""

import os
from collections.abc import Mapping
from typing import Final

from rocketd.core.errors import RocketdError
from rocketd.core.model.run import Run
from rocketd.core.model.task import Command, Task
from rocketd.executor.oom_kills import HOST
from rocketd.executor.process.environment import clean_environment, own_identity
from rocketd.executor.shortage import cannot
from rocketd.executor.unit.connection import ManagerConnection
from rocketd.executor.unit.drop_ins import DropInFiles
from rocketd.executor.unit.manager import SERVICE, ConnectionLost, UnitManager, UnitRefused
from rocketd.executor.unit.outcome import has_ended, unit_state
from rocketd.executor.unit.properties import UnitPaths, encoded, properties, request_of
from rocketd.executor.unit.run_files import RunFiles
from rocketd.executor.unit.unit_run import UnitRun, refusal

EXISTS: Final = "org.freedesktop.systemd1.UnitExists"
_UNKNOWN: Final = Command(("",))
"""What a run did whose task is no longer there."""


class UnitStarter:
    """Writes what a launcher needs, and has systemd start it."""

    def __init__(self, connection: ManagerConnection, files: RunFiles, service: str) -> None:
        """`service` is the daemon's own unit; empty: it is not a system service."""
        self._connection = connection
        self._files = files
        self._service = service
        self._drop_ins = DropInFiles()
        self._own = own_identity()
        self._clean = clean_environment(os.environ.get("LANG", ""))

    def prepare(self, task: Task, run: Run) -> UnitRun:
        """Write the files of a run; raises RocketdError, and ResourceShortage where the host has no room for them."""
        try:
            request = request_of(task, run, self._own, self._clean)
            self._files.write(run.run_id, encoded(request, task))
            self._drop_ins.update(task)
        except ValueError as error:  # a NUL byte, or a `=` in the name of a variable
            raise RocketdError(str(error)) from None
        except OSError as error:
            raise cannot(request.argv[0], error) from None
        before = HOST.before_start()
        return UnitRun(task, run, request, submitted=self._connection.is_there, oom_kills=before)

    def adopted(self, run: Run, tasks: Mapping[str, Task]) -> UnitRun:
        """Return a run that another daemon has started; what its codes mean is what its task says now."""
        task = tasks.get(run.task)
        if task is None or not isinstance(task.work, Command):
            task = Task(run.task, _UNKNOWN)
        return UnitRun(
            task, run, request_of(task, run, self._own, self._clean), submitted=True, accepted=True, adopted=True
        )

    async def start(self, one: UnitRun) -> None:
        """Ask systemd for its unit until there is an answer, or it is stopped; raises RocketdError if it is refused."""
        files = self._files
        paths = UnitPaths(files.request(one.run.run_id), files.status(one.run.run_id))
        wanted = properties(one.task, one.run, self._own, paths, self._service)
        while True:
            manager = await self._connection.manager()
            if one.withdrawn:
                return
            one.submitted = True
            try:
                await manager.start(one.unit, wanted)
            except ConnectionLost:  # perhaps it has been started: the next try tells
                continue
            except UnitRefused as error:
                if error.name != EXISTS:
                    raise refusal(one.unit, error.name, str(error)) from None
                if not await self._is_ours(manager, one):
                    await self._make_room(manager, one)
                    continue
            one.accepted = True
            return

    async def _is_ours(self, manager: UnitManager, one: UnitRun) -> bool:
        """Whether the unit of that name is this run's, so that it has been started already."""
        try:
            state = unit_state(await manager.properties(one.path, SERVICE))
        except (ConnectionLost, UnitRefused):
            return False
        return state.run_id == one.run.run_id

    async def _make_room(self, manager: UnitManager, one: UnitRun) -> None:
        """Collect a unit of that name if it has ended: its run is recorded, or belongs to records that are gone."""
        try:
            if not has_ended((await manager.units(one.unit)).get(one.unit, "dead")):
                raise refusal(one.unit, EXISTS, "")
            await manager.collect(one.unit)
        except (ConnectionLost, UnitRefused):  # it is asked again
            return
