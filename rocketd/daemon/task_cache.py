"""What was made of each task for an answer, kept for as long as everything that it shows stays the same.

A task is shown by its state in the scheduler and by its history, whose parts are replaced and never changed. So
whether they are still the same objects tells whether the task would be shown as before, whatever has happened.
"""

from collections.abc import Callable, Collection
from operator import is_
from typing import Final, Generic, TypeAlias, TypeVar

from rocketd.core.history.history import History
from rocketd.core.instant import MINUTE, Duration
from rocketd.core.model.task_history import TaskHistory
from rocketd.core.scheduler.task_state import ScheduledTask

T = TypeVar("T")
ShownState: TypeAlias = tuple[object, ...]

LIFETIME: Final[Duration] = 10 * MINUTE
"""For how long answers are kept for which nobody asks."""


def shown_state(entry: ScheduledTask, history: TaskHistory) -> ShownState:
    """Return all on which it depends how a task is shown, whatever the clock shows."""
    return (
        entry.task,
        entry.next_start,
        entry.next_due,
        entry.next_if,
        entry.now_if,
        entry.paused,
        entry.standby,
        entry.blocked,
        entry.ready,
        entry.due,
        entry.forced,
        entry.earliest_start,
        history.last_events,
        history.running,
        history.spawned_at,
        history.armed_at,
        history.armed_position,
        history.steps.count,
    )


def explained_state(entry: ScheduledTask, history: History) -> ShownState:
    """Return on which events, beside that, its explanation depends: its own, and those of the tasks that it watches."""
    own, watched = history.of(entry.task.name), list[object]()
    for name in entry.watched_tasks:
        other = history.of(name)
        watched += (other.last_events, other.running, other.spawned_at, other.misses, history.knows(name))
    return (own.consumed, own.completed, own.misses, own.last_missed, history.absence, entry.restart_after, *watched)


class TaskCache(Generic[T]):
    """One thing for each task, such as its entry in the list as JSON."""

    def __init__(self, monotonic: Callable[[], Duration]) -> None:
        self._monotonic = monotonic
        self._used_at: Duration = 0
        self._kept: dict[str, tuple[ShownState, object, T]] = {}

    def get(self, name: str, state: ShownState, computed: object = None) -> T | None:
        """Return what is kept of a task, if the state is of the same objects, and what else was computed is equal."""
        kept = self._kept.get(name)
        return kept[2] if kept is not None and all(map(is_, kept[0], state)) and kept[1] == computed else None

    def put(self, name: str, state: ShownState, computed: object, made: T) -> T:
        """Keep it, and return it."""
        self._kept[name] = state, computed, made
        return made

    def begin_use(self, names: Collection[str]) -> None:
        """Note that it is used; of more tasks than there are, forget those that are not among these."""
        self._used_at = self._monotonic()
        if len(self._kept) > len(names):
            self._kept = {name: kept for name, kept in self._kept.items() if name in names}

    def drop_unused(self, _: object = None) -> None:
        """Forget all of them if nobody has asked for so long; a heartbeat hook."""
        if self._kept and self._monotonic() - self._used_at > LIFETIME:
            self._kept.clear()
