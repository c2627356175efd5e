"""What the loop needs from the world, as protocols: adapters just fit.

mypy checks the fit where the concrete classes are named (`bootstrap/service.py`); the contract suites check the
behaviour.
Everything here is called on the loop's own thread and must return at once, unless it says otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias

from rocketd.core.instant import Duration, Instant
from rocketd.core.messages.message import Message, Priority
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.events import Event, Finished, Missed, Observed, Started, Withdrawn
from rocketd.core.model.records import Change, OpenRun, RunFilter, RunView, TaskState
from rocketd.core.model.run import Action, Cause, Run, RunKey
from rocketd.core.model.task import Task


class Journal(Protocol):
    """Where messages go. Never blocks, never raises; messages that are lost are counted, and the count is written."""

    def write(self, message: Message) -> bool:
        """Write a message; False: it is lost, as too many wait already."""
        ...

    def is_enabled(self, priority: Priority) -> bool:
        """Whether messages of that priority are shown to anybody: else they need not be made at all."""
        ...


class Executor(Protocol):
    """Carries out decisions, and reports what follows to the `report` it was made with, on the loop's thread."""

    def start(self, task: Task, run: Run) -> None:
        """Start the run; `Spawned` and later `Finished` are reported.

        A run that cannot be started is reported as `Finished` with action fail, cause exit, no exit code, and a
        message with the reason; one that cannot be started now, because the host or its user's limits lack a resource,
        as `Withdrawn`: nothing of it has run. Never raises because of a task or its definition.
        """
        ...

    def batch(self) -> AbstractContextManager[None]:
        """Start the runs that are started inside at the same time, as far as that helps.

        What `start` would report before it returns is reported by the end of the block, in the same order.
        """
        ...

    def stop(self, run: Run, cause: Cause) -> None:
        """Terminate the run's whole process tree: TERM, its task's `kill_grace`, KILL.

        Returns at once; `Finished` follows, with action terminate (crash if the cause is shutdown) and this cause.
        A second stop, or one of a run that has ended, changes nothing.
        """
        ...

    def kill(self) -> None:
        """Kill every process tree at once: after a second TERM, or at the end of `shutdown_grace`."""
        ...

    @property
    def active_count(self) -> int:
        """How many runs have been started here, and not been reported as finished or withdrawn."""
        ...

    def recorded(self, run: Run) -> None:
        """Forget a run that was reported as finished: its end is recorded, so what was kept of it may go."""
        ...

    def leave(self) -> frozenset[RunKey]:
        """Return the active runs that go on without this daemon; nothing more of them is reported here.

        What has not begun is reported as withdrawn. The others end with the daemon.
        """
        ...

    async def adopt(
        self, runs: Sequence[OpenRun], tasks: Mapping[str, Task]
    ) -> Mapping[RunKey, Finished | Withdrawn | None]:
        """Take over, of the runs that were open when the daemon went down, those that this executor knows.

        A run that has ended meanwhile is returned with its end; of the others it will be reported. `tasks` are the
        loaded ones, by name.
        """
        ...

    async def clean_up(self, runs: Sequence[OpenRun]) -> None:
        """Stop the process trees that these runs left behind on this host, in this boot; return when they are gone.

        A process belongs to a run if its pid and start time are recorded, or if its environment has the run's
        ROCKETD_RUN_ID.
        """
        ...

    async def close(self) -> None:
        """Release everything; every run has been reported by now."""
        ...


