"""References to a task: by its name, by the task itself, or by the function that it calls."""

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from rocketd.core.errors import ConditionError

MARK: Final = "__rocketd__"
"""The attribute by which a function knows the name of its task."""


class TaskReference(Protocol):
    """A task."""

    @property
    def name(self) -> str: ...


TaskRef: TypeAlias = str | TaskReference | Callable[..., object]


def name_of(task: TaskRef) -> str:
    """Return the name of a task; raises ConditionError for anything else."""
    name: object = task if isinstance(task, str) else getattr(task, MARK, None) or getattr(task, "name", None)
    if not isinstance(name, str):
        raise ConditionError(
            f"{task!r} is not a task", hint="name a task, or a function that app.task() has taken", about=task
        )
    if not name:
        raise ConditionError("the name of a task is missing", about=task)
    return name
