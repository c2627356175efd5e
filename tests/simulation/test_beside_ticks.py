"""What stands beside a tick, for weeks: the real scheduler starts what a naive one starts that asks minute by minute.

The worlds of test_reference.py last for days; the rhythms that ticks are joined to take weeks and months. So here each
world has one task, another that it may wait for, ticks once a day or so, a month and a half around a change of the
clocks or of the year, runs of up to 41 hours that fail now and then, and up to three downtimes.

ROCKETD_SEEDS says how many worlds. A failing one replays: pytest -k 'weeks and 17-'.
ROCKETD_STARTS says how many starts have to be compared in all (`make reference`), and the words and zones are counted.
"""

import os
from collections import Counter
from dataclasses import replace
from datetime import date
from random import Random

import pytest

from rocketd.core.errors import ConditionError
from rocketd.core.instant import SECOND, Duration
from rocketd.core.language.parser import parse
from rocketd.core.model.run import Action, Run
from support.reference.conditions import Condition, spelled
from support.reference.conditions import Task as NaiveTask
from support.reference.holidays import LISTINGS
from support.reference.scheduler import Reference
from support.reference_worlds import (
    DAY,
    begun_here,
    begun_there,
    calendars,
    drawn_boot,
    drawn_workday,
    real,
    told,
    words_of,
)
from support.simulated_world import World

SEEDS = int(os.environ.get("ROCKETD_SEEDS", "6"))
STARTS = int(os.environ.get("ROCKETD_STARTS", "0"))
MINUTE = 60
GRAINS = (MINUTE, *(7 * (5 * MINUTE,)))
"""How often the naive scheduler asks: every minute in one of eight worlds, in the others every five, of which all that
happens there is a multiple."""
HOUR = 3600
BEGINS = (1_774_000_020, 1_792_330_260, 1_798_156_860, 1_772_841_600)
"""Before the changes of the clocks in March and October 2026, before the year's end, and before America's change."""
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Beirut")
LINES = (
    "30 2 * * *", "0 23 * * *", "15 */6 * * *", "0 9 * * 6,3", "0 0 * * *", "0 3 * * *", "0 11,12 * * *",
    "30 3 1,15 * *", "30 2 15W,LW * *", "0 9 L-2,1W,31W * ?", "15 4 28W * *",
)  # fmt: skip
MARGIN = 128 * DAY
"""How much of the calendar is laid out on both sides: more than a quarter."""
LASTS = (1, 5, 90, 700, 1500, 2460)
"""Minutes that a run takes."""


