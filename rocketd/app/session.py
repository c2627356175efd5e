"""A session: the tasks, parameters, hooks and records of one application. Two sessions share nothing.

Its methods may be called from any thread, before, while and after its scheduler runs.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Unpack

from rocketd.app.arguments import ArgumentContext
from rocketd.app.condition_rewriting import rewrite
from rocketd.app.config import Config, How, SessionOptions
from rocketd.app.function_conditions import SESSION_ENV, FuncCond, Syntax
from rocketd.app.hooks import Hooked, Hooks, around
from rocketd.app.left_out import no_attribute
from rocketd.app.parameters import ParameterMapping, Parameters, Returns
from rocketd.app.preview import SimulatedRun, SimulationOptions
from rocketd.app.runner import SchedulerRunner
from rocketd.app.storage import SessionStorage
from rocketd.app.task import Task, as_condition, instant
from rocketd.app.task_body import ArgForm, Body, CodeBody, CommandBody, FileBody, FunctionBody
from rocketd.app.task_log import TaskLog
from rocketd.app.task_options import ConditionLike, TaskOptions
from rocketd.app.validators import Span, duration_of
from rocketd.core.errors import RocketdError
from rocketd.core.instant import SECOND
from rocketd.core.model.condition import Condition
from rocketd.core.model.task_ref import TaskRef, TaskReference, name_of
from rocketd.daemon.clock import SystemClock
from rocketd.store.redbird.compat import BaseRepo

_RENAMED: Final = "{name} - {number}"


class Session(Hooked):
    """The tasks, parameters, hooks and records of an application, and its scheduler."""

    def __init__(
        self,
        config: Config | Mapping[str, object] | None = None,
        parameters: ParameterMapping | None = None,
        **options: Unpack[SessionOptions],
    ) -> None:
        """Options may be given by name, or together as `config`; raises RocketdError for one that is unknown."""
        self.config = config if isinstance(config, Config) else Config.of({**(config or {}), **options})
        self.parameters = Parameters(parameters)
        self.returns: dict[str, object] = Returns()
        """What tasks returned last, by name or by task."""
        self.hooks = Hooks()
        self.syntax: list[tuple[Syntax, FuncCond]] = [SESSION_ENV]
        """The texts of user-defined conditions, and their conditions."""
        self._functions: dict[str, list[Callable[..., object]]] = {}
        """The functions of conditions, by name."""
        self._tasks: dict[str, Task] = {}
        self._lock = RLock()
        directory = self.config.state_dir
        self.storage = SessionStorage(None if directory is None else Path(directory))
        """Where the records are."""
        self.runner = SchedulerRunner(self)
        """Its scheduler."""

    if not TYPE_CHECKING:  # with it, type checkers would let every name be used
        __getattr__ = no_attribute

    # -- tasks ------------------------------------------------------------------------------------------------------

    @property
    def tasks(self) -> Sequence[Task]:
        """The tasks, in the order in which they were added."""
        with self._lock:
            return list(self._tasks.values())

    def __getitem__(self, task: TaskRef) -> Task:
        """Return a task, by its name or its function; raises KeyError."""
        name = name_of(task)
        try:
            return self._tasks[name]
        except KeyError:
            raise KeyError(f"there is no task {name!r}") from None

    def __contains__(self, task: TaskRef) -> bool:
        return name_of(task) in self._tasks

    def get_tasks(self) -> Sequence[Task]:
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
        """Create a task from a function, a function in a file, code, or a command. Raises RocketdError."""
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
        task = Task(self, body, start_cond, name)
        task.configure(options)
        with around(self.hooks.task_init, ArgumentContext(self, task), task=task):
            self.add_task(task)
        return task

    def add_task(self, task: Task) -> None:
        """Add a task; raises KeyError if the name is taken, unless `task_pre_exist` allows it."""
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
        """Remove a task; its active runs continue. Raises KeyError."""
        with self._lock:
            del self._tasks[self[task].name]
        self.changed()

    def clear(self) -> None:
        """Remove all tasks and parameters."""
        with self._lock:
            self._tasks.clear()
            self.parameters.clear()
        self.changed()

    def renamed(self, task: TaskReference, name: str) -> None:
        """Register a task under its new name; raises KeyError if that is taken."""
        with self._lock:
            if self._tasks.get(task.name) is not task:
                return
            if name in self._tasks:
                raise KeyError(f"there is a task {name!r} already")
            self._tasks = {name if one is task else one.name: one for one in self._tasks.values()}

    # -- the scheduler ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Run the scheduler until it is stopped, for example by Ctrl-C; raises errors that are not silenced."""
        self.runner.start()

    async def serve(self) -> None:
        """Run the scheduler on the present event loop, beside other coroutines. Cancelling it stops its tasks."""
        await self.runner.run()

    def run(self, *tasks: TaskRef, execution: How | None = None, obey_cond: bool = False) -> None:
        """Run only these tasks, once, and return when they have ended; `obey_cond`: only if their condition holds.

        For when the scheduler is not running; raises KeyError, and errors that are not silenced.
        """
        chosen = [self[task] for task in tasks]
        before = [task.execution for task in chosen]
        for task in chosen:
            task.execution = execution or task.execution
        try:
            self.runner.start_only(chosen, obey_cond=obey_cond)
        finally:
            for task, how in zip(chosen, before, strict=True):
                task.execution = how

    def simulate(
        self,
        length: Span = "1 day",
        *,
        since: float | datetime | None = None,
        assume: Mapping[Condition, bool] | bool | None = None,
        failing: Collection[TaskRef] = (),
    ) -> list[SimulatedRun]:
        """Return the runs that would start within this time, in order; nothing is run and nothing is recorded.

        The scheduler's own rules decide, on a clock that jumps from event to event. Every run takes a second and
        succeeds; runs of the tasks in `failing` fail.

        `since` is an aware datetime, or seconds since the epoch: the tasks are simulated from then on as if they had
        never run. Without it the simulation begins now and knows what is recorded.

        `assume` says whether conditions hold that ask functions of the program or the host: all of them, or each that
        is named, as in `{is_quiet: True}`. The others are unknown and start nothing.

        Raises RocketdError for a datetime without a zone, StoreError if the records cannot be read.
        """
        begin = SystemClock().now() if since is None else instant(since)
        given = SimulationOptions(anew=since is not None, assume=assume, failing=frozenset(map(name_of, failing)))
        return self.runner.preview.simulate(begin, begin + duration_of(length), given)

    def restart(self) -> None:
        """Restart the scheduler when the active runs have ended, as the option `restarting` says."""
        self.runner.restart()

    def shut_down(self, *, force: bool = False) -> None:
        """Stop the scheduler when the active runs have ended; `force`, or a second call: stop these as well."""
        self.runner.stop(force=force)

    def shutdown(self) -> None:
        """The older name of `shut_down`."""
        self.shut_down()

    def condition(self, value: object) -> Condition:
        """Convert a value to a condition; functions that only share a name get different ones. Raises RocketdError."""
        return rewrite(as_condition(value, self.syntax), self._with_unique_name)

    def _with_unique_name(self, word: Condition) -> Condition:
        if not isinstance(word, FuncCond):
            return word
        same = self._functions.setdefault(word.name, [])
        if word.function not in same:
            same.append(word.function)
        place = same.index(word.function)
        return replace(word, name=f"{word.name}#{place + 1}") if place else word

    def changed(self) -> None:
        """Handle a change of the tasks."""
        self.runner.changed()

    # -- records ----------------------------------------------------------------------------------------------------

    def set_repo(self, repo: BaseRepo, *, delete_existing: bool | None = None) -> None:  # noqa: ARG002 - there is one
        """Store the run log there, and read it back at the next start.

        The one that was set before is let go of; none of its records is deleted. `delete_existing` makes no difference:
        there is only ever one. Raises RocketdError while the scheduler runs, or if another thread could not use it.
        """
        if self.runner.runtime is not None:
            raise RocketdError("the scheduler is running", hint="set the repository before it starts")
        self.storage.set_repo(repo)
        self.runner.preview.forget()

    def get_repo(self) -> BaseRepo:
        """Return the repository of the run log; while the scheduler runs, read it with `get_task_log`."""
        return self.storage.repo

    def get_task_log(self, **query: object) -> list[Any]:
        """Return records of all tasks."""
        return self.task_log(None).get_records(**query)

    def task_log(self, task: TaskReference | None) -> TaskLog:
        """Return the log of a task; None: of all tasks."""
        logger = logging.getLogger(self.config.task_logger_basename)
        return TaskLog(logger, None if task is None else task.name, self.storage.use, self.set_repo)

    # -- small things -----------------------------------------------------------------------------------------------

    @property
    def env(self) -> object:
        """The parameter `env`; None if there is none."""
        return self.parameters.get("env")

    @env.setter
    def env(self, value: object) -> None:
        self.parameters["env"] = value

    def get_time(self) -> float:
        """Return the present time, in seconds since the epoch."""
        return SystemClock().now() / SECOND
