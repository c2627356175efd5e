"""Reads the run log beside the loop, with a limit on how long a query may take."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from rocketd.background_threads import start_in_thread
from rocketd.core.duration import format_duration
from rocketd.core.errors import StoreError
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.records import RunFilter, RunPage, RunView
from rocketd.core.model.run import Action
from rocketd.core.model.run_figures import RunsOfStretch, RunSpans, SpanPlace

ANSWER_TIMEOUT: Final = 30.0
"""Seconds that an answer may take. A long list comes in parts, which take much less."""

T = TypeVar("T")


class RunReader(Protocol):
    """Looks into the run log. Blocks, and only one thread at a time may call it."""

    def runs(self, run_filter: RunFilter) -> Sequence[RunView]: ...
    def page(self, run_filter: RunFilter, after: int) -> RunPage: ...
    def runtimes(self, tasks: Sequence[str], limit: int) -> Mapping[str, Sequence[Duration]]: ...
    def stretches(self, begin: Instant, end: Instant, step: Duration, task: str) -> Sequence[RunsOfStretch]: ...
    def spans(self, begin: Instant, end: Instant, after: SpanPlace | None, limit: int) -> RunSpans: ...
    def count_old(self, before: Instant, protected: Mapping[tuple[str, Action], Duration], now: Instant) -> int: ...


class LogReader:
    """Queries a reader, one query after the other; while one hangs, the next ones fail. On the loop's thread."""

    def __init__(self, reader: RunReader, timeout: float | None) -> None:
        """`timeout`: seconds for an answer; None: as long as it takes."""
        self._reader = reader
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._pending: asyncio.Future[object] | None = None

    async def query(self, request: Callable[[RunReader], T]) -> T:
        """Return the answer, one query after the other. Raises StoreError, also if there is no answer in time."""
        async with self._lock:
            if self._pending is not None and not self._pending.done():
                raise _no_answer(self._timeout)
            try:
                pending = start_in_thread(lambda: request(self._reader))
            except RuntimeError as error:
                raise StoreError(f"the run log cannot be read now: {error}", temporary=True) from None
            self._pending = pending  # type: ignore[assignment] # a future of whatever
            done, _ = await asyncio.wait([pending], timeout=self._timeout)
            if not done:
                raise _no_answer(self._timeout)
            return pending.result()


def _no_answer(timeout: float | None) -> StoreError:
    within = f" within {format_duration(round(timeout) * SECOND)}" if timeout else ""
    return StoreError(f"the run log does not answer{within}: its disk or file server hangs", temporary=True)
