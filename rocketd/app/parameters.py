"""Named values for functions: given as they are, or by arguments that say at each run what they are."""

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Self, TypeAlias

from rocketd.app.arguments import Argument, ArgumentContext
from rocketd.app.interfaces import ParametersView

ParameterMapping: TypeAlias = Mapping[str, object]


class Parameters(ParametersView):
    """The parameters of a session or of a task. What is read from it is a value, never an argument."""

    def __init__(self, params: ParameterMapping | None = None, /, **more: object) -> None:
        self._params: dict[str, object] = {**raw(params or {}), **more}

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
        """The parameters as given, arguments among them."""
        return self._params


def raw(params: ParameterMapping) -> ParameterMapping:
    """Give the parameters as given, arguments among them."""
    return params.raw if isinstance(params, ParametersView) else params


def accepted(function: Callable[..., object]) -> list[inspect.Parameter]:
    """Give what this function can be handed by name; nothing if it cannot be looked into."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return []
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [parameter for parameter in signature.parameters.values() if parameter.kind in by_name]


def parameters_for(
    function: Callable[..., object], common: ParameterMapping, own: ParameterMapping
) -> dict[str, object]:
    """Put together what it is called with: the session's where it asks for them, its defaults, then its own."""
    names = accepted(function)
    shared = raw(common)
    chosen: dict[str, object] = {one.name: shared[one.name] for one in names if one.name in shared}
    chosen |= {one.name: one.default for one in names if isinstance(one.default, Argument)}
    return {**chosen, **raw(own)}


def values_of(params: ParameterMapping, context: ArgumentContext) -> dict[str, object]:
    """Ask every argument for its value. Raises whatever an argument raises."""
    return {
        name: value.resolve(context) if isinstance(value, Argument) else value for name, value in raw(params).items()
    }


class FuncArg(Argument):
    """What a function returns, called anew for each run, beside the loop. A coroutine gets a loop of its own."""

    def __init__(
        self, function: Callable[..., object], /, *args: object, materialize: str | None = None, **kwargs: object
    ) -> None:
        """`materialize` is `pre` for a function that is quick, and may be called on the loop's thread."""
        self.function = function
        self._materialize = materialize
        self._args = args
        self._kwargs = kwargs

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
    """Make an argument of a function (decorator)."""
    return lambda function: FuncArg(function, materialize=materialize, **kwargs)
