"""Which tasks of its fleet this host owns, and until when it may begin runs of them.

Times are microseconds of the boot-time clock (CLOCK_BOOTTIME), which goes on in a suspend and which nobody sets, and
arguments. What the database says decides who owns a task; the lease decides how long a host may believe that it does
without asking. It counts from before the sign of life was sent, and ends a tenth before it ends in the database.

    renewed at 0, lease 10 s, lost_after 5 min      0 s to 9 s      begins runs that it has claimed
                                                    from 9 s on     owns nothing, begins nothing
                                                    10 s            another host may take its tasks over
                                                    from 4 min on   stops the runs that it still has
                                                    5 min           these runs count as crashed

Each time that it owns nothing any longer begins a new *epoch*: what was asked for in an earlier one no longer counts.
"""

from collections.abc import Collection
from typing import Final

from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import FOREVER, SECOND, Duration
from rocketd.core.model.run_on import RunOn
from rocketd.core.model.task import Task

MARGIN: Final = 10
"""A host believes in its lease for a tenth less than the others do: clocks differ in speed."""
MAX_CLOCK_OFFSET: Final[Duration] = 2 * SECOND
"""How far the clock of a host may be from that of the database for it to own tasks: it decides by its own."""
UNPAUSABLE: Final = "write enabled = false in its files"
NOT_JOINED: Final = "this host has not joined its fleet"
JOINING: Final = "this host has not joined its fleet yet"
LEASE_OVER: Final = "the lease of this host has run out: the database of the fleet has not answered in time"
NOT_OWNED: Final = "this host does not own the task any longer, or its lease has run out"
DRAINED: Final = "it is drained (rocketctl fleet undrain ends that)"
LEAVING: Final = "rocketd is shutting down"


@dataclass(slots=True)
class Ownership:
    """What one host owns."""

    lease: Duration
    lost_after: Duration
    epoch: int = 1
    terms: dict[str, int] = field(default_factory=dict)
    """The tasks that it owns, and the term of each: a number that rises whenever a task gets an owner."""
    _renewed_at: Duration | None = None
    _heard_at: Duration | None = None
    """When the newest sign of life was sent that the database has, whatever came of it since."""

    def renew(self, sent_at: Duration) -> None:
        """Note that the database has the sign of life that was sent then."""
        self._renewed_at = self._heard_at = sent_at

    def holds(self, now: Duration) -> bool:
        """Whether it may begin what it has claimed."""
        return now < self.ends_at

    @property
    def ends_at(self) -> Duration:
        """When it must not begin anything any longer; in the past before it has joined."""
        return 0 if self._renewed_at is None else self._renewed_at + self.lease - self.lease // MARGIN

    @property
    def stops_runs_at(self) -> Duration:
        """When it must stop the runs that it has, unless it is heard of before; FOREVER: it has never been heard of."""
        return FOREVER if self._heard_at is None else self._heard_at + self.lost_after * 4 // 5

    def own(self, task: str, term: int) -> None:
        """Own a task from now on."""
        self.terms[task] = term

    def may_begin(self, task: str, term: int, now: Duration) -> bool:
        """Whether a run of that task may begin that was claimed in that term."""
        return self.holds(now) and self.terms.get(task) == term

    def release(self, tasks: Collection[str]) -> None:
        """Own these no longer, for another host is to have them, or none."""
        for task in tasks:
            self.terms.pop(task, None)

    def lose(self) -> list[str]:
        """Own nothing any longer, and return what it owned: the next epoch begins."""
        lost = [*self.terms]
        self.terms.clear()
        self.epoch += 1
        self._renewed_at = None
        return lost


def standby_at_first(task: Task) -> str:
    """Return why a task that one host runs stands by when it is loaded; empty for another task."""
    return NOT_JOINED if task.run_on is RunOn.ONE else ""


def stop_too_long(kill_grace: Duration, lost_after: Duration) -> bool:
    """Whether stopping a run may take longer than there is between its stop and the time when it counts as crashed."""
    return kill_grace > lost_after // 5 - SECOND
