"""Hooks: functions that are called at certain points; generators continue after them."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import TypeAlias, TypeVar

from rocketd.app.arguments import ArgumentContext
from rocketd.app.parameters import parameters_for, values_of
from rocketd.background_threads import in_thread
from rocketd.core.dataclass import dataclass, field

Hook: TypeAlias = Callable[..., object]
F = TypeVar("F", bound=Hook)


@dataclass
class Hooks:
    """The hooks of a session, in the order in which they are called."""

    task_init: list[Hook] = field(default_factory=list)
    task_execute: list[Hook] = field(default_factory=list)
    scheduler_startup: list[Hook] = field(default_factory=list)
    scheduler_cycle: list[Hook] = field(default_factory=list)
    scheduler_shutdown: list[Hook] = field(default_factory=list)


@contextmanager
def around(hooks: list[Hook], context: ArgumentContext, **about: object) -> Iterator[None]:
    """Call the hooks; at the end of the block, resume generators and send them what the block raised."""
    generators = [generator for hook in hooks if (generator := _call(hook, context, about)) is not None]
    try:
        yield
    except BaseException as error:
        _finish(generators, (type(error), error, error.__traceback__))
        raise
    else:
        _finish(generators, (None, None, None))


def _call(hook: Hook, context: ArgumentContext, about: dict[str, object]) -> Generator[object, object, object] | None:
    params = parameters_for(hook, about, {})
    result = hook(**values_of(params, context))
    if not isinstance(result, Generator):
        return None
    next(result, None)
    return result


def _finish(generators: list[Generator[object, object, object]], what: tuple[object, ...]) -> None:
    for generator in generators:
        with suppress(StopIteration):
            generator.send(what)


@asynccontextmanager
async def around_async(hooks: list[Hook], context: ArgumentContext) -> AsyncIterator[None]:
    """Like `around`, in a thread; hooks may also be coroutines and asynchronous generators."""
    generators = [await _call_async(hook, context) for hook in hooks]
    try:
        yield
    except BaseException as error:
        await _finish_async(generators, (type(error), error, error.__traceback__))
        raise
    else:
        await _finish_async(generators, (None, None, None))


async def _call_async(hook: Hook, context: ArgumentContext) -> object:
    if inspect.iscoroutinefunction(hook):
        params = await in_thread(lambda: values_of(parameters_for(hook, {}, {}), context))
        await hook(**params)
        return None
    if inspect.isasyncgenfunction(hook):
        params = await in_thread(lambda: values_of(parameters_for(hook, {}, {}), context))
        generator = hook(**params)
        await anext(generator, None)
        return generator
    return await in_thread(lambda: _call(hook, context, {}))


async def _finish_async(generators: list[object], what: tuple[object, ...]) -> None:
    for generator in generators:
        if isinstance(generator, AsyncGenerator):
            with suppress(StopAsyncIteration):
                await generator.asend(what)
        elif isinstance(generator, Generator):
            await in_thread(partial(_finish, [generator], what))


def decorator(hooks: list[Hook]) -> Callable[[F], F]:
    """Return a decorator that adds to these hooks."""

    def add(function: F) -> F:
        hooks.append(function)
        return function

    return add


class Hooked:
    """An object with hooks."""

    hooks: Hooks

    def hook_startup(self) -> Callable[[F], F]:
        """Call it when the scheduler starts, before any task (decorator)."""
        return decorator(self.hooks.scheduler_startup)

    def hook_shutdown(self) -> Callable[[F], F]:
        """Call it when the scheduler stops (decorator)."""
        return decorator(self.hooks.scheduler_shutdown)

    def hook_scheduler_cycle(self) -> Callable[[F], F]:
        """Call it after each pass of the scheduler, on its thread, so it must be quick (decorator)."""
        return decorator(self.hooks.scheduler_cycle)

    def hook_task_init(self) -> Callable[[F], F]:
        """Call it with the `task` when one is created, before it is in the session (decorator)."""
        return decorator(self.hooks.task_init)

    def hook_task_execute(self) -> Callable[[F], F]:
        """Call it with the `task` around each run of a function (decorator)."""
        return decorator(self.hooks.task_execute)
