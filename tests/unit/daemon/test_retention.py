"""When old records go: by age only as much as the host was up, and never by one look at the clock."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from rocketd.core.errors import StoreError
from rocketd.core.history.history import History
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Duration, Instant
from rocketd.core.instant_text import timestamp
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.records import Alive
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.daemon.clock import Steadiness
from rocketd.daemon.record_writer import RecordWriter
from rocketd.daemon.retention import PRUNE_INTERVAL, RetentionJob
from support.event_loop import looped
from support.fakes.journal import ListJournal
from support.fakes.store import MemoryStore

NOW = 1_790_000_000 * SECOND
KEEP = 30 * DAY


class Pruned(MemoryStore):
    """Notes how old what is to go must be."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Instant] = []

    def prune(self, before: Instant, spare: Mapping[tuple[str, Action], Duration], now: Instant, limit: int) -> int:
        self.asked.append(before)
        return super().prune(before, spare, now, limit)


class Kept:
    """Records, and a clock in the hands of the test: now, monotonic and boottime."""

    def __init__(self, store: Pruned) -> None:
        self.store, self.journal = store, ListJournal()
        self.wall, self.up = NOW, 5 * MINUTE
        self.recorder = RecordWriter(store, report_outage=lambda *_: None, on_fatal=lambda _: None)
        self.begin()

    def now(self) -> Instant:
        return self.wall

    def monotonic(self) -> Duration:
        return self.up

    def boottime(self) -> Duration:
        return self.up

    def begin(self) -> None:
        """A daemon starts."""
        self.store.write([Alive(self.wall, self.up)])
        self.steady = Steadiness(self.boottime)
        self.retention = RetentionJob(
            self.recorder,
            History(),
            KEEP,
            clock=self,
            steadiness=self.steady,
            journal=self.journal,
            boot_id=self.boot_id,
        )

    @property
    def boot_id(self) -> str:
        return self.store.boot_id

    def reboot(self, off: Duration) -> None:
        self.store.boot_id += "+"
        self.wall, self.up = self.wall + off, 0
        self.begin()

    def set(self, by: Duration) -> None:
        self.wall += by
        self.steady.reset()

    async def beat(self, after: Duration) -> list[Instant]:
        """From when on records stay, as was asked by a heartbeat so much later, if it was."""
        self.wall, self.up = self.wall + after, self.up + after
        before = len(self.store.asked)
        self.retention.on_heartbeat(self.wall)
        for _ in range(4):  # the store is asked up to when time has come; then it prunes
            proved = asyncio.Event()
            self.recorder.check_alive(proved.set)
            await proved.wait()
        return self.store.asked[before:]


@asynccontextmanager
async def kept() -> AsyncIterator[Kept]:
    made = Kept(Pruned())
    yield made
    await made.recorder.close()


@looped
async def test_old_records_are_looked_for_once_an_hour() -> None:
    async with kept() as made:
        assert await made.beat(PRUNE_INTERVAL - 1) == []
        assert await made.beat(1) == [made.wall - KEEP]
        assert await made.beat(PRUNE_INTERVAL - 1) == []
        assert await made.beat(1) == [made.wall - KEEP]


@looped
async def test_a_clock_that_is_ahead_for_less_than_an_hour_deletes_nothing() -> None:
    async with kept() as made:
        await made.beat(PRUNE_INTERVAL)
        made.set(365 * DAY)
        assert await made.beat(75 * SECOND) == []
        assert await made.beat(PRUNE_INTERVAL - 76 * SECOND) == []
        made.set(-365 * DAY)
        assert await made.beat(PRUNE_INTERVAL) == [made.wall - KEEP]


@looped
async def test_a_clock_that_stays_ahead_deletes_what_grows_old_in_real_time_and_no_more() -> None:
    async with kept() as made:
        await made.beat(PRUNE_INTERVAL)
        right = made.wall
        made.set(365 * DAY)
        for hours in range(1, 5):
            assert await made.beat(PRUNE_INTERVAL) == [right + hours * HOUR - KEEP]


@looped
async def test_a_host_that_comes_up_with_a_clock_that_is_ahead_deletes_no_more_either() -> None:
    async with kept() as made:
        await made.beat(PRUNE_INTERVAL)
        right = made.wall
        made.reboot(365 * DAY)
        assert await made.beat(PRUNE_INTERVAL) == [right + PRUNE_INTERVAL - KEEP]


@looped
async def test_what_the_host_was_up_without_a_daemon_counts() -> None:
    async with kept() as made:
        await made.beat(PRUNE_INTERVAL)
        made.wall, made.up = made.wall + DAY, made.up + DAY
        made.begin()
        assert await made.beat(PRUNE_INTERVAL) == [made.wall - KEEP]


@looped
async def test_a_clock_that_was_behind_for_a_while_does_not_end_the_pruning() -> None:
    async with kept() as made:
        await made.beat(PRUNE_INTERVAL)
        made.set(-3650 * DAY)
        assert await made.beat(MINUTE) == []
        made.set(3650 * DAY)
        assert await made.beat(PRUNE_INTERVAL) == [made.wall - KEEP]


@looped
async def test_a_clock_that_was_ahead_since_the_first_start_does_not_end_the_pruning_once_it_is_right() -> None:
    async with kept() as made:
        made.set(-3650 * DAY)
        for _ in range(3):
            assert await made.beat(PRUNE_INTERVAL) == [made.wall - KEEP]


@looped
async def test_nothing_is_trusted_that_came_before_the_first_look_but_the_last_sign_of_life() -> None:
    store = Pruned()
    store.write([Alive(NOW - DAY)])  # as an older program leaves it
    store.write([Alive(NOW + 365 * DAY, HOUR)])
    assert store.clock_readings()["trusted"] == ClockReading(NOW - DAY, store.boot_id, HOUR)


@looped
async def test_what_goes_by_itself_is_told() -> None:
    async with kept() as made:
        for number in range(1, 5):
            at = NOW - KEEP - DAY
            run = Run("a", number, f"id-{number}", 1, at, at, Trigger.HAND, "")
            made.store.write([Started(run), Finished(run, End(Action.SUCCESS, Cause.EXIT, at))])
        await made.beat(PRUNE_INTERVAL)
        told = [message for message in made.journal.messages if message.startswith("deleted ")]
        assert told == [f"deleted 6 records older than {timestamp(NOW - KEEP + HOUR)} (keep in [store])"]
        await made.beat(PRUNE_INTERVAL)
        assert len([message for message in made.journal.messages if message.startswith("deleted ")]) == 1


@looped
async def test_who_asked_hears_that_the_store_failed() -> None:
    class Locked(Pruned):
        def prune(self, *_: object) -> int:
            raise StoreError("it is locked", temporary=True)

    made = Kept(Locked())
    told: asyncio.Queue[bool] = asyncio.Queue()
    made.retention.prune(NOW, NOW, told.put_nowait)
    assert await told.get() is False
    await made.recorder.close()
