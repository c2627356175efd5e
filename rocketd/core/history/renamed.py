"""The history of a task under another name: every run and every miss in it is then one of that task."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TypeVar, cast

from rocketd.core.model.events import Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.run import Run
from rocketd.core.model.task_history import TaskHistory, empty_mapping

T = TypeVar("T")
_UNNAMED = frozenset({"steps", "recorded_instants"})
"""What names no task."""


def rename_history(task_history: TaskHistory, name: str) -> None:
    """Give the history of a task that name."""
    for field in fields(TaskHistory):
        if field.name not in _UNNAMED:
            setattr(task_history, field.name, renamed(getattr(task_history, field.name), name))


def renamed(value: T, name: str) -> T:
    """Return a part of the history with the runs and misses in it under that name."""
    made: object = value
    match value:
        case Run() | Missed():
            made = replace(value, task=name)
        case Started(run) | Spawned(run) | Finished(run) | Withdrawn(run):
            made = replace(value, run=replace(run, task=name))
        case Mapping():
            made = {key: renamed(item, name) for key, item in value.items()} or empty_mapping()
        case tuple():
            items = [renamed(item, name) for item in value]
            made = value._make(items) if hasattr(value, "_make") else tuple(items)
    return cast("T", made)
