"""Reports what a start hangs in, from a thread: what is being opened may block the loop, which cannot report it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Final

REPORT_AFTER: Final = 5.0
"""Seconds of waiting that are not reported."""


class StartupMonitor:
    """Watches one step of the start after the other, from a thread."""

    def __init__(self, show: Callable[[str], None]) -> None:
        """`show` shows a text in the status, and is called by another thread."""
        self._show = show

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Do a step inside, and report it if it takes long: to standard error, which reaches the journal as well."""
        timer = Timer(REPORT_AFTER, self._report, [f"starting: still waiting for {what}"])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _report(self, text: str) -> None:
        self._show(text)
        with suppress(OSError):  # nobody reads standard error
            os.write(2, f"rocketd: {text}\n".encode())
