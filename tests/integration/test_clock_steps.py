"""What the loop makes of the clock: that it was set, that the host slept, whose records lie ahead."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rocketd.app.loop_ports import NullServiceManager
from rocketd.core.instant import DAY, FOREVER, HOUR, MILLISECOND, MINUTE, SECOND, Duration, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import FALSE
from rocketd.core.model.events import Finished, Spawned, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import Command, Task
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.clock import TimerAlarm
from rocketd.daemon.error_policy import SilencedErrors
from rocketd.daemon.loop import Loop
from rocketd.daemon.record_writer import RecordWriter
from support.event_loop import looped
from support.fakes.executor import Script, ScriptedExecutor
from support.fakes.journal import ListJournal
from support.fakes.store import MemoryStore

NOW: Instant = 4_000_000_000 * SECOND
"""So far ahead of the host's own clock that no alarm ever rings: who wakes the loop is up to the test."""
TIMEOUT = 60
"""Seconds that a busy machine may take."""
TASK = Task("backup", Command(("/bin/true",)), when=parse("daily"))


class SetClock:
    """A clock that stands still until somebody sets it, has it sleep or go on, or makes it restless."""

    def __init__(self) -> None:
        self.wall, self.awake, self.asleep = NOW, HOUR, 0
        self.restless: Duration = 0
        """By how much it goes on at each look."""

    def now(self) -> Instant:
        self.go_on(self.restless)
        return self.wall

    def monotonic(self) -> Duration:
        return self.awake

    def boottime(self) -> Duration:
        return self.awake + self.asleep

    def go_on(self, by: Duration) -> None:
        self.wall, self.awake = self.wall + by, self.awake + by

    def sleep(self, by: Duration) -> None:
        self.wall, self.asleep = self.wall + by, self.asleep + by

    def set(self, by: Duration) -> None:
        self.wall += by


class Looking:
    """A loop that has one task, which has just run, and a clock in the hands of the test."""

    def __init__(self, manager: NullServiceManager) -> None:
        self.clock, self.journal, self.store = SetClock(), ListJournal(), MemoryStore()
        scheduler = Scheduler(host="here", new_run_id=str, max_running=1)
        self.loop = Loop(
            scheduler=scheduler, clock=self.clock, journal=self.journal, manager=manager, silenced=SilencedErrors()
        )
        scheduler.load([TASK], NOW, {})
        run = Run("backup", 1, "id-1", 1, NOW, NOW, Trigger.SCHEDULE, "daily")
        scheduler.replay([Started(run), Finished(run, End(Action.SUCCESS, Cause.EXIT, NOW))], [], NOW)
        self.passes: asyncio.Queue[Instant] = asyncio.Queue()
        self.loop.pass_hooks.append(self._passed)

    def _passed(self, now: Instant) -> Instant:
        self.passes.put_nowait(now)
        return FOREVER

    async def told_after(self, change: Callable[[], None]) -> list[str]:
        """What is told in the pass after something has happened to the clock."""
        before = len(self.journal.messages)
        change()
        self.loop.wake()
        while await self.passes.get() != self.clock.wall:
            pass
        return self.journal.messages[before:]


class Impatient(NullServiceManager):
    """A service manager that waits for a heartbeat every few milliseconds."""

    @property
    def watchdog(self) -> Duration:
        return 20 * MILLISECOND


@asynccontextmanager
async def looking(manager: NullServiceManager | None = None) -> AsyncIterator[Looking]:
    made = Looking(manager or NullServiceManager())
    executor = ScriptedExecutor(
        made.loop.handle_event, made.loop.handle_output, lambda *_: Script(), lambda call: call(), made.clock.now
    )
    recorder = RecordWriter(made.store, report_outage=lambda *_: None, on_fatal=made.loop.fail)
    made.loop.start(executor, recorder)
    await made.passes.get()
    try:
        yield made
    finally:
        made.loop.stop(0)
        await made.loop.until_done()
        await recorder.close()


