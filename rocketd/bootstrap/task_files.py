"""The task files of a daemon: what they say holds from the start on, from each reload, and when the host has changed.

What the host is to blame for (a user that is not there, a file server that does not answer) is looked at again until it
has passed; nothing that was edited since the last reload counts then.
"""

import asyncio
import gc
import time
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final, cast

from rocketd.bootstrap.logging_config import LoggingConfig
from rocketd.bootstrap.notification_channels import NotificationChannels
from rocketd.config.calendar_lookup import coverage_warnings
from rocketd.config.host_queries import UNANSWERED
from rocketd.config.load_result import LoadResult, Missing
from rocketd.config.loader import load, recheck_host, reload
from rocketd.config.not_loaded import file_problems, task_files_status
from rocketd.config.problems import Problem
from rocketd.core.instant import SECOND, Instant, datetime_of
from rocketd.core.messages import daemon_messages
from rocketd.core.model.run import Trigger
from rocketd.core.model.task import Disabled, On, Task
from rocketd.daemon.boot_tasks import BootTasks
from rocketd.daemon.host_retry_timer import HostRetryTimer
from rocketd.daemon.json_format import JsonObject
from rocketd.daemon.loop import Loop
from rocketd.daemon.ports import ServiceManager
from rocketd.daemon.retention import RetentionJob
from rocketd.daemon.task_reload import replace_tasks
from rocketd.daemon.wait_monitor import WaitMonitor, joined, no_answer_since
from rocketd.executor.process.capabilities import is_confined
from rocketd.executor.process.network_mounts import Mounts
from rocketd.executor.router import ExecutorRouter
from rocketd.probes.accounts import AccountFiles
from rocketd.probes.calendar_watcher import CalendarWatcher
from rocketd.probes.local_time import LocalTime

PROBLEMS_PER_TURN: Final = 64
"""Problems that are logged before the loop gets a turn; about 4 ms."""
_QUICK: Final = SECOND
"""Seconds to wait before a missing answer is reported."""


