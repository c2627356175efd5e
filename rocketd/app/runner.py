"""Starts, restarts and stops a session's scheduler, and answers questions about its runs, also while it is stopped."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime

from rocketd.app.arguments import ArgumentContext
from rocketd.app.compiler import TaskCompiler
from rocketd.app.explanation import Why
from rocketd.app.hooks import around_async
from rocketd.app.preview import SchedulerPreview
from rocketd.app.runtime import OneShot, SchedulerRuntime
from rocketd.app.scheduler_session import SchedulerSession
from rocketd.app.task import Task
from rocketd.core.errors import RocketdError
from rocketd.core.explain.why import why, why_then
from rocketd.core.history.history import History
from rocketd.core.instant import Instant, datetime_of
from rocketd.core.model.run import Action
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.clock import SystemClock


class SchedulerRunner:
    """Runs the scheduler and passes requests on to it. Any thread may call it, except for running."""

    def __init__(self, session: SchedulerSession) -> None:
        self._session = session
        self._history: History | None = None
        """None: the scheduler has not run yet."""
        self.preview = SchedulerPreview(session)
        self._running = False
        self._stop_early = False
        self._to_replace = False
        self.runtime: SchedulerRuntime | None = None
        """None: the scheduler is not running."""

    # -- running ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Run it on a loop of its own; Ctrl-C stops it."""
        _refuse_running_loop()
        try:
            asyncio.run(self.run())
        except KeyboardInterrupt:
            return
        if self._to_replace:
            self._replace_program()

    def start_only(self, tasks: Sequence[Task], *, obey_cond: bool) -> None:
        """Run these tasks once and no others."""
        _refuse_running_loop()
        asyncio.run(self.run(OneShot([task.name for task in tasks], obey_cond)))

    async def run(self, only: OneShot | None = None) -> None:
        """Run it on this loop."""
        if _is_imported_by_child():
            return
        if self._running:
            raise RocketdError("the scheduler of this session is running already")
        self._running, self._stop_early = True, False
        try:
            while await self._run_once(only):
                pass
        finally:
            self._running = False

    async def _run_once(self, only: OneShot | None) -> bool:
        """Run until a stop; return whether to start again."""
        async with AsyncExitStack() as stack:
            runtime = await self._start_runtime(stack, only)
            await runtime.wait_until_stopped()
        again = runtime.restarting and self._session.config.restarting == "recall"
        self._to_replace = runtime.restarting and not again
        return again

    async def _start_runtime(self, stack: AsyncExitStack, only: OneShot | None) -> SchedulerRuntime:
        async with around_async(self._session.hooks.scheduler_startup, ArgumentContext(self._session)):
            runtime = SchedulerRuntime(self._session, stack, only=only)
            self.runtime, self._history = runtime, runtime.scheduler.history
            stack.callback(self._forget_runtime)
            if self._stop_early:
                runtime.stop()
            await runtime.start()
        return runtime

    def _forget_runtime(self) -> None:
        self.runtime = None

    def _replace_program(self) -> None:
        """Replace this process by a new one of the program, or start a second one."""
        again = [sys.executable, *sys.orig_argv[1:]]
        if self._session.config.restarting == "replace":
            self._session.storage.remove_temporary()
            os.execv(sys.executable, again)  # noqa: S606 - this very program
        subprocess.Popen(again)  # noqa: S603 - as above

    def stop(self, *, force: bool = False) -> None:
        """Stop when the active runs have ended; `force`, or a second call: stop these as well."""
        if (runtime := self.runtime) is not None:
            runtime.stop(force=force)
        else:
            self._stop_early = True  # it may be about to start

    def restart(self) -> None:
        """Restart the scheduler when the active runs have ended. Does nothing while it does not run."""
        if (runtime := self.runtime) is not None:
            runtime.restart()

    def changed(self) -> None:
        """Handle a change of the tasks: load them again."""
        if (runtime := self.runtime) is not None:
            runtime.changed()

    def request_run(self, name: str) -> None:
        """Run a task that has a run request; without a running scheduler it waits for the next one."""
        if (runtime := self.runtime) is not None:
            runtime.request_run(name)

    def terminate(self, name: str) -> None:
        """Stop the active runs of a task."""
        if (runtime := self.runtime) is not None:
            runtime.terminate(name)

    # -- queries ---------------------------------------------------------------------------------------------------

    @property
    def _past(self) -> History:
        """What is known of runs: before the first start, what the records tell. Raises StoreError."""
        return self._history or self.preview.known(SystemClock().now()).history

    def status_of(self, name: str) -> str | None:
        """Return the newest action of a task's runs."""
        past = self._past.of(name)
        if past.running:
            return Action.RUN.value
        newest = max(dict(past.last_events).items(), key=lambda item: item[1].position, default=None)
        return None if newest is None else newest[0].value

    def count_active(self, name: str) -> int:
        """Return the number of active runs of a task."""
        return 0 if self._history is None else len(self._history.of(name).running)

    def last(self, name: str, action: Action) -> datetime | None:
        """Return when that last happened, in the session's zone; None: never."""
        seen = self._past.of(name).last_events.get(action)
        return None if seen is None else datetime_of(seen.at, TaskCompiler(self._session.config).zone)

    def why(self, task: Task, at: Instant | None) -> Why:
        """Return why a task runs or what it waits for."""
        runtime = self.runtime
        loaded = runtime is not None and task.name in runtime.scheduler.tasks
        if runtime is not None and loaded and not task.disabled:
            return runtime.run_in_loop(lambda: Why.of(why(runtime.scheduler, task.name, runtime.loop.now(), at)))
        compiled = TaskCompiler(self._session.config).compile(task, as_enabled=True)
        past = self._past
        for one in self._session.tasks:
            past.load(one.name, tuple(one.tags))  # one that came since
        # The clock is read last: a record from the future counts as of the moment in which it was read.
        explanation = why_then(compiled, past, SystemClock().now() if at is None else at)
        if task.disabled:
            explanation = replace(explanation, waiting_for=f"{task.name} is disabled: only task.run() starts it")
        return Why.of(explanation)

    def next_start(self, task: Task) -> datetime | None:
        """Return when a task is expected to start next, as far as the clock tells; None: only an event starts it."""
        runtime, zone = self.runtime, TaskCompiler(self._session.config).zone
        if runtime is not None and task.name in runtime.scheduler.tasks:
            found = runtime.run_in_loop(lambda: expected_start(runtime.scheduler, task.name, runtime.loop.now()))
        else:
            now = SystemClock().now()
            found = expected_start(self.preview.upcoming(now), task.name, now)
        return None if found is None else datetime_of(found, zone)


def expected_start(scheduler: Scheduler, name: str, now: Instant) -> Instant | None:
    """Return when a loaded task is expected to start; one that is due and waits: now."""
    entry = scheduler.find(name)
    return now if entry.ready is not None or entry.forced else entry.next_start


def _refuse_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RocketdError("a loop is running in this thread already", hint="await app.serve() runs the scheduler on it")


def _is_imported_by_child() -> bool:
    """Whether a child process imports the program to find a function: the scheduler must not start there."""
    return bool(getattr(multiprocessing.current_process(), "_inheriting", False))
