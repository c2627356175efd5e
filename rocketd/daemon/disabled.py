"""Tasks that are written and not loaded: they are shown, and who wants to do something with one is told why not."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from rocketd.core.model.events import NoSuchTask
from rocketd.core.model.task import Disabled
from rocketd.core.scheduler.scheduler import Scheduler

DisabledTasks: TypeAlias = Callable[[], Sequence[Disabled]]
"""Gives those of the task files as they were last read."""


class MissingTask(Protocol):
    """A task that an error in its file keeps back."""

    @property
    def message(self) -> str: ...
    @property
    def hint(self) -> str: ...


MissingTasks: TypeAlias = Callable[[], Mapping[str, MissingTask]]
"""Gives those, by name."""


def disabled_one(disabled: Sequence[Disabled], name: str) -> Disabled | None:
    """Find the one of that name."""
    return next((one for one in disabled if one.task.name == name), None)


def must_be_loaded(
    scheduler: Scheduler, disabled: Sequence[Disabled], missing: Mapping[str, MissingTask], name: str
) -> None:
    """Raise NoSuchTask for a task that is not, and say so if that is because it is disabled, or its file has errors."""
    if name in scheduler.entries:
        return
    if one := disabled_one(disabled, name):
        raise NoSuchTask(f"task {name!r} is disabled", hint=f"it has enabled = false in {one.task.file}:{one.line}")
    if gone := missing.get(name):
        raise NoSuchTask(gone.message, hint=gone.hint)
    scheduler.entry(name)
