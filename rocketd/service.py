"""The daemon put together: the one place that names every concrete class.

Start: lock the state directory, read the task files, open the store, go on where the daemon before this one was, open
the socket, and only then say READY. Stop: the reverse, once every run has ended and every record is written.
"""

import asyncio
import gc
import os
import platform
import signal
import traceback
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from rocketd import __version__
from rocketd.config.loaded import Loaded
from rocketd.config.loading import load, reload
from rocketd.config.problems import Problem
from rocketd.core import daemon_entries, run_entries
from rocketd.core.entries import Priority
from rocketd.core.errors import RocketdError, StoreError
from rocketd.core.instant import MINUTE, Duration, Instant
from rocketd.core.scheduler import Scheduler
from rocketd.core.task import On
from rocketd.daemon.boot import Boot, make_runtime_directory
from rocketd.daemon.clock import SystemClock
from rocketd.daemon.control import Control
from rocketd.daemon.damage import DamageTold
from rocketd.daemon.defects import Silence
from rocketd.daemon.exchange import exchange
from rocketd.daemon.loop import Loop
from rocketd.daemon.observing import Observing
from rocketd.daemon.recorder import Recorder
from rocketd.daemon.resume import Resumed, resume
from rocketd.daemon.retention import Retention
from rocketd.daemon.state_told import state_told
from rocketd.daemon.wire import JsonObject, rfc3339
from rocketd.executor.executor import ProcessExecutor
from rocketd.executor.spawn import raise_open_files
from rocketd.mailing import Mailing
from rocketd.probing import host_prober
from rocketd.record_keeping import Keeping, RecordKeeping
from rocketd.standard_logging import StandardLogging
from rocketd.store.lock import StateDirectoryHeld, StateLock
from rocketd.store.run_id import new_run_id
from rocketd.store.store import this_origin
from rocketd.systemd.console import ConsoleJournal
from rocketd.systemd.journal import JournaldJournal
from rocketd.systemd.notify import Notifier
from rocketd.web.server import serve
from rocketd.zones import local_zone

SOCKET_NAME: Final = "control.sock"
START: Final[Duration] = 2 * MINUTE
"""How long a resume may take before the service manager gives up on the start."""


class LogTarget(StrEnum):
    """Where events are told."""

    AUTO = "auto"
    """The journal, if standard error leads there already; else the console."""
    JOURNAL = "journal"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Options:
    """How the daemon was called."""

    state_dir: Path
    runtime_dir: Path
    config_dirs: tuple[Path, ...] = ()
    """Empty: the directories of the vendor, the administrator and the runtime."""
    log_target: LogTarget = LogTarget.AUTO
    log_level: Priority = Priority.INFO


class NoStore(RocketdError):
    """The store cannot be opened, or is newer than this program."""


async def run(options: Options) -> None:
    """Be the daemon until asked to stop; raises StateDirectoryHeld, NoStore, and any error that is not silenced."""
    async with AsyncExitStack() as stack:
        service = Service(options, stack)
        gc.disable()  # what is built at start stays: looking for garbage meanwhile takes a fifth of the time
        await service.start()
        gc.freeze()  # nor are 100,000 tasks gone through later, while something is due
        gc.enable()
        await service.loop.until_done()


