"""The task files as `control` sees them: the port to whoever reads them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rocketd.core.model.task import Disabled


class MissingTask(Protocol):
    """A task that an error in its file keeps back."""

    @property
    def message(self) -> str: ...
    @property
    def hint(self) -> str: ...


class ControlProblem(Protocol):
    """One mistake in a task file."""

    def as_json(self) -> dict[str, str | int]: ...


class TaskFileSource(Protocol):
    """The task files, as they were last read."""

    async def reload(self) -> Sequence[ControlProblem]:
        """Read them again, and return their problems."""
        ...

    @property
    def disabled(self) -> Sequence[Disabled]:
        """The tasks with `enabled = false`."""
        ...

    @property
    def missing(self) -> Mapping[str, MissingTask]:
        """The tasks that errors keep from being loaded, by name."""
        ...
