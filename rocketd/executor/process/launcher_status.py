"""Tracks a launcher until it has executed the program of its run, or has failed."""

import asyncio
from typing import Final

from rocketd.core.errors import RocketdError
from rocketd.executor.process.launcher_protocol import LauncherProgress, LaunchRequest, awaited_resource, launch_error
from rocketd.executor.process.output import Emit

REPORT_AFTER: Final = 10.0
"""Seconds after which a run that has not begun reports what it is waiting for."""


class LauncherStatus:
    """The progress of one launcher."""

    def __init__(
        self, request: LaunchRequest, progress: LauncherProgress, emit: Emit, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._request = request
        self._progress = progress
        self._emit = emit
        self._timer = loop.call_later(REPORT_AFTER, self._overdue)
        self.interrupted_wait = ""
        """What it was waiting for when its run was stopped, as a sentence; empty: its program had begun."""

    def note_stop(self) -> None:
        """Note its progress before a stop: a launcher that the stop kills looks like one that did its work."""
        message = self._progress.last_message()
        if message is not None and not message.failed:
            self.interrupted_wait = f"it had not begun: {awaited_resource(self._request, message)} did not answer"

    def launch_error(self) -> RocketdError | None:
        """Return why it failed; None if it has not."""
        message = self._progress.last_message()
        return launch_error(self._request, message) if message is not None and message.failed else None

    def close(self) -> None:
        """Stop tracking it."""
        self._timer.cancel()
        self._progress.close()

    def _overdue(self) -> None:
        message = self._progress.last_message()
        if message is not None and not message.failed:
            self._emit(
                "stderr",
                f"rocketd: {awaited_resource(self._request, message)} does not answer, so the program has not begun",
            )