class Weeks:
    """One world, twice."""

    def __init__(self, seed: int, zone: str = "") -> None:
        """In that zone; none: in any of them."""
        self.seed = seed
        self.chance = chance = Random(seed)  # noqa: S311 - a simulation must replay
        self.pick = chance.choice
        self.grain = grain = self.pick(GRAINS)
        self.begin = self.now = self.whole(self.pick(BEGINS))
        self.until = self.now + 44 * DAY
        span = (self.now - MARGIN, (self.until - self.now + 2 * MARGIN) // grain)
        self.naive = Reference(self.now, grain, 32, self.naive_fate, span)
        self.world = World(seed, self.now * SECOND, fate=self.fate)
        self.boot_host(self.now - chance.randint(0, 3000) * grain)
        self.naive.listing = self.pick(LISTINGS[:3])
        drawn = self.pick(ZONES)
        zone = zone or drawn
        overlap = self.pick(("wait", "wait", "skip"))
        for name, when in (("extract", ("cron", self.pick(LINES), 0)), ("it", self.condition())):
            task = NaiveTask(name, when, zone=zone, overlap=overlap, restart_delay=grain, armed=self.now)
            self.naive.tasks[name] = replace(task)
            self.world.add(real(task, self.naive.listing))
        self.compared = 0

    def whole(self, seconds: int) -> int:
        return seconds // self.grain * self.grain

    # -- what chance gives --------------------------------------------------------------------------------------------

    def condition(self) -> Condition:
        """Draw one that is no mistake: `weekly & every("1 day")` is refused."""
        while True:
            drawn = self.drawn()
            try:
                parse(spelled(drawn))
            except ConditionError:
                continue
            return drawn

    def drawn(self) -> Condition:
        beside = [self.part() for _ in range(self.pick((1, 1, 2)))]
        tick: Condition = ("cron", self.pick(LINES), self.pick((0, 0, 0, 3 * HOUR)))
        match self.chance.randrange(8):
            case 0:
                tick = ("or", tick, ("after", "", "success", ("extract",)))
            case 1:
                tick = ("or", tick, ("retry", 2, 30 * MINUTE))
            case 2:
                return ("or", ("and", tick, *beside), ("cron", self.pick(LINES), 0))
            case 3:
                tick = ("or", tick, ("cron", self.pick(LINES), 0))
            case 5:
                tick = ("or", tick, ("after", self.pick(("", "any_")), "missed", (self.pick(("extract", "it")),)))
            case 4 if len(beside) > 1:  # without any tick
                return ("and", *beside)
        parts = [tick, *beside]
        self.chance.shuffle(parts)
        return ("and", *parts)

    def part(self) -> Condition:
        makers = (
            self.every, self.every, self.once, self.once, self.hours, self.negated, self.count, self.state,
            self.date, self.date, self.workday, self.workday, self.boot, self.missed,
        )  # fmt: skip
        return self.pick(makers)()

    def every(self) -> Condition:
        hours = self.pick((20, 24, 36, 48, 48, 72, 120, 13 * 24, 14 * 24))
        return ("every", hours * HOUR, self.pick(("run", "run", "run", "success", "finish")))

    def once(self) -> Condition:
        windows: tuple[tuple[str, str, tuple[str, ...]], ...] = (
            ("week", "whole", ()), ("month", "whole", ()), ("day", "whole", ()), ("day", "between", ("01:00", "05:00")),
            ("week", "on", (self.pick(("Mon", "Wed", "Sat", "Sun")),)), ("day", "after", ("09:00",)),
            ("day", "between", ("22:00", "04:00")), ("week", "between", ("Thu", "Mon")), ("month", "on", ("15",)),
            ("quarter", "whole", ()), ("quarter", "on", (self.pick(("1", "last", "92 or last", "12")),)),
            ("month", "on", (self.pick(("last", "31 or last", "-3")),)),
        )  # fmt: skip
        return ("once", *self.pick(windows))

    def hours(self) -> Condition:
        windows: tuple[tuple[str, str, tuple[str, ...]], ...] = (
            ("day", "between", ("20:00", "04:00")), ("week", "between", ("Mon", "Fri")), ("day", "before", ("12:00",)),
            ("week", "on", (self.pick(("Wed", "Sat")),)), ("day", "between", ("02:00", "02:30")),
            ("quarter", "on", ("1",)), ("month", "on", ("31 or last",)),
        )  # fmt: skip
        return ("time", *self.pick(windows))

    def date(self) -> Condition:
        near = date.fromtimestamp(self.begin + self.chance.randint(-9, 30) * DAY)  # noqa: DTZ012 - any near date
        number, unit = self.pick(((2, "week"), (3, "day"), (2, "day"), (2, "month"), (2, "quarter")))
        words: tuple[Condition, ...] = (
            ("cycle", number, unit, str(near)), ("cycle", number, unit, str(near)),
            ("iso_week", self.pick(("even", "odd"))),
            (self.pick(("since", "until")), str(near)),
        )  # fmt: skip
        return self.pick(words)

    def negated(self) -> Condition:
        return ("not", self.pick((self.once, self.hours, self.every, self.date, self.workday))())

    def workday(self) -> Condition:
        return drawn_workday(self.chance)

    def boot(self) -> Condition:
        return drawn_boot(self.chance, ("extract", "it"), self.grain)

    def count(self) -> Condition:
        what, unit = self.pick(("started", "succeeded", "finished")), self.pick(("day", "week"))
        return ("count", what, self.pick(("", "extract")), unit, self.pick(("<", "<=")), self.pick((1, 1, 2)))

    def missed(self) -> Condition:
        """Ask about what was missed, by the other task or by itself."""
        named, unit = self.pick(("", "extract")), self.pick(("day", "week"))
        number = self.pick((2, 3))
        count = ("count", "missed", named, unit, *self.pick((("<", 1), ("<", number), ("<=", number), (">=", number))))
        return self.pick((count, count, ("after", "", "missed", ("extract",))))

    def state(self) -> Condition:
        return self.pick((("not", ("running", "extract")), ("or", self.every(), self.hours()), ("true",)))

    def naive_fate(self, task: str, number: int) -> tuple[int, str]:
        chance = Random(f"{self.seed} {task} {number}")  # noqa: S311 - the same in both
        fails = chance.random() < Random(f"{self.seed} {task}").choice((0.0, 0.5))  # noqa: S311 - as above
        return max(chance.choice(LASTS) * MINUTE, self.grain), "fail" if fails else "success"

    def fate(self, run: Run) -> tuple[Duration, Action]:
        takes, action = self.naive_fate(run.task, run.number)
        return takes * SECOND, Action(action)

    # -- what happens -------------------------------------------------------------------------------------------------

    def live(self) -> int:
        """Live through it, and return how many runs were compared."""
        self.world.boot()
        times = sorted(
            self.whole(self.chance.randint(self.begin, self.until)) for _ in range(self.pick((0, 1, 2, 3, 5)))
        )
        for at in times:
            if at > self.now:
                self.go_on(at)
                if self.chance.random() < 0.3:
                    self.relist()
                else:
                    self.go_down(self.whole(self.chance.randint(60 * MINUTE, 3 * DAY)))
        self.go_on(self.until)
        return self.compared

    def go_on(self, until: int) -> None:
        self.now = until
        self.naive.run_until(until)
        self.world.run_until(until * SECOND)
        self.compare()

    def boot_host(self, at: int) -> None:
        self.naive.booted, self.world.booted_at = at, at * SECOND

    def go_down(self, down: int) -> None:
        self.now += down
        self.world.kill()
        self.world.now = self.now * SECOND
        if self.chance.random() < 0.5:
            self.boot_host(self.now - self.grain)
        self.world.boot()
        self.naive.kill(down)
        self.naive.look()
        self.world.run_until(self.world.now)
        self.compare()

    def relist(self) -> None:
        """Somebody writes other dates into the files of the calendars, or a mistake."""
        listing = self.pick(LISTINGS)
        self.naive.relist(listing)
        self.world.tasks = {
            name: replace(task, calendars=calendars(listing)) for name, task in self.world.tasks.items()
        }
        self.world.reload()
        self.naive.look()
        self.world.run_until(self.world.now)
        self.compare()

    def compare(self) -> None:
        naive, begun = begun_here(self.naive), begun_there(self.world)
        if begun != naive:
            place = next((at for at, both in enumerate(zip(begun, naive, strict=False)) if both[0] != both[1]), -1)
            tasks = "\n".join(map(told, self.naive.tasks.values()))
            raise AssertionError(
                f"seed {self.seed}, now {self.now}\n{tasks}\n"
                f"  both      {naive[max(place - 4, 0) : place]}\n"
                f"  real      {begun[place : place + 2]}\n  reference {naive[place : place + 2]}"
            )
        self.compared = len(begun)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_for_weeks_ticks_start_what_a_naive_scheduler_starts(seed: int) -> None:
    Weeks(seed).live()


@pytest.mark.skipif(not STARTS, reason="takes minutes: make reference")
@pytest.mark.parametrize("zone", ZONES)
def test_as_many_starts_as_asked_are_the_same(zone: str) -> None:
    starts, seed = 0, 10_000 * (1 + ZONES.index(zone))
    worlds: Counter[str] = Counter()
    while starts * len(ZONES) < STARTS:
        weeks = Weeks(seed, zone)
        starts += weeks.live()
        worlds.update(set(words_of(weeks.naive.tasks["it"].when)))
        seed += 1
    print(f"{zone}: {starts} starts in {seed % 10_000} worlds, by word: {dict(sorted(worlds.items()))}")  # noqa: T201 - what it was about
