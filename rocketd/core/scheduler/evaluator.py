"""Judging one task: what its condition says now, and what follows. Nothing starts here.

Against: a chance that was open has passed.
For: it is due, and ready to start once its splay and its `restart_delay` are over.
Its `stop_when` is asked about each run that goes on, and about none in particular.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rocketd.core.conditions.probe import WantedProbes, wanted
from rocketd.core.history.history import History
from rocketd.core.instant import FOREVER, SECOND, Duration, Instant
from rocketd.core.model.clock_steps import PRESENT
from rocketd.core.model.condition import FALSE, Condition, Not
from rocketd.core.model.consumption import Consumed
from rocketd.core.model.events import Decision, Missed, Stop
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause, Run
from rocketd.core.model.splay import Chance, splayed
from rocketd.core.model.task import Overlap, Task
from rocketd.core.model.task_history import TaskHistory
from rocketd.core.model.verdict import AGAINST, FOR, Verdict
from rocketd.core.scheduler import retries
from rocketd.core.scheduler.missed import MissedInterval, MissedRuns
from rocketd.core.scheduler.next_due import Upcoming, upcoming
from rocketd.core.scheduler.probe_subscriptions import ProbeSubscriptions
from rocketd.core.scheduler.queues import Queues
from rocketd.core.scheduler.running import RunningRuns
from rocketd.core.scheduler.task_state import ScheduledTask

LATE: Final[Duration] = SECOND
"""A verdict that ran out longer ago than this means that nobody looked in between."""


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Asks the conditions. What came of it stands in the entry and on the agenda."""

    history: History
    agenda: Queues
    going: RunningRuns
    misses: MissedRuns
    observers: ProbeSubscriptions
    next_steps: int
    """How many verdicts a task's next start is looked for ahead."""

    def judge(self, entry: ScheduledTask, now: Instant) -> Iterator[Decision]:
        """Judge a task and note what follows."""
        yield from self._end_pause(entry, now)
        moment = Moment(now, entry.task, self.history, unseen=entry.paused is not None)
        verdict = entry.task.when.judge(moment)
        assert verdict.until > now, f"{entry.task.when} at {now}: {verdict}"  # noqa: S101 - a defect of ours
        for missed in self._passed_by(entry, verdict, now):
            yield missed
            verdict = entry.task.when.judge(moment)  # what has passed is used up, also if its hours have begun anew
        entry.verdict, entry.chance = verdict, None
        self.agenda.withdraw(entry)
        look = min(verdict.until, entry.resumes_at)
        if verdict.answer is AGAINST:
            entry.against_since_start = True
        elif verdict.answer is FOR:
            look = min(look, self._arrange(entry, moment, verdict))
            yield from self._skip(entry, moment)
        if entry.task.stop_when is not FALSE:
            look = min(look, _stop_when_until(entry.task, moment))
            yield from self._stop_when(entry, moment)
        if entry.probes:
            look = min(look, self._want(entry, moment))
        if entry.forced:
            self.agenda.make_ready(entry, now)
        self._find_next(entry, moment)
        self.agenda.look(entry, look)

    def _end_pause(self, entry: ScheduledTask, now: Instant) -> Iterator[Missed]:
        until = entry.resumes_at
        if until <= now:
            yield from self.misses.end_pause(entry, until, now)
            entry.lapsed, entry.paused = entry.paused, None
            self.history.of(entry.task.name).arm(until, self.history.position)

    def _passed_by(self, entry: ScheduledTask, verdict: Verdict, now: Instant) -> Iterator[Missed]:
        """Tell of a tick or window that passed without a start: closed by the clock, or given up as a pause ended."""
        chance, old = entry.chance, entry.verdict
        given_up = chance is not None and chance < self.history.of(entry.task.name).armed
        if old is None or (old.until > now and not given_up):
            return
        if now - old.until > LATE:  # the host slept, the clock was set, the loop was held up
            self.misses.unobserved(entry.task.name, MissedInterval(old.until, now, "nobody looked"))
        closed = verdict.answer is AGAINST or (verdict.answer is FOR and chance is not None and verdict.since > chance)
        if chance is not None and closed:
            yield self.misses.miss(entry, chance, now, entry.hindrance or "no time was left")

    def _arrange(self, entry: ScheduledTask, moment: Moment, verdict: Verdict) -> Instant:
        """Make the task ready if it may start now; give back when else to look."""
        task, past, now = entry.task, moment.past, moment.now
        plain = retries.plain(moment)
        retry = plain is not None and plain.answer is not FOR
        if plain is not None and not retry:
            verdict = verdict._replace(since=plain.since)  # what wants it is not the retry that holds as well
        due = min(max(verdict.since, past.armed), now)
        entry.begin = due
        if not retry and splayed(moment) and not _has_chances(task.when):
            entry.begin = _spread(due, task.when, moment)
        if retry or _held_before(past, verdict):
            entry.begin = max(entry.begin, entry.quiet_until)
        again = FOREVER if plain is None else plain.until  # by then it may be due for its own sake, and wait no longer
        if entry.begin > now:
            return min(entry.begin, again)
        if verdict.until < FOREVER and not retry:
            entry.chance = due
        self.agenda.make_ready(entry, due)
        return again

    def _skip(self, entry: ScheduledTask, moment: Moment) -> Iterator[Missed]:
        """`overlap = "skip"`: the ticks and intervals that fall due while it runs are given up; a window stays open."""
        past, verdict = moment.past, entry.verdict
        if entry.task.overlap is not Overlap.SKIP or not past.going or verdict is None:
            return
        begun = max(run.start for run in past.going.values())
        if not max(begun, past.consumed_up_to) < verdict.since <= moment.now:
            return
        before = past.consumed, past.settled, past.missed
        past.consume(verdict.since, verdict.since)
        past.missed = Consumed(verdict.since, verdict.since, PRESENT)
        if entry.task.when.judge(moment).answer is FOR:
            past.consumed, past.settled, past.missed = before
            return
        entry.chance = None
        self.agenda.stir(entry.task.name)
        yield self.misses.miss(entry, verdict.since, moment.now, "still running")

    def _stop_when(self, entry: ScheduledTask, moment: Moment) -> Iterator[Stop]:
        """Stop the runs for which `stop_when` holds; while it holds for none in particular, the task does not start."""
        moment = moment._replace(prompt=True)
        for run in list(moment.past.going.values()):
            if _about_run(entry.task.stop_when, moment, run).answer is FOR:
                yield from self.going.stop(run, Cause.STOP_WHEN)
        if entry.due is not None and entry.task.stop_when.judge(moment).answer is FOR:
            self.agenda.withdraw(entry)
            entry.blocked = "its stop_when holds"

    def _want(self, entry: ScheduledTask, moment: Moment) -> Instant:
        """Note which probes can matter to the task now, and give back when these may be others."""
        matter = WantedProbes() if entry.paused else wanted(entry.task.when, moment)
        for run in (None, *moment.past.going.values()):
            matter = matter.also(wanted(entry.task.stop_when, moment._replace(run=run, prompt=True)))
        self.observers.want(entry.task.name, matter.probes)
        return matter.until

    def _find_next(self, entry: ScheduledTask, moment: Moment) -> None:
        """Note when the task will start next: its condition walked from verdict to verdict, its past frozen."""
        verdict, when = entry.verdict, entry.task.when
        if verdict is None:
            entry.expect(Upcoming())
        elif entry.paused:
            entry.expect(self._after_pause(entry, moment))
        elif verdict.answer is FOR and not moment.past.going:
            waits = moment.now < entry.begin != entry.quiet_until
            due = max(verdict.since, moment.past.armed) if waits else None
            entry.expect(Upcoming(max(entry.begin, moment.now), since=due))
        else:
            if entry.probes:
                moment = moment._replace(blind=True)
                verdict = when.judge(moment)
            entry.expect(_delayed(upcoming(when, moment, verdict, self.next_steps), when, moment))
        if splayed(moment) and entry.next_due is not None and entry.next_due <= moment.now < (entry.next or 0):
            entry.begin = entry.next or 0

    def _after_pause(self, entry: ScheduledTask, moment: Moment) -> Upcoming:
        """When a paused task will start first: it is armed anew as its pause ends."""
        ends, when, blind = entry.resumes_at, entry.task.when, moment._replace(blind=True)
        return moment.past.if_armed(
            ends,
            lambda: _delayed(upcoming(when, blind, Verdict(AGAINST, ends), self.next_steps), when, blind),
        )


