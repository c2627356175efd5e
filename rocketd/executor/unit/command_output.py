"""Reads what commands print that are units and end with the daemon: from a FIFO for each, as from a process's pipe."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from rocketd.core.clock import Clock
from rocketd.core.model.run import Run
from rocketd.core.model.task import Task
from rocketd.executor.process.fd_watcher import FdWatcher
from rocketd.executor.process.output import Output
from rocketd.executor.process.pipes import Pipes
from rocketd.executor.unit.run_files import RunFiles

TIMEOUT: Final = 10.0
"""Seconds for what is left to be read when a command has ended: a pipe is not large, but others have their turn."""


class CommandOutput:
    """The FIFOs of all commands of one kind. On the loop's thread."""

    def __init__(self, files: RunFiles, emit: Callable[[Run, str, str], object], clock: Clock) -> None:
        """`emit` takes each line, with its stream: systemd opens one file for both."""
        self._files = files
        self._emit = emit
        self._clock = clock
        self._watcher = FdWatcher(asyncio.get_running_loop())
        self._open: dict[str, tuple[Pipes, asyncio.Event]] = {}

    def open(self, task: Task, run: Run) -> None:
        """Make the FIFO of a command, and read from it; raises OSError."""
        descriptor = self._files.open_output(run.run_id)
        drained = asyncio.Event()
        output = Output(task.output_tail, partial(self._emit, run), self._clock.monotonic)
        pipes = Pipes(self._watcher, output, drained.set)
        pipes.add_stream(descriptor, "stdout")
        self._open[run.run_id] = pipes, drained

    async def read_to_end(self, run: Run) -> str:
        """Read what a command that has ended had printed by then, and return the tail of all of it."""
        if run.run_id not in self._open:
            return ""
        pipes, drained = self._open[run.run_id]
        pipes.drain()
        try:
            async with asyncio.timeout(TIMEOUT):
                while not pipes.drained:
                    drained.clear()
                    await drained.wait()
        except TimeoutError:
            pass
        return self.discard(run)

    def discard(self, run: Run) -> str:
        """Read no longer; return the tail."""
        found = self._open.pop(run.run_id, None)
        return found[0].close()[0] if found else ""

    def close(self) -> None:
        """Close all of them."""
        for pipes, _ in self._open.values():
            pipes.close()
        self._open.clear()
        self._watcher.close()
