"""Who is judged next, who must be at the latest when, and who of those that are due goes first.

Three queues of tasks. Nothing is ever taken out of the middle of a heap: what an entry says of itself tells whether
its place is still good.
"""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush

from rocketd.core.instant import BEGINNING, FOREVER, Instant
from rocketd.core.scheduler.admission import NO_SLOT, Admission
from rocketd.core.scheduler.running import RunningRuns
from rocketd.core.scheduler.task_state import ReadyKey, ScheduledTask


class Queues:
    """The queues of the loaded tasks."""

    def __init__(self, entries: Mapping[str, ScheduledTask], going: RunningRuns, admission: Admission) -> None:
        self._entries = entries
        self._going = going
        self._admission = admission
        self._stirred: dict[str, None] = {}  # a set that keeps its order, so that equal pasts give equal decisions
        self._each_pass: dict[str, None] = {}
        self._looks: list[tuple[Instant, str]] = []
        self._ready: list[ReadyKey] = []

    def join(self, entry: ScheduledTask) -> None:
        """Take up a task, or a new version of it."""
        if any(condition.each_pass for condition in entry.task.conditions):
            self._each_pass[entry.task.name] = None

    def leave(self, entry: ScheduledTask) -> None:
        """Drop the task from every queue."""
        self.withdraw(entry)
        self._each_pass.pop(entry.task.name, None)
        self._stirred.pop(entry.task.name, None)

    # -- to be judged -----------------------------------------------------------------------------------------------

    def stir(self, name: str) -> None:
        """Have that task judged in the next pass, or later in this one; of one that is not loaded nothing comes."""
        if name in self._entries:
            self._stirred[name] = None

    def look(self, entry: ScheduledTask, at: Instant) -> None:
        """Have the task judged again at that instant, if nothing stirs it before."""
        entry.look_at = at
        if at < FOREVER:
            heappush(self._looks, (at, entry.task.name))

    def next_look(self) -> Instant:
        """When the next task must be judged."""
        if self._stirred:
            return BEGINNING
        while self._looks and not self._is_current(self._looks[0]):
            heappop(self._looks)
        return self._looks[0][0] if self._looks else FOREVER

    def _is_current(self, look: tuple[Instant, str]) -> bool:
        entry = self._entries.get(look[1])
        return entry is not None and entry.look_at == look[0]

    def begin_pass(self, now: Instant) -> None:
        """Stir the tasks whose verdict has run out, and those that every pass concerns."""
        self._stirred.update(self._each_pass)
        while self._looks and self._looks[0][0] <= now:
            look = heappop(self._looks)
            if self._is_current(look):
                self._stirred[look[1]] = None

    def stirred(self) -> Iterator[ScheduledTask]:
        """Take the tasks that must be judged, those included that are stirred meanwhile."""
        while self._stirred:
            yield self._entries[self._stirred.popitem()[0]]

    # -- due --------------------------------------------------------------------------------------------------------

    def make_ready(self, entry: ScheduledTask, due: Instant) -> None:
        """Queue a task that is due, by its setbacks, priority, due and name."""
        entry.due = due
        entry.ready = (entry.setbacks, -entry.task.priority, due, entry.task.name)
        heappush(self._ready, entry.ready)
        entry.blocked = ""

    def withdraw(self, entry: ScheduledTask) -> None:
        """Have it be due no longer, nor wait for its mutex."""
        entry.ready = entry.due = None
        entry.blocked = ""
        self._going.wait_no_more(entry.task.mutex, entry.task.name)

    def ready(self, now: Instant) -> Iterator[ScheduledTask]:
        """Take those that are due, one by one, as long as one more may start."""
        while entry := self._first_ready():
            if self._pauses(entry, now):
                continue
            if obstacle := self._admission.obstacle(now, fresh=not entry.setbacks):
                self._wait(obstacle)
                return
            heappop(self._ready)
            entry.ready = None
            yield entry

    def next_try(self) -> Instant:
        """When more may start, if something waits for that."""
        return self._admission.next_try if self._ready else FOREVER

    @property
    def waiting(self) -> bool:
        """Whether something that is due waits."""
        return self._first_ready() is not None

    def _first_ready(self) -> ScheduledTask | None:
        while self._ready:
            entry = self._entries.get(self._ready[0][-1])
            if entry is not None and entry.ready == self._ready[0]:
                return entry
            heappop(self._ready)
        return None

    def _pauses(self, entry: ScheduledTask, now: Instant) -> bool:
        """Have the first one wait if it alone lacks what its start takes, and was tried just now."""
        until = entry.pauses_until(self._admission.successes)
        if until <= now or entry.setback is None:
            return False
        heappop(self._ready)
        entry.ready, entry.blocked = None, entry.setback.reason
        self.look(entry, min(entry.look_at, until))
        return True

    def _wait(self, obstacle: str) -> None:
        """Note what those that are due wait for."""
        if obstacle != NO_SLOT:  # which is what they wait for unless something else is said
            for key in self._ready:
                if (entry := self._entries.get(key[-1])) and entry.ready == key:
                    entry.blocked = obstacle
