"""What carries out the daemon's runs, and what becomes of them when it is asked to stop."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rocketd.config.daemon_settings import Settings
from rocketd.core.clock import Clock
from rocketd.core.instant import Duration
from rocketd.core.model.events import Report
from rocketd.daemon.loop import Loop
from rocketd.executor.commands import Commands
from rocketd.executor.engine.submission_notes import SubmissionNotes
from rocketd.executor.process.executor import ProcessExecutor
from rocketd.executor.router import ExecutorRouter
from rocketd.executor.unit.host import unit_support
from rocketd.executor.unit.run_files import RunFiles
from rocketd.executor.unit.unit_name import UnitNames

if TYPE_CHECKING:
    from rocketd.executor.engine.executor import EngineExecutor


def make_executor(
    loop: Loop, settings: Settings, clock: Clock, directories: tuple[Path, Path], open_files: tuple[int, int]
) -> ExecutorRouter:
    """Connect the executors with the loop.

    `directories` are those of the state and of the runtime, `open_files` the limits (soft, hard) that runs get.
    """
    state_dir, runtime_dir = directories
    processes = ProcessExecutor(loop.handle_event, loop.handle_output, clock=clock, open_files=open_files)
    lines = loop.handle_output, loop.events.show_output
    executor = ExecutorRouter(
        *(loop.handle_event, processes, lines),
        clock=clock,
        files=RunFiles(runtime_dir),
        names=UnitNames.of_daemon(runtime_dir),
        support=unit_support(),
    )
    notes = SubmissionNotes(state_dir)

    def make_engines(report: Report) -> "EngineExecutor":
        from rocketd.executor.engine.clients import HostEngineClients  # noqa: PLC0415 - few hosts use engines
        from rocketd.executor.engine.command_runner import KIND, CommandRunner  # noqa: PLC0415 - as above
        from rocketd.executor.engine.executor import EngineExecutor  # noqa: PLC0415 - as above
        from rocketd.notifications.http_sender import read_secret  # noqa: PLC0415 - as above

        commands = Commands(executor, clock, open_files)
        runner = CommandRunner(
            lambda outlet, variables: commands.executor(KIND, outlet, lambda *_: None, variables), clock
        )
        clients = HostEngineClients(runner, read_secret)
        return EngineExecutor(report, loop.handle_output, clients=clients, notes=notes, clock=clock)

    executor.make_engines, executor.has_handed_off = make_engines, lambda: any(notes.run_ids())
    executor.configure(settings.output_limit, settings.executor)
    loop.rehearse_start = executor.rehearse
    loop.take_over_run, loop.leave_run = executor.take_over, executor.leave_run
    return executor


class StopHandler:
    """Stops the daemon when it is called, and kills what it waits for when it is called again."""

    def __init__(self, loop: Loop, executor: ExecutorRouter, grace: Callable[[], Duration]) -> None:
        """`grace` gives for how long runs may go on."""
        self._loop = loop
        self._executor = executor
        self._grace = grace
        self._asking: asyncio.Task[None] | None = None

    def __call__(self) -> None:
        if self._loop.scheduler.draining or self._asking is not None:
            self._loop.kill()
        elif self._executor.may_leave:
            self._asking = asyncio.get_running_loop().create_task(self._ask_and_stop())
        else:
            self._loop.stop(self._grace())

    async def _ask_and_stop(self) -> None:
        """Leave units and jobs to the next daemon; but if the host goes down, let units end as other runs do."""
        await self._executor.host_is_stopping()
        self._loop.stop(self._grace(), leave=True)
