"""Starts units and follows each to its end: what is the same for runs and for commands of the daemon itself.

    start ──▶ asked for ──▶ its unit has a process ──▶ it has ended ──▶ its outcome is known

Nothing polls: systemd tells of every change. Where it may have told something to nobody (another connection, a reload
of systemd, a call that failed), all units are looked at.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Protocol

from rocketd.core.errors import RocketdError
from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.run import Cause, Run
from rocketd.core.model.task import Task
from rocketd.executor.unit.active_units import ActiveUnits
from rocketd.executor.unit.context import UnitContext
from rocketd.executor.unit.manager import SERVICE, UNIT, ConnectionLost, UnitManager, UnitRefused
from rocketd.executor.unit.outcome import has_ended
from rocketd.executor.unit.starter import UnitStarter
from rocketd.executor.unit.unit_run import UnitRun, not_started, spawned_event, stopped_before_start
from rocketd.executor.unit.unit_stopper import UnitStopper

OVERDUE: Final = 10.0
"""Seconds until a run that has not begun says what it waits for; and for what is under way when this is closed."""
RETRY: Final = 5.0
"""Seconds until the outcome of a run is asked for again that systemd would not tell."""


class UnitClient(Protocol):
    """Whose units they are."""

    def report(self, event: Spawned | Finished | Withdrawn) -> None:
        """Take that a unit has its process, or that one could not be started."""
        ...

    async def outcome(self, manager: UnitManager, one: UnitRun) -> Finished | Withdrawn:
        """Return how a unit has ended; raises ConnectionLost, UnitRefused."""
        ...

    def ended(self, one: UnitRun, outcome: Finished | Withdrawn) -> None:
        """Take the outcome of a unit, which stays until it is collected."""
        ...

    def print_line(self, run: Run, line: str) -> None:
        """Say something about a run, as if it had printed it."""
        ...


class UnitSupervisor:
    """Follows the units of one owner: a `UnitListener`. On the loop's thread."""

    def __init__(self, context: UnitContext, starter: UnitStarter, owner: UnitClient) -> None:
        self.units = ActiveUnits()
        self.stopper = UnitStopper(context.connection, context.files)
        self._clock = context.clock
        self._files = context.files
        self._connection = context.connection
        self._starter = starter
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._work: set[asyncio.Task[None]] = set()
        context.connection.add(self)

    # -- what its owner asks for ------------------------------------------------------------------------------------

    def start(self, task: Task, run: Run) -> None:
        """Have it started; what is wrong with its definition becomes the message of its end."""
        try:
            one = self._starter.prepare(task, run)
        except RocketdError as error:
            self._owner.report(not_started(run, self._clock.now(), error))
        else:
            self.units.add(one)
            self.do(self._start(one))

    def stop(self, run: Run, cause: Cause) -> None:
        """Have systemd end all of its processes; a run that is not active here is left alone."""
        one = self.units.get(run.key)
        if one is None or one.cause is not Cause.EXIT or one.ending:
            return
        one.cause = cause
        if not one.submitted:
            self._never_began(one)
            return
        one.note_stop(self._files.read_status(run.run_id))
        if one.accepted:
            self.do(self._stop(one))

    def kill(self) -> None:
        """Have every process killed."""
        for one in self.units:
            self.stop(one.run, Cause.SHUTDOWN)
            one.killed = True
            if one.accepted:
                self.do(self.stopper.kill(one))

    def withdraw(self) -> None:
        """Have those withdrawn that systemd has not been asked for, because the daemon ends."""
        for one in self.units:
            if not one.submitted:
                one.cause = Cause.SHUTDOWN
                self._never_began(one)

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that waits for systemd."""
        task = self._loop.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._done)

    async def finish(self) -> None:
        """Wait for what is under way, for a while."""
        _, left = await asyncio.wait(self._work, timeout=OVERDUE) if self._work else (set(), set())
        for task in left:
            task.cancel()

    # -- what systemd tells -----------------------------------------------------------------------------------------

    def changed(self, path: str, interface: str, values: Mapping[str, Any]) -> None:
        """Take new values of properties."""
        one = self.units.at_path(path)
        if one is None:
            return
        if interface == SERVICE:
            one.properties.update(values)
        elif interface == UNIT and (state := values.get("SubState")):
            if state == "running":
                self._spawned(one)
            elif has_ended(state) and (state != "dead" or one.process_ended):
                self._end_soon(one)  # one that is about to start is dead as well

    def job_removed(self, unit: str, result: str) -> None:
        """Take that a job is over: its request has been read."""
        one = self.units.of_unit(unit)
        if one is None:
            return
        self._files.remove_request(one.run.run_id)
        if result != "done" and not one.pid:  # e.g. a mount that it needs: then nothing else tells that it is over
            self._end_soon(one)

    async def resumed(self, manager: UnitManager) -> None:
        """Look at every unit: what was told meanwhile was told to nobody."""
        await asyncio.gather(*(self._catch_up(manager, one) for one in self.units if one.accepted))

    async def _catch_up(self, manager: UnitManager, one: UnitRun) -> None:
        """Learn where a unit is that signals may have told of before."""
        try:
            state = await manager.sub_state(one.path)
            found = await manager.properties(one.path, SERVICE)
        except (ConnectionLost, UnitRefused):  # what comes after it begins with this
            self._later(self._look_again, one)
            return
        one.properties.update(found if found.get("ExecMainPID") else {})  # of one that is gone there are defaults
        if has_ended(state):
            self._end_soon(one)
        elif state == "running":
            self._files.remove_request(one.run.run_id)
            self._spawned(one)

    # -- from the start to the end ----------------------------------------------------------------------------------

    async def _start(self, one: UnitRun) -> None:
        try:
            existed = await self._starter.start(one)
        except RocketdError as error:
            self.units.remove(one)
            self._files.remove(one.run.run_id)
            self._owner.report(not_started(one.run, self._clock.now(), error))
            return
        if one.withdrawn:
            return
        self._loop.call_later(OVERDUE, self._overdue, one)
        if existed:
            await self._look(one)
        if one.cause is not Cause.EXIT:
            await self._stop(one)
        if one.killed:
            await self.stopper.kill(one)

    def _never_began(self, one: UnitRun) -> None:
        """Report a run that was stopped before systemd was asked for it."""
        one.withdrawn = True
        self.units.remove(one)
        self._files.remove(one.run.run_id)
        why = self._connection.problem or "systemd had not been asked yet"
        self._owner.report(stopped_before_start(one, self._clock.now(), why))

    def _overdue(self, one: UnitRun) -> None:
        if one.run.key in self.units and not one.ending:
            awaited = one.waits_for(self._files.read_status(one.run.run_id))
            if awaited:
                self._owner.print_line(one.run, f"rocketd: {awaited} does not answer, so the program has not begun")

    def _spawned(self, one: UnitRun) -> None:
        if one.pid and not one.spawned:
            one.spawned = True
            one.first_pid = one.first_pid or one.pid
            self._owner.report(spawned_event(one, self._clock.now()))

    def _end_soon(self, one: UnitRun) -> None:
        if not one.ending:
            one.ending = True
            self.do(self._end(one))

    async def _end(self, one: UnitRun) -> None:
        try:
            outcome = await self._owner.outcome(await self._connection.manager(), one)
        except (ConnectionLost, UnitRefused):
            one.ending = False
            self._later(self._end_soon, one)  # and if there is another connection before, it begins with this
            return
        if one.run.key not in self.units:  # left to the next daemon
            return
        if not one.spawned and isinstance(outcome, Finished) and outcome.end.runtime:
            self._spawned(one)
        self.units.remove(one)
        self._owner.ended(one, outcome)

    async def _stop(self, one: UnitRun) -> None:
        if not await self.stopper.stop(one):  # it is gone: its end has been told, or is seen now
            self._end_soon(one)

    def _look_again(self, one: UnitRun) -> None:
        if one.run.key in self.units and self._connection.is_there:
            self.do(self._look(one))

    async def _look(self, one: UnitRun) -> None:
        await self._catch_up(await self._connection.manager(), one)

    def _later(self, do: Callable[[UnitRun], None], one: UnitRun) -> None:
        self._loop.call_later(RETRY, lambda: do(one) if one.run.key in self.units else None)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:  # a defect of ours
            self._loop.call_exception_handler({"message": "units of systemd", "exception": error})