class Store(Protocol):
    """Keeps records and the state of each task. Blocks: only the writing thread and the start of the daemon call it."""

    def write(self, changes: Sequence[Change]) -> None:
        """Write all of them or none, in one transaction, in this order; durable as configured when it returns.

        A `Started` whose (task, number) is recorded already raises `DuplicateRun`; one whose number is below the
        next number of its task does not. A `Missed` with a `run_id` that is recorded replaces it.
        What was written may be written again, as after a lost acknowledgement, and changes nothing; but a start.
        Raises `StoreError`, with `temporary` set where trying again can help; then nothing of it was written.
        """
        ...

    def states(self) -> Mapping[str, TaskState]:
        """Return the state of every task ever seen."""
        ...

    def recovery_events(self, reach: Mapping[tuple[str, Action], Duration], now: Instant) -> Sequence[Event]:
        """Return the events that still matter, of all tasks, in log order.

        Of each task the newest of each action, scheduled runs and runs by hand apart, and the newest `crash` that is
        not the daemon's own stop; how each run ended whose start is given; the newest scheduled `crash` records (up
        to 100 since the last scheduled end of another kind); every open run's start; and of each (task, action) in
        `reach` all that are younger than its reach. A store may give more.
        Each event is whole: an end carries the run it ends, but no output and no traceback.
        """
        ...

    def open_runs(self) -> Sequence[OpenRun]:
        """Return the runs without an end."""
        ...

    def last_alive(self) -> Instant | None:
        """Return the last sign of life: the newest `Alive`, or a record's instant if that is later."""
        ...

    def clock_readings(self) -> Mapping[str, ClockReading]:
        """Return the clock readings at the last `Alive` (`alive`), and of the latest `trusted` time.

        With the first `Alive` ever, the time of the sign of life before it is trusted, if there was one.
        """
        ...

    def save_trusted_reading(self, reading: ClockReading) -> None:
        """Save the latest time that is trusted. Raises `StoreError`."""
        ...

    @property
    def deleted(self) -> int:
        """How many records `prune` has deleted since this was opened."""
        ...

    def runs(self, run_filter: RunFilter) -> Sequence[RunView]:
        """Return runs, newest start first; an interval of misses is one with the number 0, due at the first of them."""
        ...

    def prune(self, before: Instant, protected: Mapping[tuple[str, Action], Duration], now: Instant, limit: int) -> int:
        """Delete up to `limit` records (but at least one run) that are older than `before`; return how many.

        1 may also mean that it has looked at many and is not done; 0, that nothing is left to delete.
        Never deletes what `recovery_events(protected, now)` would give, an open run, or half a run.
        """
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Claims(Protocol):
    """What a start, or an interval of misses, must be claimed from before it is recorded: the fleet of the host."""

    def claim(self, changes: Sequence[Started | Missed], then: Callable[[Sequence[Started | Missed]], None]) -> None:
        """Call `then` with those that may be recorded, now or later, in parts; the others are refused or dropped.

        A refused start is withdrawn. A task that is not one of the fleet's is never refused.
        """
        ...

    def may_begin(self, task: Task, run: Run) -> bool:
        """Whether a run that has been recorded may begin, now: asked right before it does."""
        ...


class Spool(Protocol):
    """Keeps changes that the store cannot take at the moment. Blocks; methods raise StoreError."""

    @property
    def pending(self) -> int:
        """How many calls of `append` are in it that the store does not have yet."""
        ...

    @property
    def warning(self) -> str:
        """Where the newest changes wait, and what that means; empty: they are as safe as usual."""
        ...

    def append(self, changes: Sequence[Change]) -> None:
        """Append changes; durable when this returns."""
        ...

    def reserve_space(self) -> None:
        """Reserve disk space, so that changes can be appended when the disk is full; never raises."""
        ...

    def drain(self, write: Callable[[Sequence[Sequence[Change]]], None]) -> None:
        """Pass what each `append` was given to `write`, oldest first, several at a time, and forget what it took.

        An exception of `write` ends the drain. After a crash some changes may be passed again.
        """
        ...


ReportObserved: TypeAlias = Callable[[Observed], None]
"""Receives from a prober what it observes; called on the loop's thread."""


class ServiceManager(Protocol):
    """Notifies the service manager (sd_notify(3)). Never blocks, never raises."""

    def ready(self) -> None: ...
    def reloading(self) -> None: ...
    def stopping(self) -> None: ...
    def status(self, text: str) -> None:
        """One line; sent at most once a second, the newest wins."""
        ...

    def heartbeat(self) -> None: ...
    def extend_timeout(self, by: Duration) -> None: ...

    @property
    def watchdog(self) -> Duration | None:
        """How long it waits for a heartbeat (WATCHDOG_USEC, if WATCHDOG_PID is ours); None: it does not."""
        ...
