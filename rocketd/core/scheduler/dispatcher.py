"""Starting what is due: what is in the way, and which run it becomes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rocketd.core.history.history import History
from rocketd.core.instant import Instant
from rocketd.core.model.condition import All, Any, Condition
from rocketd.core.model.events import Decision, Refusal, Start
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Cause, Run, Trigger
from rocketd.core.model.task import Overlap, Task
from rocketd.core.model.verdict import FOR
from rocketd.core.scheduler import retries
from rocketd.core.scheduler.admission import Admission
from rocketd.core.scheduler.missed import MissedRuns
from rocketd.core.scheduler.running import RunningRuns
from rocketd.core.scheduler.task_state import Forced, ScheduledTask


@dataclass(slots=True)
class Dispatcher:
    """Decides whether what is due starts. Whoever gets a `Start` must have it learned before asking again."""

    history: History
    going: RunningRuns
    misses: MissedRuns
    admission: Admission
    new_run_id: Callable[[Instant], str]
    draining: bool = False
    """Nothing new starts, except what runs at shutdown."""

    def offer(self, entry: ScheduledTask, now: Instant) -> Iterator[Decision]:
        """A due task's turn: start it, or note what it waits for."""
        going = self.history.of(entry.task.name).going
        entry.blocked = self._hindrance(entry, going=bool(going))
        if entry.blocked:
            return
        if going and entry.task.overlap is Overlap.REPLACE:
            entry.blocked = "its last run is still being stopped"
            for run in list(going.values()):
                yield from self.going.stop(run, Cause.REPLACE)
        elif holder := self.going.holder(entry.task.mutex):
            entry.blocked = f"mutex {entry.task.mutex} is held by {holder[0]}"
            self.going.wait(entry.task.mutex, entry.task.name)
        else:
            run = self._next_run(entry, now)  # what wants it may count as missed below: its hours began anew since
            yield from self.misses.account(entry, now)
            yield Start(run)

    def _hindrance(self, entry: ScheduledTask, *, going: bool) -> str:
        if entry.paused and not entry.forced:
            return "paused"
        if self.draining and (entry.forced is None or entry.forced.trigger is not Trigger.SHUTDOWN):
            return "the daemon is stopping"
        if not going:
            return ""
        if entry.task.overlap in {Overlap.WAIT, Overlap.SKIP}:
            return "still running"
        return "" if entry.forced or entry.against_since_start else "still running, and not due anew"

    def _next_run(self, entry: ScheduledTask, now: Instant) -> Run:
        moment = Moment(now, entry.task, self.history)
        if entry.forced:
            trigger, reason, due = entry.forced
            return self._new_run(entry.task, now, now if due is None else min(due, now), trigger, reason)
        due = now if entry.due is None else entry.due
        last, retry = moment.past.scheduled, retries.is_retry(moment)
        wanting = moment if retry else moment._replace(plain=True)  # it may be that a retry holds as well
        run = self._new_run(entry.task, now, due, Trigger.SCHEDULE, holding(entry.task.when, wanting))
        if cause := entry.task.when.because(moment):
            run = replace(run, cause_task=cause.task, cause_run_id=cause.run_id)
        if last is not None and retry:
            due = moment.past.steps.on_wall(last.due, moment.past.scheduled_position)
            run = replace(run, due=due, attempt=last.attempt + 1, trigger=Trigger.RETRY)
        return run

    def _new_run(self, task: Task, now: Instant, due: Instant, trigger: Trigger, reason: str) -> Run:
        number = self.history.of(task.name).next_number
        return Run(task.name, number, self.new_run_id(now), 1, due, now, trigger, reason)

    def by_hand(self, entry: ScheduledTask, now: Instant, reason: str, *, as_scheduled: bool) -> list[Decision]:
        """Start it whatever its condition says, or have it due behind what was asked for before and waits still.

        Raises Refused if a mutex or the slots forbid it.
        """
        self._check_free(entry.task)
        trigger = Trigger.AS_SCHEDULED if as_scheduled else Trigger.HAND
        if self.admission.closed or entry.is_asked_for:
            entry.force(Forced(trigger, reason))
            return []
        due = entry.due if as_scheduled and entry.due is not None else now
        return [*self.misses.account(entry, now), Start(self._new_run(entry.task, now, due, trigger, reason))]

    def _check_free(self, task: Task) -> None:
        if self.draining:
            raise Refusal("the daemon is stopping", hint="wait until it is back")
        going = self.history.of(task.name).going
        if going and task.overlap is not Overlap.ALLOW:
            which = f"{task.name}/{max(going)}"
            raise Refusal(f"task {task.name!r} is running already, as {which}", hint=f"rocketctl stop {which}")
        if holder := self.going.holder(task.mutex):
            which = f"{holder[0]}/{holder[1]}"
            raise Refusal(f"mutex {task.mutex!r} is held by {which}", hint="wait until that run has ended")
        if self.going.full:
            raise Refusal(
                f"no slot is free: {len(self.going)} runs are going on", hint="raise max_running in rocketd.toml"
            )


def holding(condition: Condition, moment: Moment) -> str:
    """Say which parts of a condition that is for make it so, in normal form."""
    inner = condition.inner(moment)
    if isinstance(condition, All):
        return " & ".join(holding(part, inner) for part in condition.parts)
    if isinstance(condition, Any):
        judged = [(part.judge(inner), part) for part in condition.parts]
        holds = [(verdict.since, place) for place, (verdict, _) in enumerate(judged) if verdict.answer is FOR]
        return holding(judged[min(holds)[1]][1], inner) if holds else str(condition)
    return str(condition)
