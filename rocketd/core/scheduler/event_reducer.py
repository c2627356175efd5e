"""Applies events: each changes the history, the active runs, and which tasks must be judged again."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from rocketd.core.dataclass import dataclass, field
from rocketd.core.history.history import History
from rocketd.core.history.renamed import renamed
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.consumption import NEAR
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.run import Action, Run, RunKey, Trigger
from rocketd.core.model.run_on import RunOn
from rocketd.core.scheduler.after_start import was_against_after
from rocketd.core.scheduler.missed import UNOBSERVED, MissedInterval, MissedRuns
from rocketd.core.scheduler.queues import Queues
from rocketd.core.scheduler.registry import TaskRegistry
from rocketd.core.scheduler.running import RunningRuns
from rocketd.core.scheduler.startup_phase import StartupPhase
from rocketd.core.scheduler.task_state import Forced, TaskSnapshot

_ON_OCCASION: Final = frozenset(Trigger) - {Trigger.SCHEDULE, Trigger.RETRY, Trigger.RERUN}
"""The triggers that make a task due whatever its condition says."""
LATE: Final[Duration] = SECOND
"""A step of no more than this counts as a late check."""


@dataclass(frozen=True, slots=True)
class EventReducer:
    """Applies one event at a time: new ones, and at the start those from the store."""

    history: History
    registry: TaskRegistry
    queues: Queues
    running: RunningRuns
    missed: MissedRuns
    startup: StartupPhase
    snapshots: dict[RunKey, TaskSnapshot] = field(default_factory=dict)
    """For each active run: the state of its task before its start."""

    def learn(self, event: Event, noted: int | None = None) -> None:
        """Apply an event; `noted` is the position of the log when it happened, if it was recorded later."""
        if isinstance(event, Finished) and self._has_ended_elsewhere(event.run):
            self._release(event.run.key)
            return
        if self.missed and isinstance(event, (Started, Finished, Withdrawn)):
            self.registry.count_missed(event.run.task)
        self.history.learn(event, noted)
        self.startup.learn(event)
        match event:
            case Started(run):
                self._begin(run)
                self.registry.notify_dependents(run.task)
            case Finished(run, end):
                self._end(run, end.action)
                self.registry.notify_dependents(run.task)
            case Spawned(run):
                self.running.mark_spawned(run.key, event.at)
                self.registry.notify_spawned(run.task)
            case Withdrawn(run):
                self._withdraw(event)
                self.registry.notify_dependents(run.task)
            case Missed():
                self.registry.notify_missed(event.task)

    def rename(self, old: str, new: str) -> None:
        """Keep the snapshots of a task under another name."""
        for key in [key for key in self.snapshots if key[0] == old]:
            before = self.snapshots.pop(key)
            task = replace(before.task, name=new)
            self.snapshots[new, key[1]] = before._replace(task=task, open_missed=renamed(before.open_missed, new))

    def _has_ended_elsewhere(self, run: Run) -> bool:
        """Whether another host has recorded the end of a run of this one, which it counted as lost: that end counts."""
        scheduled = self.registry.tasks.get(run.task)
        if scheduled is None or scheduled.task.run_on is not RunOn.ONE:
            return False
        task_history = self.history.of(run.task)
        return run.number not in task_history.running and run.number < task_history.next_number

    def _begin(self, run: Run) -> None:
        scheduled = self.registry.tasks.get(run.task)
        if scheduled is not None:
            self.running.add(run, scheduled.task)
            self.snapshots[run.key] = scheduled.snapshot
            scheduled.note_start(run.trigger)
            scheduled.open_due = scheduled.open_missed = None
            scheduled.against_since_start = False
            self.queues.clear_ready(scheduled)

    def _end(self, run: Run, action: Action) -> None:
        self._release(run.key)
        scheduled, task_history = self.registry.tasks.get(run.task), self.history.of(run.task)
        if scheduled is not None and (seen := task_history.last_events.get(action)) is not None:
            ended = task_history.steps.real_instant(seen.at, seen.position)
            scheduled.restart_after = max(scheduled.restart_after, ended + scheduled.task.restart_delay)

    def _release(self, key: RunKey) -> TaskSnapshot | None:
        for waiter in self.running.remove(key):
            self.queues.mark_dirty(waiter)
        return self.snapshots.pop(key, None)

    def _withdraw(self, event: Withdrawn) -> None:
        """Restore the state of its task. A run that no condition asked for stays due until it starts."""
        run, snapshot = event.run, self._release(event.run.key)
        scheduled = self.registry.tasks.get(run.task)
        if scheduled is None:
            return
        if run.trigger in _ON_OCCASION:
            scheduled.force(Forced(run.trigger, run.reason, None if run.trigger is Trigger.HAND else run.due))
        elif snapshot is not None:
            scheduled.restore(snapshot, event.at)
            scheduled.blocked = event.reason  # the reason of the miss, if its window has closed meanwhile

    def replay(
        self, events: Iterable[Event], running: Iterable[Run], now: Instant, latest: Instant | None = None
    ) -> list[str]:
        """Apply the events of the store in log order, and return the tasks with instants far ahead.

        `running` are the runs without an end.
        """
        events = list(events)
        self.history.begin_replay(len(events), now if latest is None else min(latest, now), now)
        for event in events:
            self.learn(event)
        self.history.end_replay()
        for key in self.history.close_runs({run.key for run in running}):
            self._release(key)
        for name, scheduled in self.registry.tasks.items():
            scheduled.forced, scheduled.later_forced = None, ()  # requests from before the restart are void
            scheduled.delay_restart(task_history := self.history.of(name), now)
            if task_history.running and (last := task_history.last_scheduled) is not None:  # it may go on, as units do
                scheduled.against_since_start = was_against_after(last, scheduled.task, self.history)
        return self._far_ahead(now)

    def clock_stepped(self, now: Instant, by: Duration, slept: Duration) -> list[str]:
        """Shift elapsed time with a step of the clock, and mark every task dirty; return the same as `replay`."""
        self.running.shift(by + slept)
        self.missed.shift(self.registry.tasks, by)
        self.history.clock_stepped(now, by, slept)
        for name, scheduled in self.registry.tasks.items():
            scheduled.restart_after = min(scheduled.restart_after + by + slept, now + scheduled.task.restart_delay)
            scheduled.shift_pause(by + slept)
            if abs(by) > LATE:
                scheduled.reset(now)
                self.snapshots.clear()
            if slept and not scheduled.standby:
                self.missed.add_interval(name, MissedInterval(now - slept, now, UNOBSERVED))
            self.queues.mark_dirty(name)
        return self._far_ahead(now) if by < 0 else []

    def _far_ahead(self, now: Instant) -> list[str]:
        latest = {
            name: [seen.at for seen in self.history.of(name).last_events.values()] for name in self.registry.tasks
        }
        return [name for name, instants in latest.items() if max(instants, default=now) > now + NEAR]
