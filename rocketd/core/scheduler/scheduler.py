"""The scheduler decides what to start and when to look again.

It keeps a heap of `(look again at, task)` and judges a condition only when its verdict has run out, or when an event
concerns a task that the condition watches. One pass:

    1. every event has been learned
    2. judge the tasks whose verdict ran out or which an event concerns
    3. of those that are due, in order of priority, due and name: start what may start. A start is learned at once, and
       whoever it concerns is judged again before it may start itself

Waiting (no slot, mutex held, still running) is no object of its own: the task is due, and is asked again when what it
waits for is free. If its condition is against by then, the chance is gone, and that is `Missed`.

    Roster      the loaded tasks, and whom an event concerns
    Learner     what was done, and what follows from it for who is loaded
    Agenda      who is judged next, and who of those that are due goes first
    Judge       what a condition says now, and what follows
    Starter     what is in the way of a task that is due, and which run it becomes
    Admission   what is in the way of every task
    Going       the runs that go on, and what they hold
    Misses      the chances that passed
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from rocketd.core.conditions.probe import Probe
from rocketd.core.history.history import History
from rocketd.core.instant import FOREVER, Duration, Instant
from rocketd.core.model.absence import RESUME_SPREAD, Absence
from rocketd.core.model.events import (
    Broken,
    Decision,
    Event,
    Finished,
    Missed,
    NoSuchRun,
    Observed,
    Refusal,
    Spawned,
    Start,
    Started,
    Withdrawn,
)
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action, Cause, Run, Trigger
from rocketd.core.model.task import On, Task
from rocketd.core.model.verdict import UNKNOWN, Verdict
from rocketd.core.scheduler.admission import Admission
from rocketd.core.scheduler.dispatcher import Dispatcher
from rocketd.core.scheduler.evaluator import Evaluator
from rocketd.core.scheduler.event_reducer import EventReducer
from rocketd.core.scheduler.missed import MissedRuns
from rocketd.core.scheduler.next_due import NextDue
from rocketd.core.scheduler.probe_subscriptions import ProbeSubscriptions
from rocketd.core.scheduler.queues import Queues
from rocketd.core.scheduler.registry import TaskRegistry
from rocketd.core.scheduler.running import RunningRuns
from rocketd.core.scheduler.task_state import Forced, ScheduledTask

NEXT_STEPS: Final = 64
"""How many verdicts a task's next start is looked for ahead."""

_TRIGGERS: Final = {On.BOOT: Trigger.BOOT, On.STARTUP: Trigger.STARTUP, On.SHUTDOWN: Trigger.SHUTDOWN}


