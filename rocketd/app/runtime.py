"""One run of a session's scheduler, from its start to its stop: the composition root of the library.

Calls from any thread are passed on to the loop's thread. What `start` opens, the stack closes, last opened
first.
"""

import asyncio
import platform
import traceback
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack, suppress
from threading import get_ident
from typing import Final, NamedTuple, TypeVar

from rocketd.app.arguments import ArgumentContext
from rocketd.app.command_preparer import AppProgram
from rocketd.app.compiler import TaskCompiler
from rocketd.app.counted_cycles import CountedCycles
from rocketd.app.function_conditions import FunctionProber
from rocketd.app.hooks import around
from rocketd.app.loop_ports import AppExecutors, NullServiceManager
from rocketd.app.parameters import Parameters
from rocketd.app.run_requests import RunRequests
from rocketd.app.scheduler_session import SchedulerSession
from rocketd.app.session_calendars import SessionCalendars
from rocketd.app.shutdown import Shutdown
from rocketd.app.startup import force_startup_runs, report_start
from rocketd.app.task import Task
from rocketd.background_threads import in_thread
from rocketd.bootstrap.probes import host_prober
from rocketd.core.errors import RocketdError
from rocketd.core.instant import Instant
from rocketd.core.messages.message import Message, Priority
from rocketd.core.messages.output_line import OutputLine
from rocketd.core.model import task as core
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.condition import FALSE
from rocketd.core.model.events import Event, Finished, NoSuchRun, Started, Withdrawn
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Run
from rocketd.core.model.verdict import FOR
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.clock import SystemClock
from rocketd.daemon.clock_trust import clock_trust
from rocketd.daemon.error_policy import SilencedErrors
from rocketd.daemon.loop import Loop
from rocketd.daemon.probe_bridge import ProbeBridge
from rocketd.daemon.record_writer import RecordWriter
from rocketd.daemon.recovery import recover
from rocketd.executor.inprocess.strategies import call_in
from rocketd.journal.logging_bridge import LoggingBridge
from rocketd.probes.local_time import LocalTime
from rocketd.store.run_id import new_run_id
from rocketd.store.sqlite.store import this_origin

