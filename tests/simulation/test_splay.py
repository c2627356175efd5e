"""A splay spreads, starves nobody, and starts at most once per chance: by an oracle in other words, and in large.

The oracle knows a list of chances and when the daemon was up. It says when the task starts, and of which chance.

ROCKETD_SEEDS says how many worlds. A failing seed is in the test's name, and replays: pytest -k 'oracle and 17-'.
"""

import os
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Duration, Instant, instant_of
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Start
from rocketd.core.model.run import Action, Trigger
from rocketd.core.model.task import Command, Task
from support.simulated_world import Behaviour, World

SEEDS = int(os.environ.get("ROCKETD_SEEDS", "12"))
HOSTS = 1000

Life = tuple[Instant, Instant]
Started = tuple[Instant, Instant]
"""The due and the start of a run."""


def at(text: str) -> Instant:
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


def task(name: str, when: str, splay: Duration, zone: str = "UTC") -> Task:
    made = Task(name, Command(("/bin/true",)), parse(when), zone=ZoneInfo(zone), zone_name=zone, splay=splay)
    return replace(made, restart_delay=0)


# -- the oracle


def part_of(name: str, splay: Duration, opens: Instant | None = None) -> Duration:
    """The share of that task on the host of the simulated world; for each run that of the chance that opens then."""
    key = f"world\0{name}" if opens is None else f"world\0{name}\0{opens}"
    digest = blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") * splay // 2**64


@dataclass(frozen=True, slots=True)
class Oracle:
    """When a task starts, by its chances and by when the daemon was up. It runs in no time, and succeeds."""

    name: str
    splay: Duration
    chances: list[Life]
    """In order. One that ends where the next begins stays good until that one has begun."""
    spread: Duration = MINUTE
    each_run: bool = False

    def starts(self, lives: list[Life]) -> list[Started]:
        runs: list[Started] = []
        before = None
        for up, down in lives:
            now = up
            while now < down:
                started, now = self.look(now, runs, None if before is None else (before, up))
                runs += [started] if started else []
            before = down
        return runs

    def look(self, now: Instant, runs: list[Started], away: Life | None) -> tuple[Started | None, Instant]:
        """What starts now, and when to look again."""
        begins = [self.begin(place, runs, away) for place in range(len(self.chances))]
        later = min((begin for begin in begins if begin > now), default=10**18)
        place = self.newest(begins, now)
        if place is None or not self.is_good(place, now) or self.is_used(place, begins, runs):
            return None, later
        start = begins[place] if away is None else self.after(place, begins, runs, away)
        if start > now:
            return None, min(start, later)
        return (self.chances[place][0], now), now + 1

    def newest(self, begins: list[Instant], now: Instant) -> int | None:
        found = bisect_right(begins, now)
        return found - 1 if found else None

    def is_good(self, place: int, now: Instant) -> bool:
        return now < self.chances[place][1] or self.follows(place + 1)

    def follows(self, place: int) -> bool:
        return 0 < place < len(self.chances) and self.chances[place - 1][1] == self.chances[place][0]

    def is_used(self, place: int, begins: list[Instant], runs: list[Started]) -> bool:
        return any(due >= self.chances[place][0] or start >= begins[place] for due, start in runs)

    def begin(self, place: int, runs: list[Started], away: Life | None) -> Instant:
        opens, closes = self.chances[place]
        length = min(self.splay, closes - opens)
        if away and place and not self.follows(place):
            last = self.chances[place - 1]  # that one was missed if nothing ran for it, and nothing since
            if not any(due >= last[0] or start >= last[0] for due, start in runs):
                length = min(length, max(self.spread, opens - away[1]))
        return opens + part_of(self.name, length, opens if self.each_run else None)

    def after(self, place: int, begins: list[Instant], runs: list[Started], away: Life) -> Instant:
        """When it starts after an absence."""
        left, up = away
        if not left <= begins[place] < up:
            return begins[place]
        plain = [self.begin(at, runs, None) for at in range(len(self.chances))]
        owed = self.newest(plain, left)
        if owed is not None and self.is_good(owed, left) and not self.is_used(owed, plain, runs):
            return up
        rest = self.chances[place][1] - up
        opens = self.chances[place][0] if self.each_run else None
        return up + part_of(self.name, min(self.splay, self.spread, rest if rest > 0 else 10**18), opens)


