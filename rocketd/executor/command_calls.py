"""Runs a command of the daemon to its end for a thread that waits for it, as `subprocess.run` would."""

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from typing import Final
from uuid import uuid4

from rocketd.core.clock import Clock
from rocketd.core.instant import SECOND
from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.run import Cause, End, Run, Trigger
from rocketd.core.model.task import Command, Surroundings, Task
from rocketd.executor.commands import CommandExecutor, Commands

_GRACE: Final = 5
"""Seconds from TERM to KILL of a command that takes too long."""
_TAIL: Final = 2048
"""How many bytes of its output are kept."""


class CommandCalls:
    """Make it on the loop's thread; calls come from other threads."""

    def __init__(self, kind: str, commands: Commands, clock: Clock) -> None:
        """`kind` is a word of the names of its units."""
        self._kind = kind
        self._commands = commands
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._executor: CommandExecutor | None = None
        self._waiting: dict[str, Future[End]] = {}
        self._numbers = count(1)

    def call(self, command: Command, timeout: float) -> End:
        """Return how it ended; it is stopped after this many seconds. Raises OSError if it cannot be started."""
        future: Future[End] = Future()
        try:
            self._loop.call_soon_threadsafe(self._start, command, timeout, future)
            return future.result(timeout + 2 * _GRACE)
        except (RuntimeError, TimeoutError) as error:  # the loop has ended; systemd does not answer
            raise OSError(f"{command.argv[0]} could not be run: {error or 'systemd does not answer'}") from None

    async def close(self) -> None:
        """Kill what is active."""
        if self._executor is not None:
            self._executor.kill()
            await self._executor.close()
        for future in self._waiting.values():
            future.cancel()

    def _start(self, command: Command, timeout: float, future: "Future[End]") -> None:
        now = self._clock.now()
        run = Run(self._kind, next(self._numbers), str(uuid4()), 1, now, now, Trigger.HAND, command.argv[0])
        self._waiting[run.run_id] = future
        self._executor = self._executor or self._commands.executor(self._kind, self._report, lambda *_: None)
        self._executor.start(Task(self._kind, command, kill_grace=_GRACE * SECOND, output_tail=_TAIL), run)
        self._loop.call_later(timeout, self._executor.stop, run, Cause.TIMEOUT)

    def _report(self, event: Spawned | Finished | Withdrawn) -> None:
        if isinstance(event, Spawned) or (future := self._waiting.pop(event.run.run_id, None)) is None:
            return
        with suppress(Exception):  # whoever waited has given up
            if isinstance(event, Finished):
                future.set_result(event.end)
            else:
                future.set_exception(OSError(event.reason))


def in_root_directory(argv: tuple[str, ...], stdin: str) -> Command:
    """Return a command with nothing of a task around it."""
    return Command(argv, stdin, Surroundings(directory="/"))