class Service:
    """One daemon. What `start` opens, the stack closes, last opened first."""

    def __init__(self, options: Options, stack: AsyncExitStack) -> None:
        self._options = options
        self._stack = stack
        self._asyncio = asyncio.get_running_loop()
        self._clock = SystemClock()
        self._began = self._clock.now()
        self._manager = Notifier(self._asyncio)
        stack.callback(self._manager.close)
        self._outlet = _journal(options, self._asyncio, self._clock.now)
        stack.callback(self._outlet.close)
        self._journal = StandardLogging(self._outlet)
        stack.push_async_callback(self._journal.close)
        self._loaded: Loaded
        self._reloading = asyncio.Lock()
        self._reloads: set[asyncio.Task[Sequence[Problem]]] = set()
        self.loop: Loop
        self._executor: ProcessExecutor
        self._mailing: Mailing
        self._retention: Retention

    # -- starting ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Get from nothing to READY."""
        make_runtime_directory(self._options.runtime_dir)
        self._lock()
        self._loaded = await self._journal.apply(await asyncio.to_thread(load, *self._directories))
        settings = self._loaded.settings
        scheduler = Scheduler(host=platform.node(), new_run_id=new_run_id, max_running=settings.max_running)
        self.loop = Loop(
            scheduler=scheduler,
            clock=self._clock,
            journal=self._journal,
            manager=self._manager,
            silence=Silence(settings.silence_cond_check, settings.silence_task_prerun),
        )
        self._manager.extend_timeout(START)  # a repository, and what a killed daemon left behind, may take their time
        kept = await self._open_store()
        store = kept.store
        open_files = raise_open_files()
        executor = self._executor = ProcessExecutor(
            self.loop.report, self.loop.output, clock=self._clock, open_files=open_files
        )
        self._stack.push_async_callback(executor.close)
        self._outlet.on_crowded = executor.hold_output
        executor.output_limit = settings.output_limit
        resumed = await resume(store, scheduler, executor, self._loaded.tasks, self._clock.now())
        scheduler.occasion(On.STARTUP)
        boot = Boot(self._options.runtime_dir, this_origin().boot_id)
        boot.begin(scheduler, self._clock.now())
        self.loop.watchers.add(boot.watch)
        recorder = Recorder(
            store,
            trouble=self.loop.health.store,
            fatal=self.loop.fail,
            spool=kept.spool,
            silenced=settings.silence_task_logging,
        )
        self._stack.push_async_callback(recorder.close)
        self._journal.watch_over(self.loop)
        self._mailing = Mailing(self.loop)
        self._stack.push_async_callback(self._mailing.close)
        await self._mailing.apply(settings.mail)
        self._retention = Retention(recorder, scheduler.history, settings.store.keep, self._clock.now())
        await self._listen(kept)
        self._tell_start(resumed, kept)
        self._handle_signals()
        self._observe(open_files)
        self.loop.begin(executor, recorder)
        self.loop.beats.append(self._retention.beat)
        self._manager.ready()

    def _lock(self) -> None:
        try:
            self._stack.enter_context(StateLock(self._options.state_dir))
        except StateDirectoryHeld:
            raise
        except StoreError as error:
            if error.temporary:
                raise
            raise NoStore(error.message, hint=error.hint) from error

    def _observe(self, open_files: tuple[int, int]) -> None:
        observing = Observing(self.loop)
        prober = host_prober(observing.report, self._clock, open_files=open_files)
        self._stack.push_async_callback(prober.close)
        observing.begin(prober)

    @property
    def _directories(self) -> Sequence[Sequence[Path]]:
        return [self._options.config_dirs] if self._options.config_dirs else []

    async def _open_store(self) -> Keeping:
        try:
            found = DamageTold(self._journal, self.loop.health)
            return await RecordKeeping(self._options.state_dir, self._loaded, self.loop, self._stack, found).open()
        except StoreError as error:
            if error.temporary:  # the next try, in a moment, may find it mended
                raise
            raise NoStore(error.message, hint=error.hint) from error

    async def _listen(self, kept: Keeping) -> None:
        reader, counter = kept.store.reader(), kept.store.reader()
        self._stack.callback(reader.close)
        self._stack.callback(counter.close)
        about, disabled = (lambda: self._about(kept)), (lambda: self._loaded.disabled)
        control = Control(
            self.loop, reader, counter, self._retention, reload=self._reload, about=about, disabled=disabled
        )
        await self._stack.enter_async_context(serve(control, self._options.runtime_dir / SOCKET_NAME, self._journal))

    def _about(self, kept: Keeping) -> JsonObject:
        return {
            "version": __version__,
            "pid": os.getpid(),
            "since": rfc3339(self._began),
            "store": kept.place,
        }

    def _tell_start(self, resumed: Resumed, kept: Keeping) -> None:
        kept.store.tell_faults()
        for note in kept.notes:
            self._journal.tell(daemon_entries.records_go(note))
        for event in resumed.crashed:
            self._journal.tell(run_entries.entry_of(event))
            for watcher in tuple(self.loop.watchers):
                watcher(event)
        for name in resumed.ahead:
            self._journal.tell(daemon_entries.far_ahead(name))
        self._tell_problems()
        problems = len(self._loaded.problems) + len(self.loop.health.troubles)
        self._journal.tell(daemon_entries.ready(__version__, len(self._loaded.tasks), problems))

    def _tell_problems(self) -> None:
        self.loop.health.problems = len(self._loaded.problems)
        for problem in self._loaded.problems:
            warning = problem.severity == "warning"
            self._journal.tell(daemon_entries.problem(str(problem), problem.file, task=problem.task, warning=warning))

    # -- being told -------------------------------------------------------------------------------------------------

    def _handle_signals(self) -> None:
        handlers: dict[signal.Signals, Callable[[], object]] = {
            signal.SIGTERM: self._stop,
            signal.SIGINT: self._stop,
            signal.SIGHUP: self._reload_soon,
            signal.SIGUSR1: lambda: self._journal.tell(state_told(self.loop)),
        }
        for number, handler in handlers.items():
            self._asyncio.add_signal_handler(number, handler)
            self._stack.callback(self._asyncio.remove_signal_handler, number)
        self._stack.callback(self._give_up_reloads)

    def _stop(self) -> None:
        if self.loop.scheduler.draining:
            self.loop.kill()
        else:
            self.loop.stop(self._loaded.settings.shutdown_grace)

    def _reload_soon(self) -> None:
        task = self._asyncio.create_task(self._reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloaded)

    def _give_up_reloads(self) -> None:
        for task in self._reloads:
            task.cancel()

    def _reloaded(self, task: "asyncio.Task[Sequence[Problem]]") -> None:
        self._reloads.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._journal.tell(daemon_entries.reload_failed("".join(traceback.format_exception(error))))

    async def _reload(self) -> Sequence[Problem]:
        """Read the task files again, one reload after the other; runs that are going on are never waited for."""
        async with self._reloading:
            self._manager.reloading()
            try:
                self._loaded = await self._journal.apply(await asyncio.to_thread(reload, self._loaded))
                await self._mailing.apply(self._loaded.settings.mail)
                scheduler = self.loop.scheduler
                scheduler.max_running = self._loaded.settings.max_running
                self._executor.output_limit = self._loaded.settings.output_limit
                self._retention.keep = self._loaded.settings.store.keep
                await exchange(self.loop, self._loaded.tasks)
                self._tell_problems()
                counts = len(self._loaded.tasks), len(self._loaded.problems)
                self._journal.tell(daemon_entries.reloaded(*counts))
                gc.freeze()  # the new tasks stay as well
            finally:
                self._manager.status(self.loop.health.status)
                self._manager.ready()
            self.loop.wake()
            return self._loaded.problems


def _journal(
    options: Options, loop: asyncio.AbstractEventLoop, now: Callable[[], Instant]
) -> ConsoleJournal | JournaldJournal:
    target = options.log_target
    if target is LogTarget.JOURNAL or (target is LogTarget.AUTO and _leads_to_journal()):
        return JournaldJournal(loop, level=options.log_level)
    return ConsoleJournal(loop, now, local_zone(), level=options.log_level)


def _leads_to_journal() -> bool:
    """Whether standard error is the journal's: systemd.exec(5), $JOURNAL_STREAM."""
    status = os.fstat(2)
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
