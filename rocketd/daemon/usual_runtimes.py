"""How long runs of tasks usually take: read from the run log once somebody asks, then learned from their ends."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from rocketd.core.errors import StoreError
from rocketd.core.instant import Duration
from rocketd.core.messages.output_line import OutputLine
from rocketd.core.model.events import Event, Finished
from rocketd.core.model.run import Action
from rocketd.core.notifications.deadlines import UsualRuntimes

TASKS_AT_ONCE: Final = 500
"""Tasks of which one query reads: some 20 ms."""

ReadRuntimes = Callable[[Sequence[str]], Awaitable[Mapping[str, Sequence[Duration]]]]
"""Reads how long the last successful runs took, the newest first; raises StoreError."""


class KnownRuntimes:
    """Knows the usual runtimes of the tasks that were asked about. On the loop's thread."""

    def __init__(self, read: ReadRuntimes) -> None:
        self._read = read
        self._known: set[str] = set()
        self._runtimes = UsualRuntimes()

    def usual(self, task: str) -> Duration | None:
        """Return the median of the last successful runs; None: too few are known."""
        return self._runtimes.usual(task)

    async def read(self, tasks: Iterable[str]) -> None:
        """Read from the run log what is not known of these tasks; while it cannot be read, they stay as they are."""
        missing = [task for task in tasks if task not in self._known]
        with suppress(StoreError):
            for start in range(0, len(missing), TASKS_AT_ONCE):
                for task, runtimes in (await self._read(missing[start : start + TASKS_AT_ONCE])).items():
                    if task not in self._known:
                        self._known.add(task)
                        self._runtimes.replace(task, runtimes[::-1])

    def learn(self, event: Event | OutputLine) -> None:
        """Learn of the end of a run; a watcher of the loop."""
        if isinstance(event, Finished) and event.end.action is Action.SUCCESS and event.run.task in self._known:
            self._runtimes.learn(event.run.task, event.end.runtime)
