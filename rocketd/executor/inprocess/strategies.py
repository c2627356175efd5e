"""The ways in which our own program makes a call: on the loop's thread, as a coroutine, in a thread, in a process.

Each begins soon after it is made, and tells on the loop's thread when it has begun and, once, when it is over. Whether
a thread ever ends is up to its function: it is told by a flag, and nothing can force it. So one that does not end when
everything must is left behind.
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


class Watched(NamedTuple):
    """Who hears of a call, on the loop's thread."""

    begun: Callable[[int], None]
    """Hears that it has begun, and of the pid if it is in a process of its own; else 0."""
    over: Callable[[CallOutcome], None]


LEFT_BEHIND: Final = 1.0
"""Seconds that a thread gets to end when everything is to end at once."""


class CallStrategy(Protocol):
    """One call that is going on."""

    def stop(self, grace: float) -> None:
        """Have it end; `grace` is in seconds. A second time changes nothing."""
        ...

    def kill(self) -> None:
        """Have it end at once."""
        ...


class ThreadStarter:
    """Starts threads from a thread of its own.

    A thread shares its working directory with the one that starts it; the loop's thread goes to other directories for
    a moment when it spawns commands.
    """

    def __init__(self) -> None:
        self._wanted: SimpleQueue[tuple[Callable[[], None], Refused] | None] = SimpleQueue()
        Thread(target=self._work, name="starter", daemon=True).start()

    def begin(self, target: Callable[[], None], refused: Refused) -> None:
        """Run this in a new thread, which does not keep the program from ending; `refused`: there is none to be had."""
        self._wanted.put((target, refused))

    def close(self) -> None:
        """Start no more."""
        self._wanted.put(None)

    def _work(self) -> None:
        while wanted := self._wanted.get():
            target, refused = wanted
            try:
                Thread(target=target, name="task", daemon=True).start()
            except RuntimeError as error:  # the system has none left
                refused(shortage_of(error) or error)


class MainThreadCall:
    """On the loop's thread: everything else waits until it is done."""

    def __init__(self, errand: BoundCall, watched: Watched, loop: asyncio.AbstractEventLoop) -> None:
        self._errand = errand
        self._watched = watched
        loop.call_soon(self._run)

    def stop(self, grace: float) -> None:  # noqa: ARG002 - there is nothing to wait for
        self._errand.stop.set()

    def kill(self) -> None:
        self._errand.stop.set()

    def _run(self) -> None:
        asked = self._errand.stop.is_set()
        if not asked:
            self._watched.begun(0)
        outcome = failed_outcome(TaskTerminationException("stopped before it began")) if asked else self._errand.call()
        self._watched.over(outcome)
        if isinstance(outcome.error, KeyboardInterrupt):
            raise outcome.error  # Ctrl-C is for the whole program


class CoroutineCall:
    """As a coroutine on the loop; a stop cancels it."""

    def __init__(self, errand: BoundCall, watched: Watched, loop: asyncio.AbstractEventLoop) -> None:
        self._errand = errand
        self._watched = watched
        self._task = loop.create_task(self._call())
        self._task.add_done_callback(self._done)

    def stop(self, grace: float) -> None:  # noqa: ARG002 - what it does about it is its own affair
        self._errand.stop.set()
        self._task.cancel()

    def kill(self) -> None:
        self.stop(0)

    async def _call(self) -> CallOutcome:
        self._watched.begun(0)
        return await self._errand.call_in_loop()

    def _done(self, task: asyncio.Task[CallOutcome]) -> None:
        if task.cancelled():  # before it could begin
            self._watched.over(failed_outcome(asyncio.CancelledError()))
        else:
            error = task.exception()
            self._watched.over(task.result() if error is None else failed_outcome(error))


class ThreadCall:
    """In a thread; a stop sets its flag."""

    def __init__(self, errand: BoundCall, watched: Watched, loop: asyncio.AbstractEventLoop, begin: Begin) -> None:
        self._errand = errand
        self._watched = watched
        self._loop = loop
        self._ended = False
        begin(self._run, self._refused)

    def stop(self, grace: float) -> None:  # noqa: ARG002 - nothing can force it
        self._errand.stop.set()

    def kill(self) -> None:
        self._errand.stop.set()
        self._loop.call_later(LEFT_BEHIND, self._leave)

    def _run(self) -> None:
        call_in(self._loop, lambda: self._watched.begun(0))
        outcome = self._errand.call()
        call_in(self._loop, lambda: self._end(outcome))

    def _refused(self, error: Exception) -> None:
        call_in(self._loop, lambda: self._end(failed_outcome(error, prepared=False)))

    def _leave(self) -> None:
        self._end(failed_outcome(TaskTerminationException("its thread ignored the stop request and was abandoned")))

    def _end(self, outcome: CallOutcome) -> None:
        if not self._ended:
            self._ended = True
            self._watched.over(outcome)


class ProcessCall:
    """In a child process, which a thread watches; a stop sends TERM to its group, and KILL later."""

    def __init__(
        self, errand: BoundCall, watched: Watched, loop: asyncio.AbstractEventLoop, begin: Begin, *, slots: Semaphore
    ) -> None:
        self._errand = errand
        self._watched = watched
        self._loop = loop
        self._slots = slots
        self._child = ChildProcess(errand, lambda pid: call_in(loop, lambda: watched.begun(pid)))
        self._killer: asyncio.TimerHandle | None = None
        begin(self._run, self._refused)

    def stop(self, grace: float) -> None:
        if self._killer is None:
            self._errand.stop.set()
            self._child.signal(signal.SIGTERM)
            self._killer = self._loop.call_later(grace, lambda: self._child.signal(signal.SIGKILL))

    def kill(self) -> None:
        self._errand.stop.set()
        self._child.signal(signal.SIGKILL)

    def _run(self) -> None:
        with self._slots:
            outcome = self._child.run()
        call_in(self._loop, lambda: self._end(outcome))

    def _end(self, outcome: CallOutcome) -> None:
        if self._killer is not None:
            self._killer.cancel()
        self._watched.over(outcome)

    def _refused(self, error: Exception) -> None:
        call_in(self._loop, lambda: self._end(failed_outcome(error, prepared=False)))


def call_in(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    """Call it on the loop's thread; a loop that is closed has given its runs up."""
    try:
        loop.call_soon_threadsafe(what)
    except RuntimeError:
        if not loop.is_closed():
            raise
