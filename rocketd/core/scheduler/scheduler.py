"""The scheduler decides what to start, and when to check again.

It keeps a heap of `(check at, task)` and judges a condition only when its verdict has run out, or when an event
concerns a task that the condition watches. One pass:

    1. every event has been learned
    2. judge the tasks whose verdict ran out or which an event concerns; those that are due as expected, in their turn
    3. of those that are due, in order of priority, due and name: start what may start. A start is learned at once, and
       the tasks it concerns are judged again before they may start themselves

Waiting (no slot, mutex held, still running) has no object of its own: the task is due, and is tried again when what it
waits for is free. If its condition is against by then, the run is `Missed`.

docs/explanation/architecture.md says what each of its parts knows.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from rocketd.core.conditions.probe import Probe
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.absence import RESUME_SPREAD, Absence
from rocketd.core.model.events import (
    Broken,
    Decision,
    Event,
    Finished,
    Missed,
    Observed,
    Spawned,
    Start,
    Started,
    Withdrawn,
)
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action, Cause, Run, Trigger
from rocketd.core.model.task import On, Task
from rocketd.core.scheduler.parts import SchedulerParts
from rocketd.core.scheduler.task_state import Forced, ScheduledTask

NEXT_STEPS: Final = 64
"""How many verdicts ahead the search for a task's next start looks."""


