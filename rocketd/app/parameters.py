"""Named values for functions: given as they are, or by arguments that say at each run what they are."""

import inspect
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Self, TypeAlias

from rocketd.app.arguments import Argument, Asked

Given: TypeAlias = Mapping[str, object]


class Parameters(MutableMapping[str, object]):
    """The parameters of a session or of a task. What is read from it is a value, never an argument."""

    def __init__(self, params: Given | None = None, /, **more: object) -> None:
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

    def __or__(self, other: Given) -> Self:
        return type(self)({**self._params, **raw(other)})

    def __repr__(self) -> str:
        return f"Parameters({', '.join(f'{name}={value!r}' for name, value in self._params.items())})"

    @property
    def raw(self) -> dict[str, object]:
        """The parameters as given, arguments among them."""
        return self._params


def raw(params: Given) -> Given:
    """Give the parameters as given, arguments among them."""
    return params.raw if isinstance(params, Parameters) else params


def accepted(function: Callable[..., object]) -> list[inspect.Parameter]:
    """Give what this function can be handed by name; nothing if it cannot be looked into."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return []
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [parameter for parameter in signature.parameters.values() if parameter.kind in by_name]


def parameters_for(function: Callable[..., object], common: Given, own: Given) -> dict[str, object]:
    """Put together what it is called with: the session's where it asks for them, its defaults, then its own."""
    names = accepted(function)
    shared = raw(common)
    chosen: dict[str, object] = {one.name: shared[one.name] for one in names if one.name in shared}
    chosen |= {one.name: one.default for one in names if isinstance(one.default, Argument)}
    return {**chosen, **raw(own)}


def values_of(params: Given, asked: Asked) -> dict[str, object]:
    """Ask every argument for its value. Raises whatever an argument raises."""
    return {name: value.ask(asked) if isinstance(value, Argument) else value for name, value in raw(params).items()}
