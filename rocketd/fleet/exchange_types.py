"""What a host and its member's thread tell each other about the tasks that one host of a fleet runs."""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.events import Missed, Started, task_of
from rocketd.core.scheduler.standby import OwnedTask
from rocketd.fleet.shared_history import SharedEvent


def boottime() -> Duration:
    """Read the clock that goes on in a suspend, and that nobody sets."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class Definition(NamedTuple):
    """A task with `run_on = "one"` as this host has it."""

    name: str
    digest: str
    fingerprint: str
    armed_at: Instant
    next_number: int
    mutex: str = ""


class Claim(NamedTuple):
    """A start, or an interval of misses, that this host wants to record as the owner of the task."""

    change: Started | Missed
    term: int
    asked_at: Duration
    """When it was asked for, by the boot-time clock."""

    @property
    def task(self) -> str:
        """The name of its task."""
        return task_of(self.change)

    @property
    def run_id(self) -> str:
        """Its id, by which it is found again."""
        return self.change.run.run_id if isinstance(self.change, Started) else self.change.run_id


class Owner(NamedTuple):
    """Who owns a task, as the database has it."""

    host: str
    """Empty: none."""
    alive: bool
    differs: bool
    """Whether the task is another one here than for its owner."""
    mutex_holder: str = ""
    """The live host that owns the tasks of its mutex; empty: none, or it has no mutex."""


class TakenTask(NamedTuple):
    """A task that this host owns now."""

    task: OwnedTask
    term: int
    undecided_since: Instant


@dataclass(frozen=True, slots=True)
class OwnershipResult:
    """What came of a look."""

    events: Sequence[SharedEvent]
    owners: Mapping[str, Owner]
    taken: Sequence[TakenTask]
    obstacle: str
    """Why this host owns nothing; empty: it may."""


class OwnershipObserver(Protocol):
    """Hears of what became of it; on the member's thread."""

    def rebuilt(self, epoch: int, tasks: Sequence[OwnedTask], events: Sequence[SharedEvent]) -> None: ...
    def looked(self, epoch: int, look: OwnershipResult) -> None: ...
    def claimed(self, epoch: int, granted: Collection[str], refused: Collection[str]) -> None: ...
    def unrecordable(self, epoch: int, reasons: Mapping[str, str]) -> None: ...


@dataclass(slots=True)
class ExchangeRequest:
    """What the loop wants done; kept under the member's lock."""

    epoch: int = 0
    definitions: Sequence[Definition] = ()
    described: bool = False
    """Whether the database is to be told what they are by now."""
    reach: Duration = 0
    """How far back conditions look."""
    claims: list[Claim] = field(default_factory=list)
    released: dict[str, Duration] = field(default_factory=dict)
    """Tasks that this host does not decide about any longer, and since when by the boot-time clock."""
    settled: set[str] = field(default_factory=set)
    """Tasks of which all has been recorded that was missed before this host took them over."""
    watched: Collection[str] = ()
    """Runs of other hosts, of tasks that this host owns: it says when they count as lost."""
    obstacle: str = ""
    """Why this host must not own anything; empty: it may."""
    avoided: Collection[str] = ()
    """Tasks that this host is not to take over: the database has just not taken a record of them."""
