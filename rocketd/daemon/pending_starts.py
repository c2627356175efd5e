"""From the decision to start a run to its process, or to its being taken back.

decided ──▶ its record is being written ──▶ handed to the executor ──▶ Spawned
                      │                               │
                      └────────── Withdrawn ◀─────────┘ what it takes could not be had

Until it has a process, nothing of it has happened: its task then stands where it stood before. That is learned at once,
and recorded behind the start: who dies in between finds a run without an end, and cannot know that it never began.
"""

import asyncio
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from rocketd.core.clock import Clock
from rocketd.core.messages import run_messages
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.records import Change
from rocketd.core.model.run import Action, Cause, End, Run, RunKey
from rocketd.core.model.run_on import RunOn
from rocketd.core.model.task import Task
from rocketd.core.scheduler.ownership import NOT_OWNED
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.error_policy import ErrorPolicy
from rocketd.daemon.ports import Claims, Executor, Journal

_FIRST_STARTS: Final = 16
"""The most starts of a pass: so the first of many begin before the others are decided."""
_MORE_STARTS: Final = 256
"""The most starts of the passes that follow at once: each costs a transaction."""
_WITHDRAWAL_REASONS: Final = {
    Cause.STOP_WHEN: "its stop_when condition is true",
    Cause.REPLACE: "it was due again before it started",
    Cause.SHUTDOWN: "rocketd is shutting down",
}
"""Why a run is taken back that was decided and has not begun; what an operator stops is over, as he says."""


def max_starts(*, goes_on: bool) -> int:
    """Return how many runs a pass may start; `goes_on`: the pass before it ended at its limit."""
    return _MORE_STARTS if goes_on else _FIRST_STARTS


class NoClaims:
    """For a host alone: everything may be recorded, and begin."""

    def claim(self, changes: Sequence[Started | Missed], then: Callable[[Sequence[Started | Missed]], None]) -> None:
        """Go on at once."""
        then(changes)

    def may_begin(self, task: Task, run: Run) -> bool:  # noqa: ARG002 - which one does not matter
        """Whether it may; without a fleet nobody has claimed a run of a task of a fleet."""
        return task.run_on is not RunOn.ONE


class StartContext(Protocol):
    """The loop as seen by the runs that it starts."""

    scheduler: Scheduler
    clock: Clock
    journal: Journal
    error_policy: ErrorPolicy

    @property
    def executor(self) -> Executor: ...

    def publish(self, event: Event) -> None:
        """Publish an event."""
        ...

    def record(self, changes: Sequence[Change], on_done: Callable[[], None] = ...) -> None:
        """Write changes, and then call `on_done`."""
        ...

    def handle_event(self, event: Spawned | Finished | Withdrawn) -> None:
        """Handle an event as if the executor had reported it."""
        ...

    def wake(self) -> None:
        """Schedule a pass."""
        ...