class Scheduler:
    """Decides what starts and stops. All it knows came in through `load`, `learn` and requests."""

    def __init__(
        self,
        *,
        host: str,
        new_run_id: Callable[[Instant], str],
        max_running: int = 32,
        next_steps: int = NEXT_STEPS,
        resume_spread: Duration = RESUME_SPREAD,
    ) -> None:
        self._parts = parts = SchedulerParts.connected(host, new_run_id, max_running, next_steps)
        self.history, self.startup = parts.history, parts.startup
        self.history.resume_spread = resume_spread
        self.admission = parts.admission
        """What keeps every task from starting."""
        self.take_judged = parts.queues.take_judged
        """Returns which tasks have been judged since the last call: what is shown of the others is as it was."""
        self.expected_start = parts.queues.expected_start
        self.standby = parts.standby
        """The tasks of a fleet that one of its hosts decides about."""

    # -- state ------------------------------------------------------------------------------------------------------

    @property
    def tasks(self) -> Mapping[str, ScheduledTask]:
        """The loaded tasks, by name."""
        return self._parts.registry.tasks

    @property
    def running_runs(self) -> Sequence[Run]:
        """The active runs."""
        return list(self._parts.running)

    @property
    def running_count(self) -> int:
        """How many runs are active."""
        return len(self._parts.running)

    @property
    def spawned_count(self) -> int:
        """How many of them have a process; the others wait for their records to be written."""
        return self._parts.running.spawned_count

    @property
    def max_running(self) -> int:
        """How many runs may be active at the same time; lowering it stops none."""
        return self._parts.running.slots

    @max_running.setter
    def max_running(self, slots: int) -> None:
        self._parts.running.slots = slots

    @property
    def draining(self) -> bool:
        """Whether nothing new starts, except what runs at shutdown."""
        return self._parts.dispatcher.draining

    @property
    def is_cut(self) -> bool:
        """Whether the newest pass ended at its limit of starts while more tasks are ready: the next one goes on."""
        return self._parts.queues.is_cut

    def find(self, name: str) -> ScheduledTask:
        """Return the loaded task of that name; raises NoSuchTask."""
        return self._parts.registry.find(name)

    @property
    def probes(self) -> frozenset[Probe]:
        """What must be observed now: the probes that can matter to a loaded task; until the next pass one object."""
        return self._parts.subscriptions.required

    def state_of(self, name: str) -> TaskState:
        """What the store must keep about a loaded task beside its records."""
        return self._parts.registry.state_of(name)

    # -- loading ----------------------------------------------------------------------------------------------------

    def load(self, tasks: Iterable[Task], now: Instant, states: Mapping[str, TaskState]) -> list[TaskState]:
        """Make these the loaded tasks, by difference, and return the states that have changed.

        A task is armed at `now` if it was not there, or its condition's normal form or zone changed. `states` is what
        the store has kept. Active runs are never touched.
        """
        changed = self._parts.registry.load(tasks, now, states)
        self.startup.retain(self.tasks.keys())
        return changed

    def rename(self, old: str, new: str) -> None:
        """Let a task go on under another name, which has no past: before `load`, which takes its new settings."""
        self._parts.reducer.rename(old, new)
        self._parts.running.rename(old, new)
        self._parts.registry.rename(old, new)

    def missing_history(self, tasks: Collection[Task]) -> dict[tuple[str, Action], Duration]:
        """Return how far back these tasks ask where not enough is kept: what `recall` needs before they are loaded."""
        return self._parts.registry.missing_history(tasks)

    def recall(self, events: Iterable[Event]) -> None:
        """Add older events from the store, for conditions that are about to be loaded."""
        self.history.recall(events)

    # -- events -----------------------------------------------------------------------------------------------------

    def learn(self, event: Event, noted: int | None = None) -> None:
        """Apply an event; `noted` is the position of the log when it happened, if it was recorded later."""
        self._parts.reducer.learn(event, noted)
        if isinstance(event, (Spawned, Finished, Withdrawn)):
            self.admission.apply(event, self.tasks.get(event.run.task))

    def observe(self, event: Observed) -> None:
        """Apply an observation that is still needed; if its answer is new, what depends on it is judged again."""
        if self._parts.subscriptions.is_required(event.probe) and self.history.observe(event):
            for name in self._parts.subscriptions.subscribers(event.probe):
                self._parts.queues.mark_dirty(name)

    def replay(
        self, events: Iterable[Event], running: Iterable[Run], now: Instant, latest: Instant | None = None
    ) -> list[str]:
        """Apply the events of the store in log order, and return the tasks with records far in the future.

        `running` are the runs without an end; every other start that is replayed has ended. `latest` is when the last
        sign of life was by the clock of now, None if that is not known: what is later happened then.
        """
        return self._parts.reducer.replay(events, running, now, latest)

    def clock_stepped(self, now: Instant, by: Duration, slept: Duration = 0) -> list[str]:
        """Apply a step of the clock, or a sleep of the host: deadlines and delays move, every task is judged again.

        A step misses nothing: no time passed. Returns the tasks with records that now lie more than three hours ahead.
        """
        self.admission.shift(by + slept)
        return self._parts.reducer.clock_stepped(now, by, slept)

    def add_downtime(self, start: Instant, end: Instant, *, known: bool = True) -> None:
        """Note a downtime between these instants: what was missed is recorded, task by task.

        If it is not `known`, because the clock may be wrong, that waits for `trust_clock`; `start` may lie ahead.
        """
        self.history.absence = Absence(min(start, end), end)
        self._parts.missed.add_downtime(self.tasks, start, end, known=known)

    @property
    def awaits_trusted_clock(self) -> bool:
        """Whether it waits for `trust_clock`."""
        return self._parts.missed.unconfirmed is not None

    def trust_clock(self) -> None:
        """Trust the clock: what was missed in the downtime can be recorded."""
        self._parts.missed.unconfirmed = None

    # -- decisions --------------------------------------------------------------------------------------------------

    def next_check(self) -> Instant:
        """Return when `decide` must be called again at the latest, if no event comes before; see also `is_cut`."""
        return min(self._parts.queues.next_check(), self._parts.running.next_deadline(), self._parts.queues.next_try())

    def decide(self, now: Instant, max_starts: int | None = None) -> list[Decision]:
        """Make one pass at this instant, and return its decisions; it ends with that many starts, see `is_cut`."""
        self.history.begin_pass(now)
        self._parts.queues.begin_pass(now)
        decisions: list[Decision] = [*self._parts.running.overdue(now), *self._judge_dirty(now)]
        for scheduled in self._parts.queues.take_ready(now, max_starts):
            decisions += self._isolated(scheduled, self._parts.dispatcher.try_start(scheduled, now))
            decisions += self._judge_dirty(now)
        if not self._parts.queues.is_cut:  # else the others have their turn in the next pass
            self._parts.queues.judge_expected()
            decisions += self._judge_dirty(now)
        for probe in self._parts.subscriptions.end_pass():
            self.history.forget_observation(probe)
        self.admission.end_pass(waiting=self._parts.queues.has_ready)
        return decisions

    def _judge_dirty(self, now: Instant) -> Iterator[Decision]:
        for scheduled in self._parts.queues.take_dirty():
            yield from self._isolated(scheduled, self._parts.evaluator.judge(scheduled, now))

    def _isolated(self, scheduled: ScheduledTask, decisions: Iterator[Decision]) -> Iterator[Decision]:
        """Yield decisions that are learned. A defect in one condition stops no other task: its own becomes unknown."""
        try:
            for decision in decisions:
                self._learn(decision)
                yield decision
        except Exception as error:  # noqa: BLE001 - whatever it raises, it is data for whoever keeps the journal
            scheduled.set_unknown()
            self._parts.queues.clear_ready(scheduled)
            yield Broken(scheduled.task.name, error)

    def _learn(self, decision: Decision) -> None:
        """Learn of a start at once, before anything else is decided."""
        if isinstance(decision, Start):
            self.learn(Started(decision.run))
        elif isinstance(decision, Missed):
            self._parts.registry.notify_missed(decision.task)

    @property
    def has_unreported(self) -> bool:
        """Whether `report_missed` has something left to do."""
        return bool(self._parts.missed) and not self.awaits_trusted_clock

    def report_missed(self, now: Instant) -> list[Missed]:
        """Record what one task missed in the downtime; it is judged again, as that is used up now."""
        for one in (missed := self._parts.missed.report_next(self.tasks, now)):
            self._parts.queues.mark_dirty(one.task)
            self._parts.registry.notify_missed(one.task)
        return missed

    # -- requests of the operator -----------------------------------------------------------------------------------

    def run(self, name: str, now: Instant, reason: str, *, as_scheduled: bool = False) -> list[Decision]:
        """Start it now, whatever its condition says; raises NoSuchTask, Refusal if a mutex or the slots forbid it."""
        decisions = self._parts.dispatcher.start_by_hand(self.find(name), now, reason, as_scheduled=as_scheduled)
        for decision in decisions:
            self._learn(decision)
        return decisions

    def stop(self, name: str, number: int | None = None) -> list[Decision]:
        """Stop one run of a task, or all; raises NoSuchRun if none is active, Refusal if it is on another host."""
        runs = [run for run in self._parts.running if run.task == name and number in {None, run.number}]
        if not runs and number is None and name in self.tasks and self.tasks[name].cancel_requests():
            self._parts.queues.mark_dirty(name)
            return []
        if not runs:
            self.standby.refuse_stop(name, number)
        return [decision for run in runs for decision in self._parts.running.stop(run, Cause.OPERATOR)]

    def stop_all(self, cause: Cause) -> list[Decision]:
        """Stop every run."""
        return [decision for run in self._parts.running for decision in self._parts.running.stop(run, cause)]

    def pause(self, name: str, *, until: Instant | None, by: str, reason: str) -> TaskState:
        """Pause the task until then, or until it is resumed: its condition starts nothing. Raises NoSuchTask."""
        return self._parts.registry.pause(name, until=until, by=by, reason=reason)

    def resume(self, name: str, now: Instant) -> TaskState:
        """Resume its schedule: it is armed anew. Raises NoSuchTask, Refusal if it is not paused."""
        return self._parts.registry.resume(name, now)

    def start_on(self, on: On) -> None:
        """Make the tasks due that run at this occasion: the boot, the start or the stop of the daemon."""
        for name, scheduled in self.tasks.items():
            if scheduled.task.on is on:
                self.force(name, Trigger(on), f"on {on}")

    def force(self, name: str, trigger: Trigger, reason: str) -> None:
        """Make it due whatever its condition says, until it has started once; raises NoSuchTask."""
        scheduled = self.find(name)
        scheduled.force(Forced(trigger, reason))
        self._parts.queues.mark_dirty(name)

    def drain(self) -> None:
        """Start nothing new from now on, except what runs at shutdown."""
        self._parts.dispatcher.draining = True
        self.start_on(On.SHUTDOWN)
