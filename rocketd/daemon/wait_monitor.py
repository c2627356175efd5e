"""What the daemon waits for, once it has waited for a moment: told in the journal, shown in the status meanwhile."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from rocketd.background_threads import WorkTimeout, start_in_thread
from rocketd.core.clock import Clock
from rocketd.core.instant import Instant, datetime_of
from rocketd.core.messages import daemon_messages
from rocketd.daemon.ports import Journal

REPORT_AFTER: Final = 2.0
"""Seconds that need not be told."""
MAX_SHOWN: Final = 3
"""How much of what is waited for a status can bear."""

T = TypeVar("T")


class WaitMonitor:
    """Does what may hang beside the loop, and tells what it waits for. On the loop's thread."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.show_status: Callable[[str], None] = lambda _: None
        """Shows what is waited for in the status; empty: nothing is."""
        self._journal = journal
        self._clock = clock

    async def run(
        self, work: Callable[[], T], what: Callable[[], Sequence[str]], *, patience: float | None = None
    ) -> T:
        """Do it; `what` says what it waits for. Raises what it raises, and TooLong after so many seconds."""
        loop = asyncio.get_running_loop()
        began, until = self._clock.monotonic(), None if patience is None else loop.time() + patience
        future = start_in_thread(work)
        told = ""
        while not future.done():
            left = REPORT_AFTER if until is None else min(REPORT_AFTER, until - loop.time())
            if left <= 0:
                raise WorkTimeout
            await asyncio.wait([future], timeout=left)
            waits = joined(what())
            if not future.done() and waits not in ("", told):
                told = waits
                self._tell(waits)
        if told:
            self._journal.write(daemon_messages.answered(told, self._clock.monotonic() - began))
            self.show_status("")
        return future.result()

    def _tell(self, waits: str) -> None:
        self._journal.write(daemon_messages.waits(waits))
        self.show_status(f"waiting: {waits}")


def no_answer_since(what: str, at: Instant) -> str:
    """Say since when it has not answered."""
    return f"{what}: no answer since {datetime_of(at):%H:%M:%S} UTC"


def joined(waits: Sequence[str]) -> str:
    """Put together what is waited for, as far as a line can bear it."""
    more = [f"{len(waits) - MAX_SHOWN} more"] if len(waits) > MAX_SHOWN else []
    return "; ".join([*waits[:MAX_SHOWN], *more])
