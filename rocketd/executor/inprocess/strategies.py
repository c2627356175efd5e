"""The strategies for making a call: on the loop's thread, as a coroutine, in a thread, in a child process.

Each starts soon after it is made, and reports its start and its end, once each, on the loop's thread. A stop only sets
a flag for a thread: whether the thread ends is up to its function. A thread that does not end in time is abandoned.
"""

import asyncio
import signal
from collections.abc import Callable
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import Final, NamedTuple, Protocol, TypeAlias

from rocketd.executor.inprocess.call import BoundCall, CallOutcome, TaskTerminationException, failed_outcome
from rocketd.executor.inprocess.child_process import ChildProcess
from rocketd.executor.shortage import shortage_of

Refused: TypeAlias = Callable[[Exception], None]
Begin: TypeAlias = Callable[[Callable[[], None], Refused], None]


class CallObserver(NamedTuple):
    """Callbacks for the start and the end of a call, on the loop's thread."""

    started: Callable[[int], None]
    """Called at the start, with the pid of the child process, or 0 without one."""
    finished: Callable[[CallOutcome], None]


ABANDON_AFTER: Final = 1.0
"""Seconds that a thread gets to end when all calls are stopped at once."""


class CallStrategy(Protocol):
    """One active call."""

    def stop(self, grace: float) -> None:
        """Request a stop; `grace` is in seconds. A second request changes nothing."""
        ...

    def kill(self) -> None:
        """Stop it at once."""
        ...


class ThreadStarter:
    """Starts threads from a thread of its own.

    A thread shares its working directory with the one that starts it, and the loop's thread enters other directories
    while it spawns commands.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[Callable[[], None], Refused] | None] = SimpleQueue()
        Thread(target=self._work, name="starter", daemon=True).start()

    def begin(self, target: Callable[[], None], refused: Refused) -> None:
        """Run `target` in a new daemon thread; call `refused` if no thread can be started."""
        self._queue.put((target, refused))

    def close(self) -> None:
        """Stop starting threads."""
        self._queue.put(None)

    def _work(self) -> None:
        while request := self._queue.get():
            target, refused = request
            try:
                Thread(target=target, name="task", daemon=True).start()
            except RuntimeError as error:  # the system cannot start one
                refused(shortage_of(error) or error)


class MainThreadCall:
    """A call on the loop's thread: everything else waits until it is done."""

    def __init__(self, call: BoundCall, observer: CallObserver, loop: asyncio.AbstractEventLoop) -> None:
        self._bound = call
        self._observer = observer
        loop.call_soon(self._run)

    def stop(self, grace: float) -> None:  # noqa: ARG002 - it cannot be interrupted
        self._bound.stop.set()

    def kill(self) -> None:
        self._bound.stop.set()

    def _run(self) -> None:
        stopped = self._bound.stop.is_set()
        if not stopped:
            self._observer.started(0)
        outcome = failed_outcome(TaskTerminationException("stopped before it began")) if stopped else self._bound.call()
        self._observer.finished(outcome)
        if isinstance(outcome.error, KeyboardInterrupt):
            raise outcome.error  # Ctrl-C is for the whole program


class CoroutineCall:
    """A call of a coroutine on the loop; a stop cancels it."""

    def __init__(self, call: BoundCall, observer: CallObserver, loop: asyncio.AbstractEventLoop) -> None:
        self._bound = call
        self._observer = observer
        self._task = loop.create_task(self._call())
        self._task.add_done_callback(self._done)

    def stop(self, grace: float) -> None:  # noqa: ARG002 - a coroutine cannot be forced
        self._bound.stop.set()
        self._task.cancel()

    def kill(self) -> None:
        self.stop(0)

    async def _call(self) -> CallOutcome:
        self._observer.started(0)
        return await self._bound.call_in_loop()

    def _done(self, task: asyncio.Task[CallOutcome]) -> None:
        if task.cancelled():  # before it began
            self._observer.finished(failed_outcome(asyncio.CancelledError()))
        else:
            error = task.exception()
            self._observer.finished(task.result() if error is None else failed_outcome(error))


class ThreadCall:
    """A call in a thread; a stop sets its flag."""

    def __init__(self, call: BoundCall, observer: CallObserver, loop: asyncio.AbstractEventLoop, begin: Begin) -> None:
        self._bound = call
        self._observer = observer
        self._loop = loop
        self._ended = False
        begin(self._run, self._refused)

    def stop(self, grace: float) -> None:  # noqa: ARG002 - a thread cannot be forced
        self._bound.stop.set()

    def kill(self) -> None:
        self._bound.stop.set()
        self._loop.call_later(ABANDON_AFTER, self._abandon)

    def _run(self) -> None:
        call_in(self._loop, lambda: self._observer.started(0))
        outcome = self._bound.call()
        call_in(self._loop, lambda: self._end(outcome))

    def _refused(self, error: Exception) -> None:
        call_in(self._loop, lambda: self._end(failed_outcome(error, prepared=False)))

    def _abandon(self) -> None:
        self._end(failed_outcome(TaskTerminationException("its thread ignored the stop request and was abandoned")))

    def _end(self, outcome: CallOutcome) -> None:
        if not self._ended:
            self._ended = True
            self._observer.finished(outcome)


class ProcessCall:
    """A call in a child process, which a thread supervises; a stop sends TERM to its group, and KILL later."""

    def __init__(
        self,
        call: BoundCall,
        observer: CallObserver,
        loop: asyncio.AbstractEventLoop,
        begin: Begin,
        *,
        slots: Semaphore,
    ) -> None:
        self._bound = call
        self._observer = observer
        self._loop = loop
        self._slots = slots
        self._child = ChildProcess(call, lambda pid: call_in(loop, lambda: observer.started(pid)))
        self._killer: asyncio.TimerHandle | None = None
        begin(self._run, self._refused)

    def stop(self, grace: float) -> None:
        if self._killer is None:
            self._bound.stop.set()
            self._child.signal(signal.SIGTERM)
            self._killer = self._loop.call_later(grace, lambda: self._child.signal(signal.SIGKILL))

    def kill(self) -> None:
        self._bound.stop.set()
        self._child.signal(signal.SIGKILL)

    def _run(self) -> None:
        with self._slots:
            outcome = self._child.run()
        call_in(self._loop, lambda: self._end(outcome))

    def _end(self, outcome: CallOutcome) -> None:
        if self._killer is not None:
            self._killer.cancel()
        self._observer.finished(outcome)

    def _refused(self, error: Exception) -> None:
        call_in(self._loop, lambda: self._end(failed_outcome(error, prepared=False)))


def call_in(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    """Call `what` on the loop's thread; does nothing if the loop is closed: its runs have been given up."""
    try:
        loop.call_soon_threadsafe(what)
    except RuntimeError:
        if not loop.is_closed():
            raise
