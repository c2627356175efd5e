"""Hands each run to what carries it out: systemd, as a unit, the daemon itself, as a process, or an engine, as a job.

What uses systemd or engines is only made when a run needs it, or a daemon before this one has left some to it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from rocketd.core.clock import Clock
from rocketd.core.instant import Instant
from rocketd.core.model.events import Finished, Report, Spawned, Withdrawn
from rocketd.core.model.executor_choice import ExecutorChoice, choose_executor
from rocketd.core.model.recent_output import JournalPlace, RecentOutput
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Action, Cause, End, Run, RunKey
from rocketd.core.model.task import ExecutorKind, Task
from rocketd.executor.callbacks import EmitLine
from rocketd.executor.process.executor import ProcessExecutor
from rocketd.executor.unit.host import UnitSupport
from rocketd.executor.unit.run_files import RunFiles
from rocketd.executor.unit.unit_name import UnitNames

if TYPE_CHECKING:
    from rocketd.executor.engine.executor import EngineExecutor
    from rocketd.executor.unit.context import UnitContext
    from rocketd.executor.unit.executor import UnitExecutor

ShowLine = Callable[[Run, str, str, JournalPlace], object]


class ExecutorRouter:
    """All executors as one. On the loop's thread."""

    def __init__(  # noqa: PLR0913 - what it connects
        self,
        report: Report,
        processes: ProcessExecutor,
        lines: tuple[EmitLine, ShowLine],
        *,
        clock: Clock,
        files: RunFiles,
        names: UnitNames,
        support: UnitSupport,
    ) -> None:
        """`lines` take lines for the journal, and lines that are there already."""
        self._outlet = report
        self._processes = processes
        self._lines = lines
        self._clock = clock
        self._files = files
        self._names = names
        self._support = support
        self._units: UnitExecutor | None = None
        self._context: UnitContext | None = None
        self._engines: EngineExecutor | None = None
        self.make_engines: Callable[[Report], EngineExecutor] | None = None
        """Makes what hands runs off to engines."""
        self.has_handed_off: Callable[[], bool] = lambda: False
        """Whether a daemon before this one has left runs to engines; blocks."""
        self._host_stops = False
        self._following = False
        self._early: list[Spawned | Finished | Withdrawn] | None = []
        self._default = ExecutorKind.AUTO

    def configure(self, output_limit: int, default: ExecutorKind) -> None:
        """Set what `[rocketd]` says: bytes of output a minute, and what carries out tasks that do not say it."""
        self._processes.output_limit = output_limit
        self._default = default

    def hold_output(self, hold: bool) -> None:  # noqa: FBT001 - a callback that takes the new state
        """Stop or continue reading what processes print: too much of it waits for the journal."""
        self._processes.hold_output(hold)

    @property
    def may_leave(self) -> bool:
        """Whether systemd or an engine carries out, or may carry out, any run: it need not end with the daemon."""
        return bool(self._made())

    def begin(self) -> None:
        """Report from now on; what runs that were taken over did before is reported now."""
        early, self._early = self._early or [], None
        for event in early:
            self._outlet(event)

    def start(self, task: Task, run: Run) -> None:
        """Start it where it belongs."""
        if task.engine is not None:
            self._engine_executor().start(task, run)
        elif not self._is_for_units(task):
            self._processes.start(task, run)
        elif self._support.obstacle:
            message = f'cannot start: executor = "unit" needs {self._support.obstacle}'
            self._report(Finished(run, End(Action.FAIL, Cause.EXIT, self._clock.now(), message=message)))
        else:
            self._unit_executor().start(task, run)

    def rehearse(self, task: Task, at: Instant) -> None:
        """Rehearse the start of a process; a unit's is systemd's."""
        if self.choice(task).kind is ExecutorKind.PROCESS:
            self._processes.rehearse(task, at)

    def batch(self) -> AbstractContextManager[None]:
        """Start processes at the same time; units are asked for one after the other."""
        return self._processes.batch()

    def stop(self, run: Run, cause: Cause) -> None:
        """Stop it, wherever it is active."""
        self._processes.stop(run, cause)
        for executor in self._made():
            executor.stop(run, cause)

    def kill(self) -> None:
        """Kill every run."""
        self._processes.kill()
        for executor in self._made():
            executor.kill()

    def follow_output(self, *, wanted: bool) -> None:
        """Have the lines of units shown as well, or no longer."""
        self._following = wanted
        if self._units is not None:
            self._units.follow_output(wanted=wanted)

    async def recent_output(self, run: Run) -> RecentOutput:
        """Return what an active run has printed, as much as is kept; nothing is passed on later that is part of it.

        Does not suspend for a process: the next line that is passed on is the next one. Lines of a unit have a place in
        the journal.
        """
        if self._units is not None and (recent := await self._units.recent_output(run)) is not None:
            return recent
        if self._engines is not None and (handed_off := self._engines.recent_output(run)) is not None:
            return handed_off
        return RecentOutput(self._processes.output_of(run))

    @property
    def active_count(self) -> int:
        """How many runs have been started and not been reported as finished."""
        return self._processes.active_count + sum(one.active_count for one in self._made())

    def recorded(self, run: Run) -> None:
        """Forget a run whose end is recorded."""
        for executor in self._made():
            executor.recorded(run)

    def leave(self) -> frozenset[RunKey]:
        """Leave jobs to their engines, and units to systemd unless the host goes down, for the next daemon."""
        units = self._units if not self._host_stops else None
        return frozenset().union(*(one.leave() for one in (self._engines, units) if one is not None))

    async def adopt(
        self, runs: Sequence[OpenRun], tasks: Mapping[str, Task]
    ) -> Mapping[RunKey, Finished | Withdrawn | None]:
        """Take over the runs that have units or jobs; units by which jobs were being submitted are ended before."""
        handed_off = self.has_handed_off() or any(task.engine for task in tasks.values())
        uses_units = handed_off and self.uses_units
        known: Mapping[RunKey, Finished | Withdrawn | None] = {}
        if not self._support.obstacle and (
            uses_units or any(self._files.run_ids()) or any(map(self._is_for_units, tasks.values()))
        ):
            known = await self._unit_executor().adopt(runs, tasks)
        if not handed_off or self.make_engines is None:
            return known
        others = [one for one in runs if one.run.key not in known]
        return {**known, **await self._engine_executor().adopt(others, tasks)}

    def take_over(self, task: Task, run: Run) -> None:
        """Follow a run that another host has handed off; of one that this host follows already, nothing changes."""
        self._engine_executor().take_over(task, run)

    def leave_run(self, run: Run) -> bool:
        """Leave a run that is handed off to another host that follows it; False: that is not possible now."""
        return self._engines is not None and self._engines.leave_run(run)

    async def clean_up(self, runs: Sequence[OpenRun]) -> None:
        """Stop the processes that these runs left behind."""
        await self._processes.clean_up(runs)

    async def host_is_stopping(self) -> bool:
        """Whether the host goes down; false where no units are used: then it makes no difference."""
        self._host_stops = self._units is not None and await self._units.host_is_stopping()
        return self._host_stops

    async def close(self) -> None:
        """Release everything."""
        if self._engines is not None:
            await self._engines.close()
        await self._processes.close()
        if self._units is not None:
            await self._units.close()
        if self._context is not None:
            await self._context.connection.close()

    def choice(self, task: Task) -> ExecutorChoice:
        """Return what carries out the runs of a task."""
        return choose_executor(task, self._default, self._support.missing)

    @property
    def uses_units(self) -> bool:
        """Whether what a task does not choose itself is carried out by systemd, such as a hook."""
        if self._default is ExecutorKind.PROCESS:
            return False
        return not (self._support.missing if self._default is ExecutorKind.AUTO else self._support.obstacle)

    def unit_context(self) -> "UnitContext":
        """Return what everything that uses units shares; raises nothing where `uses_units` says so."""
        if self._context is None:
            from rocketd.executor.unit.context import UnitContext  # noqa: PLC0415 - needs libsystemd

            self._context = UnitContext(self._clock, self._files, self._support.service, self._names)
        return self._context

    def _is_for_units(self, task: Task) -> bool:
        return self.choice(task).kind is ExecutorKind.UNIT

    def _unit_executor(self) -> "UnitExecutor":
        if self._units is None:
            from rocketd.executor.unit.executor import UnitExecutor  # noqa: PLC0415 - needs libsystemd

            self._units = UnitExecutor(self._report, self._lines, self.unit_context())
            self._units.follow_output(wanted=self._following)
        return self._units

    def _engine_executor(self) -> "EngineExecutor":
        if self._engines is None:
            assert self.make_engines is not None  # noqa: S101 - the daemon sets it before any run
            self._engines = self.make_engines(self._report)
        return self._engines

    def _made(self) -> "list[UnitExecutor | EngineExecutor]":
        return [one for one in (self._units, self._engines) if one is not None]

    def _report(self, event: Spawned | Finished | Withdrawn) -> None:
        if self._early is None:
            self._outlet(event)
        else:
            self._early.append(event)
