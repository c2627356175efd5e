"""What must hold whatever happens: random tasks, failures, kills, downtimes, edits and clock steps, from one seed.

The clock is set by seconds or by a year, in either direction, and right again.

A failing seed is in the test's name, and replays: pytest -k 'seed and 17'.
"""

import os
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from random import Random
from zoneinfo import ZoneInfo

import pytest

from rocketd.core.explain.validity import unchanged_until
from rocketd.core.explain.why import why
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Finished, Refusal, Start, Started, Withdrawn
from rocketd.core.model.run import Action, Run
from rocketd.core.model.task import Command, Overlap, Task
from rocketd.core.scheduler.rehearsal import DecisionRehearsal
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.json_format import JsonObject
from rocketd.daemon.serializers import task_object, why_object
from rocketd.daemon.task_cache import TaskCache, explained_state, shown_state
from support.simulated_world import Behaviour, Killed, World

SEEDS = int(os.environ.get("ROCKETD_SEEDS", "20"))

CONDITIONS = (
    "daily",
    "daily.between('22:00', '02:00')",
    "daily.at('03:00') | retry(2, delay='5 min')",
    "(daily | retry(3)) & time_of_day.between('10:00', '12:00')",
    "hourly",
    "hourly.after('30:00') & time_of_week.between('Mon', 'Fri')",
    "weekly.on('Tuesday')",
    "every('17 min')",
    "every('40 min', based='success')",
    "every('2 h', based='finish') | retry(1)",
    "cron('*/20 * * * *')",
    "cron('0 3 * * *', within='1 h')",
    "cron('*/10 * * * *') & time_of_day.between('08:15', '18:00')",
    "after_success('t0')",
    "after_fail('t1') | after_finish('t2')",
    "after_all_success('t0', 't1')",
    "daily & ~running('t0') & ~running('t3')",
    "minutely & ~succeeded.this_hour",
    "true",
    "false",
)
ZONES = ("UTC", "Europe/Helsinki", "America/New_York", "Australia/Lord_Howe")


def random_task(chance: Random, name: str) -> Task:
    zone = chance.choice(ZONES)
    return Task(
        name,
        Command(("/bin/true",)),
        parse(chance.choice(CONDITIONS)),
        zone=ZoneInfo(zone) if zone != "UTC" else UTC,
        zone_name=zone,
        timeout=chance.choice((None, None, 30 * MINUTE)),
        overlap=chance.choice(list(Overlap)),
        restart_delay=chance.choice((5 * MINUTE, HOUR)),
        mutex=chance.choice(("", "", "", "m", "n")),
        priority=chance.choice((0, 0, 5)),
        splay=chance.choice((0, 0, 10 * MINUTE, 5 * HOUR, 3 * DAY)),
    )


def random_behaviour(chance: Random) -> Behaviour:
    return Behaviour(
        takes=chance.choice((0, SECOND, MINUTE, 25 * MINUTE, 3 * HOUR)),
        fails=chance.choice((0.0, 0.0, 0.3, 1.0)),
        longer=chance.choice((0.0, 0.05)),
    )


