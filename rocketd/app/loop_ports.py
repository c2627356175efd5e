"""The ports of the loop that are particular to an application."""

import asyncio
import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from threading import Thread
from typing import Protocol

from rocketd.core.instant import Duration
from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.records import OpenRun
from rocketd.core.model.run import Cause, Run
from rocketd.core.model.task import Call, Execution, Task
from rocketd.daemon.loop import Loop
from rocketd.executor.daemon_bound import DaemonBoundExecutor
from rocketd.executor.inprocess.child_process import warm_up
from rocketd.executor.inprocess.executor import InProcessExecutor, Program
from rocketd.executor.process.executor import ProcessExecutor


class NullServiceManager:
    """The service manager of a program that is not a service."""

    def ready(self) -> None: ...
    def reloading(self) -> None: ...
    def stopping(self) -> None: ...
    def status(self, text: str) -> None: ...
    def heartbeat(self) -> None: ...
    def extend_timeout(self, by: Duration) -> None: ...

    @property
    def watchdog(self) -> Duration | None:
        """None: there is no watchdog."""
        return None


class CommandPreparer(Program, Protocol):
    """A program that runs commands as well."""

    def command(self, task: Task, run: Run) -> Task:
        """Give a command the parameters of its run. What it raises means that the run could not be set up."""
        ...


class AppExecutors(DaemonBoundExecutor):
    """Passes each run to the executor for it. The one for commands is created when the first command starts."""

    def __init__(self, loop: Loop, program: CommandPreparer, *, processes: int) -> None:
        self._loop = loop
        self._program = program
        self._calls = InProcessExecutor(self._report, program, clock=loop.clock, processes=processes)
        self._commands: ProcessExecutor | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    def warm_up(self, tasks: Iterable[Task]) -> None:
        """Prepare in a thread for calls in child processes, if one of these tasks is such."""
        if any(task.work == Call(Execution.PROCESS) for task in tasks):
            Thread(target=warm_up, args=("",), name="fork server", daemon=True).start()

    def start(self, task: Task, run: Run) -> None:
        """Start it; raises what `Program.prepare` raises."""
        self._idle.clear()
        try:
            if isinstance(task.work, Call):
                self._calls.start(task, run)
            else:
                self._processes.start(self._program.command(task, run), run)
        finally:
            self._update_idle()

    def batch(self) -> AbstractContextManager[None]:
        """Start several commands at the same time; calls begin as soon as they are started."""
        return nullcontext() if self._commands is None else self._commands.batch()

    def stop(self, run: Run, cause: Cause) -> None:
        """Ask it to end."""
        self._calls.stop(run, cause)
        if self._commands is not None:
            self._commands.stop(run, cause)

    def kill(self) -> None:
        """End everything at once."""
        self._calls.kill()
        if self._commands is not None:
            self._commands.kill()

    @property
    def active_count(self) -> int:
        """How many runs have begun here and not been reported as finished."""
        return self._calls.active_count + (self._commands.active_count if self._commands is not None else 0)

    async def idle(self) -> None:
        """Wait until no run is active."""
        await self._idle.wait()

    async def clean_up(self, runs: Sequence[OpenRun]) -> None:
        """Stop processes that commands left behind before the program was restarted."""
        if runs:
            await self._processes.clean_up(runs)

    async def close(self) -> None:
        """Close the executors."""
        await self._calls.close()
        if self._commands is not None:
            await self._commands.close()

    @property
    def _processes(self) -> ProcessExecutor:
        if self._commands is None:
            environment = dict(os.environ)  # a program's commands see its environment, as under subprocess
            self._commands = ProcessExecutor(
                self._report, self._loop.handle_output, clock=self._loop.clock, base_environment=environment
            )
        return self._commands

    def _report(self, event: Spawned | Finished | Withdrawn) -> None:
        self._loop.handle_event(event)
        self._update_idle()

    def _update_idle(self) -> None:
        if not self.active_count:
            self._idle.set()
