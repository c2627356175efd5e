"""Commands of the daemon itself as units: hooks, the commands of conditions, the program that sends mail.

They are not runs: no record waits for their end, so a unit is collected at once, and they end with the daemon, which
reads what they print. What a daemon that was killed has left behind is ended by the next one (`adoption.sweep`).
"""

from dataclasses import replace

from rocketd.core.model.events import Finished, Report, Spawned, Withdrawn
from rocketd.core.model.run import Cause, Run
from rocketd.core.model.task import Task
from rocketd.executor.callbacks import EmitLine, Variables
from rocketd.executor.unit.command_output import CommandOutput
from rocketd.executor.unit.context import UnitContext
from rocketd.executor.unit.manager import UnitManager
from rocketd.executor.unit.run_journal import JournalFacts, Question
from rocketd.executor.unit.starter import command_starter
from rocketd.executor.unit.supervisor import UnitSupervisor
from rocketd.executor.unit.unit_end import outcome
from rocketd.executor.unit.unit_run import UnitRun


class UnitCommands:
    """Has systemd carry out commands. Make it on the thread of a running loop."""

    def __init__(self, kind: str, report: Report, output: EmitLine, context: UnitContext, variables: Variables) -> None:
        """`kind` is a word of the names of its units; `output` takes what they print."""
        self._report = report
        self._emit = output
        self._context = context
        self._output = CommandOutput(context.files, output, context.clock)
        starter = command_starter(context, kind, variables, self._output.open)
        self._supervisor = UnitSupervisor(context, starter, self)

    def start(self, task: Task, run: Run) -> None:
        """Have it started; what is wrong with it becomes the message of its end."""
        self._supervisor.start(task, run)

    def stop(self, run: Run, cause: Cause) -> None:
        """Have systemd end all of its processes; one that is not active is left alone."""
        self._supervisor.stop(run, cause)

    def kill(self) -> None:
        """Have every process killed."""
        self._supervisor.kill()

    async def close(self) -> None:
        """Release everything."""
        await self._supervisor.finish()
        self._output.close()

    # -- an owner of units ------------------------------------------------------------------------------------------

    def report(self, event: Spawned | Finished | Withdrawn) -> None:
        """Pass it on."""
        if not isinstance(event, Spawned):
            self._output.discard(event.run)
        self._report(event)

    async def outcome(self, manager: UnitManager, one: UnitRun) -> Finished | Withdrawn:
        """Return how it has ended, with what it printed; raises ConnectionLost, UnitRefused."""
        status = self._context.files.read_status(one.run.run_id)
        found = await outcome(manager, self._facts, one, status, self._context.clock.now())
        text = await self._output.read_to_end(one.run)
        return found if isinstance(found, Withdrawn) else replace(found, end=replace(found.end, output=text))

    def ended(self, one: UnitRun, outcome: Finished | Withdrawn) -> None:
        """Let go of its unit, and pass its end on."""
        self._supervisor.do(self._supervisor.stopper.collect(one))
        self.report(outcome)

    def print_line(self, run: Run, line: str) -> None:
        """Pass it on as a line that it printed."""
        self._emit(run, "stderr", line)

    async def _facts(self, question: Question) -> JournalFacts:
        """Ask the journal only about what could not be started: everything else is known without it."""
        return await self._context.journal.facts(question._replace(tail=0)) if question.failed else JournalFacts("")
