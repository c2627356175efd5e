"""One life of a session's scheduler, from its start to its stop: the composition root of the library.

Whatever thread calls, what it says is carried to the loop's thread. What `start` opens, the stack closes, last opened
first.
"""

import asyncio
import platform
import traceback
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack, suppress
from threading import get_ident
from typing import Final, NamedTuple, TypeVar

from rocketd.app import invocation
from rocketd.app.arguments import ArgumentContext
from rocketd.app.compiler import TaskCompiler
from rocketd.app.errors import SchedulerExit, SchedulerRestart
from rocketd.app.executors import AppExecutors, NullServiceManager
from rocketd.app.function_conditions import FunctionProber
from rocketd.app.hooks import around
from rocketd.app.parameters import Parameters
from rocketd.app.run_requests import RunRequests
from rocketd.app.scheduler_session import SchedulerSession
from rocketd.app.shutdown import Shutdown
from rocketd.app.task import Task
from rocketd.background_threads import in_thread
from rocketd.bootstrap.probes import host_prober
from rocketd.core.errors import RocketdError
from rocketd.core.instant import FOREVER, Instant
from rocketd.core.messages import daemon_messages
from rocketd.core.messages.message import Message, Priority, Stream
from rocketd.core.model import task as core
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.condition import FALSE
from rocketd.core.model.events import Event, Finished, NoSuchRun, Started, Withdrawn
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Run, Trigger
from rocketd.core.model.verdict import FOR
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.clock import SystemClock
from rocketd.daemon.clock_trust import clock_trust
from rocketd.daemon.error_policy import SilencedErrors
from rocketd.daemon.loop import Loop
from rocketd.daemon.probe_bridge import ProbeBridge
from rocketd.daemon.record_writer import RecordWriter
from rocketd.daemon.recovery import RecoveryResult, recover
from rocketd.executor.inprocess.call import BoundCall, CallOutcome
from rocketd.executor.inprocess.strategies import call_in
from rocketd.journal.logging_bridge import LoggingBridge
from rocketd.probes.local_time import LocalTime
from rocketd.store.run_id import new_run_id
from rocketd.store.sqlite.store import this_origin

T = TypeVar("T")
_SHUT: Final = "\0shut_cond"
"""Nobody's task is called so."""


class OneShot(NamedTuple):
    """Which tasks are to run, once and no others."""

    tasks: Collection[str]
    obey_cond: bool
    """Only if their conditions hold."""


