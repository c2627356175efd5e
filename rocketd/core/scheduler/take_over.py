"""Which tasks that no live host owns this host tries to take over, and when.

Of the hosts that have the task as its last owner had it, a hash of task and host names the first, the second and so on,
so that not all of them try at once, and the tasks spread over the hosts. What is still free at the next look may be
taken by the second, and so on: the first may have died, too. A host whose file differs is no candidate while a host
with the same file lives. Tasks with the same mutex go to the same host, and a host to which an operator has moved a
task is its first choice.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple


class FreeTask(NamedTuple):
    """A task that no live host owns."""

    name: str
    digest: str
    """What it was for its last owner."""
    digests: Mapping[str, str]
    """What it is for each live host that has it, by host."""
    mutex: str = ""
    holder: str = ""
    """The live host that owns the tasks of its mutex: no other may have it."""
    preferred: str = ""
    """The host to which an operator has moved it; empty: none."""


def candidates(task: FreeTask) -> Sequence[str]:
    """Return the live hosts that may own the task, the first choice first."""
    if task.holder:
        return [task.holder] if task.holder in task.digests else []
    same = [host for host, digest in task.digests.items() if digest == task.digest]
    group = f"mutex {task.mutex}" if task.mutex else task.name
    ranked = sorted(same or task.digests, key=lambda host: _weight(group, host), reverse=True)
    preferred = [task.preferred] if task.preferred in task.digests else []  # whatever its file says: it was moved there
    return [*preferred, *(host for host in ranked if host != task.preferred)]


class TakeOver:
    """Remembers for how many looks a task has been free."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._looks: dict[str, int] = {}

    def choose(self, free: Sequence[FreeTask]) -> list[str]:
        """Return the tasks that this host is to take now; called once for each look, with all that are free."""
        self._looks = {task.name: self._looks.get(task.name, -1) + 1 for task in free}
        return [task.name for task in free if self._host in candidates(task)[: self._looks[task.name] + 1]]


def _weight(task: str, host: str) -> bytes:
    return blake2b(f"{task}\0{host}".encode(errors="replace"), digest_size=8).digest()
