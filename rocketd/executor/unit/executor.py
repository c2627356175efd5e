"""The executor that makes every run a unit of systemd: `Executor` of `daemon/ports.py`.

    start ──▶ asked for ──▶ its unit has a process ──▶ it has ended ──▶ reported ──▶ recorded ──▶ its unit is collected

Nothing polls: systemd tells of every change. A unit stays, with all that systemd knows of it, until the end of its run
is recorded. So whatever becomes of the daemon meanwhile, the next one finds each run: active, or with its end. If the
connection is lost, runs go on, and new ones wait until there is another.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, TypeAlias

from rocketd.core.clock import Clock
from rocketd.core.errors import RocketdError
from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Cause, Run, RunKey
from rocketd.core.model.task import Task
from rocketd.executor.unit.active_units import ActiveUnits
from rocketd.executor.unit.adoption import find_units, sweep
from rocketd.executor.unit.connection import ManagerConnection
from rocketd.executor.unit.manager import SERVICE, UNIT, ConnectionLost, UnitManager, UnitRefused
from rocketd.executor.unit.outcome import has_ended
from rocketd.executor.unit.output_viewer import OutputViewer, ShowLine
from rocketd.executor.unit.run_files import RunFiles
from rocketd.executor.unit.run_journal import RunJournal
from rocketd.executor.unit.starter import UnitStarter
from rocketd.executor.unit.unit_end import outcome
from rocketd.executor.unit.unit_run import UnitRun, not_started, spawned_event, stopped_before_start
from rocketd.executor.unit.unit_stopper import UnitStopper

Report: TypeAlias = Callable[[Spawned | Finished | Withdrawn], None]
EmitLine: TypeAlias = Callable[[Run, str, str], object]

TIMEOUT: Final = 10.0
"""Seconds until a run that has not begun says what it waits for."""
ADOPTION: Final = 20.0
"""Seconds that a start waits for systemd to say which runs it still has."""


class UnitExecutor:
    """Has systemd carry out runs. Make it on the thread of a running loop."""

    def __init__(
        self, report: Report, lines: tuple[EmitLine, ShowLine], *, clock: Clock, files: RunFiles, service: str
    ) -> None:
        """`lines` take lines for the journal, and lines that are there already; `service` is the daemon's own unit."""
        self._report = report
        self._output, show = lines
        self._clock = clock
        self._files = files
        self._loop = asyncio.get_running_loop()
        self._runs = ActiveUnits()
        self._unrecorded: dict[RunKey, UnitRun] = {}
        """Runs that have been reported as finished: their units stay until that is recorded."""
        self._journal = RunJournal()
        self._viewer = OutputViewer(self._runs, self._journal, show)
        self.recent_output = self._viewer.recent
        self._left = False
        self._work: set[asyncio.Task[None]] = set()
        self._connection = ManagerConnection(self._changed, self._job_removed, self._connected)
        self._starter = UnitStarter(self._connection, files, service)
        self._stopper = UnitStopper(self._connection, files)

    # -- the port ---------------------------------------------------------------------------------------------------

    def start(self, task: Task, run: Run) -> None:
        """Have it started; what is wrong with its definition becomes the message of its end."""
        if self._left:  # it was decided before, and can be decided again
            self._report(Withdrawn(run, self._clock.now(), "rocketd is shutting down", Cause.SHUTDOWN))
            return
        try:
            one = self._starter.prepare(task, run)
        except RocketdError as error:
            self._tell(not_started(run, self._clock.now(), error))
        else:
            self._runs.add(one)
            self._do(self._start(one))

    def batch(self) -> AbstractContextManager[None]:
        """Nothing is gained by waiting: systemd is asked at once for each run that is started."""
        return nullcontext()

    def stop(self, run: Run, cause: Cause) -> None:
        """Have systemd end all of its processes; a run that is not active here is left alone."""
        one = self._runs.get(run.key)
        if one is None or one.cause is not Cause.EXIT or one.ending:
            return
        one.cause = cause
        if not one.submitted:
            self._never_began(one)
            return
        one.note_stop(self._files.read_status(run.run_id))
        if one.accepted:
            self._do(self._stop(one))

    def kill(self) -> None:
        """Have every process killed."""
        for one in self._runs:
            self.stop(one.run, Cause.SHUTDOWN)
            one.killed = True
            if one.accepted:
                self._do(self._stopper.kill(one))

    def follow_output(self, *, wanted: bool) -> None:
        """Have each line told that a run prints, or no longer."""
        self._viewer.follow(wanted=wanted)

    @property
    def active_count(self) -> int:
        """How many runs have been started here and not been reported as finished."""
        return len(self._runs)

    def recorded(self, run: Run) -> None:
        """Let go of the unit of a run whose end is recorded."""
        one = self._unrecorded.pop(run.key, None)
        if one is not None:
            self._do(self._stopper.collect(one))

    def leave(self) -> frozenset[RunKey]:
        """Leave runs to the next daemon, and report nothing more of them; those that have not begun are withdrawn."""
        for one in self._runs:
            if not one.submitted:
                one.cause = Cause.SHUTDOWN
                self._never_began(one)
        self._left = True
        return self._runs.remove_all()

    async def adopt(
        self, runs: Sequence[OpenRun], tasks: Mapping[str, Task]
    ) -> Mapping[RunKey, Finished | Withdrawn | None]:
        """Take over the runs that have a unit; a run that has ended meanwhile is returned with its end."""
        mine = [self._starter.adopted(one.run, tasks) for one in runs]
        try:
            async with asyncio.timeout(ADOPTION):
                manager = await self._connection.manager()
                found = await find_units(manager, mine)
                ends = await asyncio.gather(*(self._outcome(manager, one) for one in found.ended))
                await sweep(manager, self._files, found)
        except (TimeoutError, ConnectionLost, UnitRefused):  # who has files has a unit: the next connection tells of it
            with_files = set(self._files.run_ids())
            active, ends = [one for one in mine if one.run.run_id in with_files], []
        else:
            active = list(found.active)
            self._unrecorded |= {one.run.key: one for one in found.ended}
        for one in active:
            self._runs.add(one)
        if self._connection.is_there:
            await self._connected(await self._connection.manager())
        return dict.fromkeys(one.run.key for one in active) | {end.run.key: end for end in ends}

    async def clean_up(self, runs: Sequence[OpenRun]) -> None:
        """Nothing is left behind by a unit that is gone."""

    async def close(self) -> None:
        """Release everything; units of active runs stay."""
        self.follow_output(wanted=False)
        _, left = await asyncio.wait(self._work, timeout=TIMEOUT) if self._work else (set(), set())
        for task in left:
            task.cancel()
        await self._connection.close()

    async def connected(self) -> None:
        """Wait until systemd can be asked; then a run that is started is asked for at once."""
        await self._connection.manager()

    async def host_is_stopping(self) -> bool:
        """Whether the host goes down; false if systemd does not say."""
        self._stopper.host_stops = await self._connection.host_is_stopping()
        return self._stopper.host_stops

    # -- starting ---------------------------------------------------------------------------------------------------

    async def _start(self, one: UnitRun) -> None:
        try:
            await self._starter.start(one)
        except RocketdError as error:
            self._runs.remove(one)
            self._files.remove(one.run.run_id)
            self._tell(not_started(one.run, self._clock.now(), error))
            return
        if one.withdrawn:
            return
        self._loop.call_later(TIMEOUT, self._overdue, one)
        if one.cause is not Cause.EXIT:
            await self._stop(one)
        if one.killed:
            await self._stopper.kill(one)

    def _never_began(self, one: UnitRun) -> None:
        """Report a run that was stopped before systemd was asked for it."""
        one.withdrawn = True
        self._runs.remove(one)
        self._files.remove(one.run.run_id)
        why = self._connection.problem or "systemd had not been asked yet"
        self._tell(stopped_before_start(one, self._clock.now(), why))

    def _overdue(self, one: UnitRun) -> None:
        if one.run.key in self._runs and not one.ending:
            awaited = one.waits_for(self._files.read_status(one.run.run_id))
            if awaited:
                line = f"rocketd: {awaited} does not answer, so the program has not begun"
                self._output(one.run, "stderr", line)

    def _changed(self, path: str, interface: str, values: Mapping[str, Any]) -> None:
        one = self._runs.at_path(path)
        if one is None:
            return
        if interface == SERVICE:
            one.properties.update(values)
        elif interface == UNIT and (state := values.get("SubState")):
            if state == "running":
                self._spawned(one)
            elif has_ended(state) and (
                state != "dead" or one.process_ended
            ):  # one that is about to start is dead as well
                self._end_soon(one)

    def _job_removed(self, unit: str, result: str) -> None:
        one = self._runs.of_unit(unit)
        if one is None:
            return
        self._files.remove_request(one.run.run_id)
        if result != "done" and not one.pid:  # e.g. a mount that it needs: then nothing else tells that it is over
            self._end_soon(one)

    async def _connected(self, manager: UnitManager) -> None:
        """Look at every run: what was told meanwhile was told to nobody."""
        await asyncio.gather(*(self._catch_up(manager, one) for one in self._runs if one.accepted))

    async def _catch_up(self, manager: UnitManager, one: UnitRun) -> None:
        """Learn where a unit is that signals may have told of before."""
        try:
            state = await manager.sub_state(one.path)
            found = await manager.properties(one.path, SERVICE)
        except (ConnectionLost, UnitRefused):  # the next connection begins with this
            return
        one.properties.update(found if found.get("ExecMainPID") else {})  # of one that is gone there are defaults
        if has_ended(state):
            self._end_soon(one)
        elif state == "running":
            self._files.remove_request(one.run.run_id)
            self._spawned(one)

    def _spawned(self, one: UnitRun) -> None:
        if one.pid and not one.spawned:
            one.spawned = True
            self._tell(spawned_event(one, self._clock.now()))

    def _end_soon(self, one: UnitRun) -> None:
        if not one.ending:
            one.ending = True
            self._do(self._end(one))

    async def _end(self, one: UnitRun) -> None:
        try:
            outcome = await self._outcome(await self._connection.manager(), one)
        except (ConnectionLost, UnitRefused):
            one.ending = False  # it is looked at again with the next connection
            return
        await self._viewer.catch_up()
        if one.run.key not in self._runs:  # left to the next daemon
            return
        if not one.spawned and isinstance(outcome, Finished) and outcome.end.runtime:
            self._spawned(one)
        self._runs.remove(one)
        if isinstance(outcome, Withdrawn):
            self._do(self._stopper.collect(one))
        else:
            self._unrecorded[one.run.key] = one
        self._tell(outcome)

    async def _outcome(self, manager: UnitManager, one: UnitRun) -> Finished | Withdrawn:
        return await outcome(manager, self._journal, one, self._files.read_status(one.run.run_id), self._clock.now())

    async def _stop(self, one: UnitRun) -> None:
        if not await self._stopper.stop(one):  # it is gone: its end has been told, or is seen now
            self._end_soon(one)

    def _tell(self, event: Spawned | Finished | Withdrawn) -> None:
        if not self._left:
            self._report(event)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:  # a defect of ours
            self._loop.call_exception_handler({"message": "executor of units", "exception": error})