T = TypeVar("T")
_SHUT: Final = "\0shut_cond"
"""No task of a program has this name."""


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
        self._shut = self._compiler.session_task(_SHUT, session.condition(config.shut_cond))
        self.scheduler = Scheduler(host=platform.node(), new_run_id=new_run_id, max_running=config.max_running)
        self.loop = Loop(
            scheduler=self.scheduler,
            clock=SystemClock(),
            journal=self._bridge,
            manager=NullServiceManager(),
            silenced=SilencedErrors(cond_check=config.silence_cond_check, task_prerun=config.silence_task_prerun),
        )
        self._calendars = SessionCalendars(self._bridge, self._renew_compiler)
        stack.callback(self._calendars.close)
        self._requests = RunRequests(self.scheduler)
        program = AppProgram(session, self._requests, self.loop.error_policy, self)
        self._executors = AppExecutors(self.loop, program, processes=config.max_process_count)
        self._stack.push_async_callback(self._executors.close)
        self._tasks: dict[str, Task] = {}
        self._removed_tasks: dict[str, Task] = {}
        """Tasks that were removed from the session while a run of theirs was active."""
        self._counted_cycles = CountedCycles()
        self._reload_pending = False
        self._stop_requested = False
        """Whether a stop has been requested: a second request stops the runs as well."""
        self._shutdown = Shutdown(session, self.loop, self._executors, self._stop_endless_runs)
        self.restarting = False
        """Whether the scheduler is to start again."""

    # -- start and stop -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open everything and start scheduling. Raises StoreError, and what a task cannot be compiled for."""
        compiled = self._compiled()
        self._executors.warm_up(compiled)
        storage, silenced = self._session.storage, self._session.config.silence_task_logging
        opened = await storage.open(compiled, loop=self.loop, stack=self._stack, silenced=silenced)
        reading = ClockReading(self.loop.clock.now(), this_origin().boot_id, self.loop.clock.boottime())
        recovered = await recover(opened.store, self.scheduler, self._executors, compiled, reading)
        self.scheduler.history.of(_SHUT).arm(reading.wall)  # what ended in an earlier life stops no other
        trouble, fatal = self.loop.store_changed, self.loop.fail
        recorder = RecordWriter(
            opened.store, report_outage=trouble, on_fatal=fatal, spool=opened.spool, silenced=silenced
        )
        self._stack.push_async_callback(recorder.close)
        self.loop.watchers |= {self._bridge.watch, self._watch}
        self.loop.pass_hooks += [self._after_pass]
        probe_bridge = ProbeBridge(self.loop)
        functions = FunctionProber(self._session, probe_bridge.report, self._condition_failed, self.loop.clock.now)
        prober = host_prober(probe_bridge.report, self.loop.clock, functions)
        self._stack.push_async_callback(prober.close)
        probe_bridge.start(prober)
        opened.store.report_faults()
        report_start(self._bridge, recovered, opened.notes)
        if self._stop_requested:  # a stop was requested before the start was complete
            self.scheduler.drain()
        self.loop.heartbeat_hooks += [clock_trust(self.loop), self._calendars.check]
        if self._session.config.timezone is None:
            local_time = LocalTime(self._renew_compiler)
            self._stack.callback(local_time.close)
            self.loop.heartbeat_hooks.append(lambda _: local_time.check())
        self.loop.start(self._executors, recorder)
        self._force_initial_runs()
        self._shutdown.started.set()

    def _force_initial_runs(self) -> None:
        """Force the runs for the start, and those that were requested before it."""
        if self._only is None:
            force_startup_runs(self.scheduler, self._tasks.values())
        for name, task in self._tasks.items():
            if self._only is not None and name in self._only.tasks and self._should_run(task):
                task.batches.append(Parameters())
            self._requests.force_next(task)

    def _should_run(self, task: Task) -> bool:
        """Return whether a task of a one-shot start is to run."""
        if self._only is None or not self._only.obey_cond:
            return True
        moment = Moment(self.loop.now(), self._compiler.compile(task), self.scheduler.history)
        return task.start_cond.judge(moment).answer is FOR

    async def wait_until_stopped(self) -> None:
        """Wait until the scheduler has stopped. If it has failed, stop the active runs and raise its error."""
        await self._shutdown.wait()

    def stop(self, *, force: bool = False) -> None:
        """Stop when the active runs have ended; `force`, or a second call: stop these as well. Any thread."""
        forced, self._stop_requested = force or self._stop_requested, True
        self._call_in_loop(lambda: self._shutdown.stop(force=forced))

    def _stop_endless_runs(self) -> None:
        """Stop the runs that never end by themselves; with `instant_shutdown`, all runs."""
        if self._session.config.instant_shutdown:
            self.loop.terminate_runs()
        for name, task in self._tasks.items():
            if task.permanent:
                self._terminate(name)

    def restart(self) -> None:
        """Restart when the active runs have ended. Any thread."""
        self.restarting = True
        self.stop()

    # -- tasks --------------------------------------------------------------------------------------------------------

    def _compiled(self) -> list[core.Task]:
        before, self._tasks = self._tasks, {task.name: task for task in self._session.tasks}
        for name in before.keys() - self._tasks.keys():
            if self.scheduler.history.of(name).running:
                self._removed_tasks[name] = before[name]
        idle = self._only is not None
        compiled = [self._shut, *(self._compiler.compile(task, idle=idle) for task in self._tasks.values())]
        self._calendars.watch(self._compiler.calendar_files)
        self._counted_cycles = CountedCycles(compiled)
        return compiled

    def changed(self) -> None:
        """Handle a change of the tasks: load them again soon. Any thread."""
        if not self._reload_pending:
            self._reload_pending = True
            self._call_in_loop(self._load)

    def _load(self) -> None:
        if not self._reload_pending:
            return
        self._reload_pending = False
        try:
            compiled = self._compiled()
        except RocketdError as error:
            self._bridge.write(Message(f"the tasks were not changed: {error.message}", Priority.ERROR))
            return
        self.loop.record(self.scheduler.load(compiled, self.loop.now(), {}))
        for task in self._tasks.values():
            self._requests.force_next(task)
        self.loop.wake()

    def _renew_compiler(self) -> None:
        """Compile the tasks anew: the host's time zone or a file of a calendar has changed."""
        self._compiler = TaskCompiler(self._session.config, strict=False)
        self._shut = self._compiler.session_task(_SHUT, self._session.condition(self._session.config.shut_cond))
        self.changed()

    def request_run(self, name: str) -> None:
        """Run a task that has a run request. Any thread."""
        self._call_in_loop(lambda: self._load_and_force(name))

    def _load_and_force(self, name: str) -> None:
        self._load()
        if name in self._tasks:
            self._requests.force_next(self._tasks[name])
            self.loop.wake()

    def terminate(self, name: str) -> None:
        """Stop the runs of a task. Any thread."""
        self._call_in_loop(lambda: self._terminate(name))

    def _terminate(self, name: str) -> None:
        with suppress(NoSuchRun):
            self.loop.carry_out(self.scheduler.stop(name))

    # -- events -------------------------------------------------------------------------------------------------------

    def _watch(self, what: Event | OutputLine) -> None:
        match what:
            case Started(run):
                self._requests.started(self.task_of(run), run)
                self.loop.wake()
            case Withdrawn(run):
                self._requests.withdrawn(self.task_of(run), run)
            case Finished(run, end):
                self._requests.finished(run)
                if self.task_of(run).is_command:
                    self._session.returns[run.task] = end.output
                if not self.scheduler.history.of(run.task).running:
                    self._removed_tasks.pop(run.task, None)
                if self._only is not None and not self._has_work:
                    self._shutdown.stop(force=False)

    def task_of(self, run: Run) -> Task:
        """Return the task of a run, which may have been removed since."""
        return self._tasks.get(run.task) or self._removed_tasks[run.task]

    @property
    def _has_work(self) -> bool:
        """Whether a one-shot start still has runs to make or to wait for."""
        entries = self.scheduler.tasks.values()
        return bool(self.scheduler.running_runs) or any(entry.forced or entry.ready for entry in entries)

    def _after_pass(self, now: Instant) -> Instant:
        with around(self._session.hooks.scheduler_cycle, ArgumentContext(self._session)):
            pass
        if self._only is not None and not self._has_work:
            self._shutdown.stop(force=False)
        condition = self._shut.stop_when
        if condition is not FALSE and condition.judge(Moment(now, self._shut, self.scheduler.history)).answer is FOR:
            self._shutdown.stop(force=False)
        return self._counted_cycles.next_pass(now, self.scheduler.history.cycles)

    def _condition_failed(self, condition: str, error: BaseException) -> None:
        """Report a condition that raised, which stops the scheduler unless it is silenced."""
        told = "".join([f"{condition} raised an exception: ", *traceback.format_exception(error)])
        self._bridge.write(Message(told, Priority.ERROR))
        if not self._session.config.silence_cond_check:
            self.loop.fail(error)

    # -- from other threads -------------------------------------------------------------------------------------------

    def _call_in_loop(self, what: Callable[[], None]) -> None:
        call_in(self._asyncio, what)

    def run_in_loop(self, function: Callable[[], T]) -> T:
        """Call a function on the loop's thread, and return its result. Any thread."""
        if get_ident() == self._thread:
            return function()

        async def answer() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(answer(), self._asyncio).result()
