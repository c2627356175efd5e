"""Metrics of a running daemon: for the control socket, and for node_exporter's textfile."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from rocketd import __version__
from rocketd.background_threads import WorkTimeout, in_thread
from rocketd.core.errors import RocketdError
from rocketd.core.instant import Duration, Instant
from rocketd.core.messages.output_line import OutputLine
from rocketd.core.model.events import Event, Finished, Missed, Started
from rocketd.core.model.metrics import ENDS, DaemonMetrics, RunCounters, TaskMetrics
from rocketd.core.model.run import Action
from rocketd.core.model.task import Task
from rocketd.core.model.task_history import TaskHistory
from rocketd.core.notifications.deadlines import last_good, overdue_at
from rocketd.core.notifications.occasions import is_success
from rocketd.core.scheduler.task_state import ScheduledTask
from rocketd.daemon.loop import Loop
from rocketd.daemon.task_cache import TaskCache, shown_state
from rocketd.metrics.exposition import Exposition, MetricsFormat, TaskText
from rocketd.metrics.textfile import why_not_written, write_textfile

TASKS_PER_TURN: Final = 128
"""Tasks whose lines are written before the loop gets a turn: about 3 ms, or a tenth if they are as they were."""
WRITE_TIMEOUT: Final = 30.0
"""Seconds that writing the textfile may take."""


class _Writer(NamedTuple):
    """What writes one format, and what it has written of each task."""

    exposition: Exposition
    texts: TaskCache[TaskText]


class MetricsSource:
    """Counts what happens, and writes it when it is asked. On the loop's thread, in portions."""

    def __init__(self, loop: Loop, started_at: Instant, slow_limit: Callable[[Task], Duration | None]) -> None:
        """`slow_limit` returns how long a run of a task may take."""
        self._loop = loop
        self._started_at = started_at
        self._slow_limit = slow_limit
        self._counters = RunCounters()
        self._writers: dict[MetricsFormat, _Writer] = {}
        self._writing: asyncio.Task[None] | None = None
        self.textfile = ""
        """Where they are written at each heartbeat; empty: nowhere."""
        loop.events.watch(self.watch, Started, Finished, Missed)
        loop.heartbeat_hooks.append(self._on_heartbeat)

    def watch(self, what: Event | OutputLine) -> None:
        """Count an event; a watcher of the loop."""
        if isinstance(what, (Started, Finished, Missed)):
            self._counters.learn(what)

    async def text(self, written: str) -> str:
        """Return the metrics in that format; raises RocketdError."""
        writer = await self._writer(MetricsFormat(written))
        scheduler, blocks, paused = self._loop.scheduler, list[Sequence[str]](), 0
        writer.texts.begin_use(scheduler.tasks)
        for names in _portions(tuple(scheduler.tasks)):
            if entries := [entry for name in names if (entry := scheduler.tasks.get(name))]:
                paused += sum(entry.paused is not None for entry in entries)
                blocks.append(writer.exposition.columns(self._of_task(writer, entry) for entry in entries))
            await asyncio.sleep(0)
        return writer.exposition.whole(self._snapshot(paused), self._counters, blocks)

    async def _writer(self, written: MetricsFormat) -> _Writer:
        if written not in self._writers:
            exposition = await in_thread(partial(Exposition, written))  # which imports the library
            writer = _Writer(exposition, TaskCache(self._loop.clock.monotonic))
            if self._writers.setdefault(written, writer) is writer:
                self._loop.heartbeat_hooks.append(writer.texts.drop_unused)
        return self._writers[written]

    def _of_task(self, writer: _Writer, entry: ScheduledTask) -> TaskText:
        """Return the lines of a task: those that were written last, if they are still true."""
        task, history = entry.task, self._loop.scheduler.history.of(entry.task.name)
        at, slow_limit = overdue_at(task, history), self._slow_limit(task)
        overdue = at is not None and at <= self._loop.clock.now() and entry.paused is None
        state, computed = shown_state(entry, history), (overdue, slow_limit, self._counters.changes.get(task.name))
        return writer.texts.get(task.name, state, computed) or writer.texts.put(
            task.name,
            state,
            computed,
            writer.exposition.of_task(task_metrics(entry, history, slow_limit, overdue=overdue), self._counters),
        )

    def _snapshot(self, paused: int) -> DaemonMetrics:
        loop = self._loop
        return DaemonMetrics(
            *(__version__, self._started_at, bool(loop.health.degraded), loop.health.problems),
            *(loop.scheduler.draining, loop.scheduler.spawned_count, len(loop.scheduler.tasks), paused),
        )

    def _on_heartbeat(self, now: Instant) -> None:  # noqa: ARG002 - the signature of a heartbeat hook
        if self.textfile and (self._writing is None or self._writing.done()):
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        path = Path(self.textfile)
        try:
            text = await self.text(MetricsFormat.TEXT)
            await in_thread(partial(write_textfile, path, text), time_limit=WRITE_TIMEOUT)
        except (OSError, RocketdError, WorkTimeout) as error:
            why = (
                "its disk or file server does not answer" if isinstance(error, WorkTimeout) else why_not_written(error)
            )
            self._loop.health.report_trouble("metrics", f"cannot write metrics to {path}: {why}")
        else:
            self._loop.health.report_trouble("metrics", "")


def _portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + TASKS_PER_TURN] for start in range(0, len(names), TASKS_PER_TURN))


def task_metrics(
    entry: ScheduledTask, history: TaskHistory, slow_limit: Duration | None, *, overdue: bool
) -> TaskMetrics:
    """Return what metrics tell of a task."""
    ends = [seen for action, seen in history.last_events.items() if action in ENDS and seen.end is not None]
    newest = max(ends, key=lambda seen: seen.position, default=None)
    end = None if newest is None else newest.end
    return TaskMetrics(
        name=entry.task.name,
        paused=entry.paused is not None,
        running=bool(history.spawned_at),
        running_since=min(history.spawned_at.values(), default=None),
        next_start=entry.next_start,
        last_start=history.last_instant(Action.RUN),
        last_end=None if newest is None else history.steps.wall_instant(newest.at, newest.position),
        last_success=last_good(history),
        last_good=None if end is None else is_success(end),
        last_runtime=None if end is None else end.runtime,
        armed=history.armed,
        max_age=entry.task.max_age,
        overdue=overdue,
        slow_after=slow_limit,
    )
