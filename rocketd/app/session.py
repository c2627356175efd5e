"""A session: the tasks, parameters, hooks and records of one application. Two sessions share nothing.

Its methods may be called from any thread, before, while and after its scheduler runs.
"""

import asyncio
import logging
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Final, Unpack

from rocketd.app.arguments import Asked
from rocketd.app.bodies import ArgForm, Body, CodeBody, CommandBody, FileBody, FunctionBody
from rocketd.app.compile import Compiler
from rocketd.app.conditions import FuncCond, Syntax
from rocketd.app.config import Config, Options
from rocketd.app.hooks import F, Hooks, around, around_async, decorator
from rocketd.app.keeping import Keeping
from rocketd.app.life import Life, Only
from rocketd.app.parameters import Given, Parameters
from rocketd.app.task_log import TaskLog
from rocketd.app.tasks import ConditionLike, Task, TaskOptions
from rocketd.core.errors import RocketdError
from rocketd.core.history import History, Past
from rocketd.core.instant import SECOND, Instant, datetime_of
from rocketd.core.naming import TaskRef, name_of
from rocketd.core.run import Action
from rocketd.core.why import Why, why, why_then
from rocketd.daemon.clock import SystemClock
from rocketd.store.redbird_import import BaseRepo

_RENAMED: Final = "{name} - {number}"


