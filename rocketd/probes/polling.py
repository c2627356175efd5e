"""Polls a function at an interval, on the loop's thread or in a thread that may block."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Final

from rocketd.core.duration import format_duration
from rocketd.core.instant import SECOND, Duration
from rocketd.probes.prober import ReportValue

TIMEOUT: Final[Duration] = 10 * SECOND
"""How long a check in a thread may take before its result counts as unknown."""


class RegularPolling:
    """Polls a function that returns at once; an exception is reported as a problem."""

    def __init__(self, check: Callable[[], bool], interval: Duration, report: ReportValue) -> None:
        self._check = check
        self._interval = interval
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.TimerHandle
        self._poll()

    def _poll(self) -> None:
        self._next = self._loop.call_later(self._interval / SECOND, self._poll)
        try:
            value = self._check()
        except Exception as error:  # noqa: BLE001 - any exception is a problem to report
            self._report(None, str(error) or type(error).__name__)
        else:
            self._report(value, "")

    def stop(self) -> None:
        """Stop polling."""
        self._next.cancel()


class ThreadPolling:
    """Polls a function that may block, in a thread: there is never a second one while the first has not returned.

    A thread that blocks for ever ends with the process; it holds nothing that others need.

    With an interval of 30 s and a timeout of 10 s, on a file server that does not respond until 0:50:

    0:00  a thread starts
    0:10  reported: unknown, no answer within 10s
    0:50  the thread returns; its result is reported, and the next check starts at once: 0:30 has passed
    """

    def __init__(
        self, check: Callable[[], bool], interval: Duration, report: ReportValue, *, timeout: Duration = TIMEOUT
    ) -> None:
        self._check = check
        self._interval = interval
        self._report = report
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.TimerHandle | None = None
        self._timeout_timer: asyncio.TimerHandle | None = None
        self._stopped = False
        self._checking = False
        self._poll()

    def restart(self) -> None:
        """Poll again after a stop; if a check from before the stop has not returned, its result is used."""
        self._stopped = False
        if self._checking:
            self._report_timeout()
        else:
            self._poll()

    def _poll(self) -> None:
        started_at = self._loop.time()
        self._checking = True
        self._timeout_timer = self._loop.call_later(self._timeout / SECOND, self._report_timeout)

        def check() -> None:
            value, problem = _result_of(self._check)
            with suppress(RuntimeError):  # the loop has been closed
                self._loop.call_soon_threadsafe(self._on_result, value, problem, started_at)

        try:
            Thread(target=check, name="probe", daemon=True).start()
        except RuntimeError as error:  # no pid is left for a thread
            self._on_result(None, str(error), started_at)

    def _on_result(self, value: bool | None, problem: str, started_at: float) -> None:  # noqa: FBT001 - a value
        self._checking = False
        if self._timeout_timer is not None:
            self._timeout_timer.cancel()
        if self._stopped:
            return
        self._report(value, problem)
        self._next = self._loop.call_at(max(started_at + self._interval / SECOND, self._loop.time()), self._poll)

    def _report_timeout(self) -> None:
        self._report(None, f"no answer within {format_duration(self._timeout)}")

    def stop(self) -> None:
        """Stop polling; the result of a check in progress is not reported."""
        self._stopped = True
        for handle in (self._next, self._timeout_timer):
            if handle is not None:
                handle.cancel()


def _result_of(check: Callable[[], bool]) -> tuple[bool | None, str]:
    try:
        return check(), ""
    except Exception as error:  # noqa: BLE001 - any exception is a problem to report
        return None, str(error) or type(error).__name__
