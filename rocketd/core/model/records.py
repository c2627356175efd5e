"""What the store keeps: the run log, as events, and what belongs to the tasks beside it.

The file is the truth about what a task is; the store is the truth about what happened and what an operator ordered.
Neither is written into the other.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.events import Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.run import Action, End, Run, Trigger


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run without an end in the store, and the process that ran it."""

    run: Run
    host: str
    boot_id: str
    pid: int
    """0: no process was recorded."""
    pid_start: int


@dataclass(frozen=True, slots=True)
class TaskState:
    """What belongs to a task and not to the run log."""

    name: str
    fingerprint: str
    """Of the condition it was armed with (`Task.fingerprint`)."""
    armed_at: Instant
    next_number: int
    removed_at: Instant | None = None
    """Since when its file no longer has it; None: it is there."""
    paused: bool = False
    paused_until: Instant | None = None
    paused_by: str = ""
    paused_reason: str = ""
    member_since: str = ""
    """Since when it is there, and has each of its tags (membership.py); empty: not known."""


@dataclass(frozen=True, slots=True)
class Alive:
    """A sign of life: where a later daemon says `down from`."""

    at: Instant
    boottime: Duration | None = None
    """The reading of the boot-time clock, which nobody sets; None: not read."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """All that is kept of a task is that of another name from now on, which has nothing yet."""

    old: str
    new: str


Change: TypeAlias = Started | Spawned | Finished | Withdrawn | Missed | TaskState | Alive | Renamed
"""What is written to the store."""


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as its records show it: for `history` and `show`."""

    run: Run
    action: Action
    """The newest: `run` while it is active."""
    end: End | None
    pid: int
    host: str = ""
    boot_id: str = ""
    """With `pid` and `pid_start`, which process of which boot of which host it was; empty: not recorded."""
    pid_start: int = 0
    first_at: Instant | None = None
    """Of an interval of misses, when it was reported first; None: that is the start of the run, or is not known."""


class RunPlace(NamedTuple):
    """Where a run is among all runs: the newest start comes first."""

    start: Instant
    task: str
    number: int
    """0: an interval of misses."""
    run_id: str

    @classmethod
    def of(cls, run: Run) -> "RunPlace":
        """Return the place of a run."""
        return cls(run.start, run.task, run.number, run.run_id)


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to read, newest first."""

    task: str = ""
    tasks: tuple[str, ...] | None = None
    """Only those of these tasks; None: of all."""
    run_id: str = ""
    """A run id, or how it begins."""
    number: int | None = None
    since: Instant | None = None
    """Started at or after."""
    until: Instant | None = None
    """Started before."""
    after: RunPlace | None = None
    """Only those that come after this one."""
    actions: tuple[Action, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    limit: int = 100


@dataclass(frozen=True, slots=True)
class RunPage:
    """A part of the run log: some runs, the first recorded first."""

    runs: Sequence[RunView]
    next: int | None
    """After which place in the log the next part begins; None: there is no more."""
