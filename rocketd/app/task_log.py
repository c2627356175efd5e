"""The run log of a task, or of all tasks: `task.logger`."""

import logging
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from rocketd.app.left_out import no_attribute
from rocketd.store.redbird.compat import BaseRepo, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


T = TypeVar("T")


def _position(record: object) -> tuple[float, bool]:
    """Return its position in the log: a start before an end of the same time."""
    values = record if isinstance(record, dict) else vars(record)
    return float(values["created"]), values["action"] != "run"


class UseRepository(Protocol):
    """Calls a function with the repository while nobody writes to it."""

    def __call__(self, work: "Callable[[BaseRepo], T]", /) -> T: ...


class TaskLog(logging.LoggerAdapter[logging.Logger]):
    """Logs with the task's name in each record, and reads the records of its runs."""

    def __init__(
        self, logger: logging.Logger, task: str | None, use: UseRepository, set_repo: "Callable[[BaseRepo], None]"
    ) -> None:
        """`task` is None for the log of all tasks; `use` calls a function with the repository."""
        super().__init__(logger, {"task_name": task})
        self.task_name = task
        self._use = use
        self._set_repo = set_repo

    if not TYPE_CHECKING:  # with it, type checkers would let every name be used
        __getattr__ = no_attribute

    def process(self, msg: object, kwargs: "Mapping[str, object]") -> "tuple[object, dict[str, object]]":
        extra = cast("dict[str, object]", kwargs.get("extra") or {})
        return msg, {**kwargs, "extra": {"task_name": self.task_name, **extra}}

    def set_repo(self, repo: BaseRepo) -> None:
        """Store the run log of all tasks there: the same as `session.set_repo`."""
        self._set_repo(repo)

    def filter_by(self, **query: object) -> Result:
        """Query the repository; results that are read later may be newer."""
        return self._use(lambda repo: repo.filter_by(**self._query(query)))

    def get_records(self, **query: object) -> list[Any]:
        """Return records in order of time, as items of the repository's model."""
        return self._use(lambda repo: sorted(repo.filter_by(**self._query(query)).all(), key=_position))

    def get_latest(self, action: str | None = None) -> Any:  # noqa: ANN401 - an item of whatever model the repository has
        """Return the newest record, or the newest of one action; None: there is none."""
        records = self.get_records(**({"action": action} if action else {}))
        return records[-1] if records else None

    def _query(self, query: "Mapping[str, object]") -> dict[str, object]:
        return {**query, **({"task_name": self.task_name} if self.task_name else {})}
