"""Missed runs: ticks and windows that opened, and closed without a start.

While the scheduler runs, it sees each of them close. Where it did not (the daemon was down, the host slept), they
are found by walking the condition from verdict to verdict with the past frozen: task by task, and of each task before
anything changes in the past that its condition looks at.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import tzinfo
from typing import Final, NamedTuple

from rocketd.core.dataclass import dataclass
from rocketd.core.history.history import History
from rocketd.core.instant import Duration, Instant
from rocketd.core.instant_text import timestamp, timestamp_with_zone
from rocketd.core.model.condition import FALSE
from rocketd.core.model.events import Missed
from rocketd.core.model.moment import Moment
from rocketd.core.model.run_on import RunOn
from rocketd.core.model.task import Task
from rocketd.core.model.verdict import FOR
from rocketd.core.scheduler.task_state import ScheduledTask

MAX_VERDICTS: Final = 1000
"""How many verdicts are examined per task."""
UNOBSERVED: Final = "the host slept or its clock was set forward"
"""Why a task was not judged for a while, though the daemon was running."""


@dataclass(frozen=True, slots=True)
class MissedDues:
    """Several missed ticks or windows in a row, by their dues."""

    first: Instant
    last: Instant
    count: int
    complete: bool
    """Whether all of them were counted."""


class MissedInterval(NamedTuple):
    """A time in which the scheduler decided nothing, and why."""

    start: Instant
    end: Instant
    reason: str


def missed_between(
    task: Task, history: History, start: Instant, end: Instant, *, paused: bool = False
) -> MissedDues | None:
    """Return the ticks and windows that opened after the task was armed, and closed between these two instants.

    `daily.between("10:00", "12:00")`, 09:00 to 13:00    10:00
    the same, 09:00 to 11:00                             none: the window is still open
    `cron("0 * * * *")`, 09:30 to 12:30                  10:00 and 11:00: that of 12:00 runs now

    An interval that is over does not close: it waits for the next check.
    `paused`: it is armed anew at the end, which gives up the tick that is open then.
    """
    if task.when is FALSE:
        return None
    now = max(start, history.of(task.name).armed)
    moment = Moment(now, task, history, without_retries=True, unattended=True)
    found: list[Instant] = []
    opened: Instant | None = None
    # One that opened before may begin, and close, after that; of a fleet's, its last owner may not have begun it.
    first = moment.task_history.armed if task.splay or task.run_on is RunOn.ONE else now
    for _ in range(MAX_VERDICTS):
        verdict = task.when.judge(moment.at(now))
        before, opened = opened, max(verdict.since, first) if verdict.answer is FOR else None
        if before is not None and before != opened:
            found.append(before)
            moment = moment._replace(counted_due=before)  # the ticks after it are counted as if it had run
            verdict = task.when.judge(moment.at(now))
            opened = max(verdict.since, first) if verdict.answer is FOR else None
        if now >= end or verdict.until > end:
            if opened is not None and paused and now < end and _gives_up(moment.at(end)):
                found.append(opened)
            return _missed_dues(found, complete=True)
        now = verdict.until
    return _missed_dues(found, complete=False)


def _gives_up(moment: Moment) -> bool:
    """Whether the condition does not hold any longer once the task has been armed at that moment."""
    return moment.task_history.as_if_armed(moment.now, lambda: moment.task.when.judge(moment).answer is not FOR)


def _missed_dues(found: list[Instant], *, complete: bool) -> MissedDues | None:
    return MissedDues(found[0], found[-1], len(found), complete) if found else None


def _joined(before: MissedDues | None, after: MissedDues | None) -> MissedDues | None:
    if before is None or after is None or not before.complete:
        return before or after
    return MissedDues(before.first, after.last, before.count + after.count, after.complete)


class MissedRuns:
    """Records what was missed: one event for many ticks or windows in a row."""

    def __init__(self, history: History, new_run_id: Callable[[Instant], str]) -> None:
        self._history = history
        self._new_run_id = new_run_id
        self._intervals: dict[str, MissedInterval] = {}
        self.unconfirmed: tuple[Instant, Instant] | None = None
        """The downtime, if the clock is right: nothing is recorded before that is known."""
        self._counted: dict[str, tuple[Instant, MissedDues | None]] = {}
        """Up to when some of these intervals have been counted, and what was missed: the history has changed since."""

    def __bool__(self) -> bool:
        return bool(self._intervals)

    def record(self, scheduled: ScheduledTask, open_due: Instant, now: Instant, reason: str) -> Missed:
        """Record a missed tick or window: a new event, or the newest one extended if the reason is the same."""
        open_missed = scheduled.open_missed
        if open_missed is not None and open_missed.reason == reason:
            last, begun = max(open_due, open_missed.last), open_missed.first_reported
            missed = replace(open_missed, at=now, last=last, count=open_missed.count + 1, first_at=begun)
        else:
            missed = Missed(scheduled.task.name, self._new_run_id(now), now, open_due, open_due, 1, reason)
        scheduled.open_missed = missed
        self._history.learn(missed)
        return missed

    def add_downtime(self, tasks: Mapping[str, ScheduledTask], start: Instant, end: Instant, *, known: bool) -> None:
        """Note a downtime; if it is not `known`, only for as long as the clock is not set."""
        self.unconfirmed = None if known else (start, end)
        if start < end:
            zones = {scheduled.task.zone for scheduled in tasks.values()}
            reasons = {zone: _downtime(start, end, zone) for zone in zones}
            for name, scheduled in tasks.items():
                if not scheduled.standby:
                    self.add_interval(name, MissedInterval(start, end, reasons[scheduled.task.zone]))

    def add_interval(self, name: str, interval: MissedInterval) -> None:
        """Note that the scheduler decided nothing about the task in that time; an open interval is extended."""
        known = self._intervals.get(name)
        self._intervals[name] = interval if known is None else known._replace(end=interval.end)

    def count(self, task: Task) -> None:
        """Count what the task missed before the history changes that its condition looks at; it is recorded later.

        What has been counted stays so, even if the interval has been extended: only the rest is counted now.
        """
        interval = self._intervals.get(task.name)
        if interval is not None:
            counted, dues = self._counted.get(task.name, (interval.start, None))
            if counted < interval.end:
                dues = _joined(dues, missed_between(task, self._history, counted, interval.end))
            self._counted[task.name] = max(counted, interval.end), dues

    def shift(self, tasks: Mapping[str, ScheduledTask], by: Duration) -> None:
        """Shift the intervals with a step of the clock: they are stretches of real time."""
        if self.unconfirmed is not None:
            start, end = self.unconfirmed
            self._intervals, self._counted = {}, {}
            self.add_downtime(tasks, start, end + by, known=False)
            return
        self._intervals = {
            name: interval._replace(start=interval.start + by, end=interval.end + by)
            for name, interval in self._intervals.items()
        }
        self._counted = {name: (at + by, dues) for name, (at, dues) in self._counted.items()}

    def forget(self, name: str) -> None:
        """Forget the intervals of that task."""
        self._intervals.pop(name, None)
        self._counted.pop(name, None)

    def rename(self, old: str, new: str) -> None:
        """Keep the intervals of a task under another name."""
        if old in self._intervals:
            self._intervals[new] = self._intervals.pop(old)
        if old in self._counted:
            self._counted[new] = self._counted.pop(old)

    def report(self, scheduled: ScheduledTask, now: Instant) -> Iterator[Missed]:
        """Record and yield what one task missed in its interval."""
        self.count(scheduled.task)
        if self.unconfirmed is not None:
            return
        interval = self._intervals.pop(scheduled.task.name, None)
        if interval is not None:
            yield from self._record_dues(scheduled, self._counted.pop(scheduled.task.name)[1], interval.reason, now)

    def end_pause(self, scheduled: ScheduledTask, at: Instant, now: Instant) -> Iterator[Missed]:
        """Record and yield what one task missed while it was paused, before it is armed anew at that instant."""
        interval = self._intervals.get(scheduled.task.name)
        if interval is None or at <= interval.start or self.unconfirmed is not None:
            return
        end = min(at, interval.end)
        self._intervals[scheduled.task.name] = interval._replace(start=end)
        self._counted.pop(scheduled.task.name, None)
        dues = missed_between(scheduled.task, self._history, interval.start, end, paused=True)
        yield from self._record_dues(scheduled, dues, "paused", now)

    def _record_dues(
        self, scheduled: ScheduledTask, dues: MissedDues | None, reason: str, now: Instant
    ) -> Iterator[Missed]:
        if dues is not None:
            why = (
                reason
                if dues.complete
                else f"{reason}; counted up to {timestamp_with_zone(dues.last, scheduled.task.zone)}"
            )
            missed = Missed(scheduled.task.name, self._new_run_id(now), now, dues.first, dues.last, dues.count, why)
            scheduled.open_missed = None  # it is older, and is not continued
            self._history.learn(missed)
            yield missed

    def report_next(self, tasks: Mapping[str, ScheduledTask], now: Instant) -> list[Missed]:
        """Record what one of the tasks missed: a small piece of work, so that the loop is never held up."""
        return list(self.report(tasks[next(iter(self._intervals))], now)) if self._intervals else []


def _downtime(start: Instant, end: Instant, zone: tzinfo) -> str:
    return f"rocketd was down from {timestamp(start, zone)} to {timestamp_with_zone(end, zone)}"
