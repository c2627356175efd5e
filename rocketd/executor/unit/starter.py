"""Starts units: never one twice, as there is one unit of a name, and systemd refuses a second."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from rocketd.core.errors import RocketdError
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Run
from rocketd.core.model.task import Command, Task
from rocketd.executor.callbacks import Variables
from rocketd.executor.oom_kills import HOST
from rocketd.executor.process.environment import run_variables
from rocketd.executor.shortage import cannot
from rocketd.executor.unit.context import UnitContext
from rocketd.executor.unit.drop_ins import DropInFiles
from rocketd.executor.unit.manager import SERVICE, ConnectionLost, UnitManager, UnitRefused
from rocketd.executor.unit.outcome import has_ended, unit_state
from rocketd.executor.unit.properties import (
    Properties,
    UnitPaths,
    command_properties,
    encoded,
    request_of,
    run_properties,
)
from rocketd.executor.unit.unit_run import UnitRun, refusal

PROBE: Final = "probe"
"""The kind of the commands of conditions."""
EXISTS: Final = "org.freedesktop.systemd1.UnitExists"
_UNKNOWN: Final = Command(("",))
"""What a run did whose task is no longer there."""


class UnitKind(NamedTuple):
    """What differs between the units of runs and those of commands."""

    name: Callable[[Run], str]
    variables: Variables
    prepare: Callable[[Task, Run], None]
    """Prepare what the unit needs beside its files; raises OSError."""
    properties: Callable[[Task, Run, UnitPaths], Properties]


def run_starter(context: UnitContext) -> "UnitStarter":
    """Return what starts the units of runs."""
    drop_ins = DropInFiles(context.names)
    return UnitStarter(
        context,
        UnitKind(
            lambda run: context.names.of_run(run.task, run.number),
            run_variables,
            lambda task, _: drop_ins.update(task),
            lambda task, run, paths: run_properties(task, run, context.identity, paths, context.service),
        ),
    )


def command_starter(
    context: UnitContext, kind: str, variables: Variables, open_output: Callable[[Task, Run], None]
) -> "UnitStarter":
    """Return what starts the units of commands of that kind."""
    return UnitStarter(
        context,
        UnitKind(
            lambda run: context.names.of_command(kind, run.run_id),
            variables,
            open_output,
            lambda task, run, paths: command_properties(
                task, run, context.identity, paths, context.service, quiet=kind == PROBE
            ),
        ),
    )


class UnitStarter:
    """Writes what a launcher needs, and has systemd start it."""

    def __init__(self, context: UnitContext, kind: UnitKind) -> None:
        self._context = context
        self._kind = kind

    def prepare(self, task: Task, run: Run) -> UnitRun:
        """Write the files of a run; raises RocketdError, and ResourceShortage where the host has no room for them."""
        files = self._context.files
        try:
            one = self._unit_run(task, run)
            files.write(run.run_id, encoded(one.request, task))
            self._kind.prepare(task, run)
        except ValueError as error:  # a NUL byte, or a `=` in the name of a variable
            raise RocketdError(str(error)) from None
        except OSError as error:
            files.remove(run.run_id)
            raise cannot(one.request.argv[0], error) from None
        one.submitted, one.oom_kills = self._context.connection.is_there, HOST.before_start()
        return one

    def adopted(self, opened: OpenRun, tasks: Mapping[str, Task]) -> UnitRun:
        """Return a run that another daemon has started; what its codes mean is what its task says now."""
        run = opened.run
        task = tasks.get(run.task)
        if task is None or not isinstance(task.work, Command):
            task = Task(run.task, _UNKNOWN)
        one = self._unit_run(task, run)
        one.submitted = one.accepted = one.adopted = True
        one.first_pid = opened.pid
        return one

    async def start(self, one: UnitRun) -> bool:
        """Ask systemd for its unit until there is an answer, or it is stopped; raises RocketdError if it is refused.

        Return whether systemd had been asked for it before: it may have ended by now, and that may have been told.
        """
        files, run_id = self._context.files, one.run.run_id
        paths = UnitPaths(files.request(run_id), files.status(run_id), files.output(run_id))
        wanted = self._kind.properties(one.task, one.run, paths)
        while True:
            manager = await self._context.connection.manager()
            if one.withdrawn:
                return False
            one.submitted, existed = True, False
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
                existed = True
            one.accepted = True
            return existed

    def _unit_run(self, task: Task, run: Run) -> UnitRun:
        context = self._context
        request = request_of(task, self._kind.variables(run), context.identity, context.environment)
        return UnitRun(task, run, self._kind.name(run), request)

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