class Checked:
    """A world that is checked after every step."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)  # noqa: S311 - a simulation must replay
        # In October the clocks of two zones go back, and of one forward.
        self.world = World(seed, now=1_760_000_000 * SECOND, max_running=self.chance.choice((1, 3, 32)))
        for number in range(8):
            self.world.add(random_task(self.chance, f"t{number}"), random_behaviour(self.chance))
        self.world.watch = self.check
        self.counted = 0
        self.ahead = 0
        """How far the clock is from being right."""
        self.cuts = 0
        """How often a pass ended at its limit of starts."""

    def check(self, world: World) -> None:
        going = list(world.processes.values())
        known = {run.key for run in world.scheduler.running_runs}
        assert len(known) <= world.max_running
        assert {run.key for run in going} <= known
        assert world.waiting or {run.key for run in going} == known
        held = Counter(world.tasks[run.task].mutex for run in going)
        assert all(count == 1 for mutex, count in held.items() if mutex)
        for name, count in Counter(run.task for run in going).items():
            assert count == 1 or world.tasks[name].overlap is Overlap.ALLOW
        for run in world.begun[self.counted :]:
            self.check_start(run)
        self.counted = len(world.begun)

    def check_start(self, run: Run) -> None:
        # After the clock was set back, what is tried again can be due at an instant that is yet to come once more.
        assert run.due <= run.start or run.attempt > 1, "nothing starts before its due"
        assert run.start <= self.world.now
        assert run.attempt >= 1

    def live(self, days: int) -> None:
        """Some days with everything that can happen in them."""
        world, chance = self.world, self.chance
        until = world.now + days * DAY
        world.boot()
        while world.now - self.ahead < until:
            try:
                world.run_until(world.now + chance.randint(1, 12) * HOUR + chance.randint(0, 3600) * SECOND)
                self.misfortune()
            except Killed:
                self.revive()
            self.check(world)
        world.fuse = None
        world.come_back()
        self.check_log()

    def misfortune(self) -> None:
        """Let one thing happen that nobody wished for."""
        misfortunes = (self.kill, self.down, self.edit, self.rewrite, self.remove, self.hand, self.stop, self.set_clock)
        self.chance.choice(
            (*misfortunes, self.sleep, self.light_fuse, self.light_fuse, self.lose_store, self.be_short)
        )()

    def cut_passes(self, most: int) -> None:
        """Have each pass start so few runs, and let anything happen before the next one goes on."""
        self.world.max_running = 32
        for name in ("u0", "u1", "u2"):
            self.world.add(Task(name, Command(("/bin/true",)), parse("hourly")), random_behaviour(self.chance))
        self.world.max_starts, self.world.between_passes = most, self.interrupt

    def interrupt(self, world: World) -> None:
        """Do what can come between two passes of one burst."""
        self.cuts += 1
        if self.chance.random() < 0.5:
            ends_it, changes_it = (self.kill, self.drain, self.light_fuse), (self.edit, self.rewrite, self.set_clock)
            self.chance.choice((*ends_it, *changes_it, self.hand, self.stop, self.sleep))()
            self.check(world)  # before the clock may be set: what has begun is compared with it
        if self.chance.random() < 0.1:
            world.fail_to_write()
            self.chance.choice((self.hand, self.stop, self.set_clock))()
            world.come_back()

    def light_fuse(self) -> None:
        """Have the daemon killed at one of its next steps, between any two of them."""
        self.world.fuse = self.chance.randint(0, 30)

    def revive(self) -> None:
        """Start it again, and perhaps kill it in the middle of that."""
        while True:
            self.world.kill()
            self.world.fuse = self.chance.choice((None, 0, 1, 2))
            try:
                self.world.boot()
            except Killed:
                continue
            return

    def lose_store(self) -> None:
        """Take the store away for a while; somebody may ask for things meanwhile, and the daemon may die."""
        world, chance = self.world, self.chance
        if chance.random() < 0.5:
            world.away = True
        else:
            world.fail_to_write()
        world.run_until(world.now + chance.randint(1, 300) * MINUTE)
        chance.choice((self.hand, self.stop, self.edit))()
        world.run_until(world.now + chance.randint(1, 300) * MINUTE)
        if chance.random() < 0.3:
            self.world.away = False
            raise Killed
        world.come_back()

    def be_short(self) -> None:
        """Let the host bear few processes for a while, or none, and let some starts fail for reasons of their own."""
        world, chance = self.world, self.chance
        most = chance.randint(0, 3)
        world.bears = lambda world: len(world.processes) < most
        world.refuses = lambda _: chance.random() < 0.3
        try:
            world.run_until(world.now + chance.randint(1, 300) * MINUTE)
            chance.choice((self.hand, self.stop, self.edit, self.kill))()
            world.run_until(world.now + chance.randint(1, 300) * MINUTE)
        finally:
            world.bears, world.refuses = lambda _: True, lambda _: False

    def kill(self) -> None:
        self.world.kill()
        self.world.boot()

    def drain(self) -> None:
        """Ask the daemon to stop, which starts nothing more, and start it again."""
        world = self.world
        world.scheduler.drain()
        decided = world.scheduler.decide(world.now, world.max_starts)
        assert not [one for one in decided if isinstance(one, Start)], "a stop starts nothing"
        self.kill()

    def down(self) -> None:
        self.world.kill()
        self.world.now += self.chance.randint(1, 40) * HOUR
        self.world.boot()

    def edit(self) -> None:
        world, name = self.world, self.any_task()
        world.tasks[name] = replace(world.tasks[name], priority=self.chance.randint(0, 9))
        world.reload()

    def rewrite(self) -> None:
        name = self.any_task()
        if not self.is_going(name):  # else the checks would need the old mutex and overlap as well
            self.world.tasks[name] = random_task(self.chance, name)
            self.world.reload()

    def remove(self) -> None:
        world, name = self.world, self.any_task()
        if not self.is_going(name):
            task = world.tasks.pop(name)
            world.reload()
            world.run_until(world.now + self.chance.randint(0, 90) * MINUTE)
            world.add(task, world.behaviours[name])
            world.reload()

    def hand(self) -> None:
        world, name = self.world, self.any_task()
        with suppress(Refusal):
            world.carry_out(world.scheduler.run(name, world.now, "by hand"))

    def stop(self) -> None:
        world = self.world
        for run in list(world.processes.values())[:1]:
            world.carry_out(world.scheduler.stop(run.task, run.number))

    def set_clock(self) -> None:
        """Set it to any other time, or right again."""
        far = self.chance.choice((MINUTE, HOUR, 3 * HOUR, 10 * HOUR, 10 * DAY, 400 * DAY))
        by = self.chance.choice((-1, 1)) * self.chance.randint(1, far) if self.chance.random() < 0.7 else -self.ahead
        self.ahead += by
        self.world.set_clock(by)

    def sleep(self) -> None:
        slept = self.chance.randint(1, 20) * HOUR
        self.world.now += slept
        self.world.scheduler.clock_stepped(self.world.now, 0, slept)

    def any_task(self) -> str:
        return self.chance.choice(list(self.world.tasks))

    def is_going(self, name: str) -> bool:
        return any(run.task == name for run in self.world.processes.values())

    def check_log(self) -> None:
        """The records and the ledger agree."""
        log, begun = self.world.log, self.world.begun
        starts = [event.run.key for event in log if isinstance(event, Started)]
        ledger = [run.key for run in begun]
        assert len(set(ledger)) == len(ledger), "nothing begins twice"
        began = set(ledger)
        withdrawn = {event.run.key for event in log if isinstance(event, Withdrawn)}
        assert not withdrawn & began, "what was withdrawn never began"
        assert ledger == [key for key in starts if key in began], "what began is recorded, in the same order"
        assert len(set(starts)) == len(starts), "no number is given out twice"
        ends = Counter(event.run.key for event in log if isinstance(event, Finished | Withdrawn))
        assert all(count == 1 for count in ends.values()), "a run ends once"
        assert set(starts) - set(ends) == set(self.world.processes), "what has no end is going on"
        for name in self.world.tasks:
            numbers = [number for task, number in starts if task == name]
            assert numbers == list(range(1, len(numbers) + 1)), "numbers count from 1"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_must_always_hold(seed: int) -> None:
    Checked(seed).live(days=2)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_must_always_hold_if_something_happens_in_the_middle_of_a_burst(seed: int) -> None:
    checked = Checked(seed)
    checked.cut_passes(1 + seed % 2)
    checked.live(days=2)
    assert checked.cuts


@pytest.mark.parametrize("seed", range(5))
def test_the_same_past_gives_the_same_decisions(seed: int) -> None:
    one, other = Checked(seed), Checked(seed)
    one.live(days=3)
    other.live(days=3)
    assert one.world.log == other.world.log


@pytest.mark.parametrize("seed", range(5))
def test_a_rehearsal_changes_nothing(seed: int) -> None:
    one, other = Checked(seed), Checked(seed)
    rehearsed: list[str] = []

    def rehearse(world: World) -> None:
        other.check(world)
        rehearsal, at = DecisionRehearsal(world.scheduler), world.scheduler.next_check()
        if task := rehearsal.expected_task(at):
            rehearsal.rehearse(task, at)
            rehearsed.append(task.name)

    other.world.watch = rehearse
    one.live(days=3)
    other.live(days=3)
    assert rehearsed
    assert one.world.log == other.world.log


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_what_is_kept_of_a_task_for_answers_is_what_would_be_made_anew(seed: int) -> None:
    checked, chance, found = Checked(seed), Random(seed), Counter[bool]()  # noqa: S311 - a simulation must replay
    caches: dict[Scheduler, tuple[TaskCache[JsonObject], TaskCache[tuple[Instant, Instant, JsonObject]]]] = {}

    def show(world: World) -> None:
        checked.check(world)
        scheduler, now = world.scheduler, world.now
        rows, explanations = caches.setdefault(scheduler, (TaskCache(int), TaskCache(int)))
        for name, entry in scheduler.tasks.items():
            history = scheduler.history.of(name)
            state, row = shown_state(entry, history), task_object(entry, history)
            assert rows.get(name, state) in (None, row)
            rows.put(name, state, None, row)
            state, fresh = (*state, *explained_state(entry, scheduler.history)), why(scheduler, name, now)
            begin, end, known = explanations.get(name, state) or (now, now, {})
            found[valid := begin <= now < end] += 1
            assert not valid or known == why_object(fresh)
            until = unchanged_until(entry, fresh)
            explanations.put(name, state, None, (now, until, why_object(fresh)))
            for later in [until - 1, *(chance.randrange(now, until) for _ in range(2))] if until > now else []:
                assert why_object(why(scheduler, name, min(later, now + DAY))) == why_object(fresh)

    checked.world.watch = show
    checked.live(days=1)
    assert found[True] > 100


@pytest.mark.parametrize("clean", [True, False])
def test_a_stop_between_two_portions_of_a_burst_keeps_the_rest_for_the_next_start(*, clean: bool) -> None:
    checked = Checked(0)
    world = checked.world = World(0, now=1_760_000_000 * SECOND // DAY * DAY)
    names = {f"t{number}" for number in range(40)}
    for name in names:
        world.add(Task(name, Command(("/bin/true",)), parse("daily.at('00:10')")), Behaviour())
    world.max_running, world.max_starts = 100, 16
    begun: list[int] = []

    def interrupt(_: World) -> None:
        begun.append(len(world.begun))
        if len(begun) == 1:
            (checked.drain if clean else checked.kill)()

    world.between_passes = interrupt
    world.boot()
    world.run_until(world.now + HOUR)
    assert begun[0] == 16
    assert {run.task for run in world.begun} == names
    repeated = sum(count - 1 for count in Counter(run.task for run in world.begun).values())
    assert repeated == 16, "what was cut off is repeated, and nothing else"
    checked.check_log()


def windows(instants: list[Instant]) -> Counter[int]:
    """How many in each day of UTC."""
    return Counter(instant // DAY for instant in instants)


@pytest.mark.parametrize("seed", range(10))
def test_a_daily_task_succeeds_once_a_day_however_often_the_daemon_is_killed(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - as above
    world = World(seed, now=1_760_000_000 * SECOND // DAY * DAY)
    world.add(replace(Task("a", Command(("/bin/true",)), parse("daily")), crash_limit=100), Behaviour(takes=HOUR))
    world.boot()
    for _ in range(200):
        world.run_until(world.now + chance.randint(1, 240) * MINUTE)
        world.kill()
        world.boot()
    done = windows(
        [event.run.start for event in world.log if isinstance(event, Finished) and event.end.action is Action.SUCCESS]
    )
    assert set(done.values()) == {1}
    assert len(done) >= 0.9 * (world.now - world.begun[0].start) / DAY, "and hardly a day without"


@pytest.mark.parametrize("when", ["daily", "cron('0 0 * * *')"])
@pytest.mark.parametrize("seed", range(10))
def test_a_daily_task_runs_each_day_however_its_starts_fare(seed: int, when: str) -> None:
    """Starts fail for want of something, records stall for longer than its timeout, and the daemon is killed."""
    chance = Random(seed)  # noqa: S311 - as above
    world = World(seed, now=1_760_000_000 * SECOND // DAY * DAY)
    world.add(replace(Task("a", Command(("/bin/true",)), parse(when)), timeout=HOUR), Behaviour(takes=HOUR // 2))
    world.add(Task("b", Command(("/bin/true",)), parse("after_fail('a')")), Behaviour())
    world.bears = lambda _: chance.random() < 0.05
    world.refuses = lambda _: chance.random() < 0.5
    world.boot()
    for _ in range(60):
        world.run_until(world.now + chance.randint(60, 300) * MINUTE)
        match chance.randint(0, 2):
            case 0:
                world.fail_to_write()
            case 1:
                world.away = True
        world.run_until(world.now + chance.randint(60, 180) * MINUTE)
        world.come_back()
        if not world.processes:
            world.kill()
            world.boot()
    assert {event.end.action for event in world.log if isinstance(event, Finished)} == {Action.SUCCESS}
    assert {run.task for run in world.begun} == {"a"}, "nothing failed"
    days = windows([run.start for run in world.begun])
    assert set(days.values()) == {1}
    assert len(days) >= (world.now - 1_760_000_000 * SECOND) // DAY, "no day without"


@pytest.mark.parametrize("seed", range(10))
def test_retries_are_bounded_in_each_window_through_kills(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - as above
    world = World(seed, now=1_760_000_000 * SECOND // DAY * DAY)
    world.add(Task("a", Command(("/bin/true",)), parse("daily | retry(3)")), Behaviour(takes=MINUTE, fails=1.0))
    world.boot()
    for _ in range(100):
        world.run_until(world.now + chance.randint(1, 240) * MINUTE)
        world.kill()
        world.boot()
    assert max(run.attempt for run in world.begun) <= 4
    assert set(windows([run.start for run in world.begun[:-4]]).values()) == {4}
