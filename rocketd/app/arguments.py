"""Arguments: values that are determined when a run starts.

A user-defined argument is a subclass with `get_value(self, task=None, session=None, **kwargs)`.
"""

import logging
import os
import sys
from collections.abc import Callable
from threading import Event
from typing import Final

from rocketd.app.errors import TaskSetupError
from rocketd.app.interfaces import SessionView
from rocketd.core.dataclass import dataclass
from rocketd.core.model.task_ref import TaskRef, TaskReference, name_of


class _NotSet:
    def __repr__(self) -> str:
        return "NOTSET"


NOTSET: Final = _NotSet()
"""Marks a missing default."""


@dataclass(frozen=True, slots=True)
class ArgumentContext:
    """What a value is resolved for."""

    session: SessionView
    task: TaskReference | None = None
    """None: for a hook, or a condition that is not about one task."""
    stop: Event | None = None
    """Set when the run must stop."""


class Argument:
    """A value that is resolved for each run."""

    def is_slow(self, context: ArgumentContext) -> bool:  # noqa: ARG002 - for those who override it
        """Whether it must be resolved outside the loop's thread."""
        return False

    def depends_on_task(self, session: SessionView) -> bool:  # noqa: ARG002 - some need the session
        """Whether its value may be another one for each task; of a class that is not ours nobody knows."""
        return True

    def get_value(
        self,
        *,
        session: SessionView | None = None,
        task: TaskReference | None = None,
        terminate_event: Event | None = None,
        **_: object,
    ) -> object:
        """Return the value. An argument of your own that asks another one passes on what it has been given itself."""
        session = session or getattr(task, "session", None)
        if type(self).resolve is Argument.resolve:
            raise TypeError(f"{type(self).__name__} has no get_value")
        if session is None:
            raise TypeError("get_value needs the session, or a task")
        return self.resolve(ArgumentContext(session, task, terminate_event))

    def resolve(self, context: ArgumentContext) -> object:
        """Return the value for this run; raises whatever prevents that."""
        return self.get_value(session=context.session, task=context.task, terminate_event=context.stop)

    def __rshift__(self, other: object) -> "Argument":
        return First(self, other)


class First(Argument):
    """The first of several that has a value: `EnvArg("A") >> CliArg("--a") >> "none"`."""

    def __init__(self, *choices: object) -> None:
        self._choices = choices

    def is_slow(self, context: ArgumentContext) -> bool:
        return any(isinstance(one, Argument) and one.is_slow(context) for one in self._choices)

    def depends_on_task(self, session: SessionView) -> bool:
        return any(isinstance(one, Argument) and one.depends_on_task(session) for one in self._choices)

    def resolve(self, context: ArgumentContext) -> object:
        missing: LookupError | None = None
        for one in self._choices:
            try:
                return one.resolve(context) if isinstance(one, Argument) else one
            except LookupError as error:
                missing = error
        raise missing or LookupError("no value was given")


class SimpleArg(Argument):
    """A constant."""

    def depends_on_task(self, session: SessionView) -> bool:  # noqa: ARG002 - it has no use for it
        return False

    def __init__(self, value: object) -> None:
        self._value = value

    def get_value(self, **_: object) -> object:
        return self._value


class Private(SimpleArg):
    """A value that only tasks can read: elsewhere it is shown as stars."""

    def get_value(self, *, task: object = None, **_: object) -> object:
        return self._value if task is not None else str(self)

    def __repr__(self) -> str:
        return "Private(*****)"

    def __str__(self) -> str:
        return "*****"


class _Defaulted(Argument):
    """A value that may be missing."""

    def __init__(self, default: object) -> None:
        self._default = default

    def _missing(self, why: str) -> object:
        if self._default is NOTSET:
            raise KeyError(why)
        return self._default


