"""Calls of functions in the scheduler's own program, and what their outcomes mean for a run.

returned                                           success, even after a stop request: its work is done
raised Inaction or TaskInactionException           inaction
raised TaskTerminationException on a stop request  terminate; crash if the program itself is shutting down
raised anything else                               fail
"""

import asyncio
import inspect
import time
import traceback
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, nullcontext
from threading import Event
from types import TracebackType
from typing import Final, NamedTuple, cast

from rocketd.background_threads import in_thread
from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.run import NO_USAGE, Action, Cause, End, Usage
from rocketd.core.signal_names import signal_name


class TaskInactionException(Exception):
    """Raised by a task that had nothing to do: it neither succeeded nor failed."""


class TaskTerminationException(Exception):
    """Raised by a task in a thread that stops because its termination flag is set."""


class ProcessDied(Exception):
    """The process of a task ended without a result; `code` is as in `subprocess.Popen.returncode`."""

    def __init__(self, code: int) -> None:
        how = f"by signal {signal_name(-code)}" if code < 0 else f"with exit code {code}"
        super().__init__(f"its process ended {how} before the function did")
        self.code = code

    def __reduce__(self) -> tuple[type["ProcessDied"], tuple[int]]:
        return ProcessDied, (self.code,)


class CallOutcome(NamedTuple):
    """The outcome of one call."""

    value: object = None
    error: BaseException | None = None
    exc_text: str = ""
    """The traceback without the frames of this package."""
    prepared: bool = True
    """Whether its arguments could be made and passed to where it runs."""
    usage: Usage = NO_USAGE


_INACTION: Final = frozenset({"Inaction", "TaskInactionException"})
"""By name, as in a child interpreter: a function can raise them without importing this package."""
_STOPPED: Final = (TaskTerminationException, asyncio.CancelledError, ProcessDied)


def failed_outcome(error: BaseException, *, prepared: bool = True) -> CallOutcome:
    """Return the outcome of a call that raised this."""
    return CallOutcome(
        None, error, "".join(traceback.format_exception(type(error), error, _user_frames(error))), prepared
    )


def _user_frames(error: BaseException) -> TracebackType | None:
    """Skip the frames of the callers in this package."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None and _is_internal(frames):
        frames = frames.tb_next
    return frames


def _is_internal(frames: TracebackType) -> bool:
    name: object = frames.tb_frame.f_globals.get("__name__")
    return isinstance(name, str) and name.startswith(("rocketd.executor.", "rocketd.app.", "asyncio.", "contextlib"))


def end_from_outcome(outcome: CallOutcome, stop_cause: Cause | None, at: Instant, runtime: Duration) -> End:
    """Return the end of a run; `stop_cause` is why a stop was requested, `runtime` is in microseconds."""
    error = outcome.error
    if error is None:
        return End(Action.SUCCESS, Cause.EXIT, at, runtime=runtime, usage=outcome.usage)
    if isinstance(error, _STOPPED) and (stop_cause or not isinstance(error, ProcessDied)):
        action = Action.CRASH if stop_cause is Cause.SHUTDOWN else Action.TERMINATE
        message = sentence(error)
        return End(action, stop_cause or Cause.EXIT, at, message=message, runtime=runtime, usage=outcome.usage)
    if _is_inaction(error):
        return End(Action.INACTION, Cause.EXIT, at, message=str(error), runtime=runtime, usage=outcome.usage)
    code = error.code if isinstance(error, ProcessDied) else None
    return End(
        action=Action.FAIL,
        cause=Cause.EXIT,
        at=at,
        exit_code=code if code is not None and code >= 0 else None,
        signal=-code if code is not None and code < 0 else None,
        message=sentence(error) if outcome.prepared else f"could not be set up: {sentence(error)}",
        exc_text=outcome.exc_text,
        runtime=runtime,
        usage=outcome.usage,
    )


def sentence(error: BaseException) -> str:
    """Return the exception as one line."""
    if isinstance(error, _STOPPED):
        return str(error)
    formatted = traceback.TracebackException(type(error), error, None)
    formatted.__notes__ = None  # they would be its last lines
    return list(formatted.format_exception_only())[-1].strip().partition("\n")[0]


def _is_inaction(error: BaseException) -> bool:
    return any(base.__name__ in _INACTION for base in type(error).__mro__)


@dataclass(frozen=True, slots=True)
class BoundCall:
    """A function with its arguments and a stop flag."""

    function: Callable[..., object]
    arguments: Callable[[], Mapping[str, object]]
    """Called where the function runs, as making them may take long; for a process, in a background thread."""
    slow: bool = False
    """Whether making the arguments may take long."""
    stop: Event = field(default_factory=Event)
    context: AbstractContextManager[object] = field(default_factory=nullcontext)
    """Entered before the call and left after it, where the arguments are made."""

    def call(self) -> CallOutcome:
        """Make the call on this thread, and measure its CPU time; a coroutine gets a loop of its own."""
        before = time.thread_time_ns()
        outcome = self._outcome()
        return outcome._replace(usage=Usage(cpu=(time.thread_time_ns() - before) // 1000))

    def _outcome(self) -> CallOutcome:
        try:
            arguments = self.arguments()
        except BaseException as error:  # noqa: BLE001 - any exception is an outcome
            return failed_outcome(error, prepared=False)
        try:
            with self.context:
                value = self.function(**arguments)
                if inspect.iscoroutine(value):
                    value = asyncio.run(value)
        except BaseException as error:  # noqa: BLE001 - as above
            return failed_outcome(error)
        return CallOutcome(value)

    async def call_in_loop(self) -> CallOutcome:
        """Make the call on the running loop; slow arguments are made in a background thread."""
        try:
            arguments = await in_thread(self.arguments) if self.slow else self.arguments()
        except asyncio.CancelledError as error:
            return failed_outcome(error)
        except Exception as error:  # noqa: BLE001 - any exception is an outcome
            return failed_outcome(error, prepared=False)
        try:
            with self.context:
                return CallOutcome(await cast("Coroutine[object, object, object]", self.function(**arguments)))
        except (Exception, asyncio.CancelledError, SystemExit) as error:  # noqa: BLE001 - as above
            return failed_outcome(error)
