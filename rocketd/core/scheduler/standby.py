"""The tasks that one host of a fleet decides about: this one, or another, in which case they stand by here.

A task that stands by is loaded and learned about, so that it can be shown, that other conditions can ask about it, and
that this host can take it over at once. It is not judged: nothing starts, and no chance counts as missed.

What all hosts have recorded of these tasks is learned in one order, that of the fleet's records: anew at each joining,
and what is recorded from then on as it is heard of.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Final, NamedTuple, NoReturn

from rocketd.core.dataclass import dataclass
from rocketd.core.history.history import History
from rocketd.core.instant import BEGINNING, Duration, Instant
from rocketd.core.model.events import Event, Finished, Missed, NoSuchRun, Refusal, Started, Stop, Withdrawn, task_of
from rocketd.core.model.recorded_instants import RecordedInstants
from rocketd.core.model.run import Cause, Run, RunKey
from rocketd.core.model.run_on import RunOn
from rocketd.core.model.task_history import TaskHistory
from rocketd.core.scheduler.after_start import was_against_after
from rocketd.core.scheduler.missed import MissedInterval, MissedRuns
from rocketd.core.scheduler.ownership import MAX_CLOCK_OFFSET
from rocketd.core.scheduler.queues import Queues
from rocketd.core.scheduler.registry import TaskRegistry
from rocketd.core.scheduler.running import RunningRuns
from rocketd.core.scheduler.task_state import ScheduledTask, TaskSnapshot

NO_OWNER: Final = "no host owned it"
"""Why what a task has missed before it was taken over was not run."""
NEVER_BEGAN: Final = "the host that had claimed it never began it"


class OwnedTask(NamedTuple):
    """What the fleet knows about a task beside its records."""

    name: str
    armed_at: Instant
    next_number: int
    """At least this number has its next run."""


@dataclass(frozen=True, slots=True)
class StandbyTasks:
    """Gives and takes the tasks with `run_on = "one"`."""

    history: History
    registry: TaskRegistry
    queues: Queues
    running: RunningRuns
    missed: MissedRuns
    snapshots: dict[RunKey, TaskSnapshot]

    @property
    def names(self) -> Sequence[str]:
        """The loaded tasks with `run_on = "one"`."""
        return [name for name, scheduled in self.registry.tasks.items() if scheduled.task.run_on is RunOn.ONE]

    def is_owned(self, name: str) -> bool:
        """Whether this host decides about that task."""
        scheduled = self._find(name)
        return scheduled is not None and not scheduled.standby

    def stand_by(self, name: str, why: str) -> None:
        """Decide nothing about the task from now on; `why` is a sentence."""
        scheduled = self._find(name)
        if scheduled is not None and scheduled.standby != why:
            scheduled.standby = why
            self.missed.forget(name)
            self.queues.mark_dirty(name)

    def rebuild(self, tasks: Iterable[OwnedTask], events: Iterable[Event], now: Instant) -> None:
        """Replace what is known of the tasks by what the fleet has recorded, in its order; they stand by meanwhile."""
        rebuilt: dict[str, tuple[ScheduledTask, int]] = {}
        for task in tasks:
            if (scheduled := self._find(task.name)) is not None:
                before = self._begin_anew(scheduled)
                self.history.of(task.name).arm(task.armed_at)
                rebuilt[task.name] = scheduled, max(task.next_number, before)
        for event in events:
            if task_of(event) in rebuilt:
                self._learn(event)
        for name, (scheduled, number) in rebuilt.items():
            task_history = self.history.of(name)
            task_history.next_number = max(task_history.next_number, number)
            scheduled.delay_restart(task_history, now)
            self.registry.notify_dependents(name)

    def _begin_anew(self, scheduled: ScheduledTask) -> int:
        """Empty its history, and return the number that its next run would have had."""
        name = scheduled.task.name
        scheduled.begin_anew()
        self.missed.forget(name)
        for key in [key for key in self.snapshots if key[0] == name]:
            del self.snapshots[key]
        old = self.history.of(name)
        number, spawned_at = old.next_number, old.spawned_at
        kept = {action: RecordedInstants(self.history.steps) for action in old.recorded_instants}
        fresh = TaskHistory(self.history.steps, member_since=old.member_since, recorded_instants=kept)
        for one in fields(TaskHistory):
            setattr(old, one.name, getattr(fresh, one.name))
        old.spawned_at = spawned_at  # of the runs that go on here: no record tells
        return number

    def learn(self, event: Event, now: Instant, *, own: bool) -> bool:
        """Apply what the fleet has recorded; return whether it is news.

        What is this host's `own` it has known since it decided it, but for what it has judged about others.
        """
        name = task_of(event)
        scheduled, task_history = self._find(name), self.history.of(name)
        if scheduled is None or not _is_news(event, task_history, own=own):
            return False
        self._learn(event)
        if isinstance(event, Finished):
            scheduled.delay_restart(task_history, now)
        elif isinstance(event, Withdrawn) and not scheduled.standby:  # its chance is to be used, or missed
            scheduled.begin_anew()
            self.missed.add_interval(name, MissedInterval(min(event.run.due, event.run.start), now, NEVER_BEGAN))
        self.registry.notify_dependents(name)
        if not isinstance(event, Started | Missed):
            for waiter in self.running.waiters(scheduled.task.mutex):
                self.queues.mark_dirty(waiter)
        if isinstance(event, Missed):
            self.registry.notify_missed(name)
        return True

    def take(self, task: OwnedTask, undecided_since: Instant, now: Instant, lease: Duration) -> None:
        """Decide about the task from now on; what has been recorded of it has been learned.

        `undecided_since`: since when no host has decided about it, by the clock of the database. The chances that have
        passed since are missed, but the newest. What was decided within the `lease` before may not have been recorded.
        """
        scheduled = self._find(task.name)
        if scheduled is None:
            return
        task_history = self.history.of(task.name)
        task_history.arm(task.armed_at)
        task_history.next_number = max(task_history.next_number, task.next_number)
        scheduled.begin_anew()
        scheduled.standby = scheduled.blocked = ""
        last = task_history.last_scheduled
        scheduled.against_since_start = last is None or was_against_after(last, scheduled.task, self.history)
        since = max(undecided_since - lease - MAX_CLOCK_OFFSET, BEGINNING if last is None else last.start)
        if since < now:
            self.missed.add_interval(task.name, MissedInterval(since, now, NO_OWNER))
        self.queues.mark_dirty(task.name)

    def runs_elsewhere(self, name: str, here: Iterable[Run]) -> Iterator[Run]:
        """Yield the active runs of the task that are not among those of this host."""
        own = {run.number for run in here if run.task == name}
        yield from (run for number, run in self.history.of(name).running.items() if number not in own)

    def take_over(self, run: Run) -> None:
        """Let a run that another host has begun be one of this host: it can be stopped here, and times out here."""
        scheduled = self._find(run.task)
        if scheduled is not None:
            self.running.add(run, scheduled.task)

    def leave(self, run: Run) -> None:
        """Let an active run of this host be one of another host, until that one has recorded its end."""
        self.snapshots.pop(run.key, None)
        for waiter in self.running.remove(run.key):
            self.queues.mark_dirty(waiter)

    def refuse_stop(self, name: str, number: int | None) -> NoReturn:
        """Say why a task has no run here that could be stopped: Refusal if another host has it, else NoSuchRun."""
        scheduled = self._find(name)
        if scheduled is not None and scheduled.standby and self.history.of(name).running:
            raise Refusal(scheduled.standby, hint="stop it on the host that owns it: see rocketctl fleet")
        raise NoSuchRun(f"{name if number is None else f'{name}/{number}'} is not running")

    def stop(self, runs: Iterable[Run], cause: Cause) -> list[Stop]:
        """Stop these runs of this host."""
        return [decision for run in runs for decision in self.running.stop(run, cause)]

    def _learn(self, event: Event) -> None:
        self.history.learns_elsewhere = True
        try:
            self.history.learn(event)
        finally:
            self.history.learns_elsewhere = False
        if isinstance(event, Started):  # no record tells when it got its process
            task_history = self.history.of(event.run.task)
            task_history.spawned_at = {event.run.number: event.run.start, **task_history.spawned_at}

    def _find(self, name: str) -> ScheduledTask | None:
        scheduled = self.registry.tasks.get(name)
        return scheduled if scheduled is not None and scheduled.task.run_on is RunOn.ONE else None


def _is_news(event: Event, known: TaskHistory, *, own: bool) -> bool:
    """Whether the event changes what is known. Of numbers nothing follows: a start that was refused has used one up."""
    match event:
        case Started(run):
            return not own and run.number not in known.running
        case Finished(run, end) if own and end.cause is Cause.DOWN and run.number not in known.running:
            return not known.has_seen_end(run.key)  # taken back here, but too late: its chance is used
        case Finished(run) | Withdrawn(run):
            return run.number in known.running
        case _:
            return not own
