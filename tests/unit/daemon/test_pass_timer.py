"""When a pass comes, and the rehearsal before it: on a real alarm, with a clock that can be set."""

import asyncio
from collections.abc import Callable

import pytest

from rocketd.core.instant import HOUR, MILLISECOND, Duration, Instant
from rocketd.daemon.clock import SystemClock
from rocketd.daemon.pass_timer import REST, PassTimer

SOON = 2 * REST


class SetClock(SystemClock):
    """The clock of this host, set by so much."""

    by: Duration = 0

    def now(self) -> Instant:
        return super().now() + self.by


class Scene:
    """A timer, and what it did: `rehearsal` or `pass`, and when."""

    def __init__(self, *, useful: bool = True) -> None:
        self.clock = SetClock()
        self.useful = useful
        self.at_once: list[Instant] = []
        """When the rehearsal came that does not wait for its time."""
        self.happened: list[tuple[str, Instant]] = []
        self.passed = asyncio.Event()
        self.on_rehearsal: Callable[[], None] = lambda: None
        self.timer = PassTimer(self.clock, self._pass, self)

    def is_useful(self, at: Instant) -> bool:  # noqa: ARG002 - as it is asked
        return self.useful

    def __call__(self, at: Instant) -> None:  # noqa: ARG002 - as above
        if not self.at_once:
            self.at_once.append(self.clock.now())
            return
        self.happened.append(("rehearsal", self.clock.now()))
        self.on_rehearsal()

    def _pass(self) -> None:
        self.happened.append(("pass", self.clock.now()))
        self.passed.set()

    @property
    def what(self) -> list[str]:
        return [what for what, _ in self.happened]

    async def until_pass(self) -> None:
        await asyncio.wait_for(self.passed.wait(), 10)
        self.timer.close()


def test_the_first_expected_start_is_rehearsed_at_once_and_no_other() -> None:
    async def scene() -> None:
        made = Scene()
        made.timer.set(made.clock.now() + HOUR, made.clock.now())
        assert not made.at_once, "not within the pass"
        await asyncio.sleep(0)
        assert len(made.at_once) == 1
        made.timer.set(made.clock.now() + HOUR, made.clock.now())
        await asyncio.sleep(0)
        assert made.what == []
        made.timer.close()

    asyncio.run(scene())


def test_before_an_expected_start_is_a_rehearsal_and_the_pass_comes_at_its_instant() -> None:
    async def scene() -> None:
        made = Scene()
        at = made.clock.now() + SOON
        made.timer.set(at, made.clock.now())
        await made.until_pass()
        (_, passed) = made.happened[-1]
        assert passed >= at, "never early"
        assert made.what in (["rehearsal", "pass"], ["pass"]), "on a busy machine both alarms may be over at once"

    asyncio.run(scene())


@pytest.mark.parametrize(("useful", "ahead"), [(False, SOON), (True, REST // 2)])
def test_where_nothing_is_expected_or_the_daemon_is_warm_there_is_none(useful: bool, ahead: Duration) -> None:  # noqa: FBT001 - a parameter
    async def scene() -> None:
        made = Scene(useful=useful)
        made.timer.set(made.clock.now() + ahead, made.clock.now())
        await made.until_pass()
        assert made.what == ["pass"]

    asyncio.run(scene())


def test_an_event_in_between_is_a_pass_and_no_second_rehearsal() -> None:
    async def scene() -> None:
        made = Scene()
        at = made.clock.now() + SOON
        made.on_rehearsal = made.timer.wake
        made.timer.set(at, made.clock.now())
        await asyncio.wait_for(made.passed.wait(), 10)
        if made.what == ["rehearsal", "pass"]:
            made.passed.clear()
            made.timer.set(at, made.clock.now())  # as a pass does
            await made.until_pass()
            assert made.what == ["rehearsal", "pass", "pass"]

    asyncio.run(scene())


@pytest.mark.parametrize("by", [HOUR, -HOUR, 10 * MILLISECOND, -10 * MILLISECOND])
def test_a_clock_that_is_set_before_the_rehearsal_is_met_by_a_pass(by: Duration) -> None:
    async def scene() -> None:
        made = Scene()
        made.timer.set(made.clock.now() + SOON, made.clock.now())
        made.clock.by = by  # as if set: in truth the kernel rings as well
        await made.until_pass()
        assert made.what == ["pass"]

    asyncio.run(scene())


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_a_clock_that_is_set_in_the_rehearsal_is_met_by_a_pass(by: Duration) -> None:
    async def scene() -> None:
        made = Scene()
        made.on_rehearsal = lambda: setattr(made.clock, "by", by)
        made.timer.set(made.clock.now() + SOON, made.clock.now())
        await made.until_pass()
        assert made.what in (["rehearsal", "pass"], ["pass"])

    asyncio.run(scene())