class PendingStarts:
    """The runs that were decided and have no process yet. Everything is on the loop's thread."""

    def __init__(self, loop: StartContext) -> None:
        self._loop = loop
        self.claims: Claims = NoClaims()
        """What starts are claimed from before they are recorded."""
        self._waiting: dict[RunKey, tuple[Task, Run]] = {}
        self._stopped: set[RunKey] = set()
        self._awaited: dict[RunKey, asyncio.Future[str]] = {}
        """For each run whose record somebody waits for, what becomes the reason why it was withdrawn, or empty."""
        self._shortage = ""
        """What the host was short of at one of the starts that are being made together."""

    def __len__(self) -> int:
        return len(self._waiting)

    def has_run_of(self, task: str) -> bool:
        """Whether a run of that task waits for its record."""
        return any(name == task for name, _ in self._waiting)

    def add(self, task: Task, run: Run) -> None:
        """Its record is about to be written."""
        self._waiting[run.key] = task, run

    async def until_recorded(self, run: Run) -> str:
        """Wait until its record is safe; return why it was withdrawn instead, or an empty text."""
        if run.key not in self._waiting:
            return ""
        outcome = self._awaited.setdefault(run.key, asyncio.get_running_loop().create_future())
        return await asyncio.shield(outcome)

    def claim(self, changes: Sequence[Started | Missed]) -> None:
        """Claim starts and misses where that is necessary; record those that may be, and carry the starts out."""
        self.claims.claim(changes, self._record)

    def _record(self, changes: Sequence[Started | Missed]) -> None:
        """Record these, but not the starts that were withdrawn as they were claimed."""
        wanted = [one for one in changes if isinstance(one, Missed) or one.run.key in self._waiting]
        self._loop.record(wanted, partial(self.start_recorded, wanted))

    def refuse(self, run: Run, reason: str) -> None:
        """Withdraw a run that this host must not begin, whoever has stopped it meanwhile."""
        self._stopped.discard(run.key)
        if run.key in self._waiting:
            self._withdraw(run, reason, Cause.STORE)

    def stop(self, run: Run, cause: Cause) -> bool:
        """Withdraw a run that still waits for its record; return whether it did."""
        if run.key not in self._waiting:
            return False
        if cause in _WITHDRAWAL_REASONS:
            self._withdraw(run, _WITHDRAWAL_REASONS[cause], cause)
        else:
            self._stopped.add(run.key)
        return True

    def withdraw_all(self, reason: str) -> None:
        """No record can be written: what waits for one has not happened."""
        for run in [run for key, (_, run) in self._waiting.items() if key not in self._stopped]:
            self._withdraw(run, reason, Cause.STORE)

    def start_recorded(self, changes: Sequence[Started | Missed]) -> None:
        """Carry them out, for their records are safe; then tell of all that was recorded with them."""
        self._shortage = ""
        with self._loop.executor.batch():
            for change in changes:
                if isinstance(change, Started) and change.run.key in self._waiting:
                    self._carry_out(*self._take(change.run))
        for change in changes:  # when all have begun: telling takes its time, and they are due
            if isinstance(change, Missed) or (isinstance(change, Started) and self._is_active(change.run)):
                self._loop.publish(change)

    def handle_withdrawn(self, event: Withdrawn) -> None:
        """A run has not begun."""
        loop, entry = self._loop, self._loop.scheduler.tasks.get(event.run.task)
        if entry is not None and entry.gives_up(event):
            message = f"cannot start: {event.reason}; given up after {entry.failed_starts + 1} attempts"
            loop.handle_event(Finished(event.run, End(Action.FAIL, Cause.EXIT, event.at, message=message)))
            return
        if event.shared:
            self._shortage = event.reason
        loop.scheduler.learn(event)
        if event.cause is Cause.SHORTAGE and not event.shared and entry is not None and entry.reports_failed_start:
            loop.journal.write(run_messages.lacks(event, entry.failed_starts))
        loop.publish(event)
        loop.record([event])
        loop.wake()

    def _withdraw(self, run: Run, reason: str, cause: Cause) -> None:
        self._take(run, reason)
        self.handle_withdrawn(Withdrawn(run, self._loop.clock.now(), reason, cause))

    def _take(self, run: Run, withdrawn_because: str = "") -> tuple[Task, Run]:
        if outcome := self._awaited.pop(run.key, None):
            outcome.set_result(withdrawn_because)
        return self._waiting.pop(run.key)

    def _is_active(self, run: Run) -> bool:
        return run.number in self._loop.scheduler.history.of(run.task).running

    def _carry_out(self, task: Task, run: Run) -> None:
        now = self._loop.clock.now()
        if run.key in self._stopped:
            self._stopped.discard(run.key)
            end = End(Action.TERMINATE, Cause.OPERATOR, now, message="stopped before it began")
            self._loop.handle_event(Finished(run, end))
        elif not self.claims.may_begin(task, run):
            self.handle_withdrawn(Withdrawn(run, now, NOT_OWNED, Cause.STORE))
        elif self._shortage:
            self.handle_withdrawn(Withdrawn(run, now, self._shortage, shared=True))
        else:
            self._start(task, run)

    def _start(self, task: Task, run: Run) -> None:
        try:
            self._loop.executor.start(task, run)
        except Exception as error:  # noqa: BLE001 - one task that cannot be set up must not stop the others
            trace = "".join(traceback.format_exception(error))
            message = f"could not be set up: {error}"
            end = End(Action.FAIL, Cause.EXIT, self._loop.clock.now(), message=message, exc_text=trace)
            self._loop.handle_event(Finished(run, end))
            self._loop.error_policy.in_setup(run, error)