class Scheduler:
    """Decides. Everything it knows came in through `load`, `learn` and the operator's verbs."""

    def __init__(
        self,
        *,
        host: str,
        new_run_id: Callable[[Instant], str],
        max_running: int = 32,
        next_steps: int = NEXT_STEPS,
        resume_spread: Duration = RESUME_SPREAD,
    ) -> None:
        tasks: dict[str, ScheduledTask] = {}
        self.history = History(host)
        self.history.resume_spread = resume_spread
        self._running = RunningRuns(max_running)
        self._missed = MissedRuns(self.history, new_run_id)
        self._subscriptions = ProbeSubscriptions()
        self.admission = Admission(self._running)
        """What keeps every task from starting."""
        self._queues = Queues(tasks, self._running, self.admission)
        self._registry = TaskRegistry(tasks, self.history, self._queues, self._missed, self._subscriptions)
        self._reducer = EventReducer(self.history, self._registry, self._queues, self._running, self._missed)
        self._evaluator = Evaluator(
            self.history, self._queues, self._running, self._missed, self._subscriptions, next_steps=next_steps
        )
        self._dispatcher = Dispatcher(self.history, self._running, self._missed, self.admission, new_run_id)

    # -- what there is ----------------------------------------------------------------------------------------------

    @property
    def tasks(self) -> Mapping[str, ScheduledTask]:
        """The loaded tasks, by name."""
        return self._registry.tasks

    @property
    def running_runs(self) -> Sequence[Run]:
        """The runs that are going on."""
        return list(self._running)

    @property
    def running_count(self) -> int:
        """How many runs are going on."""
        return len(self._running)

    @property
    def spawned_count(self) -> int:
        """How many of them have begun: the others wait for their records to be written."""
        return self._running.spawned_count

    @property
    def max_running(self) -> int:
        """How many runs may go on at the same time; lowering it stops none."""
        return self._running.slots

    @max_running.setter
    def max_running(self, slots: int) -> None:
        self._running.slots = slots

    @property
    def draining(self) -> bool:
        """Whether nothing new starts, except what runs at shutdown."""
        return self._dispatcher.draining

    def find(self, name: str) -> ScheduledTask:
        """The loaded task of that name; raises NoSuchTask."""
        return self._registry.find(name)

    @property
    def probes(self) -> frozenset[Probe]:
        """What must be observed now: the probes whose answer can matter to a loaded task.

        Each pass may change it; until then it is the same object.
        """
        return self._subscriptions.wanted

    def state_of(self, name: str) -> TaskState:
        """What the store must keep about a loaded task beside its records."""
        return self._registry.state_of(name)

    # -- tasks come and go ------------------------------------------------------------------------------------------

    def load(self, tasks: Iterable[Task], now: Instant, states: Mapping[str, TaskState]) -> list[TaskState]:
        """Make these the loaded tasks, by difference, and give back the states that have changed.

        A task whose condition's normal form or zone changed, or that was not there, is armed at `now`; no other edit
        counts. `states` is what the store has kept. Runs that are going on are never touched.
        """
        return self._registry.load(tasks, now, states)

    def missing_history(self, tasks: Iterable[Task]) -> dict[tuple[str, Action], Duration]:
        """How far back these tasks ask where not enough is kept: what `recall` needs before they are loaded."""
        return self._registry.missing_history(tasks)

    def recall(self, events: Iterable[Event]) -> None:
        """Have conditions that are about to come know how often things have happened, by what the store gives."""
        self.history.recall(events)

    # -- events come up ---------------------------------------------------------------------------------------------

    def learn(self, event: Event) -> None:
        """Take in what was done."""
        self._reducer.learn(event)
        if isinstance(event, Spawned | Finished | Withdrawn):
            self.admission.apply(event, self.tasks.get(event.run.task))

    def observe(self, event: Observed) -> None:
        """Take in what a probe shows; if that is news, whoever rests on it must be judged again.

        What nobody wants any longer is passed over: it came too late.
        """
        if self._subscriptions.is_wanted(event.probe) and self.history.observe(event):
            for name in self._subscriptions.subscribers(event.probe):
                self._queues.mark_dirty(name)

    def replay(
        self, events: Iterable[Event], running: Iterable[Run], now: Instant, latest: Instant | None = None
    ) -> list[str]:
        """Learn the past that the store gives, in log order, and name the tasks that have records far in the future.

        `running` are the runs without an end; every other start that is replayed has ended, be its end among the events
        or not. `latest` is when the last sign of life was by the clock of now, None if that is not known: what was
        recorded as of later than that happened then, until the clock is set right.
        """
        return self._reducer.replay(events, running, now, latest)

    def clock_stepped(self, now: Instant, by: Duration, slept: Duration = 0) -> list[str]:
        """The clock was set by so much, or the host slept so long: deadlines and delays move, all is judged again.

        Nothing is missed by a step: it was some other time, and no time passed. The tasks are named of which something
        is recorded that lies more than three hours ahead now.
        """
        self.admission.shift(by + slept)
        return self._reducer.clock_stepped(now, by, slept)

    def add_downtime(self, start: Instant, end: Instant, *, known: bool = True) -> None:
        """Nobody decided between these instants: what was missed is accounted for, task by task.

        Where that is not `known`, as the clock may be wrong, only once somebody says that it can be trusted. `start` is
        by the clock of then, and may lie ahead; `end` is now.
        """
        self.history.absence = Absence(min(start, end), end)
        self._missed.add_downtime(self.tasks, start, end, known=known)

    @property
    def awaits_trusted_clock(self) -> bool:
        """Whether it waits for somebody to say that the clock can be trusted."""
        return self._missed.unconfirmed is not None

    def trust_clock(self) -> None:
        """The clock is right: what was missed while nobody was there can be told."""
        self._missed.unconfirmed = None

    # -- decisions go down ------------------------------------------------------------------------------------------

    def next_check(self) -> Instant:
        """When `decide` must be called again at the latest, if no event comes before."""
        return min(self._queues.next_check(), self._running.next_deadline(), self._queues.next_try())

    def decide(self, now: Instant) -> list[Decision]:
        """One pass of the scheduler at this instant."""
        self.history.begin_pass(now)
        self._queues.begin_pass(now)
        decisions: list[Decision] = [*self._running.overdue(now), *self._judge_dirty(now)]
        for scheduled in self._queues.take_ready(now):
            decisions += self._isolated(scheduled, self._dispatcher.try_start(scheduled, now))
            decisions += self._judge_dirty(now)
        for probe in self._subscriptions.end_pass():
            self.history.forget_observation(probe)
        self.admission.end_pass(waiting=self._queues.has_ready)
        return decisions

    def _judge_dirty(self, now: Instant) -> Iterator[Decision]:
        for scheduled in self._queues.take_dirty():
            yield from self._isolated(scheduled, self._evaluator.judge(scheduled, now))

    def _isolated(self, scheduled: ScheduledTask, decisions: Iterator[Decision]) -> Iterator[Decision]:
        """A defect in one condition must not stop the others: its task is unknown until its next event."""
        try:
            yield from self._learned(decisions)
        except Exception as error:  # noqa: BLE001 - whatever it raises, it is data for whoever keeps the journal
            scheduled.verdict, scheduled.check_at = Verdict(UNKNOWN), FOREVER
            scheduled.set_next(NextDue())
            self._queues.clear_ready(scheduled)
            yield Broken(scheduled.task.name, error)

    def _learned(self, decisions: Iterable[Decision]) -> Iterator[Decision]:
        """A start is learned at once, before anything else is decided."""
        for decision in decisions:
            if isinstance(decision, Start):
                self.learn(Started(decision.run))
            yield decision

    @property
    def has_unreported(self) -> bool:
        """Whether `account` has something left to do."""
        return bool(self._missed) and not self.awaits_trusted_clock

    def report_missed(self, now: Instant) -> list[Missed]:
        """Account for what one task missed while nobody looked; it is judged again, for that is used up now."""
        missed = self._missed.report_next(self.tasks, now)
        for one in missed:
            self._queues.mark_dirty(one.task)
        return missed

    # -- the operator's verbs ---------------------------------------------------------------------------------------

    def run(self, name: str, now: Instant, reason: str, *, as_scheduled: bool = False) -> list[Decision]:
        """Start it now, whatever its condition says; raises NoSuchTask, Refused if a mutex or the slots forbid it."""
        return [*self._learned(self._dispatcher.start_by_hand(self.find(name), now, reason, as_scheduled=as_scheduled))]

    def stop(self, name: str, number: int | None = None) -> list[Decision]:
        """Stop one run of a task, or all of them; raises NoSuchRun if none is going on."""
        runs = [run for run in self._running if run.task == name and number in {None, run.number}]
        if not runs and number is None and name in self.tasks and self.tasks[name].cancel_requests():
            self._queues.mark_dirty(name)
            return []
        if not runs:
            raise NoSuchRun(f"{name if number is None else f'{name}/{number}'} is not running")
        return [decision for run in runs for decision in self._running.stop(run, Cause.OPERATOR)]

    def stop_all(self, cause: Cause) -> list[Decision]:
        """Stop every run."""
        return [decision for run in self._running for decision in self._running.stop(run, cause)]

    def pause(self, name: str, *, until: Instant | None, by: str, reason: str) -> TaskState:
        """Start nothing by its condition until then, or until it is resumed; raises NoSuchTask."""
        scheduled = self.find(name)
        scheduled.paused = replace(
            self.state_of(name), paused=True, paused_until=until, paused_by=by, paused_reason=reason
        )
        scheduled.expired_pause = None
        self._queues.mark_dirty(name)
        return scheduled.paused

    def resume(self, name: str, now: Instant) -> TaskState:
        """Go on with its schedule: it is armed anew. Raises NoSuchTask, Refused if it is not paused."""
        scheduled = self.find(name)
        if scheduled.paused is None:
            raise Refusal(f"task {name!r} is not paused")
        scheduled.paused = None
        self.history.of(name).arm(now, self.history.position)
        self._queues.mark_dirty(name)
        return self.state_of(name)

    def start_on(self, on: On) -> None:
        """The host booted, the daemon started, the daemon stops: the tasks that want to run then become due."""
        for name, scheduled in self.tasks.items():
            if scheduled.task.on is on:
                self.force(name, _TRIGGERS[on], f"on {on}")

    def force(self, name: str, trigger: Trigger, reason: str) -> None:
        """Make it due whatever its condition says, until it has started once; raises NoSuchTask."""
        scheduled = self.find(name)
        scheduled.force(Forced(trigger, reason))
        self._queues.mark_dirty(name)

    def drain(self) -> None:
        """From now on nothing new starts, except what runs at shutdown."""
        self._dispatcher.draining = True
        self.start_on(On.SHUTDOWN)
