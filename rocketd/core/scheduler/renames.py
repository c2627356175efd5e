"""Which tasks of the files are new names of tasks that were there before."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from rocketd.core.history.renamed import renamed
from rocketd.core.model.events import Event, task_of
from rocketd.core.model.records import TaskState
from rocketd.core.model.task import Task


class Rename(NamedTuple):
    """A task that takes over the past of another name."""

    old: str
    new: str


def find_renames(tasks: Iterable[Task], states: Mapping[str, TaskState]) -> tuple[list[Rename], list[Rename]]:
    """Return what is renamed, and the renames that are not possible as the new name has a past of its own.

    `states` are those of all tasks ever seen. Of several former names the first counts that is known.
    """
    tasks = list(tasks)
    present = {task.name for task in tasks}
    claims = Counter(old for task in tasks for old in set(task.formerly))
    found: list[Rename] = []
    impossible: list[Rename] = []
    for task in tasks:
        known = (old for old in task.formerly if old in states and old not in present and claims[old] == 1)
        if old := next(known, None):
            (impossible if task.name in states else found).append(Rename(old, task.name))
    return found, impossible


def former_names(tasks: Iterable[Task]) -> list[Rename]:
    """Return the former names of these tasks that none of them has, whether their past was taken over now or before."""
    tasks = list(tasks)
    present = {task.name for task in tasks}
    return [Rename(old, task.name) for task in tasks for old in task.formerly if old not in present]


def renamed_states(states: Mapping[str, TaskState], renames: Iterable[Rename]) -> dict[str, TaskState]:
    """Return the states under the new names."""
    made = dict(states)
    for old, new in renames:
        if old in made:
            made[new] = replace(made.pop(old), name=new)
    return made


def renamed_events(events: Sequence[Event], renames: Sequence[Rename]) -> Sequence[Event]:
    """Return events of the store under the new names."""
    names = dict(renames)
    return [renamed(event, names.get(task_of(event), task_of(event))) for event in events] if renames else events
