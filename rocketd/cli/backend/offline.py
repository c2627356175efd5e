"""The backend where no daemon runs: the task files and the store. It reads each only for an answer that needs it."""

from __future__ import annotations

import time
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Final

from rocketd.cli.backend.offline_runs import NO_DAEMON, OfflineRuns, store_failures
from rocketd.cli.exit_codes import Failure
from rocketd.daemon.json_format import JsonObject, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocketd.cli.backend.backend import ExpectedStarts, RunQuery
    from rocketd.cli.backend.offline_tasks import OfflineTasks
    from rocketd.cli.parser import Choices
    from rocketd.core.instant import Instant

FILES_WRONG: Final = "some task files have errors; this list may be incomplete; see rocketctl check"

EXPLAINED: Final = 100
"""How many tasks to explain at once."""

PRUNED: Final = 5_000
"""How many records to delete at once, as nothing waits for the store."""


class OfflineBackend:
    """The backend that reads the task files and the store."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._now: Instant = time.time_ns() // 1000
        self._runs = OfflineRuns(choices)
        self.origin = f"{NO_DAEMON}: this is from the store"
        """The source of the answers so far."""
        self.warnings = self._runs.warnings
        """Why the answers may be incomplete."""

    def tasks(self) -> list[JsonObject]:
        """Every task that a daemon would load now, and those that are disabled."""
        return self._tasks.all()

    def files(self, *, always: bool = True) -> JsonObject:  # noqa: ARG002 - it costs nothing here
        """What is wrong in the task files."""
        return self._tasks.files

    def task(self, name: str) -> JsonObject:
        """Everything about one."""
        return self._tasks.one(name)

    def why(self, name: str, at: Instant | None) -> JsonObject:
        """What a task's condition says now, or at that instant."""
        return self._tasks.why(name, at)

    def why_all(self, at: Instant | None) -> Iterator[list[JsonObject]]:
        """What the condition of each task says, by name."""
        names = sorted(self._tasks.scheduler.tasks)
        for begin in range(0, len(names), EXPLAINED):
            yield [self.why(name, at) for name in names[begin : begin + EXPLAINED]]

    def planned(self, until: Instant) -> ExpectedStarts:
        """The starts that are expected."""
        return self._tasks.planned(until)

    def runs(self, query: RunQuery) -> list[JsonObject]:
        """Runs, newest first."""
        return self._runs.newest(query)

    def part(self, query: RunQuery, after: int) -> JsonObject:
        """Some runs after this place in the log, the first recorded first."""
        return self._runs.part(query, after)

    def run(self, name: str) -> JsonObject:
        """Everything about one."""
        return self._runs.run(name)

    def prune(self, before: Instant | None, *, dry_run: bool) -> JsonObject:
        """Delete the records that are old, holding the daemon's lock; with `dry_run`, only count them."""
        from rocketd.daemon.retention_limit import oldest_kept  # noqa: PLC0415 - as below
        from rocketd.store.sqlite.store import SqliteStore  # noqa: PLC0415 - only this verb changes anything
        from rocketd.store.state_lock import StateLock  # noqa: PLC0415 - as above

        loaded, runs = self._tasks.loaded, self._runs
        if not loaded.valid:
            msg = "task files have errors, so rocketctl cannot tell which records conditions still need"
            raise Failure(msg, hint="see rocketctl check")
        before = oldest_kept(loaded.settings.store.keep, before, self._now)
        spare = self._tasks.scheduler.history.reach
        with runs.reader() as reader:
            old = reader.count_old(before, spare, self._now) if reader else 0
        if old and not dry_run:
            with store_failures(), StateLock(runs.directory), closing(SqliteStore(runs.directory)) as store:
                while store.prune(before, spare, self._now, PRUNED):
                    pass
        return {"records": old, "before": rfc3339(before), "dry_run": dry_run}

    @cached_property
    def _tasks(self) -> OfflineTasks:
        from rocketd.cli.backend.offline_tasks import OfflineTasks  # noqa: PLC0415 - records of runs do not need them

        tasks = OfflineTasks(self._choices, self._runs, self._now)
        self.origin = f"{NO_DAEMON}: showing the task files and the run log"
        if not tasks.loaded.valid:
            self.warnings.append(FILES_WRONG)
        return tasks
