"""The executor that makes every run a unit of systemd: `Executor` of `daemon/ports.py`.

    start ──▶ its unit ──▶ it has ended ──▶ reported ──▶ recorded ──▶ its unit is collected

A unit stays, with all that systemd knows of it, until the end of its run is recorded. So whatever becomes of the daemon
meanwhile, the next one finds each run: active, or with its end. If the connection is lost, runs go on, and new ones
wait until there is another.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Final

from rocketd.core.model.events import Finished, Report, Spawned, Withdrawn
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Cause, Run, RunKey
from rocketd.core.model.task import Task
from rocketd.executor.callbacks import EmitLine
from rocketd.executor.unit.adoption import find_units, sweep
from rocketd.executor.unit.context import UnitContext
from rocketd.executor.unit.manager import ConnectionLost, UnitManager, UnitRefused
from rocketd.executor.unit.output_viewer import OutputViewer, ShowLine
from rocketd.executor.unit.starter import run_starter
from rocketd.executor.unit.supervisor import UnitSupervisor
from rocketd.executor.unit.unit_end import outcome
from rocketd.executor.unit.unit_run import UnitRun

ADOPTION: Final = 20.0
"""Seconds that a start waits for systemd to say which runs it still has."""
SHOWN: Final = 10.0
"""Seconds for which the end of a run waits until all that it printed has been shown."""


class UnitExecutor:
    """Has systemd carry out runs. Make it on the thread of a running loop."""

    def __init__(self, report: Report, lines: tuple[EmitLine, ShowLine], context: UnitContext) -> None:
        """`lines` take lines for the journal, and lines that are there already."""
        self._report = report
        self._output, show = lines
        self._context = context
        self._connection = context.connection
        self._starter = run_starter(context)
        self._supervisor = UnitSupervisor(context, self._starter, self)
        self._unrecorded: dict[RunKey, UnitRun] = {}
        """Runs that have been reported as finished: their units stay until that is recorded."""
        self._viewer = OutputViewer(self._supervisor.units, context.journal, show)
        self.recent_output = self._viewer.recent
        self._left = False

    # -- the port ---------------------------------------------------------------------------------------------------

    def start(self, task: Task, run: Run) -> None:
        """Have it started; what is wrong with its definition becomes the message of its end."""
        if self._left:  # it was decided before, and can be decided again
            self._report(Withdrawn(run, self._context.clock.now(), "rocketd is shutting down", Cause.SHUTDOWN))
        else:
            self._supervisor.start(task, run)

    def batch(self) -> AbstractContextManager[None]:
        """Nothing is gained by waiting: systemd is asked at once for each run that is started."""
        return nullcontext()

    def stop(self, run: Run, cause: Cause) -> None:
        """Have systemd end all of its processes; a run that is not active here is left alone."""
        self._supervisor.stop(run, cause)

    def kill(self) -> None:
        """Have every process killed."""
        self._supervisor.kill()

    def follow_output(self, *, wanted: bool) -> None:
        """Have each line told that a run prints, or no longer."""
        self._viewer.follow(wanted=wanted)

    @property
    def active_count(self) -> int:
        """How many runs have been started here and not been reported as finished."""
        return len(self._supervisor.units)

    def recorded(self, run: Run) -> None:
        """Let go of the unit of a run whose end is recorded."""
        one = self._unrecorded.pop(run.key, None)
        if one is not None:
            self._supervisor.do(self._supervisor.stopper.collect(one))

    def leave(self) -> frozenset[RunKey]:
        """Leave runs to the next daemon, and report nothing more of them; those that have not begun are withdrawn."""
        self._supervisor.withdraw()
        self._left = True
        return self._supervisor.units.remove_all()

    async def adopt(
        self, runs: Sequence[OpenRun], tasks: Mapping[str, Task]
    ) -> Mapping[RunKey, Finished | Withdrawn | None]:
        """Take over the runs that have a unit; a run that has ended meanwhile is returned with its end."""
        mine = [self._starter.adopted(one, tasks) for one in runs]
        files = self._context.files
        try:
            async with asyncio.timeout(ADOPTION):
                manager = await self._connection.manager()
                found = await find_units(manager, self._context.names, mine)
                ends = await asyncio.gather(*(self._outcome(manager, one) for one in found.ended))
                await sweep(manager, files, found)
        except (TimeoutError, ConnectionLost, UnitRefused):  # who has files has a unit: the next connection tells of it
            with_files = set(files.run_ids())
            active, ends = [one for one in mine if one.run.run_id in with_files], []
        else:
            active = list(found.active)
            self._unrecorded |= {one.run.key: one for one in found.ended}
        for one in active:
            self._supervisor.units.add(one)
        if self._connection.is_there:
            await self._supervisor.resumed(await self._connection.manager())
        return dict.fromkeys(one.run.key for one in active) | {end.run.key: end for end in ends}

    async def clean_up(self, runs: Sequence[OpenRun]) -> None:
        """Nothing is left behind by a unit that is gone."""

    async def close(self) -> None:
        """Release everything; units of active runs stay."""
        self.follow_output(wanted=False)
        await self._supervisor.finish()

    async def connected(self) -> None:
        """Wait until systemd can be asked; then a run that is started is asked for at once."""
        await self._connection.manager()

    async def host_is_stopping(self) -> bool:
        """Whether the host goes down; false if systemd does not say."""
        stopper = self._supervisor.stopper
        stopper.host_stops = await self._connection.host_is_stopping()
        return stopper.host_stops

    # -- an owner of units ------------------------------------------------------------------------------------------

    def report(self, event: Spawned | Finished | Withdrawn) -> None:
        """Pass it on, unless the runs have been left to the next daemon."""
        if not self._left:
            self._report(event)

    async def outcome(self, manager: UnitManager, one: UnitRun) -> Finished | Withdrawn:
        """Return how a run has ended, when all that it printed has been shown; raises ConnectionLost, UnitRefused."""
        found = await self._outcome(manager, one)
        with suppress(TimeoutError):  # a journal that cannot be read to its end must not hold up the end of a run
            async with asyncio.timeout(SHOWN):
                await self._viewer.catch_up()
        return found

    def ended(self, one: UnitRun, outcome: Finished | Withdrawn) -> None:
        """Keep its unit until its end is recorded."""
        if isinstance(outcome, Withdrawn):
            self._supervisor.do(self._supervisor.stopper.collect(one))
        else:
            self._unrecorded[one.run.key] = one
        self.report(outcome)

    def print_line(self, run: Run, line: str) -> None:
        """Have a line written to the journal."""
        self._output(run, "stderr", line)

    async def _outcome(self, manager: UnitManager, one: UnitRun) -> Finished | Withdrawn:
        status = self._context.files.read_status(one.run.run_id)
        return await outcome(manager, self._context.journal.facts, one, status, self._context.clock.now())
