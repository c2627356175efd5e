"""Whatever is done to the clock: nothing is missed by it, no window is used twice, and nothing goes silent.

Each seed is a world of its own: somebody sets the clock again and again, by seconds or years, in either direction and
back again, at random moments; in some worlds the daemon is started again as well, perhaps by another clock.
"""

import os
from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Duration, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Missed
from rocketd.core.model.task import Command, Task
from support.simulated_world import Behaviour, World

SEEDS = int(os.environ.get("ROCKETD_SEEDS", "8"))
FIXED = (
    "daily",
    "weekly",
    "daily.at('03:00', '15:30')",
    "cron('0 3 * * *')",
    "cron('30 0,6,12 * * *') & time_of_day.between('00:00', '13:00')",
    "calendar('*-*-* 4,16:15')",
)
FLOWING: dict[str, Duration] = {
    "minutely": MINUTE,
    "hourly": HOUR,
    "cron('*/5 * * * *')": 5 * MINUTE,
    "cron('10,40 * * * *')": 30 * MINUTE,
    "calendar('*:0/20')": 20 * MINUTE,
    "every('7 min')": 7 * MINUTE,
    "every('90 s', based='success')": 90 * SECOND,
}
STEPS = (2 * SECOND, MINUTE, 20 * MINUTE, HOUR, 2 * HOUR, 9 * HOUR, DAY, 10 * DAY, 31 * DAY, 3650 * DAY)


class Clock:
    """A world whose clock is set, and how far it is from being right."""

    def __init__(self, seed: int, *, restarts: bool) -> None:
        self.chance = Random(seed)  # noqa: S311 - a simulation must replay
        self.world = World(seed, 1_790_000_000 * SECOND + self.chance.randint(0, 7 * DAY), max_running=100)
        for when in (*FIXED, *FLOWING):
            self.world.add(Task(when, Command(("/bin/true",)), parse(when), restart_delay=0), Behaviour(takes=0))
        self.ahead: Duration = 0
        self.restarts = restarts
        self.real: list[tuple[str, Instant]] = []
        """What began when by a clock that was never set."""
        self.world.watch = self.note
        self.noted = 0
        self.steps: list[Instant] = []
        """When it was set, or another daemon began, by a clock that was never set."""

    def note(self, world: World) -> None:
        self.real += [(run.task, run.start - self.ahead) for run in world.begun[self.noted :]]
        self.noted = len(world.begun)

    def live(self, hours: int) -> None:
        until = self.world.now + hours * HOUR
        self.world.boot()
        while self.world.now - self.ahead < until:
            self.world.run_until(self.world.now + self.chance.choice((SECOND, MINUTE, 10 * MINUTE, HOUR, 5 * HOUR)))
            self.note(self.world)
            self.steps.append(self.world.now - self.ahead)
            if self.restarts and self.chance.random() < 0.3:
                self.restart()
            else:
                self.set(self.chance.choice((self.elsewhere(), self.elsewhere(), -self.ahead)))

    def elsewhere(self) -> Duration:
        by: Duration = self.chance.choice((-1, 1)) * self.chance.randint(1, self.chance.choice(STEPS))
        return by if abs(self.ahead + by) < 4000 * DAY else -self.ahead

    def set(self, by: Duration) -> None:
        self.ahead += by
        self.world.set_clock(by)

    def restart(self) -> None:
        """Start it again in the same boot, so that it knows how the clock was set meanwhile."""
        by = self.chance.choice((0, self.elsewhere(), -self.ahead))
        self.world.kill()
        self.ahead += by
        self.world.now += by
        self.world.alive = self.world.now
        self.world.boot()


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_goes_silent_and_nothing_is_missed(seed: int, *, restarts: bool) -> None:
    clock = Clock(seed, restarts=restarts)
    clock.live(hours=30)
    assert not [event for event in clock.world.log if isinstance(event, Missed)]
    for when, width in FLOWING.items():
        begun = [at for task, at in clock.real if task == when]
        for at, later in pairwise(begun):
            steps = sum(at <= step <= later for step in clock.steps)  # each may lead from before a tick to after one
            assert later - at <= (steps + 1) * width + SECOND
        assert len(begun) >= 30 * HOUR // width * 0.7


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_fixed_time_is_used_twice(seed: int) -> None:
    clock = Clock(seed, restarts=False)
    clock.live(hours=5)  # what lies between two that are recorded is free again when as much real time has passed
    used = Counter((run.task, run.due) for run in clock.world.begun if run.task in FIXED)
    assert not [one for one, count in used.items() if count > 1]
