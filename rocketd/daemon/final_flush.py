"""Ends a stop whose last records a hung disk or file server does not take."""

import asyncio
from collections.abc import Callable
from typing import Final

from rocketd.core.errors import StoreError
from rocketd.daemon.record_writer import RecordWriter
from rocketd.daemon.store_outage import no_answer

WRITE_TIMEOUT: Final = 15.0
"""Seconds for which the writing thread may show no sign of life once every run has ended."""
SHORT_WRITE_TIMEOUT: Final = 5.0
"""The same, for who asks a second time to stop."""
CHECKS: Final = 3
"""How often it is looked for one in that time."""


class FinalFlush:
    """Checks again and again that the record writer does not hang. On the loop's thread."""

    def __init__(
        self, recorder: RecordWriter, active_count: Callable[[], int], fail: Callable[[StoreError], None]
    ) -> None:
        """`active_count` counts the runs that have not ended; `fail` hears of a recorder that is stuck without any."""
        self._recorder = recorder
        self._active_count = active_count
        self._fail = fail
        self._timeout = WRITE_TIMEOUT
        self._missed_checks = 0
        """How many looks in a row found that the last proof had not come."""
        self._timer: asyncio.TimerHandle | None = None
        self._check()

    def shorten_timeout(self) -> None:
        """Wait for a shorter time from now on."""
        self._timeout = SHORT_WRITE_TIMEOUT
        self._schedule()

    def close(self) -> None:
        """Stop checking."""
        if self._timer is not None:
            self._timer.cancel()

    def _check(self) -> None:
        if self._missed_checks > CHECKS and not self._active_count():
            self._fail(no_answer())
            return
        if not self._missed_checks:
            self._recorder.check_alive(self._writer_answered)
        self._missed_checks += 1
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._timeout / CHECKS, self._check)

    def _writer_answered(self) -> None:
        self._missed_checks = 0
