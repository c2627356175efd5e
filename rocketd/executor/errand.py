"""One call that is to be made for a run."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from threading import Event
from typing import cast

from rocketd.beside import beside
from rocketd.executor.answer import Outcome, failed


@dataclass(frozen=True, slots=True)
class Errand:
    """A function, what it is called with, and by what it can be told to stop."""

    function: Callable[..., object]
    arguments: Callable[[], Mapping[str, object]]
    """Called where the function runs, for making them may take long; for a process, in a thread beside the loop."""
    slow: bool = False
    """Whether making the arguments may take long."""
    stop: Event = field(default_factory=Event)
    around: AbstractContextManager[object] = field(default_factory=nullcontext)
    """Entered before the function and left after it, where its arguments are made."""

    def call(self) -> Outcome:
        """Make the call here and now; a coroutine gets a loop of its own."""
        try:
            arguments = self.arguments()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the outcome
            return failed(error, prepared=False)
        try:
            with self.around:
                value = self.function(**arguments)
                if inspect.iscoroutine(value):
                    value = asyncio.run(value)
        except BaseException as error:  # noqa: BLE001 - as above
            return failed(error)
        return Outcome(value)

    async def call_in_loop(self) -> Outcome:
        """Make the call on the running loop; arguments that may take long are made beside it."""
        try:
            arguments = await beside(self.arguments) if self.slow else self.arguments()
        except asyncio.CancelledError as error:
            return failed(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome
            return failed(error, prepared=False)
        try:
            with self.around:
                return Outcome(await cast("Coroutine[object, object, object]", self.function(**arguments)))
        except (Exception, asyncio.CancelledError, SystemExit) as error:  # noqa: BLE001 - as above
            return failed(error)
