"""The daemon put together: the one place that names every concrete class.

Start: lock the state directory, read the task files, open the store, recover what the daemon before this one knew, open
the socket, and only then say READY. Stop: the reverse, once every run has ended and every record is written.
"""

import asyncio
import gc
import os
import platform
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from typing import Final

from rocketd import __version__
from rocketd.background_threads import close_in_thread
from rocketd.bootstrap.asyncio_errors import report_to_journal
from rocketd.bootstrap.boot_file import boot_tasks
from rocketd.bootstrap.control_api import daemon_info, open_control_sockets
from rocketd.bootstrap.daemon_options import DaemonOptions
from rocketd.bootstrap.executors import StopHandler, make_executor
from rocketd.bootstrap.fleet_entry import FleetEntry
from rocketd.bootstrap.log_target import open_journal
from rocketd.bootstrap.logging_config import LoggingConfig
from rocketd.bootstrap.notification_channels import NotificationChannels
from rocketd.bootstrap.probes import host_prober
from rocketd.bootstrap.run_store import OpenedStore, RunStore, lock_renewal, permanent_store_errors
from rocketd.bootstrap.task_files import TaskFiles
from rocketd.config.daemon_settings import Settings
from rocketd.core.instant import MINUTE, Duration
from rocketd.core.messages import daemon_messages, run_messages
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.task import On
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.boot_tasks import BootTasks
from rocketd.daemon.clock import SystemClock
from rocketd.daemon.clock_trust import clock_trust
from rocketd.daemon.damage import DamageReport
from rocketd.daemon.error_policy import SilencedErrors
from rocketd.daemon.fleet_control import FleetControl
from rocketd.daemon.forced_exit import CLOSE_TIMEOUT, exit_deadline
from rocketd.daemon.loop import Loop
from rocketd.daemon.planned_starts import PlannedStarts
from rocketd.daemon.probe_bridge import ProbeBridge
from rocketd.daemon.record_writer import RecordWriter
from rocketd.daemon.recovery import RecoveryResult, recover
from rocketd.daemon.retention import RetentionJob
from rocketd.daemon.runtime_directory import lock_runtime_directory, make_runtime_directory
from rocketd.daemon.startup_monitor import StartupMonitor
from rocketd.daemon.state_dump import state_dump
from rocketd.daemon.wait_monitor import WaitMonitor
from rocketd.executor.commands import Commands
from rocketd.executor.process.spawner import raise_open_files
from rocketd.executor.router import ExecutorRouter
from rocketd.store.run_id import new_run_id
from rocketd.store.sqlite.store import SqliteReader, this_origin
from rocketd.store.state_lock import StateLock
from rocketd.systemd.notify import Notifier

START_TIMEOUT: Final[Duration] = 2 * MINUTE
"""How long a recovery may take before the service manager aborts the start."""


async def run(options: DaemonOptions) -> None:
    """Be the daemon until it is asked to stop. Raises StateDirectoryHeld, NoStore, and errors that are not silenced."""
    with ExitStack() as end:
        async with AsyncExitStack() as stack:
            service = Service(options, stack)
            try:
                gc.disable()  # what is built at start stays: looking for garbage meanwhile takes a fifth of the time
                await service.start()
                gc.freeze()  # nor are 100,000 tasks gone through later, while something is due
                gc.enable()
                await service.loop.until_done()
            finally:
                end.enter_context(exit_deadline(CLOSE_TIMEOUT))


