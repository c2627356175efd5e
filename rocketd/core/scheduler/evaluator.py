"""Judging one task: what its condition says now, and what follows. Nothing starts here.

Against: a tick or window that was open is missed.
For: it is due, and ready to start once its splay and its `restart_delay` are over.
Its `stop_when` is asked about each active run, and about none in particular.
"""

from collections.abc import Iterator
from typing import Final

from rocketd.core.conditions.calendar_word import why_unknown
from rocketd.core.conditions.probe import RelevantProbes, relevant_probes
from rocketd.core.dataclass import dataclass
from rocketd.core.history.history import History
from rocketd.core.instant import FOREVER, SECOND, Duration, Instant
from rocketd.core.model.clock_steps import PRESENT
from rocketd.core.model.condition import FALSE, Condition, Not
from rocketd.core.model.consumption import Consumed
from rocketd.core.model.events import Decision, Missed, Stop
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause, Run
from rocketd.core.model.splay import StartWindow, splayed
from rocketd.core.model.task import Overlap, Task
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from rocketd.core.scheduler import retries
from rocketd.core.scheduler.missed import UNOBSERVED, MissedInterval, MissedRuns
from rocketd.core.scheduler.next_due import NextDue, find_next_due
from rocketd.core.scheduler.probe_subscriptions import ProbeSubscriptions
from rocketd.core.scheduler.queues import Queues
from rocketd.core.scheduler.running import RunningRuns
from rocketd.core.scheduler.task_state import ScheduledTask