class SchedulerRuntime:
    """What the scheduler of a session needs while it runs."""

    def __init__(self, session: SchedulerSession, stack: AsyncExitStack, *, only: OneShot | None = None) -> None:
        """`only`: which tasks are to run once, and no others; None: all of them, by their conditions."""
        config = session.config
        self._session = session
        self._stack = stack
        self._only = only
        self._asyncio = asyncio.get_running_loop()
        self._thread = get_ident()
        self._bridge = LoggingBridge(config.task_logger_basename, config.scheduler_logger_basename)
        stack.push_async_callback(in_thread, self._bridge.close)
        self._compiler = TaskCompiler(config)
        self._shut = self._compiler.watchman(_SHUT, session.condition(config.shut_cond))
        self.scheduler = Scheduler(host=platform.node(), new_run_id=new_run_id, max_running=config.max_running)
        self.loop = Loop(
            scheduler=self.scheduler,
            clock=SystemClock(),
            journal=self._bridge,
            manager=NullServiceManager(),
            silence=SilencedErrors(cond_check=config.silence_cond_check, task_prerun=config.silence_task_prerun),
        )
        self._executors = AppExecutors(self.loop, self, processes=config.max_process_count)
        self._stack.push_async_callback(self._executors.close)
        self._tasks: dict[str, Task] = {}
        self._gone: dict[str, Task] = {}
        """Tasks that were taken out while they ran."""
        self._orders = RunRequests(self.scheduler)
        self._stale = False
        self._asked = False
        """Whether somebody has asked it to stop: who asks again means it."""
        self._ending = Shutdown(session, self.loop, self._executors, self._cut)
        self.restarting = False
        """Whether another life is to follow."""

    # -- life -------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Get from nothing to deciding. Raises StoreError, and what a task cannot be compiled for."""
        compiled = self._compiled()
        fingerprints = {task.name: task.fingerprint for task in compiled}
        silenced = self._session.config.silence_task_logging
        kept = await self._session.storage.open(fingerprints, loop=self.loop, stack=self._stack, silenced=silenced)
        clock = self.loop.clock
        shown = ClockReading(clock.now(), this_origin().boot_id, clock.boottime())
        resumed = await recover(kept.store, self.scheduler, self._executors, compiled, shown)
        trouble, fatal = self.loop.store_trouble, self.loop.fail
        recorder = RecordWriter(kept.store, trouble=trouble, fatal=fatal, spool=kept.spool, silenced=silenced)
        self._stack.push_async_callback(recorder.close)
        self.loop.watchers |= {self._bridge.watch, self._watch}
        self.loop.passed += [self._after_pass]
        observing = ProbeBridge(self.loop)
        functions = FunctionProber(self._session, observing.report, self._condition_failed, self.loop.clock.now)
        prober = host_prober(observing.report, self.loop.clock, functions)
        self._stack.push_async_callback(prober.close)
        observing.begin(prober)
        kept.store.tell_faults()
        self._tell_start(resumed, kept.notes)
        if self._asked:  # it was told to stop before it could begin
            self.scheduler.drain()
        self.loop.beats.append(clock_trust(self.loop))
        if self._session.config.timezone is None:
            local_time = LocalTime(self._moved)
            self._stack.callback(local_time.close)
            self.loop.beats.append(lambda _: local_time.look())
        self.loop.begin(self._executors, recorder)
        self._begin_asked()
        self._ending.begun.set()

    def _tell_start(self, resumed: RecoveryResult, notes: Collection[str]) -> None:
        for note in notes:
            self._bridge.tell(daemon_messages.records_note(note))
        for event in resumed.crashed:
            self._bridge.watch(event)
        if resumed.outage is not None and resumed.outage.stepped:
            self._bridge.tell(daemon_messages.clock_step(resumed.outage.stepped, while_down=True))
        for name in resumed.ahead:
            self._bridge.tell(daemon_messages.far_ahead(name))

    def _begin_asked(self) -> None:
        """Make due what runs at the start, and what was asked for before it."""
        for name, task in self._tasks.items():
            if self._only is None and task.on_startup and not task.disabled:
                self.scheduler.force(name, Trigger.STARTUP, "on startup")
            if self._only is not None and name in self._only.tasks and self._is_wanted(task):
                task.batches.append(Parameters())
            self._orders.press(task)

    def _is_wanted(self, task: Task) -> bool:
        """Whether one of those that alone may run is to run."""
        if self._only is None or not self._only.obey_cond:
            return True
        moment = Moment(self.loop.now(), self._compiler.compile(task), self.scheduler.history)
        return task.start_cond.judge(moment).answer is FOR

    async def end(self) -> None:
        """Wait until it has stopped as asked; if it has failed, end what is going on and raise what failed."""
        await self._ending.wait()

    def stop(self, *, force: bool = False) -> None:
        """Let runs end, or with `force`, as with a second call, stop them. Any thread."""
        forced, self._asked = force or self._asked, True
        self._call(lambda: self._ending.stop(force=forced))

    def _cut(self) -> None:
        """Stop what would never end; with `instant_shutdown`, everything."""
        if self._session.config.instant_shutdown:
            self.loop.cut_off()
        for name, task in self._tasks.items():
            if task.permanent:
                self._terminate(name)

    def restart(self) -> None:
        """Let runs end, then begin another life. Any thread."""
        self.restarting = True
        self.stop()

    # -- tasks ------------------------------------------------------------------------------------------------------

    def _compiled(self) -> list[core.Task]:
        before, self._tasks = self._tasks, {task.name: task for task in self._session.tasks}
        for name in before.keys() - self._tasks.keys():
            if self.scheduler.history.of(name).running:
                self._gone[name] = before[name]
        idle = self._only is not None
        return [self._shut, *(self._compiler.compile(task, idle=idle) for task in self._tasks.values())]

    def changed(self) -> None:
        """Load the tasks again soon: one has changed, come or gone. Any thread."""
        if not self._stale:
            self._stale = True
            self._call(self._load)

    def _load(self) -> None:
        if not self._stale:
            return
        self._stale = False
        try:
            compiled = self._compiled()
        except RocketdError as error:
            self._bridge.tell(Message(f"tasks stay as they were: {error.message}", Priority.ERROR))
            return
        self.loop.record(self.scheduler.load(compiled, self.loop.now(), {}))
        for task in self._tasks.values():
            self._orders.press(task)
        self.loop.wake()

    def _moved(self) -> None:
        """The host is in another time zone."""
        self._compiler = TaskCompiler(self._session.config)
        self._shut = self._compiler.watchman(_SHUT, self._session.condition(self._session.config.shut_cond))
        self.changed()

    def request_run(self, name: str) -> None:
        """Have a task run that has been asked to. Any thread."""
        self._call(lambda: self._load_and_force(name))

    def _load_and_force(self, name: str) -> None:
        self._load()
        if name in self._tasks:
            self._orders.press(self._tasks[name])
            self.loop.wake()

    def terminate(self, name: str) -> None:
        """Stop the runs of a task. Any thread."""
        self._call(lambda: self._terminate(name))

    def _terminate(self, name: str) -> None:
        with suppress(NoSuchRun):
            self.loop.carry_out(self.scheduler.stop(name))

    # -- what happens -----------------------------------------------------------------------------------------------

    def _watch(self, what: Event | tuple[Run, Stream, str]) -> None:
        match what:
            case Started(run):
                self._orders.begun(self._task(run), run)
                self.loop.wake()
            case Withdrawn(run):
                self._orders.withdrawn(self._task(run), run)
            case Finished(run, end):
                self._orders.ended(run)
                if self._task(run).is_command:
                    self._session.returns[run.task] = end.output
                if not self.scheduler.history.of(run.task).running:
                    self._gone.pop(run.task, None)
                if self._only is not None and not self._wanted:
                    self._ending.stop(force=False)

    def _task(self, run: Run) -> Task:
        """Whose run it is."""
        return self._tasks.get(run.task) or self._gone[run.task]

    @property
    def _wanted(self) -> bool:
        """Whether there is still something to do for those that alone may run."""
        entries = self.scheduler.tasks.values()
        return bool(self.scheduler.running_runs) or any(entry.forced or entry.ready for entry in entries)

    def _after_pass(self, now: Instant) -> Instant:
        with around(self._session.hooks.scheduler_cycle, ArgumentContext(self._session)):
            pass
        if self._only is not None and not self._wanted:
            self._ending.stop(force=False)
        condition = self._shut.stop_when
        if condition is not FALSE and condition.judge(Moment(now, self._shut, self.scheduler.history)).answer is FOR:
            self._ending.stop(force=False)
        return FOREVER

    def _condition_failed(self, condition: str, error: BaseException) -> None:
        """Tell of a condition that raised; that stops the scheduler unless it is silenced."""
        told = "".join(traceback.format_exception(error))
        self._bridge.tell(Message(f"{condition} could not be asked: {told}", Priority.ERROR))
        if not self._session.config.silence_cond_check:
            self.loop.fail(error)

    # -- for the executors ------------------------------------------------------------------------------------------

    def prepare(self, task: core.Task, run: Run) -> BoundCall:
        """Say what to call for a run."""
        del task  # as it was compiled; what is called is the program's own
        mine = self._task(run)
        return invocation.bound_call(self._session, mine, self._orders.take(mine, run))

    def command(self, task: core.Task, run: Run) -> core.Task:
        """Give a command the parameters of its run."""
        mine = self._task(run)
        return invocation.command(self._session, mine, self._orders.take(mine, run), task)

    def answered(self, run: Run, outcome: CallOutcome) -> CallOutcome:
        """Keep what it returned; heed what it asks of the scheduler."""
        error = outcome.error
        if isinstance(error, SchedulerRestart):
            self.restart()
        elif isinstance(error, SchedulerExit):
            self.stop()
        elif isinstance(error, Exception) and not outcome.prepared:
            self.loop.defects.in_setup(run, error)
        if error is None:
            self._session.returns[run.task] = outcome.value
        return CallOutcome() if isinstance(error, SchedulerRestart | SchedulerExit) else outcome

    # -- from other threads -----------------------------------------------------------------------------------------

    def _call(self, what: Callable[[], None]) -> None:
        call_in(self._asyncio, what)

    def ask(self, question: Callable[[], T]) -> T:
        """Answer a question on the loop's thread, where nothing changes meanwhile. Any thread."""
        if get_ident() == self._thread:
            return question()

        async def answer() -> T:
            return question()

        return asyncio.run_coroutine_threadsafe(answer(), self._asyncio).result()
