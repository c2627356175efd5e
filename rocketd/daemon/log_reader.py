"""Looking into the run log beside the loop: whoever asks waits, and not for ever."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from rocketd.background_threads import start_in_thread
from rocketd.core.duration import format_duration
from rocketd.core.errors import StoreError
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.records import RunFilter, RunPage, RunView
from rocketd.core.model.run import Action

ANSWER_TIMEOUT: Final = 30.0
"""Seconds that an answer may take. A long list comes in parts, which take much less."""

T = TypeVar("T")


class RunReader(Protocol):
    """Looks into the run log. Blocks, and only one thread at a time may call it."""

    def runs(self, wanted: RunFilter) -> Sequence[RunView]: ...
    def page(self, wanted: RunFilter, after: int) -> RunPage: ...
    def count_old(self, before: Instant, spare: Mapping[tuple[str, Action], Duration], now: Instant) -> int: ...


class LogReader:
    """Asks a reader, one thing after the other; while one hangs, nothing else is asked. On the loop's thread."""

    def __init__(self, reader: RunReader, patience: float | None) -> None:
        """`patience`: seconds for an answer; None: as long as it takes."""
        self._reader = reader
        self._patience = patience
        self._turn = asyncio.Lock()
        self._looking: asyncio.Future[object] | None = None

    async def query(self, question: Callable[[RunReader], T]) -> T:
        """Give the answer, after those that were asked before; raises StoreError, also if there is none in time."""
        async with self._turn:
            if self._looking is not None and not self._looking.done():
                raise _no_answer(self._patience)
            looking = start_in_thread(lambda: question(self._reader))
            self._looking = looking  # type: ignore[assignment] # a future of whatever
            done, _ = await asyncio.wait([looking], timeout=self._patience)
            if not done:
                raise _no_answer(self._patience)
            return looking.result()


def _no_answer(patience: float | None) -> StoreError:
    within = f" within {format_duration(round(patience) * SECOND)}" if patience else ""
    return StoreError(f"the run log does not answer{within}: its disk or file server hangs", temporary=True)
