"""The loaded tasks: how they come, change and go, and whom an event concerns."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

from rocketd.core.conditions.probe import Probe, probes_of
from rocketd.core.conditions.run_conditions import After
from rocketd.core.conditions.running import RunningFor
from rocketd.core.history.history import History
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.condition import FALSE, walk
from rocketd.core.model.events import NoSuchTask
from rocketd.core.model.history_view import Need
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action
from rocketd.core.model.task import Task
from rocketd.core.scheduler.missed import MissedRuns
from rocketd.core.scheduler.probe_subscriptions import ProbeSubscriptions
from rocketd.core.scheduler.queues import Queues
from rocketd.core.scheduler.task_state import ScheduledTask

SETTLED: Final = 32
"""How many watchers of a task have what they missed counted at once: up to 15 ms each, after days of minutely ticks."""

_NOBODY: Final[frozenset[str]] = frozenset()
_NO_PROBES: Final[frozenset[Probe]] = frozenset()
"""One for all tasks: an empty set takes 216 bytes."""


class TaskRegistry:
    """Keeps who is loaded, and who watches whom."""

    def __init__(
        self,
        entries: dict[str, ScheduledTask],
        history: History,
        agenda: Queues,
        misses: MissedRuns,
        observers: ProbeSubscriptions,
    ) -> None:
        self.entries = entries
        self._history = history
        self._agenda = agenda
        self._misses = misses
        self._observers = observers
        self._watchers: dict[str, dict[str, None]] = {}

    def entry(self, name: str) -> ScheduledTask:
        """The loaded task of that name; raises NoSuchTask."""
        try:
            return self.entries[name]
        except KeyError:
            raise NoSuchTask(f"no task {name!r} is loaded") from None

    def state_of(self, name: str) -> TaskState:
        """What the store must keep about a loaded task beside its records."""
        entry, past = self.entry(name), self._history.of(name)
        state = TaskState(name, entry.task.fingerprint, past.armed_at, past.next_number)
        if entry.paused is None:
            return state
        return replace(
            entry.paused, fingerprint=state.fingerprint, armed_at=state.armed_at, next_number=state.next_number
        )

    def concern(self, name: str) -> None:
        """Something happened to that task: it and whoever watches it must be judged again."""
        for concerned in (name, *self._watchers.get(name, ())):
            self._agenda.stir(concerned)

    def spawned(self, name: str) -> None:
        """A run of that task has begun: whoever asks how long it has gone on must be judged again."""
        for concerned in (name, *self._watchers.get(name, ())):
            if concerned in self.entries and self.entries[concerned].times_runs:
                self._agenda.stir(concerned)

    def settle(self, name: str) -> None:
        """Something is about to happen to that task: count before what was missed by it and by whoever watches it.

        Not by more of them than a pass has time for: of the others it is counted in their turn, by the past of then.
        """
        for concerned in (name, *islice(self._watchers.get(name, ()), SETTLED)):
            if concerned in self.entries:
                self._misses.count(self.entries[concerned].task)

    def load(self, tasks: Iterable[Task], now: Instant, states: Mapping[str, TaskState]) -> list[TaskState]:
        """Make these the loaded tasks, by difference, and give back the states that have changed."""
        wanted = {task.name: task for task in tasks}
        changed = [self._unload(name, now) for name in self.entries.keys() - wanted.keys()]
        for name, task in wanted.items():
            entry = self.entries.get(name)
            if entry is None:
                changed += self._load(task, states.get(name), now)
            elif entry.task != task:
                changed += self._exchange(entry, task, now)
            else:
                entry.task = task  # what does not count for equality may have changed: its description, its file
        self._history.keep(_needs(wanted.values()))
        return changed

    def lacking(self, tasks: Iterable[Task]) -> dict[tuple[str, Action], Duration]:
        """How far back these tasks ask where not enough is kept."""
        lacking: dict[tuple[str, Action], Duration] = {}
        for name, action, reach in _needs(tasks):
            if reach > self._history.reach.get((name, action), 0):
                lacking[name, action] = max(reach, lacking.get((name, action), 0))
        return lacking

    def _load(self, task: Task, state: TaskState | None, now: Instant) -> list[TaskState]:
        entry = self.entries[task.name] = ScheduledTask(task)
        past = self._history.of(task.name)
        self._history.load(task.name)
        kept = state is not None and state.removed_at is None and state.fingerprint == task.fingerprint
        if state is not None and kept:
            past.arm(state.armed_at, 0)
        else:
            past.arm(now, self._history.position)
        if state is not None:
            past.next_number = max(past.next_number, state.next_number)
            entry.paused = replace(state, removed_at=None) if state.paused else None
        entry.be_quiet_after(past, now)
        self._join(entry)
        self.concern(task.name)
        return [] if kept else [self.state_of(task.name)]

    def _exchange(self, entry: ScheduledTask, task: Task, now: Instant) -> list[TaskState]:
        armed_anew = entry.task.fingerprint != task.fingerprint
        self._leave(entry)
        entry.task = task
        self._join(entry)
        entry.verdict = entry.chance = entry.stretch = None
        self._agenda.stir(task.name)
        if not armed_anew:
            return []
        entry.against_since_start = False
        self._history.of(task.name).arm(now, self._history.position)
        self._misses.forget(task.name)
        return [self.state_of(task.name)]

    def _unload(self, name: str, now: Instant) -> TaskState:
        state = replace(self.state_of(name), removed_at=now)
        self._leave(self.entries.pop(name))
        self._misses.forget(name)
        self._history.unload(name)
        self.concern(name)
        return state

    def _join(self, entry: ScheduledTask) -> None:
        name, conditions = entry.task.name, entry.task.conditions
        entry.watched = (_NOBODY.union(*(condition.watches() for condition in conditions)) - {""}) or _NOBODY
        for other in entry.watched:
            self._watchers.setdefault(other, {})[name] = None
        timed = any(isinstance(part, RunningFor) for condition in conditions for part in walk(condition))
        entry.times_runs = timed or entry.task.stop_when is not FALSE
        entry.probes = _NO_PROBES.union(*map(probes_of, conditions)) or _NO_PROBES
        self._observers.rest(name, entry.probes)
        self._agenda.join(entry)

    def _leave(self, entry: ScheduledTask) -> None:
        self._agenda.leave(entry)
        for other in entry.watched:
            self._watchers[other].pop(entry.task.name, None)
        self._observers.leave(entry.task.name, entry.probes)


def _needs(tasks: Iterable[Task]) -> Iterator[Need]:
    for task in tasks:
        if task.splay:
            for part in walk(task.when):
                if isinstance(part, After):
                    yield from part.needs_within(task.splay)
        for condition in task.conditions:
            for need in condition.needs():
                yield need._replace(task=need.task or task.name)
