"""The hosts of a fleet as they are shown: who is there, since when another is silent, whose tasks differ.

Pure: what the database says goes in, what people see comes out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import Duration, Instant


class HostState(StrEnum):
    """Whether a host is heard of."""

    ALIVE = "alive"
    SILENT = "silent"
    """Its lease has run out."""
    LOST = "lost"
    """For longer than its `lost_after`."""
    STOPPED = "stopped"
    """It has said so."""


@dataclass(frozen=True, slots=True)
class FleetHost:
    """A host as the database knows it. Instants and the time left are by the clock of the database."""

    name: str
    state_id: str
    version: str
    tags: tuple[str, ...]
    joined_at: Instant
    seen_at: Instant
    stopped: bool
    lease_left: Duration
    """Negative: it ran out so long ago."""
    silent_for: Duration
    lost_after: Duration
    clock_offset: Duration | None
    """How far its clock is ahead of that of the database; None: not measured yet."""
    tasks: int
    running: int
    waiting: int
    """Records that it had not sent at its last sign of life."""
    owned: int = 0
    """Tasks with `run_on = "one"` that it owns."""
    obstacle: str = ""
    """Why it owns none; empty: it may."""

    @property
    def state(self) -> HostState:
        """Whether it is heard of."""
        if self.stopped:
            return HostState.STOPPED
        if self.lease_left > 0:
            return HostState.ALIVE
        return HostState.LOST if self.silent_for >= self.lost_after else HostState.SILENT


class TaskDigest(NamedTuple):
    """What a host has as a task of that name."""

    host: str
    task: str
    digest: str


def differing(digests: Iterable[TaskDigest]) -> Mapping[str, Sequence[str]]:
    """Return for each host its tasks that are not what most of the hosts that have them agree on, by name.

    If as many hosts have one as another, what the first of all hosts has counts.
    """
    of_task: dict[str, dict[str, str]] = defaultdict(dict)
    for one in digests:
        of_task[one.task][one.host] = one.digest
    found: dict[str, list[str]] = defaultdict(list)
    for task, of_host in sorted(of_task.items()):
        usual = _usual([of_host[host] for host in sorted(of_host)])
        for host, digest in of_host.items():
            if digest != usual:
                found[host].append(task)
    return found


def _usual(digests: Sequence[str]) -> str:
    """The most frequent one; of equally frequent ones the first."""
    return Counter(digests).most_common(1)[0][0]
