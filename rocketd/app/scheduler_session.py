"""What the running scheduler needs of its session."""

from collections.abc import Collection
from typing import Protocol

from rocketd.app.hooks import Hooks
from rocketd.app.interfaces import SessionView
from rocketd.app.storage import SessionStorage
from rocketd.app.task import Task
from rocketd.core.model.condition import Condition
from rocketd.core.model.task_ref import TaskRef


class SchedulerSession(SessionView, Protocol):
    """A session as seen by the scheduler that runs its tasks."""

    @property
    def hooks(self) -> Hooks: ...
    @property
    def storage(self) -> SessionStorage: ...
    @property
    def returns(self) -> dict[str, object]: ...
    @property
    def tasks(self) -> Collection[Task]: ...

    def __getitem__(self, task: TaskRef, /) -> Task: ...

    def condition(self, value: object) -> Condition:
        """Read a condition; raises RocketdError."""
        ...
