"""What the loop needs from the world, as protocols: adapters just fit.

mypy checks the fit where the concrete classes are named (`bootstrap/service.py`); the contract suites check the
behaviour.
Everything here is called on the loop's own thread and must return at once, unless it says otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias

from rocketd.core.conditions.probe import Probe
from rocketd.core.instant import Duration, Instant
from rocketd.core.messages.message import Message, Priority
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.events import Event, Finished, Observed, Spawned, Withdrawn
from rocketd.core.model.records import Change, OpenRun, RunFilter, RunView, TaskState
from rocketd.core.model.run import Action, Cause, Run, RunKey
from rocketd.core.model.task import Task


class Clock(Protocol):
    """Wall time and elapsed time."""

    def now(self) -> Instant:
        """The wall clock (CLOCK_REALTIME)."""
        ...

    def monotonic(self) -> Duration:
        """Time since some fixed point, without suspends and clock steps (CLOCK_MONOTONIC)."""
        ...

    def boottime(self) -> Duration:
        """As `monotonic`, suspends included (CLOCK_BOOTTIME)."""
        ...


class Journal(Protocol):
    """Where events are told. Never blocks and never raises: what cannot be told is counted, and that is told."""

    def tell(self, entry: Message) -> bool:
        """Tell one entry; False: nobody will see it, as too much waits to be told already."""
        ...

    def wants(self, priority: Priority) -> bool:
        """Whether anybody would see an entry of that priority: else it need not be written at all."""
        ...


class Executor(Protocol):
    """Carries decisions out. All it learns it reports, on the loop's thread, through the `report` it was made with."""

    def start(self, task: Task, run: Run) -> None:
        """Start the run; `Spawned` and later `Finished` are reported.

        A run that cannot be started is reported as `Finished` with action fail, cause exit, no exit code, and a
        message that says why; one that cannot be started now, for want of what the host or its user's limits must
        give, as `Withdrawn`: nothing of it has run. Never raises for what a task or its definition did.
        """
        ...

    def together(self) -> AbstractContextManager[None]:
        """Have the runs that are started inside start at the same time, as far as that is any use.

        What `start` would report before it returns is reported by the end of it, in the same order.
        """
        ...

    def stop(self, run: Run, cause: Cause) -> None:
        """End the run's whole process tree: TERM, its task's `kill_grace`, KILL.

        Returns at once; `Finished` follows, with action terminate (crash if the cause is shutdown) and this cause.
        A second stop, or one of a run that has ended, changes nothing.
        """
        ...

    def kill(self) -> None:
        """End every process tree at once with KILL: the second TERM, the end of `shutdown_grace`."""
        ...

    @property
    def going(self) -> int:
        """How many runs have begun here and not been reported as finished or withdrawn."""
        ...

    def adopt(self, runs: Sequence[OpenRun]) -> Sequence[RunKey]:
        """Of the runs that were open when the daemon went down: those that this executor still carries on."""
        ...

    async def clear(self, runs: Sequence[OpenRun]) -> None:
        """Stop the process trees that these runs left behind on this host and boot; returns when they are gone.

        A process counts as theirs if its pid and start time are recorded, or if its environment carries their
        ROCKETD_RUN_ID.
        """
        ...

    async def close(self) -> None:
        """Let go of everything; every run has been reported by now."""
        ...


