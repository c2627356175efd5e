"""A stop does not wait for ever for records that a hung disk or file server does not take."""

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
    """Has the recorder prove again and again that it is not stuck. On the loop's thread."""

    def __init__(self, recorder: RecordWriter, going: Callable[[], int], fail: Callable[[StoreError], None]) -> None:
        """`going` counts the runs that have not ended; `fail` hears of a recorder that is stuck without any."""
        self._recorder = recorder
        self._going = going
        self._fail = fail
        self._patience = WRITE_TIMEOUT
        self._unproved = 0
        """How many looks in a row found that the last proof had not come."""
        self._next: asyncio.TimerHandle | None = None
        self._go()

    def shorten_timeout(self) -> None:
        """Wait no longer than a moment."""
        self._patience = SHORT_WRITE_TIMEOUT
        self._set()

    def close(self) -> None:
        """Nobody waits any more."""
        if self._next is not None:
            self._next.cancel()

    def _go(self) -> None:
        if self._unproved > CHECKS and not self._going():
            self._fail(no_answer())
            return
        if not self._unproved:
            self._recorder.check_alive(self._proved)
        self._unproved += 1
        self._set()

    def _set(self) -> None:
        if self._next is not None:
            self._next.cancel()
        self._next = asyncio.get_running_loop().call_later(self._patience / CHECKS, self._go)

    def _proved(self) -> None:
        self._unproved = 0
