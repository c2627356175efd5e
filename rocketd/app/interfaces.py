"""What the parts of an application need from its session, so that none of them imports the session itself.

    arguments, hooks, conditions    SessionView
    Task                            Registry, with its TaskRunner
    the running scheduler           SchedulerSession, in `scheduler_session.py`

`Session` implements them all; the type checker verifies that where it passes itself on.
"""

from abc import abstractmethod
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Protocol, TypeVar

from rocketd.app.config import Config
from rocketd.app.explanation import Why
from rocketd.app.task_log import TaskLog
from rocketd.core.instant import Instant
from rocketd.core.model.condition import Condition
from rocketd.core.model.run import Action
from rocketd.core.model.task_ref import TaskRef, TaskReference

TaskT_contra = TypeVar("TaskT_contra", contravariant=True)


class ParametersView(MutableMapping[str, object]):
    """Named values. Reading one gives its value; `raw` has them as they were given."""

    @property
    @abstractmethod
    def raw(self) -> Mapping[str, object]:
        """The parameters as given, with unresolved arguments."""


class SessionView(Protocol):
    """A session as seen by arguments, hooks and conditions."""

    @property
    def config(self) -> Config: ...
    @property
    def parameters(self) -> ParametersView: ...
    @property
    def returns(self) -> Mapping[str, object]:
        """The newest return value of each task, by the task's name."""
        ...

    def __getitem__(self, task: TaskRef, /) -> TaskReference:
        """Return a task; raises KeyError."""
        ...

    def __contains__(self, task: TaskRef, /) -> bool: ...

    def task_log(self, task: TaskReference | None, /) -> TaskLog:
        """Return the log of a task; None: of all tasks."""
        ...


class TaskRunner(Protocol[TaskT_contra]):
    """The scheduler of a session as seen by a task."""

    def request_run(self, name: str) -> None:
        """Run a task that has a run request, if the scheduler is running. Any thread."""
        ...

    def terminate(self, name: str) -> None:
        """Stop the active runs of a task. Any thread."""
        ...

    def status_of(self, name: str) -> str | None: ...
    def count_active(self, name: str) -> int: ...
    def last(self, name: str, action: Action) -> datetime | None: ...
    def why(self, task: TaskT_contra, at: Instant | None) -> Why: ...
    def next_start(self, task: TaskT_contra) -> datetime | None: ...


class Registry(SessionView, Protocol[TaskT_contra]):
    """A session as seen by its tasks, and by programs that reach it through `task.session`."""

    @property
    def runner(self) -> TaskRunner[TaskT_contra]: ...

    def condition(self, value: object) -> Condition:
        """Read a condition; raises RocketdError."""
        ...

    def changed(self) -> None:
        """Handle a change of a task."""
        ...

    def renamed(self, task: TaskReference, name: str) -> None:
        """Register a task under its new name; raises KeyError if that name is taken."""
        ...

    def remove_task(self, task: TaskRef) -> None:
        """Remove a task; raises KeyError."""
        ...

    def restart(self) -> None:
        """Restart the scheduler when its active runs have ended."""
        ...

    def shut_down(self, *, force: bool = False) -> None:
        """Stop the scheduler when its active runs have ended; `force`: stop these as well."""
        ...