LATE: Final[Duration] = SECOND
"""A verdict that ran out longer ago than this means that the scheduler did not run in between."""


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Judges conditions, and notes what follows in the scheduled task and the queues."""

    history: History
    queues: Queues
    running: RunningRuns
    missed: MissedRuns
    subscriptions: ProbeSubscriptions
    next_steps: int
    """How many verdicts ahead the search for a task's next start looks."""

    def judge(self, scheduled: ScheduledTask, now: Instant) -> Iterator[Decision]:
        """Judge a task and note what follows."""
        if scheduled.standby:
            self._stand_by(scheduled)
            return
        yield from self._end_pause(scheduled, now)
        moment = Moment(now, scheduled.task, self.history, unattended=scheduled.paused is not None)
        verdict = scheduled.task.when.judge(moment)
        assert verdict.until > now, f"{scheduled.task.when} at {now}: {verdict}"  # noqa: S101 - a defect of ours
        for missed in self._missed_since_check(scheduled, _favourable(scheduled, moment, verdict), now):
            yield missed
            verdict = scheduled.task.when.judge(moment)  # what has passed is used up, also if its hours have begun anew
        scheduled.verdict, scheduled.open_due, scheduled.unknown_dates = verdict, None, ""
        self.queues.clear_ready(scheduled)
        look = min(verdict.until, scheduled.resumes_at)
        if verdict.answer is AGAINST:
            scheduled.against_since_start = True
        elif verdict.answer is FOR:
            look = min(look, self._make_due(scheduled, moment, verdict))
            yield from self._skip_overlapping(scheduled, moment)
        else:
            _note_unknown_dates(scheduled, moment, verdict)
        if scheduled.task.stop_when is not FALSE:
            look = min(look, _stop_when_until(scheduled.task, moment))
            yield from self._stop_when(scheduled, moment)
        if scheduled.probes:
            look = min(look, self._subscribe(scheduled, moment))
        if scheduled.forced:
            self.queues.make_ready(scheduled, now)
        self._find_next(scheduled, moment)
        self.queues.check_at(scheduled, look)

    def _stand_by(self, scheduled: ScheduledTask) -> None:
        """Decide nothing about it: another host does."""
        scheduled.begin_anew()
        scheduled.set_next(NextDue())
        self.queues.clear_ready(scheduled)
        scheduled.blocked = scheduled.standby
        if scheduled.probes:
            self.subscriptions.set_required(scheduled.task.name, frozenset())
        self.queues.check_at(scheduled, FOREVER)

    def _end_pause(self, scheduled: ScheduledTask, now: Instant) -> Iterator[Missed]:
        until = scheduled.resumes_at
        if until <= now:
            yield from self.missed.end_pause(scheduled, until, now)
            scheduled.expired_pause, scheduled.paused = scheduled.paused, None
            self.history.of(scheduled.task.name).arm(until, self.history.position)

    def _missed_since_check(self, scheduled: ScheduledTask, verdict: Verdict, now: Instant) -> Iterator[Missed]:
        """Yield a tick or window that passed without a start: closed by the clock, or given up as a pause ended.

        10:00 to 12:00, mutex held, judged at 12:00        missed, due 10:00: the mutex is held
        `cron("0 * * * *")` of 10:00, judged at 11:00      missed, due 10:00: the next tick is there
        10:00 to 12:00, asleep from 11:30 to 14:00         missed, due 10:00; noted: no check from 12:00 to 14:00
        """
        start_window, old = scheduled.open_due, scheduled.verdict
        given_up = start_window is not None and start_window < self.history.of(scheduled.task.name).armed
        if old is None or (old.until > now and not given_up):
            return
        if now - old.until > LATE:  # the host slept, the clock was set, the loop was held up
            self.missed.add_interval(scheduled.task.name, MissedInterval(old.until, now, UNOBSERVED))
        closed = verdict.answer is AGAINST or (
            verdict.answer is FOR and start_window is not None and verdict.since > start_window
        )
        if start_window is not None and closed:
            yield self.missed.record(
                scheduled,
                start_window,
                now,
                scheduled.blocked_reason or scheduled.unknown_dates or "no time was left to start it",
            )

    def _make_due(self, scheduled: ScheduledTask, moment: Moment, verdict: Verdict) -> Instant:
        """Make the task ready if it may start now; return when else to check it.

        window from 10:00, judged at 10:00                   due 10:00, ready
        the same, with a splay of its own part 5 min         due 10:00, checked again at 10:05
        a retry after an end at 10:00, restart_delay 10 s    due 10:00, checked again at 10:00:10; never missed
        """
        task, task_history, now = scheduled.task, moment.task_history, moment.now
        plain = retries.verdict_without_retries(moment)
        retry = plain is not None and plain.answer is not FOR
        if plain is not None and not retry:
            verdict = verdict._replace(since=plain.since)  # what wants it is not the retry that holds as well
        due = min(max(verdict.since, task_history.armed), now)
        scheduled.earliest_start = due
        if not retry and splayed(moment) and not _has_start_windows(task.when):
            scheduled.earliest_start = _splayed_start(due, task.when, moment)
        if retry or _held_at_last_start(moment, verdict):
            scheduled.earliest_start = max(scheduled.earliest_start, scheduled.restart_after)
        again = FOREVER if plain is None else plain.until  # by then it may be due without the retry
        if scheduled.earliest_start > now:
            return min(scheduled.earliest_start, again)
        if verdict.until < FOREVER and not retry:
            scheduled.open_due = due
        self.queues.make_ready(scheduled, due)
        return again

    def _skip_overlapping(self, scheduled: ScheduledTask, moment: Moment) -> Iterator[Missed]:
        """`overlap = "skip"`: the ticks and intervals that fall due while it runs are given up; a window stays open."""
        task_history, verdict = moment.task_history, scheduled.verdict
        if scheduled.task.overlap is not Overlap.SKIP or not task_history.running or verdict is None:
            return
        begun = max(run.start for run in task_history.running.values())
        if not max(begun, task_history.consumed_up_to) < verdict.since <= moment.now:
            return
        before = task_history.consumed, task_history.baseline, task_history.last_missed
        task_history.consume(verdict.since, verdict.since)
        task_history.last_missed = Consumed(verdict.since, verdict.since, PRESENT)
        holds = scheduled.task.when.judge(moment).answer is FOR
        task_history.consumed, task_history.baseline, task_history.last_missed = before  # this was only a trial
        if holds:
            return
        scheduled.open_due = None
        self.queues.mark_dirty(scheduled.task.name)
        yield from self.missed.report(scheduled, moment.now)  # what it missed before that while nobody decided
        yield self.missed.record(scheduled, verdict.since, moment.now, "still running")

    def _stop_when(self, scheduled: ScheduledTask, moment: Moment) -> Iterator[Stop]:
        """Stop the runs for which `stop_when` holds; while it holds for none in particular, the task does not start."""
        moment = moment._replace(without_splay=True)
        for run in list(moment.task_history.running.values()):
            if _about_run(scheduled.task.stop_when, moment, run).answer is FOR:
                yield from self.running.stop(run, Cause.STOP_WHEN)
        if scheduled.due is not None and scheduled.task.stop_when.judge(moment).answer is FOR:
            self.queues.clear_ready(scheduled)
            scheduled.blocked = "its stop_when condition is true"

    def _subscribe(self, scheduled: ScheduledTask, moment: Moment) -> Instant:
        """Subscribe to the probes that can matter to the task now; return until when these are the ones."""
        matter = RelevantProbes() if scheduled.paused else relevant_probes(scheduled.task.when, moment)
        for run in (None, *moment.task_history.running.values()):
            matter = matter.union(
                relevant_probes(scheduled.task.stop_when, moment._replace(run=run, without_splay=True))
            )
        self.subscriptions.set_required(scheduled.task.name, matter.probes)
        return matter.until

    def _find_next(self, scheduled: ScheduledTask, moment: Moment) -> None:
        """Note when the task will start next: its condition is judged from verdict to verdict, its history frozen.

        `cron("0 3 * * *")` at 10:00, used up        tomorrow at 03:00
        the same, paused until Friday 12:00          Saturday at 03:00
        `daily`, due, with 5 min of its splay left   in 5 min
        """
        verdict, when = scheduled.verdict, scheduled.task.when
        if verdict is None:
            scheduled.set_next(NextDue())
        elif scheduled.paused:
            scheduled.set_next(self._after_pause(scheduled, moment))
        elif verdict.answer is FOR and not moment.task_history.running:
            waits = moment.now < scheduled.earliest_start != scheduled.restart_after
            due = max(verdict.since, moment.task_history.armed) if waits else None
            scheduled.set_next(NextDue(max(scheduled.earliest_start, moment.now), since=due))
        else:
            if scheduled.probes:
                moment = moment._replace(without_probes=True)
                verdict = when.judge(moment)
            scheduled.set_next(_with_splay(find_next_due(when, moment, verdict, self.next_steps), when, moment))
        if (
            splayed(moment)
            and scheduled.next_due is not None
            and scheduled.next_due <= moment.now < (scheduled.next_start or 0)
        ):
            scheduled.earliest_start = scheduled.next_start or 0

    def _after_pause(self, scheduled: ScheduledTask, moment: Moment) -> NextDue:
        """When a paused task will start first: it is armed anew as its pause ends."""
        ends, when, blind = scheduled.resumes_at, scheduled.task.when, moment._replace(without_probes=True)
        return moment.task_history.as_if_armed(
            ends,
            lambda: _with_splay(find_next_due(when, blind, Verdict(AGAINST, ends), self.next_steps), when, blind),
        )


