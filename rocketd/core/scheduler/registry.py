"""The loaded tasks: loading, changing and unloading them, and which of them an event concerns."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

from rocketd.core.conditions.after import After
from rocketd.core.conditions.calendar_word import calendar_words
from rocketd.core.conditions.misses import asks_misses
from rocketd.core.conditions.probe import Probe, probes_of
from rocketd.core.conditions.running import RunningFor
from rocketd.core.history.history import History
from rocketd.core.history.selections import members_of
from rocketd.core.instant import Duration, Instant
from rocketd.core.model import membership
from rocketd.core.model.condition import FALSE, all_parts
from rocketd.core.model.events import NoSuchTask, Refusal
from rocketd.core.model.history_view import HistoryNeed
from rocketd.core.model.logged_events import LoggedInstant
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action
from rocketd.core.model.run_on import RunOn
from rocketd.core.model.task import Task
from rocketd.core.scheduler.missed import MissedRuns
from rocketd.core.scheduler.ownership import UNPAUSABLE, standby_at_first
from rocketd.core.scheduler.pattern_cycles import pattern_cycles
from rocketd.core.scheduler.probe_subscriptions import ProbeSubscriptions
from rocketd.core.scheduler.queues import Queues
from rocketd.core.scheduler.task_state import ScheduledTask

MAX_COUNTED_AT_ONCE: Final = 32
"""How many watchers of a task have what they missed counted at once: up to 15 ms each, after days of minutely ticks."""

CALENDAR_CHANGED: Final = "the calendar has changed"

_NOBODY: Final[frozenset[str]] = frozenset()
_NO_PROBES: Final[frozenset[Probe]] = frozenset()
"""One for all tasks: an empty set takes 216 bytes."""


class TaskRegistry:
    """Knows which tasks are loaded, and which watch which."""

    def __init__(
        self,
        tasks: dict[str, ScheduledTask],
        history: History,
        queues: Queues,
        missed: MissedRuns,
        subscriptions: ProbeSubscriptions,
    ) -> None:
        self.tasks = tasks
        self._history = history
        self._queues = queues
        self._missed = missed
        self._subscriptions = subscriptions
        self._watchers: dict[str, dict[str, None]] = {}
        self._pattern_watchers: dict[tuple[str, ...], dict[str, None]] = {}
        """The tasks that watch all those that some names, patterns among them, stand for."""

    def find(self, name: str) -> ScheduledTask:
        """Return the loaded task of that name; raises NoSuchTask."""
        try:
            return self.tasks[name]
        except KeyError:
            raise NoSuchTask(f"no task {name!r} is loaded") from None

    def state_of(self, name: str) -> TaskState:
        """Return what the store must keep about a loaded task beside its records."""
        scheduled, task_history = self.find(name), self._history.of(name)
        state = TaskState(
            name,
            scheduled.task.fingerprint,
            task_history.armed_at,
            task_history.next_number,
            member_since=membership.spelled(task_history.member_since),
        )
        if scheduled.paused is None:
            return state
        return replace(
            scheduled.paused,
            fingerprint=state.fingerprint,
            armed_at=state.armed_at,
            next_number=state.next_number,
            member_since=state.member_since,
        )

    def pause(self, name: str, *, until: Instant | None, by: str, reason: str) -> TaskState:
        """Pause the task until then, or until it is resumed: its condition starts nothing. Raises NoSuchTask."""
        scheduled = self.find(name)
        if scheduled.task.run_on is RunOn.ONE:
            raise Refusal(f"task {name!r} cannot be paused: another host could take it over", hint=UNPAUSABLE)
        scheduled.paused = replace(
            self.state_of(name), paused=True, paused_until=until, paused_by=by, paused_reason=reason
        )
        scheduled.expired_pause = None
        self._queues.mark_dirty(name)
        return scheduled.paused

    def resume(self, name: str, now: Instant) -> TaskState:
        """Resume its schedule: it is armed anew. Raises NoSuchTask, Refusal if it is not paused."""
        scheduled = self.find(name)
        if scheduled.paused is None:
            raise Refusal(f"task {name!r} is not paused")
        scheduled.paused = None
        self._history.of(name).arm(now, self._history.position)
        self._queues.mark_dirty(name)
        return self.state_of(name)

    def notify_dependents(self, name: str) -> None:
        """Mark a task with a new event, and the tasks that watch it, to be judged again."""
        for concerned in self._concerned(name):
            self._queues.mark_dirty(concerned)

    def _concerned(self, name: str) -> Iterator[str]:
        """Yield the task, and those that watch it."""
        yield name
        yield from self._watchers.get(name, ())
        if self._pattern_watchers:
            for names in self._history.selections.of_task(name):
                yield from self._pattern_watchers.get(names, ())

    def notify_spawned(self, name: str) -> None:
        """Mark the tasks that ask how long a run of that task has been active: it has a process now."""
        for concerned in self._concerned(name):
            if concerned in self.tasks and self.tasks[concerned].asks_run_age:
                self._queues.mark_dirty(concerned)

    def notify_missed(self, name: str) -> None:
        """Mark the tasks that ask what that task has missed."""
        for concerned in self._concerned(name):
            if concerned in self.tasks and self.tasks[concerned].asks_misses:
                self._queues.mark_dirty(concerned)

    def count_missed(self, name: str) -> None:
        """Count what that task and its watchers missed, before something happens to it.

        Only for as many of them as a pass has time for: the others are counted later, by the history of that time.
        """
        for concerned in islice(self._concerned(name), MAX_COUNTED_AT_ONCE + 1):
            if concerned in self.tasks:
                self._missed.count(self.tasks[concerned].task)

    def load(self, tasks: Iterable[Task], now: Instant, states: Mapping[str, TaskState]) -> list[TaskState]:
        """Make these the loaded tasks, by difference, and return the states that have changed."""
        wanted = {task.name: task for task in tasks}
        changed = [self._unload(name, now) for name in self.tasks.keys() - wanted.keys()]
        for name, task in wanted.items():
            scheduled = self.tasks.get(name)
            if scheduled is None:
                changed += self._load(task, states.get(name), now)
            elif scheduled.task != task:
                changed += self._replace(scheduled, task, now)
            else:
                changed += self._refresh(scheduled, task, now)
        self._history.selections.cycles = pattern_cycles(wanted.values())
        self._history.set_needs(_needs(wanted.values()))
        for watchers in self._pattern_watchers.values():  # what their patterns match may have changed
            for name in watchers:
                self._queues.mark_dirty(name)
        return changed

    def missing_history(self, tasks: Collection[Task]) -> dict[tuple[str, Action], Duration]:
        """Return how far back these tasks ask where not enough is kept."""
        lacking: dict[tuple[str, Action], Duration] = {}
        tags = {task.name: task.tags for task in tasks}
        for pattern, action, reach in set(_needs(tasks)):
            for name, _ in members_of((pattern,), tags):
                if reach > self._history.reach.get((name, action), 0):
                    lacking[name, action] = max(reach, lacking.get((name, action), 0))
        return lacking

    def rename(self, old: str, new: str) -> None:
        """Let a task go on under another name, loaded or not: its past, its state and its active runs."""
        scheduled = self.tasks.pop(old, None)
        if scheduled is not None:
            self._unindex(scheduled)
        self._missed.rename(old, new)
        self._history.unload(old)
        self._history.rename(old, new)
        if scheduled is not None:
            self.tasks[new] = scheduled
            scheduled.rename(new)
            self._history.load(new, scheduled.task.tags)
            self._index(scheduled)
            self.notify_dependents(new)
        self.notify_dependents(old)

    def _load(self, task: Task, state: TaskState | None, now: Instant) -> list[TaskState]:
        scheduled = self.tasks[task.name] = ScheduledTask(task, standby=standby_at_first(task))
        task_history = self._history.of(task.name)
        present = state is not None and state.removed_at is None
        known = membership.kept(state.member_since, task.tags) if state is not None and present else {}
        task_history.member_since = membership.renewed(known, task.tags, LoggedInstant(now, self._history.position))
        self._history.load(task.name, task.tags)
        kept = state is not None and state.removed_at is None and state.fingerprint == task.fingerprint
        if state is not None and kept:
            task_history.arm(state.armed_at, 0)
        else:
            task_history.arm(now, self._history.position)
        if state is not None:
            task_history.next_number = max(task_history.next_number, state.next_number)
            scheduled.paused = replace(state, removed_at=None) if state.paused else None
        scheduled.delay_restart(task_history, now)
        self._index(scheduled)
        self.notify_dependents(task.name)
        is_new = state is None or state.member_since != membership.spelled(task_history.member_since)
        return [self.state_of(task.name)] if is_new or not kept else []

    def _refresh(self, scheduled: ScheduledTask, task: Task, now: Instant) -> list[TaskState]:
        """Take what equality ignores: its description, its file, its tags."""
        old, scheduled.task = scheduled.task, task
        if old.tags == task.tags:
            return []
        self._set_tags(task, now)
        return [self.state_of(task.name)]

    def _set_tags(self, task: Task, now: Instant) -> None:
        task_history, since = self._history.of(task.name), LoggedInstant(now, self._history.position)
        task_history.member_since = membership.renewed(task_history.member_since, task.tags, since)
        self._history.load(task.name, task.tags)

    def _replace(self, scheduled: ScheduledTask, task: Task, now: Instant) -> list[TaskState]:
        retagged = scheduled.task.tags != task.tags
        if retagged:
            self._set_tags(task, now)
        if replace(scheduled.task, calendars=task.calendars) == task:
            self._change_calendars(scheduled, task, now)
            return [self.state_of(task.name)] if retagged else []
        armed_anew = scheduled.task.fingerprint != task.fingerprint
        self._unindex(scheduled)
        if scheduled.task.run_on is not task.run_on:
            scheduled.standby = standby_at_first(task)
            self._missed.forget(task.name)
        scheduled.task = task
        self._index(scheduled)
        scheduled.verdict = scheduled.open_due = scheduled.open_missed = None
        self._queues.mark_dirty(task.name)
        if not armed_anew:
            return [self.state_of(task.name)] if retagged else []
        scheduled.against_since_start = False
        self._history.of(task.name).arm(now, self._history.position)
        self._missed.forget(task.name)
        return [self.state_of(task.name)]

    def _change_calendars(self, scheduled: ScheduledTask, task: Task, now: Instant) -> None:
        """Have it judged by what its calendars say now. What was due and is not wanted any longer is missed."""
        scheduled.task = task
        if scheduled.open_due is not None and scheduled.verdict is not None:
            scheduled.verdict = scheduled.verdict._replace(until=min(scheduled.verdict.until, now))
            scheduled.blocked = scheduled.unknown_dates or CALENDAR_CHANGED
        else:
            scheduled.verdict = None
        self._queues.mark_dirty(task.name)

    def _unload(self, name: str, now: Instant) -> TaskState:
        state = replace(self.state_of(name), removed_at=now)
        self._unindex(self.tasks.pop(name))
        self._missed.forget(name)
        self._history.unload(name)
        self.notify_dependents(name)
        return state

    def _index(self, scheduled: ScheduledTask) -> None:
        name, conditions = scheduled.task.name, scheduled.task.conditions
        scheduled.watched_tasks = (_NOBODY.union(*(condition.watches() for condition in conditions)) - {""}) or _NOBODY
        for other in scheduled.watched_tasks:
            self._watchers.setdefault(other, {})[name] = None
        scheduled.watched_patterns = frozenset().union(*(condition.selections() for condition in conditions))
        for names in scheduled.watched_patterns:
            self._pattern_watchers.setdefault(names, {})[name] = None
        timed = any(isinstance(part, RunningFor) for condition in conditions for part in all_parts(condition))
        scheduled.asks_misses = any(asks_misses(condition) for condition in conditions)
        scheduled.asks_run_age = timed or scheduled.task.stop_when is not FALSE
        scheduled.asks_calendars = bool(calendar_words((scheduled.task.when,)))
        scheduled.probes = _NO_PROBES.union(*map(probes_of, conditions)) or _NO_PROBES
        self._subscriptions.subscribe(name, scheduled.probes)
        self._queues.add(scheduled)

    def _unindex(self, scheduled: ScheduledTask) -> None:
        self._queues.remove(scheduled)
        for other in scheduled.watched_tasks:
            self._watchers[other].pop(scheduled.task.name, None)
        for names in scheduled.watched_patterns:
            self._pattern_watchers[names].pop(scheduled.task.name, None)
            if not self._pattern_watchers[names]:
                del self._pattern_watchers[names]
        self._subscriptions.unsubscribe(scheduled.task.name, scheduled.probes)


def _needs(tasks: Iterable[Task]) -> Iterator[HistoryNeed]:
    for task in tasks:
        if task.splay:
            for part in all_parts(task.when):
                if isinstance(part, After):
                    yield from part.needs_within(task.splay)
        for condition in task.conditions:
            for need in condition.needs():
                yield need._replace(task=need.task or task.name)
