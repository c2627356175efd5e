"""Tasks that run at the start go first: nothing else starts until they have begun or, where so asked, ended."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from rocketd.core.model.events import Event, Finished, Started
from rocketd.core.scheduler.queues import Queues


class StartupPhase:
    """Knows which tasks the others wait for. Over as soon as each of them has begun, or ended."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._unstarted: set[str] = set()
        self._unfinished: set[str] = set()
        self._waiting: dict[str, None] = {}

    def begin(self, starts: Iterable[str], ends: Iterable[str]) -> None:
        """Have all other tasks wait until these have started, and those have ended."""
        self._unstarted, self._unfinished = set(starts), set(ends)

    def obstacle(self, task: str) -> str:
        """Return what keeps that task from starting; empty: nothing."""
        if not (self._unstarted or self._unfinished):
            return ""
        awaited = self._unstarted | self._unfinished
        if task in awaited:
            return ""
        self._waiting[task] = None
        return f"waiting for what runs at the start: {', '.join(sorted(awaited))}"

    def learn(self, event: Event) -> None:
        """Apply an event; when the last task is no longer waited for, those that wait are judged again."""
        if not (self._unstarted or self._unfinished):
            return
        if isinstance(event, Started):
            self._unstarted.discard(event.run.task)
        elif isinstance(event, Finished):
            self._unfinished.discard(event.run.task)
        self._release()

    def retain(self, tasks: AbstractSet[str]) -> None:
        """Wait for no task that is not among these: it has been removed."""
        self._unstarted &= tasks
        self._unfinished &= tasks
        self._release()

    def _release(self) -> None:
        if self._waiting and not (self._unstarted or self._unfinished):
            for name in self._waiting:
                self._queues.mark_dirty(name)
            self._waiting.clear()
