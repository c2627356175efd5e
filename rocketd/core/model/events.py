"""Decisions go down, events come up; there is nothing else.

    decision   what should be done      Start  Stop
    event      what was done            Started  Spawned  Finished  Withdrawn  Missed
               what was observed        Observed

A start is learned the moment it is decided (the scheduler says `Started` to itself), so that of two tasks that
exclude each other only one starts in a pass.
"""

from collections.abc import Callable
from typing import TypeAlias

from rocketd.core.dataclass import dataclass
from rocketd.core.errors import RocketdError
from rocketd.core.instant import Instant
from rocketd.core.model.run import Cause, End, Run


@dataclass(frozen=True, slots=True)
class Start:
    """Record this run, then start it."""

    run: Run


@dataclass(frozen=True, slots=True)
class Stop:
    """End this run's whole process tree: TERM, the task's grace, KILL."""

    run: Run
    cause: Cause


@dataclass(frozen=True, slots=True)
class Started:
    """The run is active: it has been decided, and is recorded before anything is carried out."""

    run: Run


@dataclass(frozen=True, slots=True)
class Spawned:
    """The run has begun: it has a process now; with pid 0, it is a call that our own program makes."""

    run: Run
    pid: int
    pid_start: int
    """Field 22 of /proc/PID/stat, in clock ticks since boot: with the boot id, what makes a pid unique."""
    at: Instant
    """When. What limits the time of a run counts from here."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The run has ended."""

    run: Run
    end: End


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The run never began: its number is used, its due is not. The history is what it was before its `Started`."""

    run: Run
    at: Instant
    reason: str
    """A sentence for people: what was missing, or who cancelled it."""
    cause: Cause = Cause.SHORTAGE
    shared: bool = False
    """Whether the host itself lacks something, so that other starts would fail as well. Not recorded."""
    own_limit: bool = False
    """Whether one of the task's own `limits` does not allow it, so that waiting may not help. Not recorded."""


@dataclass(frozen=True, slots=True)
class Missed:
    """The task was due, and nothing will run for it: one event for a whole interval of misses.

    As the interval continues it is reported again with the same `first`, a later `last` and a higher `count`.
    """

    task: str
    run_id: str
    at: Instant
    first: Instant
    last: Instant
    count: int
    reason: str
    first_at: Instant | None = None
    """When it was reported first; None: by this event."""

    @property
    def first_reported(self) -> Instant:
        """When it was reported first."""
        return self.at if self.first_at is None else self.first_at

    def continues(self, other: "Missed") -> bool:
        """Whether it reports the same interval as an earlier event of its task."""
        return (self.run_id, self.first) == (other.run_id, other.first)


@dataclass(frozen=True, slots=True)
class Observed:
    """A probe was observed. Not part of the run log: after a restart every probe is observed anew."""

    probe: str
    """Its normal form."""
    value: bool | None
    """Whether it holds; None: it could not be observed."""
    at: Instant
    good_until: Instant
    """When it is overdue, and nothing is known again; FOREVER: its observer would have reported a change."""
    problem: str = ""
    """Why it could not be observed."""


Event: TypeAlias = Started | Spawned | Finished | Withdrawn | Missed
"""What the run log keeps."""
Report: TypeAlias = Callable[[Spawned | Finished | Withdrawn], None]
"""Receives from an executor what was done; called on the loop's thread."""


def task_of(event: Event) -> str:
    """Return the name of the task that an event is about."""
    return event.task if isinstance(event, Missed) else event.run.task


class NoSuchTask(RocketdError):
    """No task of that name is loaded."""


class NoSuchRun(RocketdError):
    """No such run is active."""


class Refusal(RocketdError):
    """What the operator asked for cannot be done now."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Judging the task's condition raised: a defect, not an answer. The task stays unknown until its next event."""

    task: str
    error: Exception


Decision: TypeAlias = Start | Stop | Missed | Broken