def _favourable(scheduled: ScheduledTask, moment: Moment, verdict: Verdict) -> Verdict:
    """Return the verdict, as it would be if each date that nothing is known of were as the task needs it."""
    if verdict.answer is not UNKNOWN or not scheduled.asks_calendars:
        return verdict
    return scheduled.task.when.judge(moment._replace(unknown_dates=True))


def _note_unknown_dates(scheduled: ScheduledTask, moment: Moment, verdict: Verdict) -> None:
    """Note a tick or window that may not be used, as nothing is known of its date: silence would hide it."""
    wanted = _favourable(scheduled, moment, verdict)
    if wanted.answer is FOR and wanted.until < FOREVER:
        due = min(max(wanted.since, moment.task_history.armed), moment.now)
        scheduled.open_due, scheduled.unknown_dates = due, why_unknown(scheduled.task.when, moment.at(due))


def _has_start_windows(condition: Condition) -> bool:
    """Whether one of its words has start windows, so that it holds itself once the splay is over."""
    return condition.has_start_window or (
        not isinstance(condition, Not) and any(map(_has_start_windows, condition.parts))
    )


def _with_splay(found: NextDue, when: Condition, moment: Moment) -> NextDue:
    """Add the splay to what was found, unless its words have done so."""
    if found.at is None or not splayed(moment) or _has_start_windows(when):
        return found
    return found._replace(at=_splayed_start(found.at, when, moment.at(found.at)))


def _splayed_start(due: Instant, when: Condition, moment: Moment) -> Instant:
    """Return when a task starts whose condition has no start windows of its own, only a state."""
    hours = (when,) if when.clock_only else when.inner_moment(moment).guards
    guarded = moment._replace(guards=hours)
    start_window, armed = StartWindow(due, FOREVER).within_hours(guarded), moment.task_history.armed
    return start_window.start(moment, lambda _: False, lambda: start_window.missed_in_hours(guarded, armed)).start


def _stop_when_until(task: Task, moment: Moment) -> Instant:
    moment = moment._replace(without_splay=True)
    verdicts = [_about_run(task.stop_when, moment, run) for run in moment.task_history.running.values()]
    return min(verdict.until for verdict in (task.stop_when.judge(moment), *verdicts))


def _about_run(condition: Condition, moment: Moment, run: Run) -> Verdict:
    """Judge it about an active run; before that has a process, as if there were none."""
    if run.number in moment.task_history.spawned_at:
        return condition.judge(moment._replace(run=run))
    return moment.task_history.without_pending(lambda: condition.judge(moment))


def _held_at_last_start(moment: Moment, verdict: Verdict) -> bool:
    """Whether it held at the last start already, so that only the end of that run makes the task due again.

    With a splay, a chance may open before the start of the run that was due in the one before:

        every("1 s"), due 10:00:00, started 10:00:01.05, since 10:00:01    no: it is the next chance
    """
    history = moment.task_history
    begun, last, steps = history.last_events.get(Action.RUN), history.last_scheduled, history.steps
    if begun is None or verdict.since > steps.real_instant(begun.at, begun.position):
        return False
    is_next = last is not None and verdict.since > steps.real_instant(last.due, history.scheduled_position)
    return not (splayed(moment) and is_next)
