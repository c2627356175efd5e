"""Follows a launcher until it has executed the program of its run, or could not."""

import asyncio
from typing import Final

from rocketd.core.errors import RocketdError
from rocketd.executor.process.launcher import LauncherProgress, Orders, delay, failure
from rocketd.executor.process.output import Tell

PATIENCE: Final = 10.0
"""Seconds until a run that has not begun yet says what it waits for."""


class LauncherStatus:
    """How one launcher fares."""

    def __init__(self, orders: Orders, progress: LauncherProgress, tell: Tell, loop: asyncio.AbstractEventLoop) -> None:
        self._orders = orders
        self._progress = progress
        self._tell = tell
        self._timer = loop.call_later(PATIENCE, self._overdue)
        self.awaited = ""
        """What it waited for when its run was stopped, as a sentence; empty: its program had begun."""

    def stopped(self) -> None:
        """Note how far it is: afterwards a launcher that died of the stop looks like one that did its work."""
        told = self._progress.told()
        if told is not None and not told.failed:
            self.awaited = f"it had not begun: {delay(self._orders, told)} did not answer"

    def failure(self) -> RocketdError | None:
        """Say what it could not do; None as long as it has not failed."""
        told = self._progress.told()
        return failure(self._orders, told) if told is not None and told.failed else None

    def close(self) -> None:
        """Follow it no longer."""
        self._timer.cancel()
        self._progress.close()

    def _overdue(self) -> None:
        told = self._progress.told()
        if told is not None and not told.failed:
            self._tell("stderr", f"rocketd: {delay(self._orders, told)} does not answer, so the program has not begun")