class Session:
    """What an application is made of, and how it is told what to do."""

    def __init__(
        self,
        config: Config | Mapping[str, object] | None = None,
        parameters: Given | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Options may be given by name, or together as `config`; raises RocketdError for one that is unknown."""
        self.config = config if isinstance(config, Config) else Config.of({**(config or {}), **options})
        self.parameters = Parameters(parameters)
        self.returns: dict[str, object] = {}
        """What tasks returned last, by name."""
        self.hooks = Hooks()
        self.syntax: list[tuple[Syntax, FuncCond]] = []
        """What text may say besides the words, and which condition it is."""
        self._tasks: dict[str, Task] = {}
        self._lock = RLock()
        directory = self.config.state_dir
        self.keeping = Keeping(None if directory is None else Path(directory))
        """Where its records are."""
        self._life: Life | None = None
        self._history = History()
        self._to_replace = False

    # -- tasks ------------------------------------------------------------------------------------------------------

    @property
    def tasks(self) -> Collection[Task]:
        """The tasks, in the order in which they came."""
        with self._lock:
            return list(self._tasks.values())

    def __getitem__(self, task: TaskRef) -> Task:
        """Give a task by its name or its function; raises KeyError."""
        name = name_of(task)
        try:
            return self._tasks[name]
        except KeyError:
            raise KeyError(f"there is no task {name!r}") from None

    def __contains__(self, task: TaskRef) -> bool:
        return name_of(task) in self._tasks

    def get_tasks(self) -> Collection[Task]:
        """The same as `tasks`."""
        return self.tasks

    def get_task(self, task: TaskRef) -> Task:
        """The same as `session[task]`."""
        return self[task]

    def create_task(  # noqa: PLR0913 - what a task can be made of
        self,
        func: Callable[..., object] | None = None,
        *,
        start_cond: ConditionLike = None,
        name: str | None = None,
        command: str | Sequence[str] | None = None,
        shell: bool = False,
        cwd: str | None = None,
        argform: ArgForm = "--",
        path: str | Path | None = None,
        func_name: str = "main",
        sys_paths: Sequence[str | Path] = (),
        code: str | None = None,
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Make a task of a function, a function of a file, a piece of code, or a command. Raises RocketdError."""
        body: Body
        if command is not None:
            argv = command if isinstance(command, str) else tuple(command)
            body = CommandBody(argv, shell, cwd or "", argform)
        elif path is not None:
            body = FileBody(Path(path), func_name, tuple(Path(one) for one in sys_paths))
        elif code is not None:
            body = CodeBody(code)
        elif func is not None:
            body = FunctionBody(func)
        else:
            raise RocketdError("a task needs something to do", hint="give func, command, path or code")
        with around(self.hooks.task_init, Asked(self)):
            task = Task(self, body, start_cond, name)
            task.configure(options)
            self.add_task(task)
        return task

    def add_task(self, task: Task) -> None:
        """Take a task in; raises KeyError if there is one of that name, unless `task_pre_exist` says otherwise."""
        with self._lock:
            if task.name in self._tasks:
                if self.config.task_pre_exist == "raise":
                    raise KeyError(f"there is a task {task.name!r} already")
                if self.config.task_pre_exist == "ignore":
                    return
                if self.config.task_pre_exist == "rename":
                    task.name = self._free_name(task.name)
            task.session = self
            self._tasks[task.name] = task
        self.changed()

    def _free_name(self, name: str) -> str:
        number = 1
        while (free := _RENAMED.format(name=name, number=number)) in self._tasks:
            number += 1
        return free

    def remove_task(self, task: TaskRef) -> None:
        """Take a task out; runs that are going on go on. Raises KeyError."""
        with self._lock:
            del self._tasks[self[task].name]
        self.changed()

    def clear(self) -> None:
        """Take out all tasks and parameters."""
        with self._lock:
            self._tasks.clear()
            self.parameters.clear()
        self.changed()

    def renamed(self, task: Task, name: str) -> None:
        """Follow a task of this session to its new name; raises KeyError if that is taken."""
        with self._lock:
            if self._tasks.get(task.name) is not task:
                return
            if name in self._tasks:
                raise KeyError(f"there is a task {name!r} already")
            self._tasks = {name if one is task else one.name: one for one in self._tasks.values()}

    # -- the scheduler ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Run the scheduler until it is told to stop; raises an error that is not silenced. Ctrl-C stops it."""
        if _is_imported_by_child():
            return
        try:
            asyncio.run(self.serve())
        except KeyboardInterrupt:
            return
        self._replace_program()

    async def serve(self) -> None:
        """Run the scheduler on this loop, beside whatever else runs there. Cancelling it stops its tasks."""
        await self._live(None)

    def run(self, *tasks: TaskRef, execution: str | None = None, obey_cond: bool = False) -> None:
        """Run these tasks alone, once, and return when they have ended; `obey_cond`: only if their condition holds.

        For when the scheduler is not running; raises KeyError, and errors that are not silenced.
        """
        chosen = [self[task] for task in tasks]
        before = [task.execution for task in chosen]
        for task in chosen:
            if execution is not None:
                task.configure({"execution": execution})
        try:
            asyncio.run(self._live(Only([task.name for task in chosen], obey_cond)))
        finally:
            for task, how in zip(chosen, before, strict=True):
                task.execution = how

    async def _live(self, only: Only | None) -> None:
        if self._life is not None:
            raise RocketdError("the scheduler of this session is running already")
        again = True
        while again:
            async with AsyncExitStack() as stack:
                life = await self._begin(stack, only)
                await life.end()
            again = life.restarting and self.config.restarting == "recall"
            self._to_replace = life.restarting and not again

    async def _begin(self, stack: AsyncExitStack, only: Only | None) -> Life:
        async with around_async(self.hooks.scheduler_startup, Asked(self)):
            life = Life(self, stack, only=only)
            self._life, self._history = life, life.scheduler.history
            stack.callback(self._forget_life)
            await life.start()
        return life

    def _forget_life(self) -> None:
        self._life = None

    def _replace_program(self) -> None:
        """Become the program anew, or start it beside us, if a restart asked for that."""
        if not self._to_replace:
            return
        again = [sys.executable, *sys.orig_argv[1:]]
        if self.config.restarting == "replace":
            os.execv(sys.executable, again)  # noqa: S606 - the very program that we are
        subprocess.Popen(again)  # noqa: S603 - as above

    def restart(self) -> None:
        """Let runs end, then start the scheduler anew, as the option `restarting` says."""
        if self._life is not None:
            self._life.restart()

    def shut_down(self, *, force: bool = False) -> None:
        """Let runs end, then stop the scheduler; `force`, or a second call: stop the runs as well."""
        if self._life is not None:
            self._life.stop(force=force)

    def shutdown(self) -> None:
        """The older name of `shut_down`."""
        self.shut_down()

    # -- for tasks --------------------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Hear that a task has changed, come or gone."""
        if self._life is not None:
            self._life.changed()

    def demand(self, name: str) -> None:
        """Have a task run that was asked to."""
        if self._life is not None:
            self._life.demand(name)

    def terminate(self, name: str) -> None:
        """Stop the runs of a task."""
        if self._life is not None:
            self._life.terminate(name)

    def _past(self, name: str) -> Past:
        return self._history.of(name)

    def status_of(self, name: str) -> str | None:
        """Give the newest action of a task's runs."""
        past = self._past(name)
        if past.going:
            return Action.RUN.value
        newest = max(dict(past.last).items(), key=lambda item: item[1].position, default=None)
        return None if newest is None else newest[0].value

    def alive(self, name: str) -> int:
        """Count a task's runs that are going on."""
        return len(self._past(name).going)

    def last(self, name: str, action: Action) -> datetime | None:
        """Tell when that last happened, in the session's zone."""
        seen = self._past(name).last.get(action)
        return None if seen is None else datetime_of(seen.at, Compiler(self.config).zone)

    def why(self, task: Task, at: Instant | None) -> Why:
        """Say why a task runs or what it waits for."""
        now, life = SystemClock().now(), self._life
        if life is not None and task.name in life.scheduler.entries:
            return life.ask(lambda: why(life.scheduler, task.name, now, at))
        return why_then(Compiler(self.config).compile(task), self._history, now if at is None else at)

    # -- records ----------------------------------------------------------------------------------------------------

    def set_repo(self, repo: BaseRepo, *, delete_existing: bool | None = None) -> None:  # noqa: ARG002 - there is one
        """Keep the run log there, and read it back at the next start.

        The one that was set before is let go of; none of its records is deleted. `delete_existing` makes no difference:
        there is only ever one. Raises RocketdError while the scheduler runs, or if another thread could not use it.
        """
        if self._life is not None:
            raise RocketdError("the scheduler is running", hint="set the repository before it starts")
        self.keeping.keep_in(repo)

    def get_repo(self) -> BaseRepo:
        """Give the repository that tells what was recorded; while the scheduler runs, ask it through `get_task_log`."""
        return self.keeping.repo

    def get_task_log(self, **query: object) -> list[object]:
        """Read records of all tasks."""
        return self.task_log(None).get_records(**query)

    def task_log(self, task: Task | None) -> TaskLog:
        """Give the log of a task, or of all."""
        logger = logging.getLogger(self.config.task_logger_basename)
        return TaskLog(logger, None if task is None else task.name, self.keeping.use)

    # -- hooks ------------------------------------------------------------------------------------------------------

    def hook_startup(self) -> Callable[[F], F]:
        """Call it when the scheduler starts, before any task does (decorator)."""
        return decorator(self.hooks.scheduler_startup)

    def hook_shutdown(self) -> Callable[[F], F]:
        """Call it when the scheduler stops (decorator)."""
        return decorator(self.hooks.scheduler_shutdown)

    def hook_scheduler_cycle(self) -> Callable[[F], F]:
        """Call it after each pass of the scheduler, on its thread: be quick (decorator)."""
        return decorator(self.hooks.scheduler_cycle)

    def hook_task_init(self) -> Callable[[F], F]:
        """Call it when a task is made (decorator)."""
        return decorator(self.hooks.task_init)

    def hook_task_execute(self) -> Callable[[F], F]:
        """Call it around each run of a function, with its `task` (decorator)."""
        return decorator(self.hooks.task_execute)

    # -- small things -----------------------------------------------------------------------------------------------

    @property
    def env(self) -> object:
        """The parameter `env`; None if there is none."""
        return self.parameters.get("env")

    @env.setter
    def env(self, value: object) -> None:
        self.parameters["env"] = value

    def get_time(self) -> float:
        """Read the clock: seconds since the epoch."""
        return SystemClock().now() / SECOND


def _is_imported_by_child() -> bool:
    """Whether a child process of ours imports the program to find a function: there it must not start again."""
    return bool(getattr(multiprocessing.current_process(), "_inheriting", False))