FIRST = at("2026-11-02")
DAYS = 14


def ticks(hours: tuple[int, ...]) -> list[Life]:
    opens = [FIRST + day * DAY + hour * HOUR for day in range(-1, DAYS + 3) for hour in hours]
    return list(pairwise(opens))


def windows(begin: int, end: int) -> list[Life]:
    return [(FIRST + day * DAY + begin * HOUR, FIRST + day * DAY + end * HOUR) for day in range(-1, DAYS + 2)]


def halves(hours: list[Life]) -> list[Life]:
    """The windows from each hour on, and from half past: the later one cuts the earlier short."""
    half = HOUR // 2
    return [life for opens, _ in hours for life in ((opens, opens + half), (opens + half, opens + 3 * half))]


KINDS: tuple[tuple[str, list[Life], bool], ...] = (
    ("cron('0 6 * * *')", ticks((6,)), True),
    ("cron('0 6,18 * * *')", ticks((6, 18)), True),
    ("cron('0 6 * * *') | cron('0 18 * * *')", ticks((6, 18)), True),
    ("cron('0 0,1,5,23 * * *')", ticks((0, 1, 5, 23)), True),
    ("calendar('*-*-* 0/3:00')", ticks(tuple(range(0, 24, 3))), True),
    ("daily", windows(0, 24), False),
    ("daily | retry(3)", windows(0, 24), False),
    ("daily.starting('06:00')", windows(6, 30), False),
    ("daily.at('10:00', '10:30')", halves(windows(10, 11)), False),
    ("daily.between('01:00', '05:00')", windows(1, 5), False),
    ("daily & time_of_day.between('01:00', '05:00')", windows(1, 5), False),
    ("daily.between('00:00', '01:00')", windows(0, 1), False),
    ("cron('0 1 * * *', within='4 h')", windows(1, 5), True),
    ("cron('0 1 * * *') & time_of_day.between('01:00', '05:00')", windows(1, 5), True),
)  # fmt: skip


def armed(chances: list[Life], since: Instant, *, tick: bool) -> list[Life]:
    """The chances of a task that is first loaded then: a tick before does not count, a window is what is left of it."""
    if tick:
        return [chance for chance in chances if chance[0] > since]
    return [(max(opens, since), closes) for opens, closes in chances if closes > since]


def lives(chance: Random) -> list[Life]:
    """When the daemon is up: always, by turns, for a short time each day, or restarted again and again."""
    kind = chance.choice(("always", "random", "random", "daily", "restarts"))
    until = FIRST + DAYS * DAY
    if kind == "always":
        return [(FIRST + chance.randrange(DAY), until)]
    if kind == "daily":
        hour, length = chance.randrange(24) * HOUR, chance.choice((30 * SECOND, 2 * MINUTE, HOUR, 5 * HOUR))
        return [(FIRST + day * DAY + hour, FIRST + day * DAY + hour + length) for day in range(DAYS)]
    found, now = [], FIRST + chance.randrange(DAY)
    longest = {"random": (30 * HOUR, 30 * HOUR), "restarts": (3 * HOUR, 10 * SECOND)}[kind]
    while now < until:
        down = now + chance.randint(SECOND, longest[0])
        found.append((now, down))
        now = down + chance.randint(SECOND, longest[1])
    return found


