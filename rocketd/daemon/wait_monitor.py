"""Reports what the daemon waits for, once it has waited for a moment: in the journal, and in the status meanwhile."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from rocketd.background_threads import start_in_thread
from rocketd.core.clock import Clock
from rocketd.core.instant import Instant, datetime_of
from rocketd.core.messages import daemon_messages
from rocketd.daemon.ports import Journal

REPORT_AFTER: Final = 2.0
"""Seconds; a shorter wait is not reported."""
MAX_SHOWN: Final = 3
"""How many waits a status line names."""

T = TypeVar("T")


class WaitMonitor:
    """Runs work that may hang beside the loop, and reports what it waits for. On the loop's thread."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.show_status: Callable[[str], None] = lambda _: None
        """Shows a wait in the status; empty: nothing is waited for."""
        self._journal = journal
        self._clock = clock

    async def run(self, work: Callable[[], T], waits_for: Callable[[], Sequence[str]]) -> T:
        """Do it in another thread, and raise what it raises; `waits_for` returns what it waits for at the moment."""
        began = self._clock.monotonic()
        future = start_in_thread(work)
        reported = ""
        while not future.done():
            await asyncio.wait([future], timeout=REPORT_AFTER)
            waits = joined(waits_for())
            if not future.done() and waits not in ("", reported):
                reported = waits
                self._report(waits)
        if reported:
            self._journal.write(daemon_messages.answered(reported, self._clock.monotonic() - began))
            self.show_status("")
        return future.result()

    def _report(self, waits: str) -> None:
        self._journal.write(daemon_messages.waits(waits))
        self.show_status(f"waiting: {waits}")


def no_answer_since(waits_for: str, at: Instant) -> str:
    """Return a sentence that says since when something has not answered."""
    return f"{waits_for}: no answer since {datetime_of(at):%H:%M:%S} UTC"


def joined(waits: Sequence[str]) -> str:
    """Join waits to one line, the first few of them."""
    more = [f"{len(waits) - MAX_SHOWN} more"] if len(waits) > MAX_SHOWN else []
    return "; ".join([*waits[:MAX_SHOWN], *more])
