"""Metrics of a running daemon: for the control socket, and for node_exporter's textfile."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

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
from rocketd.metrics.exposition import MetricsFormat, exposition
from rocketd.metrics.textfile import why_not_written, write_textfile

TASKS_PER_TURN: Final = 256
"""Tasks that are looked at before the loop gets a turn."""
WRITE_TIMEOUT: Final = 30.0
"""Seconds that writing the textfile may take."""


class MetricsSource:
    """Counts what happens, and takes a snapshot when it is asked. On the loop's thread."""

    def __init__(self, loop: Loop, started_at: Instant, slow_limit: Callable[[Task], Duration | None]) -> None:
        """`slow_limit` returns how long a run of a task may take."""
        self._loop = loop
        self._started_at = started_at
        self._slow_limit = slow_limit
        self._counters = RunCounters()
        self._writing: asyncio.Task[None] | None = None
        self.textfile = ""
        """Where they are written at each heartbeat; empty: nowhere."""
        loop.watchers.add(self.watch)
        loop.heartbeat_hooks.append(self._on_heartbeat)

    def watch(self, what: Event | OutputLine) -> None:
        """Count an event; a watcher of the loop."""
        if isinstance(what, Started | Finished | Missed):
            self._counters.learn(what)

    async def text(self, written: str) -> str:
        """Return the metrics in that format; raises RocketdError."""
        snapshot = await self._snapshot()
        return await in_thread(partial(exposition, snapshot, self._counters, MetricsFormat(written)))

    async def _snapshot(self) -> DaemonMetrics:
        loop, listed = self._loop, list[TaskMetrics]()
        for index, name in enumerate(tuple(loop.scheduler.tasks)):
            if index % TASKS_PER_TURN == TASKS_PER_TURN - 1:
                await asyncio.sleep(0)
            if entry := loop.scheduler.tasks.get(name):
                history = loop.scheduler.history.of(name)
                listed.append(task_metrics(entry, history, loop.clock.now(), self._slow_limit(entry.task)))
        return DaemonMetrics(
            *(__version__, self._started_at, bool(loop.health.degraded), loop.health.problems),
            *(loop.scheduler.draining, loop.scheduler.spawned_count, listed),
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


def task_metrics(entry: ScheduledTask, history: TaskHistory, now: Instant, slow_limit: Duration | None) -> TaskMetrics:
    """Return what metrics tell of a task."""
    ends = [seen for action, seen in history.last_events.items() if action in ENDS and seen.end is not None]
    newest = max(ends, key=lambda seen: seen.position, default=None)
    end = None if newest is None else newest.end
    overdue = overdue_at(entry.task, history)
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
        overdue=overdue is not None and overdue <= now and entry.paused is None,
        slow_after=slow_limit,
    )
