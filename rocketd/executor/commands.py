"""Carries out commands of the daemon itself: hooks, the commands of conditions, the program that sends mail.

They are units where runs are units by default, so that the daemon's sandbox is not theirs; elsewhere they are processes
of the daemon.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from rocketd.core.clock import Clock
from rocketd.core.model.events import Finished, Report
from rocketd.core.model.run import Action, Cause, End, Run
from rocketd.core.model.task import Task
from rocketd.executor.callbacks import EmitLine, Variables
from rocketd.executor.process.environment import run_variables
from rocketd.executor.process.executor import ProcessExecutor
from rocketd.executor.router import ExecutorRouter

if TYPE_CHECKING:
    from rocketd.executor.unit.commands import UnitCommands


class Commands:
    """Makes what carries out commands of one kind."""

    def __init__(self, router: ExecutorRouter, clock: Clock, open_files: tuple[int, int]) -> None:
        """`open_files` are the limits (soft, hard) that processes get, as runs do."""
        self._router = router
        self._clock = clock
        self._open_files = open_files

    def executor(
        self, kind: str, report: Report, output: EmitLine, variables: Variables = run_variables
    ) -> "CommandExecutor":
        """Return one; `kind` is a word of the names of its units."""

        def processes() -> ProcessExecutor:
            return ProcessExecutor(report, output, clock=self._clock, open_files=self._open_files, variables=variables)

        def units() -> "UnitCommands":
            from rocketd.executor.unit.commands import UnitCommands  # noqa: PLC0415 - needs libsystemd

            return UnitCommands(kind, report, output, self._router.unit_context(), variables)

        return CommandExecutor(report, self._clock, processes, units, lambda: self._router.uses_units)


class CommandExecutor:
    """Carries out commands of one kind. On the loop's thread."""

    def __init__(
        self,
        report: Report,
        clock: Clock,
        make_processes: Callable[[], ProcessExecutor],
        make_units: Callable[[], "UnitCommands"],
        uses_units: Callable[[], bool],
    ) -> None:
        """Each is made when a command needs it; a reload may change which one that is."""
        self._report = report
        self._clock = clock
        self._make_processes = make_processes
        self._make_units = make_units
        self._uses_units = uses_units
        self._processes: ProcessExecutor | None = None
        self._units: UnitCommands | None = None

    def start(self, task: Task, run: Run) -> None:
        """Start it; what is wrong with it becomes the message of its end."""
        if self._uses_units():
            self._units = self._units or self._make_units()
            self._units.start(task, run)
        elif task.has_dynamic_user:
            message = "cannot start: systemd makes up the user of the task for each run"
            self._report(Finished(run, End(Action.FAIL, Cause.EXIT, self._clock.now(), message=message)))
        else:
            self._processes = self._processes or self._make_processes()
            self._processes.start(task, run)

    def stop(self, run: Run, cause: Cause) -> None:
        """Stop it, wherever it is active."""
        for executor in self._made():
            executor.stop(run, cause)

    def kill(self) -> None:
        """Kill all of them."""
        for executor in self._made():
            executor.kill()

    async def close(self) -> None:
        """Release everything."""
        for executor in self._made():
            await executor.close()

    def _made(self) -> "list[ProcessExecutor | UnitCommands]":
        return [one for one in (self._processes, self._units) if one is not None]