class Store(Protocol):
    """Keeps records and what belongs to the tasks. Blocks: only the recorder's thread and start-up call it."""

    def write(self, changes: Sequence[Change]) -> None:
        """Write all of them or none, in one transaction, in this order; durable as configured when it returns.

        A `Started` whose (task, number) is recorded already raises `DuplicateRun`; one whose number is below the
        next number of its task does not. A `Missed` with a `run_id` that is recorded replaces it.
        What was written may be written again, as after a lost acknowledgement, and changes nothing; but a start.
        Raises `StoreError`, with `temporary` set where trying again can help; then nothing of it was written.
        """
        ...

    def states(self) -> Mapping[str, TaskState]:
        """What is kept beside the records, of every task ever seen."""
        ...

    def past(self, reach: Mapping[tuple[str, Action], Duration], now: Instant) -> Sequence[Event]:
        """The events that still matter, of all tasks, in log order.

        Of each task the newest of each action, scheduled runs and runs by hand apart, and the newest `crash` that is
        not the daemon's own stop; how each run ended whose start is given; the newest scheduled `crash` records (up
        to 100 since the last scheduled end of another kind); every open run's start; and of each (task, action) in
        `reach` all that are younger than its reach. A store may give more.
        Each event is whole: an end carries the run it ends, but no output and no traceback.
        """
        ...

    def open_runs(self) -> Sequence[OpenRun]:
        """The runs without an end."""
        ...

    def last_alive(self) -> Instant | None:
        """The newest sign of life: the newest `Alive`, or a record's instant if that is later."""
        ...

    def readings(self) -> Mapping[str, ClockReading]:
        """What the clocks showed at the last `Alive` (`alive`), and up to when time is `trusted` to have come.

        With the first `Alive` ever, time is trusted to have come up to the sign of life before it, if there was one.
        """
        ...

    def trust(self, reading: ClockReading) -> None:
        """Note up to when time is trusted to have come. Raises `StoreError`."""
        ...

    @property
    def deleted(self) -> int:
        """How many records `prune` has deleted since this was opened."""
        ...

    def runs(self, wanted: RunFilter) -> Sequence[RunView]:
        """Runs, newest start first; a stretch of missed times is one with the number 0, due at the first of them."""
        ...

    def prune(self, before: Instant, spare: Mapping[tuple[str, Action], Duration], now: Instant, limit: int) -> int:
        """Delete up to `limit` records (but at least one run) older than that, and say how many.

        1 also says that it has looked at many and may not be done; 0 that nothing is left to delete.

        Never takes what `past(spare, now)` would give, an open run, or half a run.
        """
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Spool(Protocol):
    """Keeps what the store cannot take at the moment. Blocks; methods raise StoreError."""

    @property
    def waiting(self) -> int:
        """How many calls of `put` are in it that the store has not had."""
        ...

    @property
    def place(self) -> str:
        """Where the newest wait, if that is not as safe as usual, and what that means."""
        ...

    def put(self, changes: Sequence[Change]) -> None:
        """Append them; durable when it returns."""
        ...

    def keep_room(self) -> None:
        """See to it that more can be put there when the disk is full; never raises."""
        ...

    def drain(self, write: Callable[[Sequence[Sequence[Change]]], None]) -> None:
        """Give what each `put` was given to `write`, oldest first and several at a time, and forget what it took.

        What `write` raises ends that. After a crash some may be given again.
        """
        ...


Report: TypeAlias = Callable[[Spawned | Finished | Withdrawn], None]
"""By which an executor tells what was done; called on the loop's thread."""

Tell: TypeAlias = Callable[[Message], object]

ReportObserved: TypeAlias = Callable[[Observed], None]
"""By which a prober tells what it sees; called on the loop's thread."""


class Prober(Protocol):
    """Looks at what conditions ask about, and reports it, on the loop's thread, through the `report` it was made with.

    Each wanted probe is reported once soon after it is wanted; then one with an interval after each interval, whether
    or not its value is another, and one without only when it changes. What cannot be told, because looking fails,
    raises or takes too long, is reported with the value None and a problem. `core.probe.observed` makes the event.
    """

    def want(self, probes: frozenset[Probe]) -> None:
        """From now on look at these and no others; called at the end of a pass that changed what is wanted."""
        ...

    async def close(self) -> None:
        """Look at nothing any longer, and report nothing."""
        ...


class ServiceManager(Protocol):
    """What the service manager is told (sd_notify(3)). Never blocks, never raises."""

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