@pytest.mark.parametrize("seed", range(max(1, SEEDS // 3)))
@pytest.mark.parametrize(("when", "chances", "tick"), KINDS, ids=[kind[0] for kind in KINDS])
def test_a_task_starts_as_an_oracle_says(seed: int, when: str, chances: list[Life], tick: bool) -> None:  # noqa: FBT001
    chance = Random(f"{seed} {when}")  # noqa: S311 - a simulation must replay
    up = lives(chance)
    world = World(seed, up[0][0])
    tasks = [
        task(f"t{chance.randrange(10**6)}", when, chance.choice((MINUTE, HOUR, 6 * HOUR, DAY, 48 * HOUR)))
        for _ in range(3)
    ]
    tasks = [replace(one, splay_each_run=chance.random() < 0.5) for one in tasks]
    for each in tasks:
        world.add(each, Behaviour(takes=0))
    for begin, end in up:
        world.now = begin
        world.boot()
        world.run_until(end - 1)
        world.now = end
        world.alive = end
        world.kill()
    for each in tasks:
        oracle = Oracle(each.name, each.splay, armed(chances, up[0][0], tick=tick), each_run=each.splay_each_run)
        begun = [(run.due, run.start) for run in world.begun if run.task == each.name]
        assert begun == oracle.starts(up), (each.name, each.splay, up[:20])


def interval_starts(name: str, interval: Duration, splay: Duration, up: list[Life]) -> list[Started]:
    """When `every` starts, by its grid alone, which begins with the first run: the newest interval that has begun."""
    runs: list[Started] = []
    part, opens, left = part_of(name, min(splay, interval)), up[0][0], 0
    for begin, end in up:
        now = max(begin, opens + part)
        while now < end:
            newest = opens + ((now - part - opens) // interval * interval if runs else 0)
            if now == begin and opens + part >= left:  # it began in the absence, and nothing was owed before
                rest = newest + interval - begin
                later = begin + part_of(name, min(splay, MINUTE, rest if rest > 0 else 10**18))
                now = min(later, newest + part + interval) if runs else later
                if now >= end:
                    break
                newest = opens + ((now - part - opens) // interval * interval if runs else 0)
            runs.append((newest, now))
            opens = newest + interval
            if len(runs) == 1:
                opens += (now - part - newest) // interval * interval
            now = max(now, opens + part)
        left = end
    return runs


@pytest.mark.parametrize("seed", range(max(1, SEEDS // 3)))
@pytest.mark.parametrize("interval", [20 * MINUTE, 6 * HOUR, DAY, 36 * HOUR])
def test_an_interval_starts_as_its_grid_says(seed: int, interval: Duration) -> None:
    chance = Random(f"{seed} {interval}")  # noqa: S311 - a simulation must replay
    up = lives(chance)
    world = World(seed, up[0][0])
    one = task(f"t{chance.randrange(10**6)}", f"every('{interval // MINUTE} min')", chance.choice((MINUTE, HOUR, DAY)))
    world.add(one, Behaviour(takes=0))
    for begin, end in up:
        world.now = begin
        world.boot()
        world.run_until(end - 1)
        world.now = world.alive = end
        world.kill()
    begun = [(run.due, run.start) for run in world.begun]
    assert begun == interval_starts(one.name, interval, one.splay, up), (one.name, one.splay, up[:20])


# -- in large: as many tasks as there are hosts, as the share is of both


def many(when: str, splay: Duration, start: str, zone: str = "UTC", hosts: int = HOSTS) -> World:
    """A world with the same task on so many hosts, first loaded then."""
    world = World(1, at(start), max_running=10 * hosts)
    for number in range(hosts):
        world.add(task(f"t{number}", when, splay, zone), Behaviour(takes=0))
    world.boot()
    return world


def away(world: World, until: str) -> None:
    world.kill()
    world.now = at(until)
    world.boot()


def fullest(world: World, size: Duration = MINUTE) -> int:
    """How many starts the fullest minute has."""
    return max(Counter(run.start // size for run in world.begun).values())


def unevenness(starts: list[Instant], begin: Instant, end: Instant, boxes: int = 20) -> float:
    """How far the starts are from being spread evenly (chi squared); all of them must lie in [begin, end)."""
    found = Counter((start - begin) * boxes // (end - begin) for start in starts)
    assert set(found) <= set(range(boxes)), "all of them lie in it"
    expected = len(starts) / boxes
    return sum((found[box] - expected) ** 2 / expected for box in range(boxes))


EVEN = 36.2
"""What chi squared with 19 degrees of freedom stays below in 99 of 100 cases; the hashes are always the same."""


@pytest.mark.parametrize(
    ("when", "splay", "loaded", "begin", "end"),
    [
        ("daily.between('01:00', '02:00')", 4 * HOUR, "2026-11-02 12:00", "2026-11-03 01:00", "2026-11-03 02:00"),
        ("daily & time_of_day.between('01:00', '02:00')", 4 * HOUR, "2026-11-02 12:00", "2026-11-03 01:00",
         "2026-11-03 02:00"),
        ("daily", DAY, "2026-11-02 20:00", "2026-11-02 20:00", "2026-11-03 00:00"),
        ("daily | retry(3)", DAY, "2026-11-02 20:00", "2026-11-02 20:00", "2026-11-03 00:00"),
        ("weekly", 7 * DAY, "2026-11-07 12:00", "2026-11-07 12:00", "2026-11-09 00:00"),
        ("cron('0 3 * * *')", HOUR, "2026-11-02 12:00", "2026-11-03 03:00", "2026-11-03 04:00"),
        ("cron('0 3 * * *', within='10 min')", HOUR, "2026-11-02 12:00", "2026-11-03 03:00", "2026-11-03 03:10"),
        ("cron('0 3 * * *') & time_of_day.before('03:20')", HOUR, "2026-11-02 12:00", "2026-11-03 03:00",
         "2026-11-03 03:20"),
        ("cron('0 3 * * *') | cron('30 3 * * *')", 6 * HOUR, "2026-11-03 02:00", "2026-11-03 03:00",
         "2026-11-03 03:30"),
        ("every('6 h')", 8 * HOUR, "2026-11-02 12:00", "2026-11-02 12:00", "2026-11-02 18:00"),
        ("every('6 h') & time_of_day.between('08:00', '09:00')", 8 * HOUR, "2026-11-02 12:00", "2026-11-03 08:00",
         "2026-11-03 09:00"),
        ("time_of_day.between('08:00', '09:00') & (started.today < 1)", 8 * HOUR, "2026-11-02 12:00",
         "2026-11-03 08:00", "2026-11-03 09:00"),
        ("(started.this_year < 1)", HOUR, "2026-11-02 12:00", "2026-11-02 12:00", "2026-11-02 13:00"),
    ],
)  # fmt: skip
def test_a_splay_spreads_over_what_is_left_of_a_chance(
    when: str, splay: Duration, loaded: str, begin: str, end: str
) -> None:
    world = many(when, splay, loaded)
    world.run_until(at(end) - 1)
    starts = [run.start for run in world.begun]
    assert len(starts) == HOSTS, "each of them starts, and once"
    assert unevenness(starts, at(begin), at(end)) < EVEN
    nominal = HOSTS * MINUTE / (at(end) - at(begin))
    assert fullest(world) <= nominal + 6 * nominal**0.5 + 2


def test_a_day_of_23_hours_is_spread_over_as_well() -> None:
    world = many("daily", DAY, "2026-03-28 12:00", "Europe/Berlin")
    world.run_until(at("2026-03-29 22:00") - 1)
    starts = [run.start for run in world.begun if run.due == at("2026-03-28 23:00")]
    assert len(starts) == HOSTS
    assert unevenness(starts, at("2026-03-28 23:00"), at("2026-03-29 22:00")) < EVEN


def test_each_of_two_windows_a_day_has_a_spread_of_its_own() -> None:
    world = many("daily.at('10:00', '10:30')", 4 * HOUR, "2026-11-02 06:00")
    world.run_until(at("2026-11-02 12:00"))
    begins = [at("2026-11-02 10:00"), at("2026-11-02 10:30"), at("2026-11-02 11:30")]
    for due, end in pairwise(begins):
        starts = [run.start for run in world.begun if run.due == due]
        assert len(starts) == HOSTS
        assert unevenness(starts, due, end) < EVEN


@pytest.mark.parametrize("when", ["cron('0 6 * * *')", "daily.starting('06:00')", "every('1 day')"])
def test_hosts_that_a_power_cut_had_down_do_not_all_start_when_they_are_back(when: str) -> None:
    world = many(when, HOUR, "2026-11-02 06:00")
    world.run_until(at("2026-11-03 00:30"))
    before = len(world.begun)
    away(world, "2026-11-03 09:00")
    world.run_until(at("2026-11-03 09:01") - 1)
    starts = [run.start for run in world.begun[before:]]
    assert len(starts) == HOSTS
    assert unevenness(starts, at("2026-11-03 09:00"), at("2026-11-03 09:01")) < EVEN
    world.run_until(at("2026-11-05 00:00"))
    again = [run.start for run in world.begun if run.due == at("2026-11-04 06:00")]
    assert len(again) == HOSTS
    assert unevenness(again, at("2026-11-04 06:00"), at("2026-11-04 07:00")) < EVEN, "and next time as ever"


def test_a_clock_that_is_put_right_after_a_power_cut_does_not_start_them_all() -> None:
    world = many("cron('0 6 * * *')", HOUR, "2026-11-02 07:00")
    world.run_until(at("2026-11-03 00:30"))
    away(world, "2026-11-03 08:59")
    world.run_until(world.now + 5 * SECOND)
    world.now += MINUTE
    world.scheduler.clock_stepped(world.now, MINUTE)
    world.run_until(world.now + SECOND)
    assert fullest(world, SECOND) < 40
    world.run_until(world.now + MINUTE)
    assert len(world.begun) == HOSTS


def test_after_a_night_that_all_have_missed_the_next_one_is_spread_as_ever() -> None:
    """They are always up: that they owe a start is no reason to start all at once."""
    world = many("daily.between('01:00', '05:00')", 4 * HOUR, "2026-11-02 12:00")
    world.run_until(at("2026-11-03 00:30"))
    away(world, "2026-11-03 06:00")
    world.run_until(at("2026-11-04 05:00"))
    assert len(world.begun) == HOSTS
    starts = [run.start for run in world.begun]
    assert unevenness(starts, at("2026-11-04 01:00"), at("2026-11-04 05:00")) < EVEN


# -- nobody is unlucky for ever


@pytest.mark.parametrize(
    ("when", "splay", "up", "length", "least"),
    [
        ("calendar('*-*-* 6,18:00')", 12 * HOUR, 9, HOUR, 9),
        ("daily", DAY, 9, HOUR, 9),
        ("cron('0 6 * * *')", DAY, 9, HOUR, 8),
        ("every('1 day')", DAY, 9, HOUR, 9),
        ("every('36 h')", DAY, 9, HOUR, 6),
        ("cron('0 6 * * *') | cron('0 18 * * *')", 12 * HOUR, 9, HOUR, 9),
        ("daily & time_of_day.after('09:30')", 4 * HOUR, 9, HOUR, 5),
        ("daily.between('01:00', '05:00')", 4 * HOUR, 2, HOUR, 5),
        ("cron('0 1 * * *', within='4h')", 4 * HOUR, 2, HOUR, 4),
        ("cron('0 1 * * *') & time_of_day.between('01:00', '05:00')", 4 * HOUR, 2, HOUR, 4),
        ("every('1 day') & time_of_day.between('01:00', '05:00')", 4 * HOUR, 2, HOUR, 5),
        ("cron('0 6 * * *')", DAY, 9, 30 * SECOND, 4),
        ("daily", DAY, 9, 30 * SECOND, 4),
    ],
)
def test_hosts_that_are_up_for_a_short_time_each_day_start_all_the_same(
    when: str, splay: Duration, up: int, length: Duration, least: int
) -> None:
    """Of ten days. A first load fires no tick; where a host never sees the end of the hours, every second night."""
    world = many(when, splay, f"2026-11-01 {up:02}:00", hosts=100)
    for day in range(2, 12):
        world.run_until(world.now + length)
        world.kill()
        world.now = at(f"2026-11-{day:02} {up:02}:00")
        world.boot()
    runs = Counter(run.task for run in world.begun)
    assert min(runs[name] for name in world.tasks) >= least
    assert max(runs.values()) <= 20, "at most once per chance"


def test_a_task_that_follows_another_which_ends_again_and_again_is_not_put_off_for_ever() -> None:
    world = many("after_finish('busy')", 10 * MINUTE, "2026-11-02 12:00", hosts=100)
    world.add(Task("busy", Command(("/bin/true",)), parse("minutely")), Behaviour(takes=0))
    world.reload()
    world.run_until(at("2026-11-02 13:00"))
    runs = Counter(run.task for run in world.begun if run.task != "busy")
    assert min(runs[name] for name in world.tasks if name != "busy") >= 5
    away(world, "2026-11-02 13:00:01")
    world.run_until(at("2026-11-02 13:11"))
    assert set(world.tasks) <= {run.task for run in world.begun if run.start > at("2026-11-02 13:00:01")}


# -- what does not move a chance that is used


@pytest.mark.parametrize("when", [kind[0] for kind in KINDS])
def test_neither_an_edit_of_the_splay_nor_a_new_name_of_the_host_starts_a_used_chance_again(when: str) -> None:
    world = many(when, DAY, "2026-11-02 00:00", hosts=50)
    for turn, splay in enumerate((HOUR, DAY, 10 * MINUTE, 0, 12 * HOUR)):
        world.run_until(world.now + 19 * HOUR + 7 * MINUTE)
        for name in world.tasks:
            world.tasks[name] = replace(world.tasks[name], splay=splay)
        if turn % 2:
            world.reload()
        else:
            world.kill()
            world.boot()
            world.scheduler.history.host = f"renamed-{turn}"
    world.run_until(world.now + DAY)
    for name in world.tasks:
        dues = [run.due for run in world.begun if run.task == name]
        assert len(dues) == len(set(dues)), (name, dues)


def test_retries_hands_and_occasions_have_no_splay() -> None:
    world = many("daily | retry(1)", DAY, "2026-11-02 00:00", hosts=50)
    world.fate = lambda run: (0, Action.FAIL if run.attempt == 1 else Action.SUCCESS)
    world.run_until(at("2026-11-03 00:00") - 1)
    tries = {run.key: run for run in world.begun}
    assert len(tries) == 100
    for name in world.tasks:
        assert tries[name, 2].start == tries[name, 1].start
    hand = world.scheduler.run("t0", world.now, "by hand")
    assert [decision.run.start for decision in hand if isinstance(decision, Start)] == [world.now]
    world.scheduler.force("t1", Trigger.BOOT, "on boot")
    world.run_until(world.now)
    started = {run.key: run for run in world.begun}
    assert started["t1", 3].trigger is Trigger.BOOT
    assert started["t1", 3].start == world.now


MORE = (
    "every('7 h')",
    "every('7 h') & time_of_day.after('10:00')",
    "time_of_day.between('01:00', '05:00') & (started.today < 1)",
)


@pytest.mark.parametrize("when", [*(kind[0] for kind in KINDS), *MORE])
def test_what_is_told_as_the_next_start_is_the_next_start(when: str) -> None:
    chance = Random(when)  # noqa: S311 - a simulation must replay
    world = many(when, 3 * HOUR, "2026-11-02 00:00", hosts=20)
    for _ in range(12):
        world.run_until(world.now + chance.randrange(9 * HOUR))
        told = {name: world.scheduler.find(name).next_start for name in world.tasks}
        seen, before = len(world.begun), world.now
        world.run_until(world.now + 3 * DAY)
        for name, expected in told.items():
            assert expected == next(run.start for run in world.begun[seen:] if run.task == name), (name, before)
        world.kill()
        world.boot()


# -- anew for each run


def test_each_run_has_a_part_of_its_own_and_the_same_after_a_restart() -> None:
    world = World(1, FIRST)
    one = replace(task("t", "cron('0 0,12 * * *')", 8 * HOUR), splay_each_run=True)
    world.add(one, Behaviour(takes=0))
    for day in range(DAYS):
        world.now = FIRST + day * DAY
        world.boot()
        world.run_until(FIRST + (day + 1) * DAY - 1)
        world.alive = world.now
        world.kill()
    runs = world.begun
    assert [run.start - run.due for run in runs] == [part_of("t", 8 * HOUR, run.due) for run in runs]
    assert len({run.start - run.due for run in runs}) == len(runs) == 2 * DAYS - 1
    assert min(later.start - earlier.start for earlier, later in pairwise(runs)) >= 4 * HOUR


@pytest.mark.parametrize("interval", [20 * MINUTE, 6 * HOUR])
@pytest.mark.parametrize("splay", [MINUTE, 6 * HOUR])
def test_an_interval_with_a_part_for_each_run_leaves_none_out_and_starts_none_twice(
    interval: Duration, splay: Duration
) -> None:
    world = World(1, FIRST)
    world.add(replace(task("t", f"every('{interval // MINUTE} min')", splay), splay_each_run=True), Behaviour(takes=0))
    world.boot()
    world.run_until(FIRST + 5 * DAY)
    dues = [run.due for run in world.begun]
    assert all(later - earlier == interval for earlier, later in pairwise(dues))
    length = min(splay, interval)
    assert all(run.start == run.due + part_of("t", length, run.due) for run in world.begun)


def test_the_parts_of_many_runs_are_even() -> None:
    """Pearson's test, ten bins, as for the parts of many hosts."""
    parts = [part_of("t", 10, FIRST + number * HOUR) for number in range(10_000)]
    expected = len(parts) / 10
    assert sum((parts.count(one) - expected) ** 2 / expected for one in range(10)) < 27.9  # p = 0.001
