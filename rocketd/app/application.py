"""An application, whose decorators turn functions into tasks, conditions and parameters."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from re import Pattern
from typing import TYPE_CHECKING, Unpack, overload

from rocketd.app.condition_rewriting import rename_tasks
from rocketd.app.config import How, SessionOptions
from rocketd.app.function_conditions import FuncCond, Syntax, condition_of_function
from rocketd.app.hooks import F
from rocketd.app.left_out import no_attribute
from rocketd.app.parameters import FuncArg, ParameterMapping
from rocketd.app.session import Session
from rocketd.app.task import Task, as_condition
from rocketd.app.task_body import ArgForm
from rocketd.app.task_options import ConditionLike, TaskOptions
from rocketd.app.validators import Span, duration_of
from rocketd.core.errors import RocketdError
from rocketd.core.model.condition import FALSE
from rocketd.store.redbird.compat import BaseRepo


class _Decorators:
    """The common decorators of applications and groups."""

    session: Session

    @overload
    def task(
        self,
        start_cond: ConditionLike = None,
        name: str | None = None,
        *,
        command: str | Sequence[str],
        shell: bool = False,
        cwd: str | None = None,
        argform: ArgForm = "--",
        **options: Unpack[TaskOptions],
    ) -> Task: ...
    @overload
    def task(
        self,
        start_cond: ConditionLike = None,
        name: str | None = None,
        *,
        path: str | Path,
        func_name: str = "main",
        sys_paths: Sequence[str | Path] = (),
        **options: Unpack[TaskOptions],
    ) -> Task: ...
    @overload
    def task(
        self, start_cond: ConditionLike = None, name: str | None = None, *, code: str, **options: Unpack[TaskOptions]
    ) -> Task: ...
    @overload
    def task(
        self,
        start_cond: ConditionLike = None,
        name: str | None = None,
        *,
        func: Callable[..., object],
        **options: Unpack[TaskOptions],
    ) -> Task: ...
    @overload
    def task(
        self, start_cond: ConditionLike = None, name: str | None = None, **options: Unpack[TaskOptions]
    ) -> Callable[[F], F]: ...
    def task(
        self, start_cond: ConditionLike = None, name: str | None = None, **options: object
    ) -> Task | Callable[[F], F]:
        """Create a task from the decorated function, or from `func`, `command`, `path` or `code`.

        Raises RocketdError, ConditionError, and KeyError for a name that is taken.
        """
        create: Callable[..., Task] = self.session.create_task
        start_cond = as_condition(start_cond, self.session.syntax)
        if options.keys() & {"func", "command", "path", "code"}:
            return create(start_cond=start_cond, name=name, **options)

        def decorate(function: F) -> F:
            create(function, start_cond=start_cond, name=name, **options)
            return function  # unchanged, so that programs can call it, and child processes find it

        return decorate

    def cond(
        self, syntax: Syntax | Sequence[Syntax] | None = None, *, every: Span = 1
    ) -> Callable[[Callable[..., object]], FuncCond]:
        """Create a condition from a function (decorator): it holds while the function returns a true value.

        It is called in a thread, as often as `every` says, and only while its answer can matter. A text, or a regular
        expression with named groups for its arguments, makes it available in conditions written as text.
        """
        if callable(syntax):
            raise RocketdError(f"{syntax!r} is not text", hint="write @app.cond() above a function")
        texts = [syntax] if isinstance(syntax, str | Pattern) else list(syntax or ())

        def decorate(function: Callable[..., object]) -> FuncCond:
            condition = condition_of_function(function, duration_of(every))
            self.session.syntax += [(text, condition) for text in texts]
            return condition

        return decorate

    def param(self, name: str | None = None) -> Callable[[F], F]:
        """Add the return value of a function to the session's parameters (decorator)."""
        if callable(name):
            raise RocketdError(f"{name!r} is not a name", hint="write @app.param() above a function")

        def decorate(function: F) -> F:
            self.session.parameters[name or function.__name__] = FuncArg(function)
            return function

        return decorate

    def params(self, **parameters: object) -> None:
        """Set parameters of the session."""
        self.session.parameters.update(parameters)

    def include_grouper(self, group: "Grouper") -> None:
        """Add the tasks, parameters and condition texts of a group; its conditions follow renamed tasks."""
        names = {task.name: f"{group.prefix}{task.name}" for task in group.session.tasks}
        for task in group.session.tasks:
            group.session.remove_task(task)
            task.name = names[task.name]
            task.start_cond, task.end_cond = rename_tasks(task.start_cond, names), rename_tasks(task.end_cond, names)
            if group.start_cond is not FALSE:
                task.start_cond &= group.start_cond
            task.execution = task.execution or group.execution
            self.session.add_task(task)
        self.session.parameters.update(group.session.parameters.raw)
        self.session.syntax += group.session.syntax


class Grouper(_Decorators):
    """Tasks that are included together, perhaps with a common prefix, condition and execution."""

    def __init__(
        self, prefix: str | None = None, start_cond: ConditionLike = None, execution: How | None = None
    ) -> None:
        self.prefix = prefix or ""
        self.session = Session()
        self.start_cond = as_condition(start_cond, self.session.syntax)
        self.execution = execution


class Rocketd(_Decorators):
    """A scheduling application."""

    def __init__(
        self,
        session: Session | None = None,
        logger_repo: BaseRepo | None = None,
        *,
        config: Mapping[str, object] | None = None,
        parameters: ParameterMapping | None = None,
        **options: Unpack[SessionOptions],
    ) -> None:
        """Options may be given by name, or together as `config`; raises RocketdError for one that is unknown."""
        self.session = Session(config, parameters, **options) if session is None else session
        _enable_start_records(self.session.config.task_logger_basename)
        if logger_repo is not None:
            self.session.set_repo(logger_repo)

    if not TYPE_CHECKING:  # with it, type checkers would let every name be used
        __getattr__ = no_attribute

    def run(self) -> None:
        """Run the scheduler until it is stopped, for example by Ctrl-C; raises errors that are not silenced."""
        self.session.start()

    async def serve(self) -> None:
        """Run the scheduler on the present event loop, beside other coroutines; raises errors that are not silenced."""
        await self.session.serve()

    @overload
    def setup(self, function: F) -> F: ...
    @overload
    def setup(self) -> Callable[[F], F]: ...
    def setup(self, function: F | None = None) -> F | Callable[[F], F]:
        """Call it when the scheduler starts, before any task (decorator); a generator continues after the start."""
        add = self.session.hook_startup()
        return add if function is None else add(function)


def _enable_start_records(logger: str) -> None:
    """Log starts and successes, unless the program has set a level."""
    task_logger = logging.getLogger(logger)
    if task_logger.level == logging.NOTSET:
        task_logger.setLevel(logging.INFO)
