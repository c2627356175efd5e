"""Foresees what a condition does: when a task first starts, and whether each end of it starts it again."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.conditions.after import After
from rocketd.core.conditions.alternatives import Branch, Literal, alternatives_of, as_needed, remaining_condition
from rocketd.core.conditions.run_conditions import Retry
from rocketd.core.conditions.time_conditions import Every, OncePerWindow, Tick, TimeOf
from rocketd.core.history.history import History
from rocketd.core.instant import DAY, FOREVER, Duration, Instant
from rocketd.core.model.condition import FALSE, TRUE, Condition
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import On
from rocketd.core.model.verdict import FOR
from rocketd.core.scheduler.forecast import PASSES, starts
from rocketd.core.scheduler.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from rocketd.core.model.task import Task

AGAIN: Final = 10
"""This many starts in a row, each caused by the end of the one before, are no accident."""


LATE: Final[Duration] = 731 * DAY
"""A first start further away than this is hardly intended."""
_FEW: Final = 500
"""Beyond that, the search for a start examines no more than this many verdicts."""


class ImmediateStarts(NamedTuple):
    """Which tasks would start if they were loaded for the first time now."""

    starting: list[str]
    splayed: list[str]
    """After their splay."""
    observed: dict[str, list[str]]
    """As soon as a condition, which is the key, is observed."""


def immediate_starts(tasks: Iterable[Task], now: Instant, *, host: str, known: Iterable[str] = ()) -> ImmediateStarts:
    """Ask the scheduler itself, with no slot to start anything. `known` are tasks that are there besides."""
    scheduler = Scheduler(host=host, new_run_id=lambda _: "", max_running=0, next_steps=0)
    for name in known:
        scheduler.history.load(name)
    scheduler.load(tasks, now, {})
    scheduler.decide(now)
    found = ImmediateStarts([], [], {})
    for name, scheduled in scheduler.tasks.items():
        if scheduled.ready is not None:
            found.starting.append(name)
        elif scheduled.task.splay and scheduled.task.when.holds(
            Moment(now, scheduled.task, scheduler.history, without_splay=True)
        ):
            found.splayed.append(name)
        elif scheduled.now_if:
            found.observed.setdefault(scheduled.now_if, []).append(name)
    return found


class FirstStart(NamedTuple):
    """When a task would start first."""

    at: Instant | None
    """None: never, or not until `looked_until`."""
    looked_until: Instant = FOREVER
    """The end of the search; FOREVER: only an event could cause a start, and none will come."""


class FirstStartSearch:
    """Searches first starts from one instant on. It remembers what it found, as thousands of tasks share few hours."""

    def __init__(self, now: Instant) -> None:
        self.now = now
        self.searches = 0
        """How many searches were given up."""
        self._known: dict[tuple[object, ...], FirstStart] = {}

    def first_start(self, task: Task) -> FirstStart:
        """Return when a task would start first, if the host and the other tasks do all that it waits for.

        The result may be too early if the task surely starts within a year.
        A retry follows a scheduled run, so it cannot cause the first start. If nothing else does, `on` of the task may.
        """
        alternatives = alternatives_of(task.when)
        if not alternatives:
            return FirstStart(self.now)
        firsts = []
        for branch in alternatives:
            comes = partial(_is_no_retry, occasion=task.on is not None)
            first = self.first(as_needed(task.when, branch, task.name, comes), task)
            if first.at is not None and first.at <= self.now:
                return first
            firsts.append(first)
        started = [first for first in firsts if first.at is not None]
        if not started and task.on is not None:
            started = self._after_occasion(task, task.on, alternatives)
        return min(started, key=lambda first: first.at or 0) if started else min(firsts, key=_looked_until)

    def _after_occasion(self, task: Task, on: On, alternatives: Iterable[Branch]) -> list[FirstStart]:
        """Return when alternatives first hold once the task was started on that occasion."""
        needed = (as_needed(task.when, branch, task.name, lambda _: True) for branch in alternatives)
        run = _occasional_run(task.name, on, self.now)
        found = (_search(condition, task, self.now, run) for condition in needed if condition != FALSE)
        return [first for first in found if first.at is not None]

    def first(self, condition: Condition, task: Task) -> FirstStart:
        """Return when this condition of the task first holds."""
        if _is_sure(condition, task):
            return FirstStart(self.now)
        key = (condition, task.stop_when, task.zone_name, task.calendars)
        if (found := self._known.get(key)) is None:
            found = self._known[key] = _search(condition, task, self.now)
            self.searches += found.at is None and found.looked_until < FOREVER
        return found


def _looked_until(first: FirstStart) -> Instant:
    return first.looked_until


def _is_no_retry(literal: Literal, *, occasion: bool) -> bool:
    return occasion or not isinstance(literal.word, Retry)


def _can_come(literal: Literal, task: Task, never: Collection[str]) -> bool:
    """Whether the events it awaits of other tasks can come."""
    word = literal.word
    if isinstance(word, After):
        enough = any if word.many == "any" else all
        return enough(name != task.name and name not in never for name in word.tasks)
    return not any(name in never for name in literal.others(task.name))


def _is_sure(condition: Condition, task: Task) -> bool:
    """Whether there is no question that it will hold soon."""
    if task.stop_when != FALSE:
        return False
    return condition == TRUE or isinstance(condition, OncePerWindow | Every | TimeOf)


def _search(condition: Condition, task: Task, now: Instant, past: Run | None = None) -> FirstStart:
    """Go from verdict to verdict, like a scheduler that starts nothing; `past`: a run that has been."""
    if isinstance(condition, Tick) and task.stop_when == FALSE:
        return FirstStart(condition.ticks.next(now, task.zone))
    moment = _moment(task, now, past)
    for step in range(PASSES):
        if step > _FEW and moment.now > now + LATE:
            break
        verdict, stopped = condition.judge(moment), task.stop_when.judge(moment)
        if verdict.answer is FOR and stopped.answer is not FOR:
            return FirstStart(moment.now)
        until = min(verdict.until, stopped.until) if verdict.answer is FOR else verdict.until
        if until >= FOREVER:
            return FirstStart(None)
        moment = moment.at(until)
    return FirstStart(None, moment.now)


def _occasional_run(task: str, on: On, now: Instant) -> Run:
    """Return a run of that occasion: at the boot, or before it, as the host went down."""
    start = now - 1 if on is On.SHUTDOWN else now
    return Run(task, 1, "", 1, start, start, Trigger(on), "")


def _moment(task: Task, now: Instant, past: Run | None = None) -> Moment:
    history = History()
    history.booted_at = now  # what waits for a boot, waits for this one
    for name in (task.name, *task.when.watches(), *task.stop_when.watches()):
        history.load(name or task.name)
    history.of(task.name).armed_at = now
    if past is not None:
        history.learn(Started(past))
        history.learn(Finished(past, End(Action.SUCCESS, Cause.EXIT, past.start)))
    return Moment(now, task, history)


class RepeatedStart(NamedTuple):
    """An alternative of a condition that holds for long, and starts the task again after each of its ends."""

    branch: Branch
    lasts: Duration
    """How long it holds at a time; FOREVER: no hour ends it."""
    first: Instant
    """When it first holds."""


def find_repeated_start(task: Task, now: Instant) -> RepeatedStart | None:
    """Find an alternative in which nothing is used up by a start."""
    for branch in alternatives_of(task.when):
        if any(literal.is_used_up for literal in branch):
            continue
        left = remaining_condition(branch, task.name, lambda literal: literal.is_state(task.name))
        first = _search(left, task, now).at if left != FALSE else None
        if first is not None and _repeats(replace(task, when=left, stop_when=FALSE, splay=0), first):
            verdict = left.judge(_moment(task, first))
            lasts = FOREVER if verdict.until >= FOREVER else verdict.until - max(verdict.since, 0)
            if lasts > task.restart_delay:
                return RepeatedStart(branch, lasts, first)
    return None


def _repeats(task: Task, begin: Instant) -> bool:
    """Whether it starts again and again, each time its `restart_delay` after an end."""
    found = starts(task, begin, AGAIN).instants
    return len(found) == AGAIN and found[-1] - found[0] == (AGAIN - 1) * task.restart_delay


def never_start(tasks: Mapping[str, Task], hopeless: Collection[str]) -> dict[str, str]:
    """Return the tasks that wait for some that never start, each with the one that it waits for.

        a waits for b, b for a                        a: b, b: a
        c waits for x, which is hopeless              c: x
        d waits for e, which is daily                 neither

    `hopeless` are those whose own hours never come. A task that waits for itself, also through others, never starts.
    """
    waiting = {name: task for name, task in tasks.items() if name not in hopeless and _waits(task)}
    never = {*hopeless, *waiting}
    followers: dict[str, list[str]] = {}
    for name, task in waiting.items():
        for other in task.when.watches():
            followers.setdefault(other, []).append(name)
    asked = list(waiting)
    while asked:
        name = asked.pop()
        if name in waiting and _can_start(waiting[name], never):
            del waiting[name]
            never.discard(name)
            asked += followers.get(name, ())
    return {name: min(other for other in task.when.watches() if other in never) for name, task in waiting.items()}


def _waits(task: Task) -> bool:
    """Whether only events of tasks start it: it has no occasion, and is not for starts by hand alone."""
    return task.on is None and task.when != FALSE and bool(task.when.watches() - {""})


def _can_start(task: Task, never: Collection[str]) -> bool:
    alternatives = alternatives_of(task.when)
    comes = [
        remaining_condition(branch, task.name, lambda literal: _can_come(literal, task, never))
        for branch in alternatives
    ]
    return not alternatives or any(left != FALSE for left in comes)
