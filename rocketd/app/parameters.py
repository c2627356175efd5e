"""Named values for functions: constants, or arguments that are resolved for each run."""

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from rocketd.app.arguments import Argument, ArgumentContext, Session, Task, TerminationFlag
from rocketd.app.interfaces import ParametersView, SessionView
from rocketd.app.left_out import no_attribute
from rocketd.core.model.task_ref import TaskRef, name_of

ParameterMapping: TypeAlias = Mapping[str, object]


class Parameters(ParametersView):
    """The parameters of a session or of a task. Reading one returns a value, never an argument."""

    def __init__(self, params: ParameterMapping | None = None, /, **more: object) -> None:
        self._params: dict[str, object] = {**raw(params or {}), **more}

    if not TYPE_CHECKING:  # with it, type checkers would let every name be used
        __getattr__ = no_attribute

    def __getitem__(self, name: str) -> object:
        value = self._params[name]
        return value.get_value() if isinstance(value, Argument) else value

    def __setitem__(self, name: str, value: object) -> None:
        self._params[name] = value

    def __delitem__(self, name: str) -> None:
        del self._params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)

    def __or__(self, other: ParameterMapping) -> Self:
        return type(self)({**self._params, **raw(other)})

    def __repr__(self) -> str:
        return f"Parameters({', '.join(f'{name}={value!r}' for name, value in self._params.items())})"

    @property
    def raw(self) -> dict[str, object]:
        """The parameters as given, with unresolved arguments."""
        return self._params


_GIVEN: Final = {"_session_": Session(), "_task_": Task(), "_thread_terminate_": TerminationFlag()}
"""What a function gets that has a parameter of such a name, as in Rocketry."""


def raw(params: ParameterMapping) -> ParameterMapping:
    """Return the parameters as given, with unresolved arguments."""
    return params.raw if isinstance(params, ParametersView) else params


def accepted(function: Callable[..., object]) -> list[inspect.Parameter]:
    """Return the parameters that this function takes by name; empty: it has no signature."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return []
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [parameter for parameter in signature.parameters.values() if parameter.kind in by_name]


def parameters_for(
    function: Callable[..., object], common: ParameterMapping, own: ParameterMapping
) -> dict[str, object]:
    """Combine the parameters of a call: those of the session that the function takes, its defaults, then its own."""
    names = accepted(function)
    shared = raw(common)
    chosen: dict[str, object] = {one.name: _GIVEN[one.name] for one in names if one.name in _GIVEN}
    chosen |= {one.name: shared[one.name] for one in names if one.name in shared}
    chosen |= {one.name: one.default for one in names if isinstance(one.default, Argument)}
    return {**chosen, **raw(own)}


def values_of(params: ParameterMapping, context: ArgumentContext) -> dict[str, object]:
    """Resolve every argument; raises whatever an argument raises."""
    return {
        name: value.resolve(context) if isinstance(value, Argument) else value for name, value in raw(params).items()
    }


class FuncArg(Argument):
    """The return value of a function, called for each run outside the loop's thread. A coroutine gets its own loop."""

    def __init__(
        self, function: Callable[..., object], /, *args: object, materialize: str | None = None, **kwargs: object
    ) -> None:
        """`materialize` is `pre` for a function that is quick, and may be called on the loop's thread."""
        self.function = function
        self._materialize = materialize
        self._args = args
        self._kwargs = kwargs

    def depends_on_task(self, session: SessionView) -> bool:
        params = parameters_for(self.function, {}, self._kwargs).values()
        return any(isinstance(value, Argument) and value.depends_on_task(session) for value in params)

    def is_slow(self, context: ArgumentContext) -> bool:
        late = (self._materialize or context.session.config.param_materialize) == "post"
        return late or inspect.iscoroutinefunction(self.function)

    def resolve(self, context: ArgumentContext) -> object:
        params = parameters_for(self.function, {}, self._kwargs)
        value = self.function(*self._args, **values_of(params, context))
        return asyncio.run(value) if inspect.iscoroutine(value) else value

    def __repr__(self) -> str:
        return f"FuncArg({getattr(self.function, '__name__', self.function)!s})"


def argument(*, materialize: str | None = None, **kwargs: object) -> Callable[[Callable[..., object]], FuncArg]:
    """Turn a function into an argument (decorator)."""
    return lambda function: FuncArg(function, materialize=materialize, **kwargs)


class Returns(dict[str, object]):
    """What tasks returned; a task or its function stands for its name."""

    def __missing__(self, task: TaskRef) -> object:
        if isinstance(task, str):
            raise KeyError(task)
        return self[name_of(task)]
