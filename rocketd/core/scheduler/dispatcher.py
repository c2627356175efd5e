"""Starts due tasks: what blocks them, and which runs they become."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from rocketd.core.dataclass import dataclass
from rocketd.core.history.history import History
from rocketd.core.instant import Instant
from rocketd.core.model.condition import All, Any, Condition
from rocketd.core.model.events import Decision, Refusal, Start
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Cause, Run, RunKey, Trigger
from rocketd.core.model.run_on import RunOn
from rocketd.core.model.task import Overlap, Task
from rocketd.core.model.verdict import FOR
from rocketd.core.scheduler import retries
from rocketd.core.scheduler.admission import Admission
from rocketd.core.scheduler.missed import MissedRuns
from rocketd.core.scheduler.running import RunningRuns
from rocketd.core.scheduler.startup_phase import StartupPhase
from rocketd.core.scheduler.task_state import Forced, ScheduledTask


@dataclass(slots=True)
class Dispatcher:
    """Decides whether a due task starts. A `Start` must be learned before the next call."""

    history: History
    running: RunningRuns
    missed: MissedRuns
    admission: Admission
    startup: StartupPhase
    new_run_id: Callable[[Instant], str]
    tasks: Mapping[str, ScheduledTask]
    """The loaded tasks, by name."""
    draining: bool = False
    """Nothing new starts, except what runs at shutdown."""

    def try_start(self, scheduled: ScheduledTask, now: Instant) -> Iterator[Decision]:
        """Start a due task, or note what blocks it."""
        running = self.history.of(scheduled.task.name).running
        scheduled.blocked = self._blocked_reason(scheduled, running=bool(running))
        if scheduled.blocked:
            return
        if running and scheduled.task.overlap is Overlap.REPLACE:
            scheduled.blocked = "its previous run is still being stopped"
            for run in list(running.values()):
                yield from self.running.stop(run, Cause.REPLACE)
        elif holder := self._holder(scheduled.task):
            scheduled.blocked = f"mutex {scheduled.task.mutex!r} is held by {holder[0]}/{holder[1]}"
            self.running.add_waiter(scheduled.task.mutex, scheduled.task.name)
        else:
            run = self._next_run(scheduled, now)  # what wants it may count as missed below: its hours began anew since
            yield from self.missed.report(scheduled, now)
            yield Start(run)

    def _blocked_reason(self, scheduled: ScheduledTask, *, running: bool) -> str:
        if scheduled.paused and not scheduled.forced:
            return "paused"
        if self.draining and (scheduled.forced is None or scheduled.forced.trigger is not Trigger.SHUTDOWN):
            return "rocketd is shutting down"
        if obstacle := self.startup.obstacle(scheduled.task.name):
            return obstacle
        if not running:
            return ""
        if scheduled.task.overlap in {Overlap.WAIT, Overlap.SKIP}:
            return "still running"
        return "" if scheduled.forced or scheduled.against_since_start else "still running, and not due again"

    def _holder(self, task: Task) -> RunKey | None:
        """Return the run that holds the mutex of a task; if one host of a fleet runs the task, it may be elsewhere."""
        if not task.mutex or task.run_on is RunOn.EACH:
            return self.running.holder(task.mutex)
        same = (one.task.name for one in self.tasks.values() if one.task.mutex == task.mutex)
        elsewhere = ((name, number) for name in same for number in self.history.of(name).running)
        return self.running.holder(task.mutex) or next((key for key in elsewhere if key not in self.running), None)

    def _next_run(self, scheduled: ScheduledTask, now: Instant) -> Run:
        moment = Moment(now, scheduled.task, self.history)
        if scheduled.forced:
            trigger, reason, due = scheduled.forced
            return self._new_run(scheduled.task, now, now if due is None else min(due, now), trigger, reason)
        due = now if scheduled.due is None else scheduled.due
        last, retry = moment.task_history.last_scheduled, retries.is_retry(moment)
        wanting = moment if retry else moment._replace(without_retries=True)  # it may be that a retry holds as well
        run = self._new_run(scheduled.task, now, due, Trigger.SCHEDULE, holding_parts(scheduled.task.when, wanting))
        if cause := scheduled.task.when.causing_run(moment):
            run = replace(run, cause_task=cause.task, cause_run_id=cause.run_id)
        if last is not None and retry:
            due = moment.task_history.steps.wall_instant(last.due, moment.task_history.scheduled_position)
            run = replace(run, due=due, attempt=last.attempt + 1, trigger=retries.trigger_after(moment))
        return run

    def _new_run(self, task: Task, now: Instant, due: Instant, trigger: Trigger, reason: str) -> Run:
        number = self.history.of(task.name).next_number
        return Run(task.name, number, self.new_run_id(now), 1, due, now, trigger, reason)

    def start_by_hand(
        self, scheduled: ScheduledTask, now: Instant, reason: str, *, as_scheduled: bool
    ) -> list[Decision]:
        """Start it whatever its condition says, or queue it behind earlier requests that still wait.

        Raises Refusal if a mutex or the slots forbid it.
        """
        if scheduled.standby:
            raise Refusal(scheduled.standby, hint="run it on the host that owns it: see rocketctl fleet")
        self._check_free(scheduled.task)
        trigger = Trigger.AS_SCHEDULED if as_scheduled else Trigger.HAND
        if self.admission.closed or scheduled.is_requested:
            scheduled.force(Forced(trigger, reason))
            return []
        due = scheduled.due if as_scheduled and scheduled.due is not None else now
        return [*self.missed.report(scheduled, now), Start(self._new_run(scheduled.task, now, due, trigger, reason))]

    def _check_free(self, task: Task) -> None:
        if self.draining:
            raise Refusal("rocketd is shutting down", hint="wait until it has been started again")
        running = self.history.of(task.name).running
        if running and task.overlap is not Overlap.ALLOW:
            which = f"{task.name}/{max(running)}"
            raise Refusal(f"task {task.name!r} is already running as {which}", hint=f"rocketctl stop {which}")
        if holder := self._holder(task):
            which = f"{holder[0]}/{holder[1]}"
            raise Refusal(f"mutex {task.mutex!r} is held by {which}", hint="wait for that run to finish")
        if self.running.is_full:
            slots = self.running.slots
            message = "the only slot is in use" if slots == 1 else f"all {slots} slots are in use"
            raise Refusal(message, hint="raise max_running in rocketd.toml")


def holding_parts(condition: Condition, moment: Moment) -> str:
    """Return the parts that make a condition hold, in normal form."""
    inner = condition.inner_moment(moment)
    if isinstance(condition, All):
        return " & ".join(holding_parts(part, inner) for part in condition.parts)
    if isinstance(condition, Any):
        judged = [(part.judge(inner), part) for part in condition.parts]
        holds = [(verdict.since, place) for place, (verdict, _) in enumerate(judged) if verdict.answer is FOR]
        return holding_parts(judged[min(holds)[1]][1], inner) if holds else str(condition)
    return str(condition)
