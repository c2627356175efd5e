"""The daemon put together: the one place that names every concrete class.

Start: lock the state directory, read the task files, open the store, go on where the daemon before this one was, open
the socket, and only then say READY. Stop: the reverse, once every run has ended and every record is written.
"""

import asyncio
import gc
import os
import platform
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

from rocketd import __version__
from rocketd.background_threads import close_in_thread
from rocketd.bootstrap.logging_config import LoggingConfig
from rocketd.bootstrap.mail_notifications import MailNotifications
from rocketd.bootstrap.probes import host_prober
from rocketd.bootstrap.run_store import OpenedStore, RunStore, lock_renewal
from rocketd.bootstrap.task_files import TaskFiles
from rocketd.core.errors import RocketdError, StoreError
from rocketd.core.instant import MINUTE, Duration, Instant
from rocketd.core.messages import daemon_messages, run_messages
from rocketd.core.messages.message import Priority
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.task import On
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.boot_tasks import BootTasks, make_runtime_directory
from rocketd.daemon.clock import SystemClock
from rocketd.daemon.clock_trust import clock_trust
from rocketd.daemon.control import Control
from rocketd.daemon.damage import DamageReport
from rocketd.daemon.error_policy import SilencedErrors
from rocketd.daemon.exit_timeout import CLOSE_TIMEOUT, exit_deadline
from rocketd.daemon.json_format import JsonObject, rfc3339
from rocketd.daemon.loop import Loop
from rocketd.daemon.probe_bridge import ProbeBridge
from rocketd.daemon.record_writer import RecordWriter
from rocketd.daemon.recovery import RecoveryResult, recover
from rocketd.daemon.retention import RetentionJob
from rocketd.daemon.startup_monitor import StartupMonitor
from rocketd.daemon.state_dump import state_dump
from rocketd.daemon.wait_monitor import WaitMonitor
from rocketd.executor.process.executor import ProcessExecutor
from rocketd.executor.process.spawner import raise_open_files
from rocketd.journal.console import ConsoleJournal
from rocketd.journal.journald import JournaldJournal
from rocketd.store.run_id import new_run_id
from rocketd.store.sqlite.store import this_origin
from rocketd.store.state_lock import StateDirectoryHeld, StateLock
from rocketd.systemd.notify import Notifier
from rocketd.time_zones import local_zone
from rocketd.web.control_socket import ControlSocket
from rocketd.web.server import serve

SOCKET_NAME: Final = "control.sock"
START_TIMEOUT: Final[Duration] = 2 * MINUTE
"""How long a resume may take before the service manager gives up on the start."""


class LogTarget(StrEnum):
    """Where events are told."""

    AUTO = "auto"
    """The journal, if standard error leads there already; else the console."""
    JOURNAL = "journal"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class DaemonOptions:
    """How the daemon was called."""

    state_dir: Path
    runtime_dir: Path
    config_dirs: tuple[Path, ...] = ()
    """Empty: the directories of the vendor, the administrator and the runtime."""
    log_target: LogTarget = LogTarget.AUTO
    log_level: Priority = Priority.INFO


class NoStore(RocketdError):
    """The store cannot be opened, or is newer than this program."""


