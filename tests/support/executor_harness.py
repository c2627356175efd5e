"""A loop, an executor on it, and what it has told: tests wait here for events, never for a while."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

from rocketd.core.instant import SECOND
from rocketd.core.model.engine import Engine
from rocketd.core.model.events import Finished, Report, Spawned, Withdrawn
from rocketd.core.model.recent_output import JournalPlace
from rocketd.core.model.run import Cause, End, Run, Trigger
from rocketd.core.model.task import Command, Function, Task
from rocketd.daemon.ports import Executor
from rocketd.executor.engine.clients import HostEngineClients
from rocketd.executor.engine.command_runner import CommandRunner
from rocketd.executor.engine.executor import EngineExecutor
from rocketd.executor.engine.submission_notes import SubmissionNotes
from rocketd.executor.process.executor import ProcessExecutor
from rocketd.executor.unit.context import UnitContext
from rocketd.executor.unit.executor import UnitExecutor
from rocketd.executor.unit.run_files import RunFiles
from support.engines.cluster import Cluster
from support.engines.job_directory import JobDirectory

T = TypeVar("T")
HANG: Final = 60.0
"""Seconds after which a test that waits for something that does not come fails."""
_numbers = count(1)


class RealClock:
    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> int:
        return time.monotonic_ns() // 1000

    def boottime(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def shell(script: str) -> Command:
    """A command that runs this text with `sh -c`."""
    return Command(("/bin/sh", "-c", script))


def a_run(task: Task) -> Run:
    now = RealClock().now()
    return Run(task.name, next(_numbers), str(uuid4()), 1, now, now, Trigger.SCHEDULE, "it was time")


Output = Callable[[Run, str, str], object]
Make = Callable[[Report, Output], Executor]


def real(report: Report, output: Output) -> Executor:
    return ProcessExecutor(report, output, clock=RealClock())


def units(report: Report, output: Output) -> Executor:
    """Its runs are units of the systemd that has booted this host."""

    def show(run: Run, stream: str, line: str, _: JournalPlace) -> None:
        output(run, stream, line)

    executor = UnitExecutor(report, (output, show), UnitContext(RealClock(), RunFiles(Path("/run")), service=""))
    executor.follow_output(wanted=True)
    return executor


def handed_off(
    report: Report, output: Output, *, jobs: "JobDirectory | Cluster", notes: Path, settle: float = 0.2
) -> EngineExecutor:
    """Its runs are jobs of an engine whose commands are processes."""
    runner = CommandRunner(
        lambda outlet, variables: ProcessExecutor(outlet, lambda *_: None, clock=RealClock(), variables=variables),
        RealClock(),
    )
    clients, kept = (
        HostEngineClients(runner, lambda secret: Path(secret.file).read_text().strip()),
        SubmissionNotes(notes),
    )
    executor = HandedOff(report, output, clients=clients, notes=kept, clock=RealClock(), settle=int(settle * SECOND))
    executor.engine = jobs.engine
    return executor


class HandedOff(EngineExecutor):
    """Hands every run off, whatever its task says."""

    engine: Engine

    def start(self, task: Task, run: Run) -> None:
        super().start(replace(task, engine=self.engine), run)


def has_systemd() -> bool:
    """Whether this host was booted by systemd, and this is root."""
    return os.geteuid() == 0 and Path("/run/systemd/system").is_dir()


class World:
    """Everything synchronous, for the tests' sake: the loop runs while one of these methods waits."""

    def __init__(self, make: Make = real) -> None:
        self.events: list[Spawned | Finished | Withdrawn] = []
        self.lines: list[tuple[str, str]] = []
        """Each with the id of its run."""
        self._streams: list[str] = []
        self.knows_signals = True
        """Whether the end of a run that was stopped has its signal."""
        self.takes = True
        """Whether those who are told lines can take them."""
        self._runner = asyncio.Runner()
        self._news = self.wait(self._event())
        self.executor = self.wait(self._made(make))

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(asyncio.wait_for(work, HANG))

    def start(self, work: Command | Function | Task) -> Run:
        task = work if isinstance(work, Task) else Task("job", work)
        run = a_run(task)
        self.call(self.executor.start, task, run)
        return run

    def end(self, run: Run) -> End:
        """Wait for its end."""
        self.until(lambda: self._ends(run) != [])
        [end] = self._ends(run)
        return end

    def outcome(self, run: Run) -> Finished | Withdrawn:
        """Wait for its end, or for word that it did not begin."""
        self.until(lambda: self._outcomes(run) != [])
        [outcome] = self._outcomes(run)
        return outcome

    def run(self, work: Command | Function | Task) -> End:
        return self.end(self.start(work))

    def printed(self, run: Run, line: str) -> None:
        """Wait until the run has printed this line."""
        self.until(lambda: (run.run_id, line) in self.lines)

    def spawned(self, run: Run) -> None:
        """Wait until the run has begun."""
        self.until(lambda: any(isinstance(event, Spawned) and event.run == run for event in self.events))

    def stop(self, run: Run, cause: Cause = Cause.OPERATOR) -> None:
        self.call(self.executor.stop, run, cause)

    def stopped(self, run: Run, cause: Cause = Cause.OPERATOR) -> End:
        self.stop(run, cause)
        return self.end(run)

    def pid(self, run: Run) -> int:
        [pid] = [event.pid for event in self.events if isinstance(event, Spawned) and event.run == run]
        return pid

    def until(self, holds: Callable[[], bool]) -> None:
        """Let the loop run until that holds; looked at whenever something is told."""
        self.wait(self._until(holds))

    def call(self, act: Callable[..., object], *arguments: object) -> None:
        async def acting() -> None:
            act(*arguments)

        self.wait(acting())

    def printed_lines(self, run: Run) -> list[str]:
        return [line for run_id, line in self.lines if run_id == run.run_id]

    def streams(self, run: Run) -> list[tuple[str, str]]:
        """Its lines, each with where it came from."""
        told = zip(self._streams, self.lines, strict=True)
        return [(stream, line) for stream, (run_id, line) in told if run_id == run.run_id]

    def close(self) -> None:
        self.call(self.executor.kill)
        self.until(lambda: self.executor.active_count == 0)
        self.wait(self.executor.close())
        self._runner.close()

    def leave(self) -> None:
        """Close it as a daemon does whose runs go on without it."""
        self.call(self.executor.leave)
        self.wait(self.executor.close())
        self._runner.close()

    def _outcomes(self, run: Run) -> list[Finished | Withdrawn]:
        return [event for event in self.events if isinstance(event, Finished | Withdrawn) and event.run == run]

    def _ends(self, run: Run) -> list[End]:
        return [event.end for event in self.events if isinstance(event, Finished) and event.run == run]

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._news.clear()
            await self._news.wait()

    async def _event(self) -> asyncio.Event:
        return asyncio.Event()

    async def _made(self, make: Make) -> Executor:
        executor = make(self._report, self._output)
        if isinstance(executor, UnitExecutor):
            await executor.connected()
        return executor

    def _report(self, event: Spawned | Finished | Withdrawn) -> None:
        self.events.append(event)
        if isinstance(event, Finished):  # as if its record were written at once
            asyncio.get_running_loop().call_soon(self.executor.recorded, event.run)
        self._news.set()

    def _output(self, run: Run, stream: str, line: str) -> bool:
        assert stream in {"stdout", "stderr"}
        self._streams.append(stream)
        self.lines.append((run.run_id, line))
        self._news.set()
        return self.takes


@contextmanager
def new_world(make: Make = real) -> Iterator[World]:
    world = World(make)
    try:
        yield world
    finally:
        world.close()


def alive(pid: int) -> bool:
    """Whether a process of that number lives; one that is dead and not reaped does not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - it may vanish meanwhile
            return file.read().rpartition(b") ")[2][:1] not in b"ZX"
    except FileNotFoundError:
        return False


def lives_with(run: Run) -> list[int]:
    """The living processes that carry the id of this run in their environment."""
    mark = f"ROCKETD_RUN_ID={run.run_id}".encode()
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal() and _has(int(path.name), mark)]


def _has(pid: int, mark: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - as above
            return mark in file.read().split(b"\0") and alive(pid)
    except OSError:
        return False
