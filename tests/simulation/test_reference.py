"""The real scheduler starts exactly what a naive one starts that asks every condition at every instant.

Each seed is a world of its own: tasks, conditions, how runs go, kills, downtimes, suspends, edits, hands, a store that
stops answering. In some of them the grain of time is a minute and they last for weeks, through a change of the clocks;
in others it is a second, and the host refuses starts. In half of them somebody sets the clock again and again, by
seconds or days, in either direction and back again.

ROCKETD_SEEDS says how many. A failing seed is in the test's name, and replays: pytest -k 'naive and 17-'.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from random import Random

import pytest

from rocketd.core.instant import SECOND, Duration
from rocketd.core.model.events import Refusal
from rocketd.core.model.run import Action, Run
from support.reference.conditions import Condition, spelled
from support.reference.conditions import Task as NaiveTask
from support.reference.scheduler import Reference
from support.reference_worlds import DAY, Begun, begun_here, begun_there, drawn_boot, drawn_workday, real, told
from support.simulated_world import World

SEEDS = int(os.environ.get("ROCKETD_SEEDS", "12"))
SETTING = 0.5
"""In how many of the worlds the clock is set."""

MINUTES = 60
CHANGES = (1_761_436_800, 1_743_292_800, 1_762_041_600, 1_741_478_400)
"""Midnights (UTC) of days on which clocks are set, in Europe or America, back or forward."""
ZONES = ("UTC", "Europe/Helsinki", "America/New_York", "Australia/Lord_Howe")
NAMES = ("t0", "t1", "t2", "t3")


class Draw:
    """What chance gives a world of that grain."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)  # noqa: S311 - a simulation must replay
        self.grain = self.chance.choice((1, MINUTES, MINUTES, MINUTES))
        self.pick = self.chance.choice
        self.boots = False
        """Whether it may be asked when the host booted: not where somebody sets the clock."""

    @property
    def minutes(self) -> bool:
        return self.grain == MINUTES

    def condition(self) -> Condition:
        makers = (
            self.once, self.cron, self.every, self.after,
            lambda: ("or", self.once(), self.retry()),
            lambda: ("and", ("or", self.once(), self.retry()), self.hours()),
            lambda: ("and", self.cron(), self.hours()),
            lambda: ("or", self.cron(), self.retry()),
            lambda: ("or", self.every(), self.retry()),
            lambda: ("and", self.once(), ("not", self.running())),
            lambda: ("and", self.hours(), self.count()),
            lambda: ("or", self.after(), self.once()),
            lambda: ("or", self.cron(), self.cron()),
            lambda: ("or", ("and", self.cron(), self.hours()), self.cron(), self.retry()),
            lambda: ("or", ("and", self.cron(), ("not", self.running())), self.cron()),
            lambda: ("and", self.every(), ("not", self.running())),
            lambda: ("and", self.cron(), ("not", self.running()), self.count()),
            lambda: ("and", self.once(), self.after()),
            lambda: ("and", ("not", self.hours()), self.once()),
            lambda: ("and", ("or", self.hours(), self.hours()), ("or", self.cron(), self.retry())),
            lambda: ("and", self.cron(), self.every()),
            lambda: ("and", self.cron(), self.dates()),
            lambda: ("and", ("or", self.once(), self.retry()), self.dates()),
            lambda: ("and", ("or", self.cron(), self.after()), ("not", self.dates()), self.hours()),
            self.later,
            lambda: ("and", self.later(), ("not", self.hours())),
            lambda: ("and", self.cron(), self.once(), self.hours()),
            lambda: ("and", ("or", self.cron(), self.retry()), self.every()),
            lambda: ("and", self.once(), ("or", self.cron(), self.after())),
            lambda: ("or", ("and", self.cron(), self.every()), ("and", self.cron(), self.once())),
            lambda: ("and", self.cron(), ("not", self.once()), ("not", self.running())),
            lambda: ("and", self.cron(), ("or", self.every(), self.hours()), self.count()),
            lambda: ("and", self.cron(), self.workday()),
            lambda: ("and", self.once(), ("not", self.workday())),
            lambda: ("and", ("or", self.cron(), self.retry()), self.workday(), self.hours()),
            lambda: ("and", self.once(), self.boot()),
            lambda: ("and", ("or", self.cron(), self.once()), self.boot()),
        )  # fmt: skip
        return self.pick(makers)()

    def clock(self) -> str:
        return f"{self.chance.randrange(24):02}:{self.pick((0, 0, 15, 30, 45)):02}"

    def past_hour(self) -> str:
        return f"{self.pick((5, 15, 30, 45)):02}:00"

    def daily_hours(self) -> tuple[str, tuple[str, ...]]:
        how = self.pick(("whole", "between", "after", "before", "at"))
        marks = {"whole": 0, "between": 2, "at": self.pick((1, 2))}.get(how, 1)
        drawn = [self.clock() for _ in range(marks)]
        if len(set(drawn)) < marks or (how in ("before", "after") and "00:00" in drawn):
            return self.daily_hours()
        return how, tuple(sorted(drawn) if how == "at" else drawn)

    def period(self) -> tuple[str, str, tuple[str, ...]]:
        unit = (
            self.pick(("day", "day", "day", "hour", "week", "month")) if self.minutes else self.pick(("hour", "minute"))
        )
        if unit == "day":
            return ("day", *self.daily_hours())
        if unit == "hour":
            how = self.pick(("whole", "after", "before"))
            return "hour", how, () if how == "whole" else (self.past_hour(),)
        if unit == "week":
            how = self.pick(("whole", "on", "between"))
            days = self.chance.sample(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), 2)
            return "week", how, tuple(days[: ("whole", "on", "between").index(how)])
        if unit == "month":
            return "month", "on", (str(self.pick((1, 9, 26, 28, "last", "-5", "31 or last", "30 or last"))),)
        return unit, "whole", ()

    def once(self) -> Condition:
        if self.minutes and self.chance.random() < 0.1:
            return ("once", "day", "starting", (self.clock(),))
        return ("once", *self.period())

    def hours(self) -> Condition:
        unit, how, marks = self.period()
        return self.hours() if how == "whole" else ("time", unit, how, marks)

    def every(self) -> Condition:
        seconds = self.pick((7, 17, 40, 60, 90, 240, 1441)) * self.grain
        return ("every", seconds, self.pick(("run", "run", "success", "fail", "finish")))

    def cron(self) -> Condition:
        lines = (
            ("*/20 * * * *", "*/7 * * * *", "0 * * * *", "5,50 */2 * * *")
            if self.minutes
            else ("* * * * *", "*/2 * * * *")
        )
        rare = (
            "30 2 * * *", "0 3 * * *", "15 1-3 * * *", "30 */4 1,26 * 0", "0 12 * * 1-5", "30 3 26 * *",
            "30 2 LW,26W * *", "0 3 L-1,9W,29W * ?", "15 1 31W,30 * *",
        )  # fmt: skip
        line = self.pick(lines + rare * self.minutes)
        return ("cron", line, self.pick((0, 0, 3 * self.grain, 10 * MINUTES)))

    def retry(self) -> Condition:
        return ("retry", self.pick((1, 2, 3)), self.pick((0, 1, 5, 90)) * self.grain)

    def after(self) -> Condition:
        many = self.pick(("", "all_", "any_"))
        tasks = tuple(self.chance.sample(NAMES, 2 if many else 1))
        return ("after", many, self.pick(("success", "fail", "finish")), tasks)

    def dates(self) -> Condition:
        day = date.fromtimestamp(self.pick(CHANGES) + self.chance.randint(-3, 2) * DAY)  # noqa: DTZ012 - any near one
        unit = self.pick(("day", "week", "month", "quarter"))
        words: tuple[Condition, ...] = (
            ("cycle", self.pick((2, 3)), unit, str(day)), ("iso_week", self.pick(("even", "odd"))),
            ("since", str(day)), ("until", str(day)),
        )  # fmt: skip
        return self.pick(words)

    def workday(self) -> Condition:
        return drawn_workday(self.chance)

    def boot(self) -> Condition:
        """Ask about the boot of the host, where that is known."""
        return drawn_boot(self.chance, NAMES, self.grain) if self.boots else self.hours()

    def later(self) -> Condition:
        _, many, outcome, tasks = self.after()
        return ("later", many, outcome, tasks, self.pick((5, 60, 150)) * self.grain, self.pick((0, 30)) * self.grain)

    def count(self) -> Condition:
        what, unit = self.pick(("started", "succeeded", "failed", "finished")), self.pick(("hour", "day"))
        comparison = self.pick(("<", "<=", ">="))
        unit = unit if self.minutes else {"hour": "minute", "day": "hour"}[unit]
        # At least one is told by the newest alone, so that less is kept: since then it is said to have held.
        number = self.pick((2, 3)) if comparison == ">=" else self.pick((1, 2, 3))
        return ("count", what, self.pick(("", *NAMES)), unit, comparison, number)

    def running(self) -> Condition:
        return ("running", self.pick(NAMES))

    def task(self, name: str, priority: int) -> NaiveTask:
        return NaiveTask(
            name,
            self.condition(),
            zone=self.pick(ZONES),
            overlap=self.pick(("wait", "wait", "skip", "replace", "allow")),
            restart_delay=self.pick((1, 5, 60)) * self.grain,
            priority=priority,
            mutex=self.pick(("", "", "m")),
            timeout=self.pick((None, None, 30 * self.grain)),
        )


