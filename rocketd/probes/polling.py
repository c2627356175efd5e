"""Looks again and again, at an interval, on the loop's thread or in one that may hang."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Final, Protocol

from rocketd.core.duration import format_duration
from rocketd.core.instant import SECOND, Duration
from rocketd.probes.prober import Tell

PATIENCE: Final[Duration] = 10 * SECOND
"""How long a look in a thread may take before it counts as failed."""


class Polling(Protocol):
    """Something that goes on until it is stopped."""

    def stop(self) -> None: ...


class RegularPolling:
    """Calls a function that answers at once; what it raises is a problem."""

    def __init__(self, look: Callable[[], bool], interval: Duration, tell: Tell) -> None:
        self._look = look
        self._interval = interval
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.TimerHandle
        self._go()

    def _go(self) -> None:
        self._next = self._loop.call_later(self._interval / SECOND, self._go)
        try:
            value = self._look()
        except Exception as error:  # noqa: BLE001 - whatever it raises, it is told
            self._tell(None, str(error) or type(error).__name__)
        else:
            self._tell(value, "")

    def stop(self) -> None:
        """Look no more."""
        self._next.cancel()


class ThreadPolling:
    """Calls a function that may hang, in a thread of its own: never a second one while the first has not answered.

    A thread that hangs for ever is given up with the process; it holds nothing that others need.
    """

    def __init__(
        self, look: Callable[[], bool], interval: Duration, tell: Tell, *, patience: Duration = PATIENCE
    ) -> None:
        self._look = look
        self._interval = interval
        self._tell = tell
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.TimerHandle | None = None
        self._overdue: asyncio.TimerHandle | None = None
        self._stopped = False
        self._looking = False
        self._go()

    def go_on(self) -> None:
        """Look again after a stop; while a look from before it has not answered, that one counts."""
        self._stopped = False
        if self._looking:
            self._hang()
        else:
            self._go()

    def _go(self) -> None:
        began = self._loop.time()
        self._looking = True
        self._overdue = self._loop.call_later(self._patience / SECOND, self._hang)

        def look() -> None:
            value, problem = _answer(self._look)
            with suppress(RuntimeError):  # the loop has been closed meanwhile
                self._loop.call_soon_threadsafe(self._answered, value, problem, began)

        try:
            Thread(target=look, name="probe", daemon=True).start()
        except RuntimeError as error:  # the host has no process number left for a thread
            self._answered(None, str(error), began)

    def _answered(self, value: bool | None, problem: str, began: float) -> None:  # noqa: FBT001 - a value
        self._looking = False
        if self._overdue is not None:
            self._overdue.cancel()
        if self._stopped:
            return
        self._tell(value, problem)
        self._next = self._loop.call_at(max(began + self._interval / SECOND, self._loop.time()), self._go)

    def _hang(self) -> None:
        self._tell(None, f"no answer within {format_duration(self._patience)}")

    def stop(self) -> None:
        """Look no more; an answer that is on its way is not told."""
        self._stopped = True
        for handle in (self._next, self._overdue):
            if handle is not None:
                handle.cancel()


def _answer(look: Callable[[], bool]) -> tuple[bool | None, str]:
    try:
        return look(), ""
    except Exception as error:  # noqa: BLE001 - whatever it raises, it is told
        return None, str(error) or type(error).__name__
