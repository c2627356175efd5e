"""What an operator can see: tasks, runs, explanations, events.

Called on the loop's thread. Nothing here touches the scheduler's state; the store is read off the loop.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from rocketd.core.history.as_of import history_as_of, runs_needed
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.events import Finished
from rocketd.core.model.executor_choice import ExecutorChoice
from rocketd.core.model.records import RunFilter, RunPlace, RunView
from rocketd.core.model.run import Action
from rocketd.core.model.task import Task
from rocketd.core.notifications.deadlines import SAMPLES
from rocketd.daemon.event_feed import EventFeed
from rocketd.daemon.explanation_pages import ExplanationPages
from rocketd.daemon.json_format import Json, JsonObject
from rocketd.daemon.log_reader import ANSWER_TIMEOUT, LogReader, RunReader
from rocketd.daemon.lookup import find_disabled, only_match, require_loaded, run_filter_of
from rocketd.daemon.loop import Loop
from rocketd.daemon.run_output import RunOutput
from rocketd.daemon.serializers import (
    disabled_details,
    run_object,
    task_details,
    why_object,
)
from rocketd.daemon.task_file_source import TaskFileSource
from rocketd.daemon.task_list import TaskList
from rocketd.daemon.usual_runtimes import KnownRuntimes

RUNS_SHOWN: Final = 5
"""How many of its newest runs `show TASK` lists."""


class ControlViews:
    """What an operator can see."""

    def __init__(
        self, loop: Loop, reader: RunReader, task_files: TaskFileSource, *, daemon_info: Callable[[], JsonObject]
    ) -> None:
        """`daemon_info` returns what is constant in `status`."""
        self._loop = loop
        self._log_reader = LogReader(reader, ANSWER_TIMEOUT)
        self._task_files = task_files
        self._daemon_info = daemon_info
        self._runtimes = KnownRuntimes(self._read_runtimes)
        loop.events.watch(self._runtimes.learn, Finished)
        self.listed = TaskList(loop, task_files, self._runtimes)
        self.explained = ExplanationPages(loop, self.why)
        self.feed = EventFeed(loop, self.status, self.listed.row, self.listed.counts)
        self.feed.on_changes.append(self.listed.note)
        self.output = RunOutput(loop, self.feed, self._find)
        self.metrics: Callable[[str], Awaitable[str]]
        """Returns metrics in a format; raises RocketdError. Set by whoever has metrics."""
        self.hooks_of: Callable[[Task], list[Json]] = lambda _: []
        """Returns the hooks of a task, and how they ended last."""
        self.executor_of: Callable[[Task], ExecutorChoice | None] = lambda _: None
        """Returns what carries out the runs of a task."""

    def now(self) -> Instant:
        """What the clock shows."""
        return self._loop.now()

    def status(self) -> JsonObject:
        """Version, tasks, running, problems, store."""
        loop = self._loop
        return {
            **self._daemon_info(),
            "tasks": len(loop.scheduler.tasks),
            "disabled": len(self._task_files.disabled),
            "running": loop.scheduler.spawned_count,
            "problems": loop.health.problems,
            "degraded": loop.health.degraded or None,
            "stopping": loop.scheduler.draining,
        }

    def written(self, name: str) -> Task | None:
        """Return the task of that name, loaded or disabled; None: no file has it, or not without errors."""
        if entry := self._loop.scheduler.tasks.get(name):
            return entry.task
        disabled = find_disabled(self._task_files.disabled, name)
        return disabled.task if disabled else None

    def all_written(self) -> Iterable[tuple[str, Task]]:
        """Yield all of these tasks, by name."""
        for name, entry in self._loop.scheduler.tasks.items():
            yield name, entry.task
        for one in self._task_files.disabled:
            yield one.task.name, one.task

    async def task(self, name: str) -> JsonObject:
        """Everything about one task; raises NoSuchTask."""
        scheduler, disabled = self._loop.scheduler, find_disabled(self._task_files.disabled, name)
        run_filter = RunFilter(task=name, limit=RUNS_SHOWN)
        if disabled:
            return disabled_details(disabled, await self._read(run_filter))
        self._must_be_loaded(name)
        entry, runs = scheduler.find(name), await self._read(run_filter)
        await self._runtimes.read([name])
        usual, history = self._runtimes.usual(name), scheduler.history.of(name)
        details = task_details(entry, history, runs, self.executor_of(entry.task), usual)
        return {**details, "hooks": self.hooks_of(entry.task)}

    def _must_be_loaded(self, name: str) -> None:
        require_loaded(self._loop.scheduler, self._task_files.disabled, self._task_files.missing, name)

    async def why(self, name: str, at: Instant | None = None) -> JsonObject:
        """What a task's condition says, now or at another instant, and what it waits for; raises NoSuchTask."""
        from rocketd.core.explain.why import why, why_then  # noqa: PLC0415 - not before somebody asks

        self._must_be_loaded(name)
        scheduler, now = self._loop.scheduler, self._loop.now()
        if at is None or at >= now:
            return why_object(why(scheduler, name, now, at))
        task = scheduler.find(name).task
        runs = [run for run_filter in runs_needed(task, scheduler.history, at) for run in await self._read(run_filter)]
        return why_object(why_then(task, history_as_of(task, scheduler.history, runs, at), at))

    async def runs(self, run_filter: RunFilter) -> list[Json]:
        """Runs, newest first."""
        return [self._run_object(view) for view in await self._read(run_filter)]

    async def place(self, reference: str) -> RunPlace:
        """Where a run is among all, given in the same way."""
        return RunPlace.of((await self._find(reference)).run)

    async def run(self, reference: str) -> JsonObject:
        """Everything about one run, given as a run id, its beginning, or TASK/NUMBER; raises NoSuchRun, Refused."""
        view = await self._find(reference)
        return {**self._run_object(view), "output": await self.output.so_far(view)}

    def _run_object(self, view: RunView) -> JsonObject:
        """Return a run as an object; of an active one, with its runtime so far."""
        shown = run_object(view)
        spawned_at = self._loop.scheduler.history.of(view.run.task).spawned_at.get(view.run.number)
        if view.action is Action.RUN and spawned_at is not None:
            shown["runtime"] = max(self._loop.clock.now() - spawned_at, 0) / SECOND
        return shown

    async def _find(self, reference: str) -> RunView:
        return only_match(reference, await self._read(run_filter_of(reference)))

    async def _read(self, run_filter: RunFilter) -> Sequence[RunView]:
        return await self._log_reader.query(lambda reader: reader.runs(run_filter))

    async def _read_runtimes(self, tasks: Sequence[str]) -> Mapping[str, Sequence[Duration]]:
        return await self._log_reader.query(lambda reader: reader.runtimes(tasks, SAMPLES))

    async def page(self, run_filter: RunFilter, after: int) -> JsonObject:
        """The next runs after this place in the log, the first recorded first, and where to go on."""
        part = await self._log_reader.query(lambda reader: reader.page(run_filter, after))
        listed: list[Json] = [run_object(view) for view in part.runs]
        return {"runs": listed, "next": part.next}