@looped
async def test_a_clock_that_goes_on_is_nothing_to_tell_nor_is_one_that_is_slewed() -> None:
    async with looking() as made:
        assert await made.told_after(lambda: made.clock.go_on(MINUTE)) == []
        assert await made.told_after(lambda: made.clock.set(SECOND // 5)) == []


@looped
async def test_a_clock_that_is_set_is_told_with_its_direction() -> None:
    async with looking() as made:
        assert await made.told_after(lambda: made.clock.set(HOUR)) == ["the clock was set forward by 1h"]
        assert await made.told_after(lambda: made.clock.set(-MINUTE)) == ["the clock was set back by 1min"]
        assert await made.told_after(lambda: made.clock.go_on(MINUTE)) == [], "it is told once"


@looped
async def test_a_suspend_is_told_and_is_no_step() -> None:
    async with looking() as made:
        assert await made.told_after(lambda: made.clock.sleep(HOUR)) == ["the host was suspended for 1h"]


@looped
async def test_a_task_whose_records_lie_far_ahead_is_named() -> None:
    async with looking() as made:
        (step, ahead) = await made.told_after(lambda: made.clock.set(-DAY))
        assert step == "the clock was set back by 1d"
        assert ahead.startswith("backup: its records are dated more than 3 h in the future")


@looped
async def test_in_a_pass_the_clock_is_read_once() -> None:
    async with looking() as made:
        made.clock.go_on(DAY)
        made.clock.restless = SECOND
        made.loop.wake()
        now = await made.passes.get()
        run = made.loop.scheduler.history.of("backup").last_scheduled
        assert run is not None
        assert (run.number, run.start) == (2, now)


@looped
async def test_what_happened_to_the_clock_is_noticed_at_the_next_heartbeat_if_nothing_wakes_the_loop_before() -> None:
    async with looking(Impatient()) as made:
        for change, told in (
            (made.clock.sleep, "the host was suspended for 1h"),
            (made.clock.set, "the clock was set forward by 1h"),
        ):
            change(HOUR)
            async with asyncio.timeout(TIMEOUT):
                assert await made.passes.get() == made.clock.wall, "everything is judged again"
            assert made.journal.messages[-1] == told


@pytest.mark.parametrize("how", ["sleep", "set"])
@looped
async def test_a_timeout_goes_on_from_where_it_was(how: str) -> None:
    async with looking() as made:
        scheduler = made.loop.scheduler
        scheduler.load([replace(TASK, when=FALSE, timeout=10 * MINUTE)], NOW, {})
        run = Run("backup", 2, "id-2", 1, NOW, NOW, Trigger.HAND, "by hand")
        scheduler.learn(Started(run))
        scheduler.learn(Spawned(run, 1, 1, NOW))
        made.clock.go_on(MINUTE)
        await made.told_after(lambda: getattr(made.clock, how)(HOUR))
        look_again = scheduler.next_check()
        scheduler.learn(Finished(run, End(Action.SUCCESS, Cause.EXIT, made.clock.wall)))
        assert look_again == made.clock.wall + 9 * MINUTE


@looped
async def test_every_heartbeat_leaves_a_sign_of_life() -> None:
    async with looking(Impatient()) as made:
        beaten: asyncio.Queue[Instant] = asyncio.Queue()
        made.loop.heartbeat_hooks.append(beaten.put_nowait)
        made.clock.go_on(MINUTE)
        async with asyncio.timeout(TIMEOUT):
            while made.store.last_alive() != made.clock.wall:
                await beaten.get()


def timers() -> set[str]:
    """The timerfds of this process; other tests may have left some."""
    return {path.name for path in Path("/proc/self/fd").iterdir() if "timerfd" in str(path.resolve())}


def seconds_left(timer: str) -> int:
    """Until that timerfd rings, as the kernel counts them."""
    told = Path(f"/proc/self/fdinfo/{timer}").read_text()
    return int(told.partition("it_value: (")[2].partition(",")[0])


@looped
async def test_an_alarm_that_need_not_ring_is_set_to_a_time_that_no_host_shows() -> None:
    """A time that has passed rings at once: after it the loop would do nothing else but set it again."""
    before = timers()
    alarm = TimerAlarm(lambda: None)
    (timer,) = timers() - before
    left = seconds_left(timer)
    alarm.close()
    assert time.time() + left > datetime(2200, 1, 1, tzinfo=UTC).timestamp()
