"""When old records go."""

import asyncio
from collections.abc import Mapping

from fakes_store import MemoryStore
from looped import looped
from rocketd.core.errors import StoreError
from rocketd.core.history import History
from rocketd.core.instant import DAY, SECOND, Duration, Instant
from rocketd.core.run import Action
from rocketd.daemon.recorder import Recorder
from rocketd.daemon.retention import EVERY, FIRST, Retention

NOW = 1_790_000_000 * SECOND


class Pruned(MemoryStore):
    """Notes how old what is to go must be."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: asyncio.Queue[Instant] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def prune(self, before: Instant, spare: Mapping[tuple[str, Action], Duration], now: Instant, limit: int) -> int:
        self._loop.call_soon_threadsafe(self.asked.put_nowait, before)
        return super().prune(before, spare, now, limit)


@looped
async def test_a_clock_that_was_set_back_does_not_end_the_pruning() -> None:
    store = Pruned()
    recorder = Recorder(store, trouble=lambda *_: None, fatal=lambda _: None)
    wrong = NOW + 3650 * DAY
    retention = Retention(recorder, History(), DAY, wrong)
    retention.beat(wrong + FIRST)
    assert await store.asked.get() == wrong + FIRST - DAY
    proved = asyncio.Event()
    recorder.prove(proved.set)
    await proved.wait()
    retention.beat(NOW)
    retention.beat(NOW + EVERY)
    assert await asyncio.wait_for(store.asked.get(), 30) == NOW + EVERY - DAY
    await recorder.close()


@looped
async def test_who_asked_hears_that_the_store_failed() -> None:
    class Locked(MemoryStore):
        def prune(self, *_: object) -> int:
            raise StoreError("it is locked", temporary=True)

    recorder = Recorder(Locked(), trouble=lambda *_: None, fatal=lambda _: None)
    told: asyncio.Queue[bool] = asyncio.Queue()
    Retention(recorder, History(), DAY, NOW).prune(NOW, NOW, told.put_nowait)
    assert await told.get() is False
    await recorder.close()
