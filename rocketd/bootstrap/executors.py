"""What carries out the daemon's runs, and what becomes of them when it is asked to stop."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from rocketd.config.daemon_settings import Settings
from rocketd.core.clock import Clock
from rocketd.core.instant import Duration
from rocketd.daemon.loop import Loop
from rocketd.executor.process.executor import ProcessExecutor
from rocketd.executor.router import ExecutorRouter
from rocketd.executor.unit.host import unit_support
from rocketd.executor.unit.run_files import RunFiles
from rocketd.executor.unit.unit_name import UnitNames


def make_executor(
    loop: Loop, settings: Settings, clock: Clock, runtime_dir: Path, open_files: tuple[int, int]
) -> ExecutorRouter:
    """Connect both executors with the loop; `open_files` are the limits (soft, hard) that runs get."""
    processes = ProcessExecutor(loop.handle_event, loop.handle_output, clock=clock, open_files=open_files)
    lines = loop.handle_output, loop.events.show_output
    executor = ExecutorRouter(
        *(loop.handle_event, processes, lines),
        clock=clock,
        files=RunFiles(runtime_dir),
        names=UnitNames.of_daemon(runtime_dir),
        support=unit_support(),
    )
    executor.configure(settings.output_limit, settings.executor)
    loop.rehearse_start = executor.rehearse
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
        elif self._executor.has_units:
            self._asking = asyncio.get_running_loop().create_task(self._ask_and_stop())
        else:
            self._loop.stop(self._grace())

    async def _ask_and_stop(self) -> None:
        """Leave units to the next daemon; but if the host goes down, let them end as other runs do."""
        self._loop.stop(self._grace(), leave=not await self._executor.host_is_stopping())
