"""Runs the commands by which engines are asked: with the rights and the environment of the task's user.

They are carried out as hooks are: as units where runs are units by default, else as processes. Units that a killed
daemon has left behind are ended before the next one asks an engine anything; processes end with its service.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Final, Protocol
from uuid import uuid4

from rocketd.core.clock import Clock
from rocketd.core.errors import ResourceShortage
from rocketd.core.instant import SECOND
from rocketd.core.model.events import Finished, Report, Spawned, Withdrawn
from rocketd.core.model.run import Cause, End, Run, Trigger
from rocketd.core.model.task import Command, Function, Surroundings, Task
from rocketd.executor.callbacks import Variables
from rocketd.executor.engine.job import Job, NoEngineAnswer
from rocketd.executor.process.environment import run_variables

KIND: Final = "engine"
"""A word of the names of their units."""
TIMEOUT: Final = 60.0
"""Seconds that a command may take."""
_GRACE: Final = 5
"""Seconds from TERM to KILL of one that takes longer."""
JOB_VARIABLE: Final = "ROCKETD_JOB"


class CommandStarter(Protocol):
    """Carries out commands, and reports how they end."""

    def start(self, task: Task, run: Run) -> None: ...
    def stop(self, run: Run, cause: Cause) -> None: ...
    def kill(self) -> None: ...
    async def close(self) -> None: ...


class CommandRunner:
    """Make it on the loop's thread."""

    def __init__(
        self, make: Callable[[Report, Variables], CommandStarter], clock: Clock, timeout: float = TIMEOUT
    ) -> None:
        """`make` is called for the first command; `timeout`: seconds that one may take."""
        self._make = make
        self._clock = clock
        self._timeout = timeout
        self._executor: CommandStarter | None = None
        self._waiting: dict[str, asyncio.Future[Finished | Withdrawn]] = {}
        self._variables: dict[str, Mapping[str, str]] = {}
        self._numbers = count(1)

    async def call(
        self, argv: tuple[str, ...], job: Job, *, stdin: str = "", tail: int = 16 * 1024, inherits: bool = True
    ) -> End:
        """Return how a command ended; `tail`: how many bytes of its output are kept.

        `inherits`: whether it has the environment of the task, as its job inherits it.

        Raises ResourceShortage if it was not started for want of something, NoEngineAnswer if it took too long.
        """
        now = self._clock.now()
        run = Run(KIND, next(self._numbers), str(uuid4()), 1, now, now, Trigger.HAND, argv[0])
        self._variables[run.run_id] = run_variables(job.run) | {JOB_VARIABLE: job.name}
        future: asyncio.Future[Finished | Withdrawn] = asyncio.get_running_loop().create_future()
        self._waiting[run.run_id] = future
        self._executor = self._executor or self._make(self._report, lambda run: self._variables[run.run_id])
        surroundings = surroundings_of(job.task)
        work = Command(argv, stdin, surroundings if inherits else replace(surroundings, environment=()))
        self._executor.start(Task(KIND, work, kill_grace=_GRACE * SECOND, output_tail=tail), run)
        try:
            async with asyncio.timeout(self._timeout):
                outcome = await asyncio.shield(future)
        except TimeoutError:
            self._executor.stop(run, Cause.TIMEOUT)
            raise NoEngineAnswer(f"{argv[0]} took longer than {self._timeout:.0f} s") from None
        if isinstance(outcome, Withdrawn):
            raise ResourceShortage(outcome.reason, shared=outcome.shared)
        return outcome.end

    async def close(self) -> None:
        """End what is active."""
        if self._executor is not None:
            self._executor.kill()
            await self._executor.close()
        for future in self._waiting.values():
            future.cancel()

    def _report(self, event: Spawned | Finished | Withdrawn) -> None:
        if isinstance(event, Spawned):
            return
        self._variables.pop(event.run.run_id, None)
        if (future := self._waiting.pop(event.run.run_id, None)) is not None and not future.done():
            future.set_result(event)


def surroundings_of(task: Task) -> Surroundings:
    """Return the rights and the environment of a task's runs."""
    return task.work.surroundings if isinstance(task.work, Command | Function) else Surroundings()


def last_line(end: End) -> str:
    """Return why a command failed, in one line: what it printed last, or how it ended."""
    lines = [line.strip() for line in end.output.splitlines() if line.strip()]
    if end.message or not lines:
        return end.message or (f"exit code {end.exit_code}" if end.signal is None else f"signal {end.signal}")
    return lines[-1][:300]
