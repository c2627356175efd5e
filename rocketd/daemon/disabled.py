"""Tasks that are written and not loaded: they are shown, and who wants to do something with one is told why not."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from rocketd.core.decisions import NoSuchTask
from rocketd.core.scheduler import Scheduler
from rocketd.core.task import Disabled

DisabledTasks: TypeAlias = Callable[[], Sequence[Disabled]]
"""Gives those of the task files as they were last read."""


def disabled_one(disabled: Sequence[Disabled], name: str) -> Disabled | None:
    """Find the one of that name."""
    return next((one for one in disabled if one.task.name == name), None)


def must_be_loaded(scheduler: Scheduler, disabled: Sequence[Disabled], name: str) -> None:
    """Raise NoSuchTask for a task that is not, and say so if that is because it is disabled."""
    if name not in scheduler.entries and (one := disabled_one(disabled, name)):
        raise NoSuchTask(f"task {name!r} is disabled", hint=f"it has enabled = false in {one.task.file}:{one.line}")
    scheduler.entry(name)
