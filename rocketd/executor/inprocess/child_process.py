"""A call in a child process: a new interpreter that imports the function, and dies with its parent.

The function and its arguments are pickled, and so is what it returns or raises. The child leads a session of its own,
so that a stop reaches its whole group: TERM, and KILL after the task's grace.
"""

import ctypes
import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from threading import Lock
from typing import Final

from rocketd.executor.inprocess.call import BoundCall, CallOutcome, ProcessDied, failed_outcome
from rocketd.executor.shortage import cannot

_SPAWN: Final = multiprocessing.get_context("spawn")
"""Not fork: other threads may hold locks at that moment, and the child would wait for them for ever."""
_PR_SET_PDEATHSIG: Final = 1
"""From <sys/prctl.h>."""


class ChildProcess:
    """The child process of one run. `run` is called by a thread of its own, everything else by the loop's thread."""

    def __init__(self, call: BoundCall, on_spawn: Callable[[int], None]) -> None:
        """`on_spawn` is called with the child's pid, by the thread that calls `run`."""
        self._call = call
        self._on_spawn = on_spawn
        self._process: SpawnProcess | None = None
        self._lock = Lock()

    def run(self) -> CallOutcome:
        """Start the process and wait for its outcome."""
        if self._call.stop.is_set():
            return failed_outcome(ProcessDied(-signal.SIGTERM))
        try:
            ours, process = self._start(self._call.arguments())
        except BaseException as error:  # noqa: BLE001 - e.g. an argument that cannot be pickled
            return failed_outcome(error, prepared=False)
        outcome = CallOutcome()
        try:
            with ours, self._call.context:
                outcome = _receive_outcome(ours, process)
                _raise(outcome)
        except BaseException as error:  # noqa: BLE001 - any exception is an outcome
            return outcome if error is outcome.error else failed_outcome(error)
        finally:
            self._reap(process)
        return outcome

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, unless it has not started yet or has been reaped."""
        with self._lock:
            if self._process is not None and self._process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(self._process.pid, number)
                    os.killpg(self._process.pid, number)

    def _start(self, arguments: Mapping[str, object]) -> tuple[Connection, SpawnProcess]:
        ours, theirs = _pipe()
        with theirs:
            try:
                process = _SPAWN.Process(target=_child_main, args=(theirs, self._call.function, arguments, os.getpid()))
                process.start()
            except OSError as error:
                ours.close()
                raise cannot("a process", error) from error
            except BaseException:
                ours.close()
                raise
        with self._lock:
            self._process = process
        self._on_spawn(process.pid or 0)
        if self._call.stop.is_set():  # requested before it existed
            self.signal(signal.SIGTERM)
        return ours, process

    def _reap(self, process: SpawnProcess) -> None:
        """Collect the exit status. From now on the pid may belong to another process."""
        with self._lock:
            self._process = None
        process.join()
        process.close()


def _pipe() -> tuple[Connection, Connection]:
    try:
        return _SPAWN.Pipe(duplex=False)
    except OSError as error:
        raise cannot("a pipe", error) from error


def _raise(outcome: CallOutcome) -> None:
    """Raise the error of the call, so that the context around it sees it."""
    if outcome.error is not None:
        raise outcome.error


def _receive_outcome(ours: Connection, process: SpawnProcess) -> CallOutcome:
    """Wait for the outcome or for the end of the process; a process that it left behind may hold the pipe."""
    with _exit_descriptor(process) as end:
        wait([ours, end])
        if ours.poll():
            with suppress(EOFError):
                outcome: CallOutcome = ours.recv()
                wait([end])
                return outcome
        wait([end])
    process.join()
    return failed_outcome(ProcessDied(process.exitcode or 0))


@contextmanager
def _exit_descriptor(process: SpawnProcess) -> Iterator[int]:
    """Yield a descriptor that becomes readable when the process ends."""
    try:
        pidfd = os.pidfd_open(process.pid or 0)
    except OSError:  # descriptors are short: a process that it leaves behind may keep this one open
        yield process.sentinel
        return
    try:
        yield pidfd
    finally:
        os.close(pidfd)


def _child_main(
    result: Connection, function: Callable[..., object], arguments: Mapping[str, object], parent: int
) -> None:
    """Run in the child process: make the call and send its outcome."""
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before prctl
        os._exit(1)
    outcome = BoundCall(function, lambda: arguments).call()
    try:
        pickle.loads(pickle.dumps(outcome.error))  # noqa: S301 - our own data; some errors can be pickled, but not unpickled
        result.send(outcome)
    except Exception as error:  # noqa: BLE001 - the result or the error cannot be pickled
        result.send(_picklable_outcome(outcome, error))


def _picklable_outcome(outcome: CallOutcome, why: Exception) -> CallOutcome:
    if outcome.error is None:
        error = TypeError(f"its return value cannot be passed back from its process: {why}")
        return failed_outcome(error)
    return outcome._replace(error=RuntimeError(f"{type(outcome.error).__name__}: {outcome.error}"))