class Both:
    """One world twice: as the real scheduler has it, and as the naive one."""

    def __init__(self, seed: int) -> None:
        self.draw = draw = Draw(seed)
        self.seed = seed
        change = draw.pick(CHANGES)
        days = draw.chance.randint(2, 4)
        self.now = (
            change - draw.chance.randint(1, days - 1) * DAY
            if draw.minutes
            else change + draw.chance.randint(0, 2) * 3600
        )
        self.until = self.now + (days * DAY if draw.minutes else 3 * 3600)
        self.sets_clock = draw.chance.random() < SETTING
        self.reach = (10 * DAY if draw.minutes else 1500) if self.sets_clock else 0
        margin = 35 * DAY + self.reach
        grains = (self.until - self.now + 2 * margin) // draw.grain if draw.minutes else 6 * 3600 + 2 * self.reach
        base = self.now - margin if draw.minutes else self.now - 3600 - self.reach
        slots = draw.pick((1, 2, 32))
        self.naive = Reference(self.now, draw.grain, slots, self.naive_fate, (base, grains))
        self.world = World(seed, self.now * SECOND, max_running=slots, fate=self.fate)
        self.world.max_starts = (None, 1, 2)[seed % 3]
        self.world.refuses = lambda run: run.task in self.naive.lacking
        draw.boots = not self.sets_clock
        self.boot_host(self.now - draw.chance.randint(0, 3000) * draw.grain)
        for place, name in enumerate(NAMES):
            self.add(draw.task(name, place))
        self.world.boot()
        self.happened: list[str] = []
        self.compared = 0

    def boot_host(self, at: int) -> None:
        self.naive.booted, self.world.booted_at = at, at * SECOND

    def add(self, task: NaiveTask) -> None:
        self.naive.tasks[task.name] = replace(task, armed=self.now)
        self.world.add(real(task))

    def naive_fate(self, task: str, number: int) -> tuple[int, str]:
        chance = Random(f"{self.seed} {task} {number}")  # noqa: S311 - the same in both
        kind = Random(f"{self.seed} {task}")  # noqa: S311 - as above
        takes = kind.choice((1, 1, 5, 25, 200)) * (chance.choice((1, 2, 10)) if chance.random() < 0.1 else 1)
        action = "fail" if chance.random() < kind.choice((0.0, 0.3, 1.0)) else "success"
        return takes * self.draw.grain, action

    def fate(self, run: Run) -> tuple[Duration, Action]:
        takes, action = self.naive_fate(run.task, run.number)
        return takes * SECOND, Action(action)

    def live(self) -> None:
        chance, grain = self.draw.chance, self.draw.grain
        misfortunes: list[Callable[[], None]] = [self.sleep, self.by_hand, self.stop, self.rewrite, self.edit]
        if self.sets_clock:  # what a restart knows of it is another matter
            misfortunes += [self.set_clock, self.set_clock, self.set_right]
        else:
            misfortunes += [self.kill, self.go_down]
        misfortunes += [self.lose_store, self.get_store_back]
        if not self.draw.minutes:  # the pauses between the tries are shorter
            misfortunes += [self.refuse, self.refuse, self.relent]
        while self.now - self.naive.ahead < self.until:
            self.now += chance.randint(1, 1500) * grain
            self.naive.run_until(self.now)
            self.world.run_until(self.now * SECOND)
            self.compare()
            chance.choice(misfortunes)()
            self.compare()

    def set_clock(self) -> None:
        """Set it to another time, near or far, in either direction."""
        grain, reach = self.draw.grain, self.reach
        far = self.draw.pick((2, 10, 120, 180, 240, 1440, 10_000)) * grain
        ahead = self.naive.ahead + self.draw.pick((-1, 1)) * self.draw.chance.randint(2 * grain, max(far, 2 * grain))
        self.be_ahead(max(-reach, min(reach, ahead // grain * grain)))

    def set_right(self) -> None:
        self.be_ahead(0)

    def be_ahead(self, ahead: int) -> None:
        by = ahead - self.naive.ahead
        if abs(by) < 2 * self.draw.grain:
            return
        self.happened.append(f"{self.now} the clock is set by {by} s")
        self.now += by
        self.world.set_clock(by * SECOND)
        self.naive.set_clock(by)
        self.settle()

    def kill(self) -> None:
        self.go_down(0)

    def go_down(self, grains: int | None = None) -> None:
        down = (self.draw.chance.randint(1, 600) if grains is None else grains) * self.draw.grain
        self.happened.append(f"{self.now} killed, down for {down} s")
        self.now += down
        self.world.away = False
        self.world.kill()
        self.world.now = self.now * SECOND
        if grains is None and self.draw.chance.random() < 0.5:
            self.boot_host(self.now - min(down, self.draw.grain))
        self.world.boot()
        self.naive.kill(down)
        self.settle()

    def sleep(self) -> None:
        slept = self.draw.chance.randint(2, 600) * self.draw.grain
        self.happened.append(f"{self.now} asleep for {slept} s")
        self.now += slept
        self.world.now = self.now * SECOND
        self.world.scheduler.clock_stepped(self.world.now, 0, slept * SECOND)
        self.naive.sleep(slept)
        self.settle()

    def by_hand(self) -> None:
        name = self.draw.pick(NAMES)
        self.happened.append(f"{self.now} {name} by hand")
        try:
            self.world.carry_out(self.world.scheduler.run(name, self.world.now, "by hand"))
            ran = True
        except Refusal:
            ran = False
        assert self.naive.run_by_hand(name) is ran
        self.settle()

    def stop(self) -> None:
        name = self.draw.pick(NAMES)
        if self.naive.tasks[name].going or self.naive.tasks[name].requests:
            self.happened.append(f"{self.now} {name} stopped")
            self.world.carry_out(self.world.scheduler.stop(name))
            self.naive.stop(name)
            self.settle()

    def rewrite(self) -> None:
        if self.naive.stalled_at is not None:  # that it was armed anew would be recorded later, or never
            return
        name = self.draw.pick(NAMES)
        when = self.draw.condition()
        self.happened.append(f"{self.now} {name} is now {spelled(when)}")
        self.naive.rewrite(name, when)
        self.world.tasks[name] = real(self.naive.tasks[name])
        self.world.reload()
        self.settle()

    def edit(self) -> None:
        """An edit that must not fire anything."""
        name = self.draw.pick(NAMES)
        self.world.tasks[name] = replace(self.world.tasks[name], description="another", output_tail=7)
        self.world.reload()
        self.settle()

    def lose_store(self) -> None:
        """Let it not answer, or, once it does not, let that be known."""
        if self.naive.is_closed:
            return
        if self.naive.stalled_at is None:
            self.happened.append(f"{self.now} the store does not answer")
            self.world.away = True
            self.naive.stall()
        else:
            self.happened.append(f"{self.now} the store is known not to answer")
            self.world.fail_to_write()
            self.naive.close()
        self.settle()

    def get_store_back(self) -> None:
        if self.naive.stalled_at is not None:
            self.happened.append(f"{self.now} the store answers again")
            self.world.come_back()
            self.naive.answer()
            self.settle()

    def refuse(self) -> None:
        name = self.draw.pick(NAMES)
        self.happened.append(f"{self.now} starts of {name} are refused")
        self.naive.lacking.add(name)

    def relent(self) -> None:
        self.happened.append(f"{self.now} all starts are possible")
        self.naive.lacking.clear()

    def settle(self) -> None:
        self.naive.look()
        self.world.run_until(self.world.now)

    def compare(self) -> None:
        """Compare the runs that have begun since the last time."""
        naive, begun = begun_here(self.naive, self.compared), begun_there(self.world, self.compared)
        if begun != naive:
            self.explain(begun, naive)
        self.compared += len(begun)

    def explain(self, begun: list[Begun], naive: list[Begun]) -> None:
        place = next(
            (at for at, both in enumerate(zip(begun, naive, strict=False)) if both[0] != both[1]),
            min(len(begun), len(naive)),
        )
        tasks = "\n".join(f"{task}" for task in map(told, self.naive.tasks.values()))
        raise AssertionError(
            f"seed {self.seed}, now {self.now}\n{tasks}\n" + "\n".join(self.happened[-12:]) + "\n"
            + "\n".join(f"  both      {one}" for one in begun[max(place - 6, 0):place])
            + f"\n  real      {begun[place:place + 2]}\n  reference {naive[place:place + 2]}"
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_scheduler_starts_what_a_naive_one_starts(seed: int) -> None:
    Both(seed).live()
