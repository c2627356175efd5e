"""Errors that one task causes: they are reported, and stop the daemon unless they are silenced."""

import traceback
from collections.abc import Callable
from typing import NamedTuple

from rocketd.core.messages.message import Message, Priority
from rocketd.core.model.events import Broken
from rocketd.core.model.run import Run
from rocketd.daemon.ports import Journal


class SilencedErrors(NamedTuple):
    """Which errors are only reported; the others stop the daemon."""

    cond_check: bool = True
    """A condition that raises."""
    task_prerun: bool = True
    """A task that cannot be set up."""


class ErrorPolicy:
    """Reports such errors with their tracebacks."""

    def __init__(self, journal: Journal, silenced: SilencedErrors, fail: Callable[[BaseException], None]) -> None:
        self._journal = journal
        self._silenced = silenced
        self._fail = fail

    def in_condition(self, broken: Broken) -> None:
        """Report a condition that raised an error."""
        self._report(broken.task, "its condition could not be judged", broken.error)
        if not self._silenced.cond_check:
            self._fail(broken.error)

    def in_setup(self, run: Run, error: Exception) -> None:
        """Report a task that could not be set up."""
        self._report(run.task, f"run {run.number} could not be set up", error)
        if not self._silenced.task_prerun:
            self._fail(error)

    def _report(self, task: str, what: str, error: Exception) -> None:
        trace = "".join(traceback.format_exception(error))
        self._journal.write(Message(f"{task}: {what}: {trace}", Priority.ERROR, fields={"ROCKETD_TASK": task}))