class Service:
    """One daemon. What `start` opens, the stack closes, last opened first."""

    def __init__(self, options: DaemonOptions, stack: AsyncExitStack) -> None:
        self._options = options
        self._stack = stack
        self._asyncio = asyncio.get_running_loop()
        self._clock = SystemClock()
        self._started_at = self._clock.now()
        self._manager = Notifier(self._asyncio)
        stack.callback(self._manager.close)
        self._base_journal = open_journal(options.log_target, options.log_level, self._asyncio, self._clock.now)
        stack.callback(self._base_journal.close)
        self._journal = LoggingConfig(self._base_journal)
        stack.push_async_callback(self._journal.close)
        report_to_journal(self._asyncio, self._journal)
        self._wait_monitor = WaitMonitor(self._journal, self._clock)
        self._wait_monitor.show_status = self._manager.status
        self._startup_monitor = StartupMonitor(self._manager.status_from_thread)
        self._task_files = TaskFiles(options.config_dirs, self._journal, self._manager, self._wait_monitor)
        self.loop: Loop
        self._retention: RetentionJob
        self._state_lock: StateLock
        self._damage_report: DamageReport
        self._executor: ExecutorRouter
        self._channels: NotificationChannels

    # -- starting ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Get from nothing to READY."""
        self._asyncio.add_signal_handler(signal.SIGHUP, lambda: None)  # what it asks for is being done
        self._claim_directories()
        self._manager.extend_timeout(START_TIMEOUT)  # a file server or a name service may take its time
        loaded = await self._task_files.load()
        self._make_loop(loaded.settings)
        self.loop.scheduler.history.booted_at = self._clock.booted_at()
        self._manager.extend_timeout(START_TIMEOUT)  # and so may what a killed daemon left behind
        opened = await self._open_store()
        open_files = raise_open_files()
        directories = self._options.state_dir, self._options.runtime_dir
        self._executor = executor = make_executor(self.loop, loaded.settings, self._clock, directories, open_files)
        self._stack.push_async_callback(executor.close)
        self._base_journal.on_congested, commands = executor.hold_output, Commands(executor, self._clock, open_files)
        with self._startup_monitor.step("the store, and the processes that the last daemon left behind"):
            recovered = await recover(
                opened.store, self.loop.scheduler, executor, loaded.tasks, self._read_clocks(), opened.write_recovered
            )
        boot = self._force_initial_runs()
        recorder = self._make_recorder(opened, loaded.settings)
        self._journal.attach(self.loop)
        self._channels = NotificationChannels(self.loop, self._options.state_dir, commands, self._started_at)
        await self._channels.start(loaded.settings, self._stack)
        self._retention = self._make_retention(recorder, loaded.settings)
        self._task_files.start(self.loop, executor, self._channels, self._retention, boot)
        self._stack.callback(self._task_files.close)
        await self._listen(opened)
        await self._log_start(recovered, opened)
        self._handle_signals()
        self._start_probes(commands)
        self._begin(executor, recorder, opened)
        self.loop.heartbeat_hooks += [
            self._retention.on_heartbeat,
            clock_trust(self.loop),
            lock_renewal(self._state_lock, recorder, self._damage_report),
        ]
        self._manager.ready()

    def _begin(self, executor: ExecutorRouter, recorder: RecordWriter, opened: OpenedStore) -> None:
        self.loop.start(executor, recorder)
        executor.begin()
        self._channels.connect(self._open_reader(opened), self._open_reader(opened))

    def _claim_directories(self) -> None:
        with self._startup_monitor.step(f"the directory {self._options.runtime_dir}"), permanent_store_errors():
            make_runtime_directory(self._options.runtime_dir)
        with self._startup_monitor.step(f"the state directory {self._options.state_dir}"):
            with permanent_store_errors():
                self._state_lock = StateLock(self._options.state_dir)
            self._stack.push_async_callback(close_in_thread, self._state_lock.release)
        if (lock := lock_runtime_directory(self._options.runtime_dir, self._options.state_dir)) >= 0:
            self._stack.callback(os.close, lock)

    def _make_loop(self, settings: Settings) -> None:
        scheduler = Scheduler(
            host=platform.node(),
            new_run_id=new_run_id,
            max_running=settings.max_running,
            resume_spread=settings.resume_spread,
        )
        self.loop = Loop(
            scheduler=scheduler,
            clock=self._clock,
            journal=self._journal,
            manager=self._manager,
            silenced=SilencedErrors(settings.silence_cond_check, settings.silence_task_prerun),
        )
        self._wait_monitor.show_status = partial(self.loop.health.set_trouble, "waiting")

    def _force_initial_runs(self) -> BootTasks:
        """Force the runs with `on = "startup"`, and those with `on = "boot"` that have not started in this boot."""
        scheduler = self.loop.scheduler
        scheduler.start_on(On.STARTUP)
        directories = self._options.runtime_dir, self._options.state_dir
        tasks = boot_tasks(directories, self.loop, self._stack)
        with self._startup_monitor.step(f"the directory {self._options.runtime_dir}"):
            tasks.load(scheduler, self._task_files.late_tasks)
        return tasks

    def _make_recorder(self, opened: OpenedStore, settings: Settings) -> RecordWriter:
        recorder = RecordWriter(
            opened.store,
            report_outage=self.loop.store_changed,
            on_fatal=self.loop.fail,
            spool=opened.spool,
            silenced=settings.silence_task_logging,
            outage=opened.outage,
        )
        self._stack.push_async_callback(recorder.close)
        return recorder

    def _make_retention(self, recorder: RecordWriter, settings: Settings) -> RetentionJob:
        return RetentionJob(
            recorder,
            self.loop.scheduler.history,
            settings.store.keep,
            clock=self._clock,
            steadiness=self.loop.steadiness,
            journal=self._journal,
            boot_id=this_origin().boot_id,
        )

    def _read_clocks(self) -> ClockReading:
        """What the clocks show."""
        return ClockReading(self._clock.now(), this_origin().boot_id, self._clock.boottime())

    def _start_probes(self, commands: Commands) -> None:
        bridge = ProbeBridge(self.loop)
        prober = host_prober(bridge.report, self._clock, commands=commands)
        self._stack.push_async_callback(prober.close)
        bridge.start(prober)

    async def _open_store(self) -> OpenedStore:
        self._damage_report = DamageReport(self._journal, self.loop.health)
        with permanent_store_errors(), self._startup_monitor.step(f"the store in {self._options.state_dir}"):
            return await RunStore(
                self._options.state_dir,
                self._options.runtime_dir,
                self._task_files.loaded,
                self.loop,
                self._stack,
                self._damage_report,
            ).open()

    def _open_reader(self, opened: OpenedStore) -> SqliteReader:
        reader = opened.store.reader()
        self._stack.push_async_callback(close_in_thread, reader.close)
        return reader

    async def _listen(self, opened: OpenedStore) -> None:
        control = FleetControl(
            self.loop,
            self._open_reader(opened),
            self._open_reader(opened),
            self._retention,
            self._task_files,
            daemon_info=daemon_info(self._task_files, self._started_at, opened.location),
        )
        control.feed.follow_output = self._executor.follow_output
        control.output.recent = self._executor.recent_output
        control.planned = PlannedStarts(self.loop, self._open_reader(opened))
        control.executor_of = self._executor.choice
        control.hooks_of = self._channels.hooks.describe
        control.metrics = self._channels.metrics.text
        await open_control_sockets(control, self._task_files, self._options.runtime_dir, self.loop, self._stack)
        await FleetEntry(self.loop, self._options.state_dir, control, self._stack).follow(self._task_files)

    async def _log_start(self, recovered: RecoveryResult, opened: OpenedStore) -> None:
        opened.store.report_faults()
        for note in opened.notes:
            self._journal.write(daemon_messages.records_note(note))
        for event in recovered.ended:
            self._journal.write(run_messages.entry_of(event))
            self.loop.events.notify(event)
        if recovered.outage is not None and recovered.outage.stepped:
            self._journal.write(daemon_messages.clock_step(recovered.outage.stepped, while_down=True))
        for old, new in recovered.renames:
            self._journal.write(daemon_messages.renamed(old, new))
        for name in recovered.ahead:
            self._journal.write(daemon_messages.far_ahead(name))
        await self._task_files.log_problems()
        problems = len(self._task_files.loaded.problems) + len(self.loop.health.troubles)
        self._journal.write(daemon_messages.ready(__version__, len(self._task_files.loaded.tasks), problems))

    # -- signals ----------------------------------------------------------------------------------------------------

    def _handle_signals(self) -> None:
        stop = StopHandler(self.loop, self._executor, lambda: self._task_files.loaded.settings.shutdown_grace)
        handlers: dict[signal.Signals, Callable[[], object]] = {
            signal.SIGTERM: stop,
            signal.SIGINT: stop,
            signal.SIGHUP: self._task_files.reload_soon,
            signal.SIGUSR1: lambda: self._journal.write(state_dump(self.loop)),
        }
        for number, handler in handlers.items():
            self._asyncio.add_signal_handler(number, handler)
            self._stack.callback(self._asyncio.remove_signal_handler, number)