class Arg(_Defaulted):
    """A parameter of the session."""

    def __init__(self, key: str | Callable[..., object], default: object = NOTSET) -> None:
        """`key` is its name, or the function that was made a parameter with `app.param()`."""
        super().__init__(default)
        self.key = key

    def is_slow(self, context: ArgumentContext) -> bool:
        value = self._found(context.session)
        return isinstance(value, Argument) and value.is_slow(context)

    def depends_on_task(self, session: SessionView) -> bool:
        value = self._found(session)
        return isinstance(value, Argument) and value.depends_on_task(session)

    def resolve(self, context: ArgumentContext) -> object:
        value = self._found(context.session)
        if value is NOTSET:
            return self._missing(f"the session has no parameter {getattr(self.key, '__name__', self.key)!r}")
        return value.resolve(context) if isinstance(value, Argument) else value

    def _found(self, session: SessionView) -> object:
        params = session.parameters.raw
        if callable(self.key):
            return next((value for value in params.values() if getattr(value, "function", None) is self.key), NOTSET)
        return params.get(self.key, NOTSET)


class Return(_Defaulted):
    """The last return value of a task, since the start of the program."""

    def depends_on_task(self, session: SessionView) -> bool:  # noqa: ARG002 - it has no use for it
        return False

    def __init__(self, task: TaskRef, default: object = NOTSET) -> None:
        super().__init__(default)
        self._task = task

    def resolve(self, context: ArgumentContext) -> object:
        name = name_of(self._task)
        returns = context.session.returns
        if name in returns:
            return returns[name]
        if name not in context.session:
            return self._missing(f"there is no task {name!r}")
        return self._missing(f"the task {name!r} has not returned anything yet")


class EnvArg(_Defaulted):
    """A variable of the program's environment."""

    def depends_on_task(self, session: SessionView) -> bool:  # noqa: ARG002 - it has no use for it
        return False

    def __init__(self, var: str, default: object = NOTSET) -> None:
        super().__init__(default)
        self._var = var

    def get_value(self, **_: object) -> object:
        value = os.environ.get(self._var)
        return self._missing(f"there is no environment variable {self._var}") if value is None else value


class CliArg(_Defaulted):
    """The value of an option on the program's command line, after a blank or `=`."""

    def depends_on_task(self, session: SessionView) -> bool:  # noqa: ARG002 - it has no use for it
        return False

    def __init__(self, param: str, default: object = NOTSET) -> None:
        super().__init__(default)
        self._param = param

    def get_value(self, **_: object) -> object:
        given = sys.argv[1:]
        for place, text in enumerate(given):
            name, equals, value = text.partition("=")
            if name == self._param and equals:
                return value
            if text == self._param and place + 1 < len(given):
                return given[place + 1]
        return self._missing(f"{self._param} is not on the command line")


class Session(Argument):
    """The session itself."""

    def depends_on_task(self, session: SessionView) -> bool:  # noqa: ARG002 - it has no use for it
        return False

    def resolve(self, context: ArgumentContext) -> object:
        return context.session


class Config(Argument):
    """The session's options."""

    def depends_on_task(self, session: SessionView) -> bool:  # noqa: ARG002 - it has no use for it
        return False

    def resolve(self, context: ArgumentContext) -> object:
        return context.session.config


class Task(_Defaulted):
    """This task, or another one."""

    def __init__(self, task: TaskRef | None = None, default: object = NOTSET) -> None:
        super().__init__(default)
        self._task = task

    def depends_on_task(self, session: SessionView) -> bool:  # noqa: ARG002 - it has no use for it
        return self._task is None

    def resolve(self, context: ArgumentContext) -> object:
        if self._task is not None:
            return context.session[self._task]
        return context.task if context.task is not None else self._missing("there is no task here")


class TaskLogger(Argument):
    """The log of this task, as in `task.logger`."""

    def resolve(self, context: ArgumentContext) -> object:
        return context.session.task_log(context.task)


class SchedulerLogger(Argument):
    """The logger of the scheduler."""

    def depends_on_task(self, session: SessionView) -> bool:  # noqa: ARG002 - it has no use for it
        return False

    def resolve(self, context: ArgumentContext) -> object:
        return logging.getLogger(context.session.config.scheduler_logger_basename)


class TerminationFlag(Argument):
    """An event that is set when the run must stop."""

    def resolve(self, context: ArgumentContext) -> object:
        if context.stop is None:
            raise TaskSetupError("only a task has a termination flag")
        return context.stop