def _has_chances(condition: Condition) -> bool:
    """Whether one of its words has chances, so that it holds itself once the splay is over."""
    return condition.splays or (not isinstance(condition, Not) and any(map(_has_chances, condition.parts)))


def _delayed(found: Upcoming, when: Condition, moment: Moment) -> Upcoming:
    """Add the splay to what was found, unless its words have done so."""
    if found.at is None or not splayed(moment) or _has_chances(when):
        return found
    return found._replace(at=_spread(found.at, when, moment.at(found.at)))


def _spread(due: Instant, when: Condition, moment: Moment) -> Instant:
    """Tell when a task begins whose condition has no chances of its own, only something that goes on."""
    hours = (when,) if when.clock_only else when.inner(moment).guards
    beside = moment._replace(guards=hours)
    chance, armed = Chance(due, FOREVER).within_hours(beside), moment.past.armed
    return chance.begin(moment, lambda _: False, lambda: chance.owed_by_hours(beside, armed)).start


def _stop_when_until(task: Task, moment: Moment) -> Instant:
    moment = moment._replace(prompt=True)
    verdicts = [_about_run(task.stop_when, moment, run) for run in moment.past.going.values()]
    return min(verdict.until for verdict in (task.stop_when.judge(moment), *verdicts))


def _about_run(condition: Condition, moment: Moment, run: Run) -> Verdict:
    """What it says about a run that goes on; before that has begun, what it would say if there were none."""
    if run.number in moment.past.begun:
        return condition.judge(moment._replace(run=run))
    return moment.past.if_begun(lambda: condition.judge(moment))


def _held_before(past: TaskHistory, verdict: Verdict) -> bool:
    """Whether it held when the last run began already, so that nothing but that run's end makes the task due again."""
    begun = past.last.get(Action.RUN)
    return begun is not None and verdict.since <= past.steps.really(begun.at, begun.position)