class TaskFiles:
    """Reads the task files, and applies them. On the loop's thread."""

    def __init__(
        self, directories: Sequence[Path], journal: LoggingConfig, manager: ServiceManager, wait_monitor: WaitMonitor
    ) -> None:
        """Without `directories`, those of the vendor, the administrator and the runtime."""
        self._load = partial(load, *([tuple(directories)] if directories else ()), confined=is_confined())
        self._journal = journal
        self._manager = manager
        self._wait_monitor = wait_monitor
        self._asyncio = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._reloads: set[asyncio.Task[Sequence[Problem]]] = set()
        self._retry_timer = HostRetryTimer(self._recheck_host)
        self._accounts: AccountFiles | None = None
        self._local_time: LocalTime | None = None
        self._calendar_watch: CalendarWatcher | None = None
        self._coverage_day: date | None = None
        """When it was last said that the files of calendars end soon."""
        self._result: LoadResult
        self.loaded: LoadResult
        """What was read, and what came out when it was applied."""
        self._status: tuple[LoadResult | None, JsonObject] = (None, {})
        """The status of the task files, and of which load it is."""
        self._apply_again = False
        """Whether `[logging]` has something else to say of the same settings."""
        self.applied_hooks: list[Callable[[], Awaitable[object]]] = []  # called after each load
        self._late_tasks: LateTasks
        self._loop: Loop
        self._executor: ExecutorRouter
        self._channels: NotificationChannels
        self._retention: RetentionJob
        self._boot_tasks: BootTasks

    async def load(self) -> LoadResult:
        """Read them for the first time."""
        self._result = await self._wait_monitor.run(self._load, _unanswered)
        self.loaded = await self._journal.apply(self._result)
        self._late_tasks = LateTasks(self._result)
        return self.loaded

    def start(
        self,
        loop: Loop,
        executor: ExecutorRouter,
        channels: NotificationChannels,
        retention: RetentionJob,
        boot_tasks: BootTasks,
    ) -> None:
        """From now on notice when the host has changed."""
        self._loop, self._executor, self._channels = loop, executor, channels
        self._retention, self._boot_tasks = retention, boot_tasks
        UNANSWERED.answered = self._on_host_answer
        self._journal.finished_late = self._logging_finished_late
        self._accounts = AccountFiles(self._retry_timer.host_changed)
        self._local_time = local_time = LocalTime(self._retry_timer.host_changed)
        self._calendar_watch = CalendarWatcher(self._retry_timer.host_changed, Mounts())
        self._watch_calendars()
        loop.heartbeat_hooks += [lambda _: local_time.check(), self._check_calendars]
        self._retry_timer.start(retry=self._result.is_transient)

    @property
    def late_tasks(self) -> frozenset[str]:
        """The tasks that are missing because of the host, as far as their names are known."""
        return self._late_tasks.names

    @property
    def status(self) -> JsonObject:
        """The part of `status` that is about the task files."""
        if self._status[0] is not self.loaded:
            self._status = self.loaded, cast("JsonObject", task_files_status(self.loaded))
        return self._status[1]

    @property
    def disabled(self) -> Sequence[Disabled]:
        return self.loaded.disabled

    @property
    def missing(self) -> Mapping[str, Missing]:
        """The tasks that errors keep from being loaded, by name."""
        return self.loaded.missing

    @property
    def not_loaded_count(self) -> int:
        """The number of entries in `not_loaded`: needed for each response on the control socket."""
        listed = self.status["not_loaded"]
        return len(listed) if isinstance(listed, list) else 0

    def close(self) -> None:
        """Stop reading."""
        UNANSWERED.answered = lambda: None
        self._retry_timer.close()
        for watch in (self._accounts, self._local_time, self._calendar_watch):
            if watch is not None:
                watch.close()
        for task in self._reloads:
            task.cancel()

    # -- a reload ---------------------------------------------------------------------------------------------------

    def reload_soon(self) -> None:
        """Start a reload; a defect in it is logged."""
        task = self._asyncio.create_task(self.reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloaded)

    def _reloaded(self, task: "asyncio.Task[Sequence[Problem]]") -> None:
        self._reloads.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log_defect(error)

    def _log_defect(self, error: BaseException) -> None:
        self._journal.write(daemon_messages.reload_failed("".join(traceback.format_exception(error))))

    async def reload(self) -> Sequence[Problem]:
        """Read the task files again, one reload at a time; active runs are not waited for."""
        async with self._lock:
            self._manager.reloading()
            try:
                self._loop.health.set_trouble("store files", "")  # whoever asks for this has looked
                await self._apply(await self._wait_monitor.run(partial(reload, self._result), _unanswered))
                await self.log_problems()
                counts = len(self.loaded.tasks), len(self.loaded.problems)
                self._journal.write(daemon_messages.reloaded(*counts))
                gc.freeze()  # the new tasks stay as well
            finally:
                self._manager.status(self._loop.health.status)
                self._manager.ready()
            self._retry_timer.start(retry=self._result.is_transient)
            self._loop.wake()
            return self.loaded.problems

    async def _apply(self, result: LoadResult) -> None:
        self.loaded = await self._journal.apply(result)
        self._result = result
        settings = self.loaded.settings
        await self._channels.apply(settings)
        self._loop.scheduler.max_running = settings.max_running
        self._loop.scheduler.history.resume_spread = settings.resume_spread
        self._executor.configure(settings.output_limit, settings.executor)
        self._retention.keep = settings.store.keep
        await replace_tasks(self._loop, self.loaded.tasks)
        self._channels.tasks_loaded()
        self._watch_calendars()
        for hook in self.applied_hooks:
            await hook()
        for task in self._late_tasks.newly_loaded(self.loaded.tasks):
            self._start_late(task)

    def _start_late(self, task: Task) -> None:
        """It would have run at the start, or in this boot, had the host known by then what it knows now."""
        if task.on is On.STARTUP:
            self._loop.scheduler.force(task.name, Trigger.STARTUP, f"on {On.STARTUP}")
        elif task.on is On.BOOT:
            self._boot_tasks.add_late(self._loop.scheduler, task.name)

    # -- the host ---------------------------------------------------------------------------------------------------

    async def _recheck_host(self) -> bool:
        async with self._lock:
            before = self.loaded
            result = await self._wait_monitor.run(partial(recheck_host, self._result), _unanswered)
            if result != self._result or self._apply_again:
                self._apply_again = False
                await self._apply(result)
                await self._log_change(before, self.loaded)
            else:
                self._show_unanswered()
        self._loop.wake()
        return self._result.is_transient

    async def _log_change(self, before: LoadResult, after: LoadResult) -> None:
        known, current = ({task.name: task.zone_name for task in loaded.tasks} for loaded in (before, after))
        new, gone = current.keys() - known.keys(), known.keys() - current.keys()
        await self.log_problems(frozenset(before.problems))
        for zone in {current[name] for name in current.keys() - new if current[name] != known[name]}:
            self._journal.write(daemon_messages.zone_changed(zone))
        for file in after.calendar_files:
            if file not in before.calendar_files:
                self._journal.write(daemon_messages.calendar_changed(file.path))
        if new or gone or before.problems != after.problems:
            self._journal.write(daemon_messages.host_changed(len(new), len(gone)))

    def _watch_calendars(self) -> None:
        if self._calendar_watch is not None:
            self._calendar_watch.watch((file.path, file.directory) for file in self.loaded.calendar_files)

    def _check_calendars(self, now: Instant) -> None:
        """Look whether files of calendars have changed, and say once a day which of them end soon."""
        if self._calendar_watch is not None:
            self._calendar_watch.check()
        today = datetime_of(now).date()
        if today != self._coverage_day:
            self._coverage_day = today
            for problem in coverage_warnings(self.loaded.calendar_files, today):
                self._journal.write(daemon_messages.problem(str(problem), problem.file, task="", warning=True))

    def _logging_finished_late(self) -> None:
        self._apply_again = True
        self._retry_timer.host_changed()

    def _on_host_answer(self) -> None:
        """Hear, in another thread, that a question that hung is answered at last."""
        with suppress(RuntimeError):  # the loop has ended
            self._asyncio.call_soon_threadsafe(self._retry_timer.host_changed)

    # -- telling ----------------------------------------------------------------------------------------------------

    async def log_problems(self, known: Collection[Problem] = frozenset()) -> None:
        """Write the problems that are not `known` to the journal, some at a time, so that the loop has its turns."""
        self._loop.health.problems = len(self.loaded.problems)
        self._loop.health.file_problems = str(file_problems(self.loaded))
        new = [problem for problem in self.loaded.problems if problem not in known]
        for index, problem in enumerate(new):
            if index % PROBLEMS_PER_TURN == PROBLEMS_PER_TURN - 1:
                await asyncio.sleep(0)
            warning = problem.severity == "warning"
            self._journal.write(daemon_messages.problem(str(problem), problem.file, task=problem.task, warning=warning))
        self._show_unanswered()

    def _show_unanswered(self) -> None:
        self._loop.health.set_trouble("unanswered", joined(_unanswered()))


def _unanswered() -> list[str]:
    """Return what does not answer, as sentences."""
    now = time.time_ns() // 1000
    return [no_answer_since(one.subject, one.since) for one in UNANSWERED.waiting if now - one.since >= _QUICK]


class LateTasks:
    """The tasks that were not loaded at the start because of the host, and may come later."""

    def __init__(self, result: LoadResult) -> None:
        self.names = frozenset(name for name, one in result.missing.items() if one.problem.is_transient)
        self._files = {file.path for file in result.files if file.is_transient and not file.digest}
        self._directories = {str(path) for path in result.unreadable}
        self._loaded = {task.name for task in result.tasks}

    def newly_loaded(self, tasks: Sequence[Task]) -> list[Task]:
        """Of these, the ones that have come now, each once."""
        new = [task for task in tasks if task.name not in self._loaded and self._is_late(task)]
        self._loaded |= {task.name for task in new}
        return new

    def _is_late(self, task: Task) -> bool:
        return task.name in self.names or task.file in self._files or task.file.rpartition("/")[0] in self._directories
