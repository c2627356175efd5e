"""The history as of an earlier instant, rebuilt from the run log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.core.history.history import History
from rocketd.core.instant import MICROSECOND
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started
from rocketd.core.model.records import RunFilter
from rocketd.core.model.run import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rocketd.core.instant import Instant
    from rocketd.core.model.records import RunView
    from rocketd.core.model.task import Task

MAX_RUNS: Final = 2_000
"""How many of a task's runs are looked at."""


def runs_needed(task: Task, known: History, at: Instant) -> list[RunFilter]:
    """Return the runs that the task's condition could ask about at that instant, and all that was missed."""
    names = sorted({task.name, *(task.when.watches() - {""}), *_matched(task, known)})
    later = at + MICROSECOND
    return [
        *(RunFilter(task=name, until=later, limit=MAX_RUNS) for name in names),
        *(RunFilter(task=name, since=later, actions=(Action.MISSED,), limit=MAX_RUNS) for name in names),
    ]


def history_as_of(task: Task, known: History, runs: Iterable[RunView], at: Instant) -> History:
    """Return the history as of that instant. When the task was armed is taken from the present history."""
    history = History(known.host)
    for name in (task.name, *task.when.watches()):
        if known.knows(name):
            history.load(name)
    for name in _matched(task, known):
        history.of(name).member_since = known.of(name).member_since
        history.load(name, known.selections.tags_of(name))
    history.selections.cycles = known.selections.cycles
    history.set_needs(need._replace(task=need.task or task.name) for need in task.when.needs())
    history.of(task.name).arm(known.of(task.name).armed)
    for _, _, event in sorted((one for view in runs for one in _events(view, at)), key=lambda one: one[:2]):
        history.learn(event)
    return history


def _matched(task: Task, known: History) -> list[str]:
    """Return the tasks that the patterns of its condition stand for now."""
    found = {name for names in task.when.selections() for name in known.selections.get(names).members}
    return sorted(name for name in found if known.knows(name))


def _events(view: RunView, at: Instant) -> Iterator[tuple[Instant, int, Event]]:
    """Return the events of a run with their order: at one instant ends precede starts, but not their own."""
    run, end = view.run, view.end
    if view.action is Action.MISSED:
        yield from _missed(view, at)
        return
    if run.start > at:
        return
    if view.action is Action.WITHDRAWN:
        return
    yield run.start, 1, Started(run)
    yield run.start, 1, Spawned(run, view.pid, view.pid_start, run.start)
    if end is not None and end.at <= at:
        yield max(end.at, run.start), 0 if end.at > run.start else 2, Finished(run, end)


def _missed(view: RunView, at: Instant) -> Iterator[tuple[Instant, int, Event]]:
    """Return what was known of an interval of misses: its record has when it was reported first, and extended last.

    How far it had come between these is not recorded, so it counts as it was reported first.
    """
    run, first_at = view.run, view.first_at
    reported = run.start if run.start <= at or first_at is None else first_at
    if reported <= at:
        last = max(run.due, reported - MICROSECOND)
        yield reported, 0, Missed(run.task, run.run_id, reported, run.due, last, 1, run.reason, first_at)
