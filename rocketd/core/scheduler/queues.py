"""Which tasks to judge now, which at what instant, and which due task starts first.

Four queues of tasks. Nothing is ever taken out of the middle of a heap: the scheduled task itself tells whether
its place is still valid.

Of many tasks that are due at the same second, the first are to start before all are judged. So a task that was found to
be due at this very instant, and to which nothing has happened since, is judged when it may be the next to start:

    take_dirty     those to which something happened, or may have
    expected       in the order in which they will start, until the one that is judged and ready comes before all others
    take_ready     starts that one; its start may make others dirty, expected ones among them: and so on
"""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from typing import Final

from rocketd.core.instant import BEGINNING, FOREVER, MILLISECOND, Duration, Instant
from rocketd.core.model.condition import FALSE
from rocketd.core.model.task import Task
from rocketd.core.scheduler.admission import Admission
from rocketd.core.scheduler.running import NO_SLOT, RunningRuns
from rocketd.core.scheduler.task_state import ReadyKey, ScheduledTask

EXPECTED_LIMIT: Final[Duration] = 100 * MILLISECOND
"""For how long a task that is expected to be due may wait to be judged, because a pass ended at its limit of starts."""


class Queues:
    """The queues of the loaded tasks."""

    def __init__(self, tasks: Mapping[str, ScheduledTask], running: RunningRuns, admission: Admission) -> None:
        self._tasks = tasks
        self._running = running
        self._admission = admission
        self._dirty: dict[str, None] = {}  # a set that keeps its order, so that equal pasts give equal decisions
        self._each_pass: dict[str, None] = {}
        self._expected: list[ReadyKey] = []
        """The places that tasks will have among those that are due, if they are due as expected."""
        self._unjudged: set[str] = set()
        """The tasks among them whose place is still valid."""
        self._expected_limit: Instant = FOREVER
        self._judged: set[str] = set()
        self._checks: list[tuple[Instant, str]] = []
        self._ready: list[ReadyKey] = []
        self.is_cut = False
        """Whether `take_ready` ended at its limit of starts."""

    def add(self, scheduled: ScheduledTask) -> None:
        """Add a task, or a new version of it."""
        if any(condition.changes_each_pass for condition in scheduled.task.conditions):
            self._each_pass[scheduled.task.name] = None

    def remove(self, scheduled: ScheduledTask) -> None:
        """Remove the task from every queue."""
        self.clear_ready(scheduled)
        self._each_pass.pop(scheduled.task.name, None)
        self._dirty.pop(scheduled.task.name, None)
        self._unjudged.discard(scheduled.task.name)
        self._judged.discard(scheduled.task.name)

    # -- to be judged -----------------------------------------------------------------------------------------------

    def mark_dirty(self, name: str) -> None:
        """Mark the task to be judged in the next pass, or later in this one; ignored if it is not loaded."""
        if name in self._tasks:
            self._dirty[name] = None
            self._unjudged.discard(name)

    def check_at(self, scheduled: ScheduledTask, at: Instant) -> None:
        """Judge the task again at that instant, unless it is marked dirty before."""
        scheduled.check_at = at
        if at < FOREVER:
            heappush(self._checks, (at, scheduled.task.name))

    def next_check(self) -> Instant:
        """Return when the next task must be judged."""
        if self._dirty:
            return BEGINNING
        while self._checks and not self._is_current(self._checks[0]):
            heappop(self._checks)
        return min(self._checks[0][0] if self._checks else FOREVER, self._expected_limit)

    def expected_start(self, at: Instant) -> Task | None:
        """Return the task that is judged first at that instant, if it is expected to start then."""
        if self._dirty or at >= FOREVER or self.next_check() != at:
            return None
        scheduled = self._tasks[self._checks[0][1]]
        return scheduled.task if scheduled.next_start == at else None

    def _is_current(self, look: tuple[Instant, str]) -> bool:
        scheduled = self._tasks.get(look[1])
        return scheduled is not None and scheduled.check_at == look[0]

    def begin_pass(self, now: Instant) -> None:
        """Mark the tasks dirty whose verdict has run out, and those whose answer each pass can change."""
        self.judge_expected()
        self._dirty.update(self._each_pass)
        while self._checks and self._checks[0][0] <= now:
            at, name = look = heappop(self._checks)
            if not self._is_current(look) or name in self._unjudged:
                continue
            if name not in self._dirty and _is_expected(scheduled := self._tasks[name], at):
                self._unjudged.add(name)
                heappush(self._expected, _place(scheduled, scheduled.next_due or at))
            else:
                self._dirty[name] = None
        self._expected_limit = now + EXPECTED_LIMIT if self._expected else FOREVER

    def judge_expected(self) -> None:
        """Mark the tasks dirty that are expected to be due: they have waited for their turn long enough."""
        self._dirty.update(dict.fromkeys(key[-1] for key in self._expected if key[-1] in self._unjudged))
        self._expected.clear()
        self._unjudged.clear()
        self._expected_limit = FOREVER

    def take_dirty(self) -> Iterator[ScheduledTask]:
        """Take the dirty tasks one by one, those included that become dirty meanwhile; then those that are expected.

        Of these only as many as come before the first one that is ready.
        """
        while name := self._next_dirty():
            self._judged.add(name)
            yield self._tasks[name]

    def _next_dirty(self) -> str:
        if self._dirty:
            return self._dirty.popitem()[0]
        while self._expected and (self._first_ready() is None or self._expected[0] < self._ready[0]):
            name = heappop(self._expected)[-1]
            if name in self._unjudged:
                self._unjudged.remove(name)
                return name
        return ""

    def take_judged(self) -> set[str]:
        """Return which tasks have been judged since the last call."""
        judged, self._judged = self._judged, set()
        return judged

    # -- due --------------------------------------------------------------------------------------------------------

    def make_ready(self, scheduled: ScheduledTask, due: Instant) -> None:
        """Queue a task that is due, by its failed starts, priority, due and name."""
        scheduled.due = due
        scheduled.ready = _place(scheduled, due)
        heappush(self._ready, scheduled.ready)
        scheduled.blocked = ""

    def clear_ready(self, scheduled: ScheduledTask) -> None:
        """Remove it from the due tasks, and from those that wait for its mutex."""
        scheduled.ready = scheduled.due = None
        scheduled.blocked = ""
        if scheduled.task.mutex:
            self._running.remove_waiter(scheduled.task.mutex, scheduled.task.name)

    def take_ready(self, now: Instant, max_starts: int | None = None) -> Iterator[ScheduledTask]:
        """Take the due tasks one by one, as long as one more may start and fewer than `max_starts` have started."""
        before, self.is_cut = len(self._running), False
        while scheduled := self._first_ready():
            if self._postpone(scheduled, now):
                continue
            if max_starts is not None and len(self._running) - before >= max_starts:
                self.is_cut = True
                return
            if obstacle := self._admission.obstacle(now, fresh=not scheduled.failed_starts):
                self._set_blocked(obstacle)
                return
            heappop(self._ready)
            scheduled.ready = None
            yield scheduled

    def next_try(self) -> Instant:
        """Return when more may start, if a task waits for that, and not only for the next pass."""
        return self._admission.next_try if self._ready and not self.is_cut else FOREVER

    @property
    def has_ready(self) -> bool:
        """Whether a due task waits."""
        return self._first_ready() is not None

    def _first_ready(self) -> ScheduledTask | None:
        while self._ready:
            scheduled = self._tasks.get(self._ready[0][-1])
            if scheduled is not None and scheduled.ready == self._ready[0]:
                return scheduled
            heappop(self._ready)
        return None

    def _postpone(self, scheduled: ScheduledTask, now: Instant) -> bool:
        """Postpone the first one if it alone lacks a resource, and was tried just now."""
        until = scheduled.next_attempt_at(self._admission.successes)
        if until <= now or scheduled.last_failed_start is None:
            return False
        heappop(self._ready)
        scheduled.ready, scheduled.blocked = None, scheduled.last_failed_start.reason
        self.check_at(scheduled, min(scheduled.check_at, until))
        return True

    def _set_blocked(self, obstacle: str) -> None:
        """Note what the due tasks wait for."""
        if obstacle != NO_SLOT:  # which is what they wait for unless something else is said
            for key in self._ready:
                if (scheduled := self._tasks.get(key[-1])) and scheduled.ready == key:
                    scheduled.blocked = obstacle


def _place(scheduled: ScheduledTask, due: Instant) -> ReadyKey:
    return (scheduled.failed_starts, -scheduled.task.priority, due, scheduled.task.name)


def _is_expected(scheduled: ScheduledTask, at: Instant) -> bool:
    """Whether nothing but this instant makes it due, as the search for its next start found."""
    return (
        scheduled.next_start == at
        and not (scheduled.next_if or scheduled.now_if or scheduled.ready or scheduled.forced)
        and scheduled.task.stop_when is FALSE
    )
