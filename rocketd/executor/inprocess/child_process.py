"""A call in a child process that imports the function, and dies with its program.

The function and its arguments are pickled, and so is what it returns or raises. The child leads a session of its own,
so that a stop reaches its whole group: TERM, and KILL after the task's grace.
"""

import pickle
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from threading import Lock
from typing import Final, TypeAlias

from rocketd.core.errors import ResourceShortage
from rocketd.executor.inprocess.call import BoundCall, CallOutcome, ProcessDied, failed_outcome
from rocketd.executor.inprocess.fork_server_client import ForkedChild, ForkServerClient, ForkServerUnusable
from rocketd.executor.inprocess.spawned_child import SpawnedChild
from rocketd.executor.process.usage import own_usage

_Received: TypeAlias = tuple[Callable[..., object], Mapping[str, object]]
_SERVER: Final = ForkServerClient()


def warm_up(module: str) -> None:
    """Have the fork server ready before the first call; `module` is that of a function to be called. Blocks."""
    with suppress(ForkServerUnusable, ResourceShortage):
        _SERVER.start(module)


class ChildProcess:
    """The child process of one run. `run` is called by a thread of its own, everything else by the loop's thread."""

    def __init__(self, call: BoundCall, on_spawn: Callable[[int], None]) -> None:
        """`on_spawn` is called with the child's pid, by the thread that calls `run`."""
        self._call = call
        self._on_spawn = on_spawn
        self._child: ForkedChild | SpawnedChild | None = None
        self._lock = Lock()

    def run(self) -> CallOutcome:
        """Start the process and wait for its outcome."""
        if self._call.stop.is_set():
            return failed_outcome(ProcessDied(-signal.SIGTERM))
        try:
            child = self._start(self._call.arguments())
        except BaseException as error:  # noqa: BLE001 - e.g. an argument that cannot be pickled
            return failed_outcome(error, prepared=False)
        outcome = CallOutcome()
        try:
            with self._call.context:
                outcome = _receive_outcome(child)
                _raise(outcome)
        except BaseException as error:  # noqa: BLE001 - any exception is an outcome
            return outcome if error is outcome.error else failed_outcome(error)
        finally:
            with self._lock:
                self._child = None
            child.close()
        return outcome

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, unless it has not started yet or has ended."""
        with self._lock:
            if self._child is not None:
                self._child.signal(number)

    def _start(self, arguments: Mapping[str, object]) -> ForkedChild | SpawnedChild:
        child = _forked(self._call.function, arguments) or SpawnedChild(answer, (self._call.function, arguments))
        with self._lock:
            self._child = child
        self._on_spawn(child.pid)
        if self._call.stop.is_set():  # requested before it existed
            self.signal(signal.SIGTERM)
        return child


def _forked(function: Callable[..., object], arguments: Mapping[str, object]) -> ForkedChild | None:
    """Return a child of the fork server that makes this call; None: another kind of child has to."""
    try:
        packed = bytes(ForkingPickler.dumps((function, arguments)))
    except Exception:  # noqa: BLE001 - it raises again there, or can be inherited only
        return None
    try:
        child = _SERVER.fork(getattr(function, "__module__", ""))
    except ForkServerUnusable:
        return None
    with suppress(OSError):  # it was killed before it read this
        child.send(packed)
    return child


def _raise(outcome: CallOutcome) -> None:
    """Raise the error of the call, so that the context around it sees it."""
    if outcome.error is not None:
        raise outcome.error


def _receive_outcome(child: ForkedChild | SpawnedChild) -> CallOutcome:
    """Wait for the outcome or for the end of the process; a process that it left behind may hold the channel."""
    wait([child.channel, child.fileno()])
    if child.channel.poll():
        with suppress(EOFError, ConnectionResetError):
            outcome: CallOutcome = child.channel.recv()
            child.join()
            return outcome
    return failed_outcome(ProcessDied(child.join()))


def answer(channel: Connection, received: _Received) -> None:
    """Run in the child process: make the call and send its outcome."""
    function, arguments = received
    outcome = BoundCall(function, lambda: arguments).call()._replace(usage=own_usage())
    try:
        pickle.loads(pickle.dumps(outcome.error))  # noqa: S301 - our own data; some errors can be pickled, but not unpickled
        channel.send(outcome)
    except Exception as error:  # noqa: BLE001 - the result or the error cannot be pickled
        channel.send(_picklable_outcome(outcome, error))


def _picklable_outcome(outcome: CallOutcome, why: Exception) -> CallOutcome:
    if outcome.error is None:
        error = TypeError(f"its return value cannot be passed back from its process: {why}")
        return failed_outcome(error)._replace(usage=outcome.usage)
    return outcome._replace(error=RuntimeError(f"{type(outcome.error).__name__}: {outcome.error}"))
