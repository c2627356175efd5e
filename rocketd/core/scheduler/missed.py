"""Chances that passed: a tick or a window that opened, and closed without a start.

While the scheduler looks, it sees each of them close. Where nobody looked (the daemon was down, the host slept), they
are found by walking the condition from verdict to verdict with the past frozen: task by task, and of each task before
anything changes in the past that its condition looks at.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from rocketd.core.history.history import History
from rocketd.core.instant import Duration, Instant, datetime_of
from rocketd.core.model.condition import FALSE
from rocketd.core.model.events import Missed
from rocketd.core.model.moment import Moment
from rocketd.core.model.task import Task
from rocketd.core.model.verdict import FOR
from rocketd.core.scheduler.task_state import ScheduledTask

STEPS: Final = 1000
"""How many verdicts are gone through per task."""


@dataclass(frozen=True, slots=True)
class Chances:
    """Several that passed in a row."""

    first: Instant
    last: Instant
    count: int
    complete: bool
    """Whether all of them were counted."""


class MissedInterval(NamedTuple):
    """Some time in which nobody decided, and why."""

    start: Instant
    end: Instant
    reason: str


def passed(task: Task, history: History, start: Instant, end: Instant, *, paused: bool = False) -> Chances | None:
    """Count the task's chances that opened at or after it was armed, and closed between these two instants.

    An interval that is over is no chance that closes: it waits for whoever looks again.
    `paused`: it is armed anew at the end, which gives up the tick that is open then.
    """
    if task.when is FALSE:
        return None
    now = max(start, history.of(task.name).armed)
    moment = Moment(now, task, history, plain=True, unseen=True)
    found: list[Instant] = []
    opened: Instant | None = None
    first = moment.past.armed if task.splay else now  # one that opened before may begin, and close, after that
    for _ in range(STEPS):
        verdict = task.when.judge(moment.at(now))
        before, opened = opened, max(verdict.since, first) if verdict.answer is FOR else None
        if before is not None and before != opened:
            found.append(before)
        if now >= end or verdict.until > end:
            if opened is not None and paused and now < end and _gives_up(moment.at(end)):
                found.append(opened)
            return _chances(found, complete=True)
        now = verdict.until
    return _chances(found, complete=False)


def _gives_up(moment: Moment) -> bool:
    """Whether the condition does not hold any longer once the task has been armed at that moment."""
    return moment.past.if_armed(moment.now, lambda: moment.task.when.judge(moment).answer is not FOR)


def _chances(found: list[Instant], *, complete: bool) -> Chances | None:
    return Chances(found[0], found[-1], len(found), complete) if found else None


def _joined(before: Chances | None, after: Chances | None) -> Chances | None:
    if before is None or after is None or not before.complete:
        return before or after
    return Chances(before.first, after.last, before.count + after.count, after.complete)


class MissedRuns:
    """Keeps account of what was missed, and tells one stretch for many chances."""

    def __init__(self, history: History, new_run_id: Callable[[Instant], str]) -> None:
        self._history = history
        self._new_run_id = new_run_id
        self._spans: dict[str, MissedInterval] = {}
        self.doubtful: tuple[Instant, Instant] | None = None
        """From when to when nobody was there, if the clock is right: nothing is told before that is known."""
        self._counted: dict[str, tuple[Instant, Chances | None]] = {}
        """Up to when some of these spans have been counted, and what passed: the past has changed since."""

    def __bool__(self) -> bool:
        return bool(self._spans)

    def miss(self, entry: ScheduledTask, chance: Instant, now: Instant, reason: str) -> Missed:
        """Tell that a chance has passed: a new stretch, or the one that is going on for the same reason."""
        stretch = entry.stretch
        if stretch is not None and stretch.reason == reason:
            missed = replace(stretch, at=now, last=max(chance, stretch.last), count=stretch.count + 1)
        else:
            missed = Missed(entry.task.name, self._new_run_id(now), now, chance, chance, 1, reason)
        entry.stretch = missed
        self._history.learn(missed)
        return missed

    def down(self, names: Iterable[str], start: Instant, end: Instant, *, known: bool) -> None:
        """Note that there was nobody who could decide in that time, for as long as the clock is not set if in doubt."""
        self.doubtful = None if known else (start, end)
        if start < end:
            reason = f"down from {_time(start)} to {_time(end)}"
            for name in names:
                self.unobserved(name, MissedInterval(start, end, reason))

    def unobserved(self, name: str, span: MissedInterval) -> None:
        """Note that nobody decided about the task in that time; a span that is still open begins earlier."""
        known = self._spans.get(name)
        self._spans[name] = span if known is None else known._replace(end=span.end)

    def count(self, task: Task) -> None:
        """Count what the task missed, as a past that its condition looks at is about to change; it is told later.

        What has been counted stays so, also if the span has become longer since: only the rest is counted by this past.
        """
        span = self._spans.get(task.name)
        if span is not None:
            counted, chances = self._counted.get(task.name, (span.start, None))
            if counted < span.end:
                chances = _joined(chances, passed(task, self._history, counted, span.end))
            self._counted[task.name] = max(counted, span.end), chances

    def shift(self, names: Iterable[str], by: Duration) -> None:
        """Move along with a clock that was set: nobody has looked in some real time."""
        if self.doubtful is not None:
            start, end = self.doubtful
            self._spans, self._counted = {}, {}
            self.down(names, start, end + by, known=False)
            return
        self._spans = {
            name: span._replace(start=span.start + by, end=span.end + by) for name, span in self._spans.items()
        }
        self._counted = {name: (at + by, chances) for name, (at, chances) in self._counted.items()}

    def forget(self, name: str) -> None:
        """Account for nothing more of that task."""
        self._spans.pop(name, None)
        self._counted.pop(name, None)

    def account(self, entry: ScheduledTask, now: Instant) -> Iterator[Missed]:
        """Tell what one task missed while nobody looked."""
        self.count(entry.task)
        if self.doubtful is not None:
            return
        span = self._spans.pop(entry.task.name, None)
        if span is not None:
            yield from self._tell(entry, self._counted.pop(entry.task.name)[1], span.reason, now)

    def end_pause(self, entry: ScheduledTask, at: Instant, now: Instant) -> Iterator[Missed]:
        """Tell what one task missed while nobody looked and it was paused, before it is armed anew at that instant."""
        span = self._spans.get(entry.task.name)
        if span is None or at <= span.start or self.doubtful is not None:
            return
        end = min(at, span.end)
        self._spans[entry.task.name] = span._replace(start=end)
        self._counted.pop(entry.task.name, None)
        yield from self._tell(entry, passed(entry.task, self._history, span.start, end, paused=True), "paused", now)

    def _tell(self, entry: ScheduledTask, chances: Chances | None, reason: str, now: Instant) -> Iterator[Missed]:
        if chances is not None:
            why = reason if chances.complete else f"{reason}; counted up to {_time(chances.last)}"
            missed = Missed(
                entry.task.name, self._new_run_id(now), now, chances.first, chances.last, chances.count, why
            )
            self._history.learn(missed)
            yield missed

    def account_next(self, entries: Mapping[str, ScheduledTask], now: Instant) -> list[Missed]:
        """Account for one of the tasks: a small piece of work, so that others get their turn."""
        return list(self.account(entries[next(iter(self._spans))], now)) if self._spans else []


def _time(instant: Instant) -> str:
    return datetime_of(instant).isoformat(sep=" ", timespec="seconds")