async def run(options: DaemonOptions) -> None:
    """Be the daemon until asked to stop; raises StateDirectoryHeld, NoStore, and any error that is not silenced."""
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
        self._began = self._clock.now()
        self._manager = Notifier(self._asyncio)
        stack.callback(self._manager.close)
        self._outlet = _journal(options, self._asyncio, self._clock.now)
        stack.callback(self._outlet.close)
        self._journal = LoggingConfig(self._outlet)
        stack.push_async_callback(self._journal.close)
        self._waits = WaitMonitor(self._journal, self._clock)
        self._waits.show_status = self._manager.status
        self._watch = StartupMonitor(self._manager.status_from_thread)
        self._files = TaskFiles(options.config_dirs, self._journal, self._manager, self._waits)
        self.loop: Loop
        self._retention: RetentionJob
        self._state_lock: StateLock
        self._socket: ControlSocket
        self._damaged: DamageReport

    # -- starting ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Get from nothing to READY."""
        self._asyncio.add_signal_handler(signal.SIGHUP, lambda: None)  # what it asks for is being done
        with self._watch.step(f"the directory {self._options.runtime_dir}"):
            make_runtime_directory(self._options.runtime_dir)
        with self._watch.step(f"the state directory {self._options.state_dir}"):
            self._lock()
        self._manager.extend_timeout(
            START_TIMEOUT
        )  # what does not answer, and what a killed daemon left, may take its time
        loaded = await self._files.load()
        settings = loaded.settings
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
            silence=SilencedErrors(settings.silence_cond_check, settings.silence_task_prerun),
        )
        self._waits.show_status = partial(self.loop.health.set_trouble, "waiting")
        self._manager.extend_timeout(START_TIMEOUT)
        with self._watch.step(f"the store in {self._options.state_dir}"):
            kept = await self._open_store()
        store = kept.store
        open_files = raise_open_files()
        executor = ProcessExecutor(
            self.loop.handle_event, self.loop.handle_output, clock=self._clock, open_files=open_files
        )
        self._stack.push_async_callback(executor.close)
        self._outlet.on_crowded = executor.hold_output
        executor.output_limit = settings.output_limit
        with self._watch.step("what the store knows, and what the last daemon left behind"):
            resumed = await recover(store, scheduler, executor, loaded.tasks, self._shown(), kept.write_recovered)
        scheduler.start_on(On.STARTUP)
        places = self._options.runtime_dir, self._options.state_dir
        boot = BootTasks(places, this_origin().boot_id, partial(self.loop.health.set_trouble, "boot"))
        boot.load(scheduler, self._files.late_tasks)
        self.loop.watchers.add(boot.handle_event)
        recorder = RecordWriter(
            store,
            trouble=self.loop.store_changed,
            fatal=self.loop.fail,
            spool=kept.spool,
            silenced=settings.silence_task_logging,
            trouble_before=kept.outage,
        )
        self._stack.push_async_callback(recorder.close)
        self._journal.attach(self.loop)
        mailing = MailNotifications(self.loop)
        self._stack.push_async_callback(mailing.close)
        await mailing.apply(settings.mail)
        self._retention = RetentionJob(
            recorder,
            scheduler.history,
            settings.store.keep,
            clock=self._clock,
            steady=self.loop.steadiness,
            journal=self._journal,
            boot_id=this_origin().boot_id,
        )
        self._files.start(self.loop, executor, mailing, self._retention, boot)
        self._stack.callback(self._files.close)
        await self._listen(kept)
        await self._tell_start(resumed, kept)
        self._handle_signals()
        self._observe(open_files)
        self.loop.start(executor, recorder)
        self.loop.heartbeat_hooks += [
            self._retention.on_heartbeat,
            clock_trust(self.loop),
            lock_renewal(self._state_lock, recorder, self._damaged),
            self._socket.beat,
        ]
        self._manager.ready()

    def _shown(self) -> ClockReading:
        """What the clocks show."""
        return ClockReading(self._clock.now(), this_origin().boot_id, self._clock.boottime())

    def _lock(self) -> None:
        try:
            self._state_lock = StateLock(self._options.state_dir)
            self._stack.push_async_callback(close_in_thread, self._state_lock.release)
        except StateDirectoryHeld:
            raise
        except StoreError as error:
            if error.temporary:
                raise
            raise NoStore(error.message, hint=error.hint) from error

    def _observe(self, open_files: tuple[int, int]) -> None:
        observing = ProbeBridge(self.loop)
        prober = host_prober(observing.report, self._clock, open_files=open_files)
        self._stack.push_async_callback(prober.close)
        observing.start(prober)

    async def _open_store(self) -> OpenedStore:
        try:
            self._damaged = DamageReport(self._journal, self.loop.health)
            return await RunStore(
                self._options.state_dir,
                self._options.runtime_dir,
                self._files.loaded,
                self.loop,
                self._stack,
                self._damaged,
            ).open()
        except StoreError as error:
            if error.temporary:  # the next try, in a moment, may find it mended
                raise
            raise NoStore(error.message, hint=error.hint) from error

    async def _listen(self, kept: OpenedStore) -> None:
        reader, counter = kept.store.reader(), kept.store.reader()
        self._stack.push_async_callback(close_in_thread, reader.close)
        self._stack.push_async_callback(close_in_thread, counter.close)
        control = Control(
            self.loop,
            reader,
            counter,
            self._retention,
            reload=self._files.reload,
            about=lambda: {**self._about(kept), **self._files.status},
            disabled=lambda: self._files.loaded.disabled,
            missing=lambda: self._files.loaded.missing,
        )
        path = self._options.runtime_dir / SOCKET_NAME
        told = partial(self.loop.health.report_trouble, "control socket")
        self._socket = ControlSocket(
            path, lambda: serve(control, path, self._journal, not_loaded=lambda: self._files.not_loaded_count), told
        )
        self._stack.push_async_callback(self._socket.close)
        await self._socket.open()

    def _about(self, kept: OpenedStore) -> JsonObject:
        return {
            "version": __version__,
            "pid": os.getpid(),
            "since": rfc3339(self._began),
            "store": kept.location,
        }

    async def _tell_start(self, resumed: RecoveryResult, kept: OpenedStore) -> None:
        kept.store.report_faults()
        for note in kept.notes:
            self._journal.write(daemon_messages.records_note(note))
        for event in resumed.crashed:
            self._journal.write(run_messages.entry_of(event))
            for watcher in tuple(self.loop.watchers):
                watcher(event)
        if resumed.outage is not None and resumed.outage.stepped:
            self._journal.write(daemon_messages.clock_step(resumed.outage.stepped, while_down=True))
        for name in resumed.ahead:
            self._journal.write(daemon_messages.far_ahead(name))
        await self._files.log_problems()
        problems = len(self._files.loaded.problems) + len(self.loop.health.troubles)
        self._journal.write(daemon_messages.ready(__version__, len(self._files.loaded.tasks), problems))

    # -- being told -------------------------------------------------------------------------------------------------

    def _handle_signals(self) -> None:
        handlers: dict[signal.Signals, Callable[[], object]] = {
            signal.SIGTERM: self._stop,
            signal.SIGINT: self._stop,
            signal.SIGHUP: self._files.reload_soon,
            signal.SIGUSR1: lambda: self._journal.write(state_dump(self.loop)),
        }
        for number, handler in handlers.items():
            self._asyncio.add_signal_handler(number, handler)
            self._stack.callback(self._asyncio.remove_signal_handler, number)

    def _stop(self) -> None:
        if self.loop.scheduler.draining:
            self.loop.kill()
        else:
            self.loop.stop(self._files.loaded.settings.shutdown_grace)


def _journal(
    options: DaemonOptions, loop: asyncio.AbstractEventLoop, now: Callable[[], Instant]
) -> ConsoleJournal | JournaldJournal:
    target = options.log_target
    if target is LogTarget.JOURNAL or (target is LogTarget.AUTO and _leads_to_journal()):
        return JournaldJournal(loop, level=options.log_level)
    return ConsoleJournal(loop, now, local_zone(), level=options.log_level)


def _leads_to_journal() -> bool:
    """Whether standard error is the journal's: systemd.exec(5), $JOURNAL_STREAM."""
    status = os.fstat(2)
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
