"""An argument that is what a function returns."""

import asyncio
import inspect
from collections.abc import Callable

from rocketd.app.arguments import Argument, Asked
from rocketd.app.parameters import parameters_for, values_of


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

    def takes_long(self, asked: Asked) -> bool:
        late = (self._materialize or asked.session.config.param_materialize) == "post"
        return late or inspect.iscoroutinefunction(self.function)

    def ask(self, asked: Asked) -> object:
        params = parameters_for(self.function, {}, self._kwargs)
        value = self.function(*self._args, **values_of(params, asked))
        return asyncio.run(value) if inspect.iscoroutine(value) else value

    def __repr__(self) -> str:
        return f"FuncArg({getattr(self.function, '__name__', self.function)!s})"


def argument(*, materialize: str | None = None, **kwargs: object) -> Callable[[Callable[..., object]], FuncArg]:
    """Make an argument of a function (decorator)."""
    return lambda function: FuncArg(function, materialize=materialize, **kwargs)
