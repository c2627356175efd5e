"""A time in which the store fails: when it is tried again, and what need not wait for it."""

import time
from collections.abc import Iterable
from typing import Final

from rocketd.core.backoff import Backoff
from rocketd.core.errors import StoreError
from rocketd.core.model.events import Finished, Spawned, Started, Withdrawn
from rocketd.core.model.records import Change, Renamed, TaskState

RETRY: Final = Backoff(0.05, 5.0)
"""Seconds between two tries at a store that fails."""


class StoreOutage:
    """Begins with the first error, and ends when the store takes something."""

    def __init__(self, error: StoreError, since: float) -> None:
        self.error = error
        self.since = since
        self.pause = RETRY.first
        self.spooled = False
        """Whether records go to the spool in it, and count as written."""
        self.reported = False
        """Whether somebody knows that nothing can be recorded."""
        self.spool_warning = ""
        """The warning that was reported about the spool."""
        self._next = since + self.pause

    def retry_failed(self, error: StoreError) -> None:
        """It was tried again, in vain."""
        self.error = error
        self.pause = RETRY.after(self.pause)
        self._next = time.monotonic() + self.pause

    def until_retry(self) -> float:
        """Seconds until the next try."""
        return max(0.0, self._next - time.monotonic())


# Of [start a/1, process a/1, end b/7, pause c]
#   [end b/7, pause c] is completed: it is so, whatever becomes of the store;
#   [start a/1, process a/1] waits: the run a/1 starts only once its start is written.
def split_completed(changes: Iterable[Change]) -> tuple[list[Change], list[Change]]:
    """Part what is so by now, recorded or not, from what waits for its record.

    A start waits, and what is told of the same run together with it, and a time that is given up.
    """
    changes = list(changes)
    started = {change.run.key for change in changes if isinstance(change, Started)}
    completed: list[Change] = []
    waiting: list[Change] = []
    for change in changes:
        match change:
            case Spawned(run) | Finished(run) | Withdrawn(run) if run.key not in started:
                completed.append(change)
            case TaskState() | Renamed():
                completed.append(change)
            case _:
                waiting.append(change)
    return completed, waiting


def no_answer() -> StoreError:
    """Return the error for writing that hangs, as on a disk or a file server that does not answer."""
    message = "the store does not answer: its disk or file server hangs, and the newest records may be lost"
    return StoreError(message, temporary=True)
