"""A clock that is wrong for a while: what was recorded stays what counts, real time goes on. conditions.md, "Time"."""

from dataclasses import replace

import pytest

from rocketd.core.explain.why import why
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Duration, Instant, datetime_of
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Missed
from rocketd.core.model.task import Command, Overlap, Task
from support.evaluation import BERLIN, at
from support.simulated_world import Behaviour, World

NOW = at("2026-11-28 18:25:40")
"""A Saturday; by then all of its fixed times have come."""
FIXED = ("daily", "weekly", "monthly", "daily.at('03:00')", "cron('0 3 * * *')", "calendar('03:00')")
FLOWING = {
    "minutely": MINUTE,
    "cron('* * * * *')": MINUTE,
    "cron('*/5 * * * * *')": 5 * SECOND,
    "cron('*/5 * * * *')": 5 * MINUTE,
    "calendar('*:*:0/20')": 20 * SECOND,
    "every('20 s')": 20 * SECOND,
    "every('30 s', based='finish')": 30 * SECOND,
    "hourly": HOUR,
    "cron('30 * * * *')": HOUR,
    "cron('0 */2 * * *')": 2 * HOUR,
}
STEPS = (HOUR, 2 * HOUR, 9 * HOUR, DAY, 10 * DAY, 31 * DAY, 2 * 365 * DAY)


def world(*conditions: str, start: Instant = NOW - 10 * MINUTE) -> World:
    """A world in which the tasks with fixed times have run already."""
    made = World(0, start)
    for when in conditions:
        made.add(Task(when, Command(("/bin/true",)), parse(when)), Behaviour(takes=0))
    made.boot()
    made.scheduler.history.of("").arm(0)
    made.run_until(made.now)
    return made


def old_world(*conditions: str) -> World:
    """The same, in which they have been loaded for a day."""
    made = world(*conditions, start=NOW - DAY)
    made.run_until(NOW)
    return made


def runs(made: World) -> int:
    return len(made.begun)


def restart(made: World, down: Duration = 4 * SECOND) -> None:
    made.kill()
    made.now += down
    made.boot()


def no_misses(made: World) -> bool:
    return not any(isinstance(event, Missed) for event in made.log)


@pytest.mark.parametrize("by", STEPS)
@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_is_behind_for_a_while_runs_no_fixed_time_twice_and_invents_no_miss(
    by: Duration, *, restarted: bool
) -> None:
    made = old_world(*FIXED)
    before = runs(made)
    if restarted:
        made.kill()
        made.now += 4 * SECOND - by
        made.boot()
    else:
        made.set_clock(-by)
    made.run_until(made.now + 20 * SECOND)
    made.set_clock(by)
    made.run_until(made.now + 20 * SECOND)
    assert runs(made) == before
    assert no_misses(made)


@pytest.mark.parametrize("by", [DAY, 10 * DAY, 2 * 365 * DAY])
def test_what_is_armed_after_its_tick_stays_so_when_the_clock_comes_right(by: Duration) -> None:
    made = world("cron('0 3 * * *')")
    made.kill()
    made.now -= by
    made.boot()
    made.run_until(made.now + 4 * SECOND)
    made.set_clock(by)
    made.run_until(made.now + MINUTE)
    assert runs(made) == 0
    assert no_misses(made)


@pytest.mark.parametrize("by", STEPS)
def test_a_clock_that_is_ahead_for_a_while_runs_each_window_once_and_invents_no_miss(by: Duration) -> None:
    made = old_world(*FIXED)
    made.set_clock(by)
    made.run_until(made.now + MINUTE)
    ahead = runs(made)
    for _ in range(3):
        made.set_clock(-by)
        made.run_until(made.now + MINUTE)
        assert runs(made) == ahead, "what was used up before is so again"
        made.set_clock(by)
        made.run_until(made.now + MINUTE)
        assert runs(made) == ahead, "and so is what was used up ahead"
    assert no_misses(made)


def test_a_clock_that_was_ahead_for_a_while_takes_nothing_from_the_days_in_between() -> None:
    made = old_world("daily", "cron('0 3 * * *')")
    made.set_clock(10 * DAY)
    made.run_until(made.now + MINUTE)
    made.set_clock(-10 * DAY)
    before = runs(made)
    made.run_until(made.now + 9 * DAY)
    assert runs(made) == before + 2 * 9
    made.run_until(made.now + DAY)
    assert runs(made) == before + 2 * 9, "of that day they stand in the record"
    made.run_until(made.now + DAY)
    assert runs(made) == before + 2 * 10
    assert no_misses(made)


@pytest.mark.parametrize("died", ["2026-11-28 23:57", "2026-11-28 20:00"])
def test_a_restart_after_a_clock_that_was_ahead_takes_nothing_from_the_next_day(died: str) -> None:
    made = old_world("daily")
    made.set_clock(3650 * DAY)
    made.run_until(made.now + MINUTE)
    made.set_clock(-3650 * DAY)
    made.run_until(made.now + MINUTE)
    before = runs(made)
    made.run_until(at(died))
    restart(made, at("2026-11-29 00:02") - made.now)
    made.run_until(at("2026-11-29 00:05"))
    assert runs(made) == before + 1


@pytest.mark.parametrize("by", STEPS)
@pytest.mark.parametrize("when", FLOWING)
@pytest.mark.parametrize("restarted", [False, True])
def test_what_goes_on_in_real_time_goes_on_when_the_clock_is_set_back(
    when: str, by: Duration, *, restarted: bool
) -> None:
    made = world(when, start=NOW + by - 3 * FLOWING[when])
    made.run_until(NOW + by)
    assert made.begun
    if restarted:
        made.kill()
        made.now -= by
        made.boot()
    else:
        made.set_clock(-by)
    before, set_at = runs(made), made.now
    made.run_until(set_at + FLOWING[when] + SECOND)
    assert runs(made) > before, "it is not silent for longer than ever"
    made.run_until(set_at + 10 * FLOWING[when])
    assert 9 <= runs(made) - before <= 11
    assert no_misses(made)


@pytest.mark.parametrize("when", ["every('1 h')", "every('1 h', based='success')"])
@pytest.mark.parametrize("by", [-10 * DAY, -2 * HOUR, 2 * HOUR, 10 * DAY])
def test_a_length_of_time_is_real_time_whatever_the_clock_does(when: str, by: Duration) -> None:
    made = world(when)
    made.run_until(made.now + 20 * MINUTE)
    made.set_clock(by)
    made.run_until(made.now + 30 * MINUTE)
    made.set_clock(-by // 2)
    made.run_until(made.now + 9 * MINUTE)
    assert runs(made) == 1
    made.run_until(made.now + 2 * MINUTE)
    assert runs(made) == 2


@pytest.mark.parametrize("by", [-DAY, -HOUR, HOUR, DAY])
def test_the_age_of_a_run_and_its_timeout_are_real_time(by: Duration) -> None:
    made = World(0, NOW)
    made.add(
        Task("old", Command(("/bin/true",)), parse("daily"), parse("running.more_than('30 min')")), Behaviour(takes=DAY)
    )
    made.add(Task("late", Command(("/bin/true",)), parse("daily"), timeout=30 * MINUTE), Behaviour(takes=DAY))
    made.boot()
    made.run_until(NOW + 10 * MINUTE)
    made.set_clock(by)
    made.run_until(made.now + 19 * MINUTE)
    assert len(made.processes) == 2
    made.run_until(made.now + 2 * MINUTE)
    assert not made.ends("late") == made.ends("old") == []
    assert [end.at - by for name in ("old", "late") for end in made.ends(name)[:1]] == [NOW + 30 * MINUTE] * 2


@pytest.mark.parametrize("by", [-DAY, -HOUR, HOUR, DAY])
def test_the_delays_of_a_retry_are_real_time(by: Duration) -> None:
    made = World(0, NOW)
    made.add(
        Task("a", Command(("/bin/true",)), parse("daily | retry(1, delay='30 min', within='1 h')"), restart_delay=0),
        Behaviour(takes=MINUTE, fails=1),
    )
    made.boot()
    made.run_until(NOW + 10 * MINUTE)
    made.set_clock(by)
    made.run_until(NOW + by + 31 * MINUTE - SECOND)
    first = 2 if by == DAY else 1  # another day has come
    assert [run.attempt for run in made.begun] == [1] * first
    if first == 1:
        made.run_until(NOW + by + 31 * MINUTE)
        assert [run.attempt for run in made.begun] == [1, 2]


def test_a_chain_goes_on_across_a_clock_that_was_behind_since_the_start() -> None:
    made = world("daily", "false")
    made.add(Task("then", Command(("/bin/true",)), parse("after_success('false')")), Behaviour(takes=0))
    made.reload()
    made.kill()
    made.now -= 10 * DAY
    made.boot()
    made.run_until(made.now + SECOND)
    made.carry_out(made.scheduler.run("false", made.now, "by hand"))
    made.run_until(made.now + SECOND)
    assert len(made.starts("then")) == 1
    made.set_clock(10 * DAY)
    made.run_until(made.now + MINUTE)
    assert len(made.starts("then")) == 1


@pytest.mark.parametrize("by", [-10 * DAY, -2 * HOUR, 2 * HOUR, 10 * DAY])
def test_what_happened_is_counted_through_a_clock_that_was_wrong(by: Duration) -> None:
    made = world("every('20 min')", start=at("2026-11-28 09:00"))
    made.add(Task("few", Command(("/bin/true",)), parse("(started(\"every('20 min')\").today >= 12)")), Behaviour())
    made.reload()
    made.run_until(at("2026-11-28 12:30"))
    made.set_clock(by)
    made.run_until(made.now + MINUTE)
    made.set_clock(-by)
    made.run_until(at("2026-11-28 12:39"))
    assert not made.starts("few")
    made.run_until(at("2026-11-28 12:41"))
    assert made.starts("few")


def test_a_pause_is_in_force_again_when_the_clock_is_set_back_before_its_end() -> None:
    made = world("minutely")
    made.scheduler.pause("minutely", until=NOW + DAY, by="root", reason="")
    made.run_until(made.now + MINUTE)
    before = runs(made)
    made.set_clock(10 * DAY)
    made.run_until(made.now + 10 * SECOND)
    made.set_clock(-10 * DAY)
    ahead = runs(made)
    made.run_until(NOW + HOUR)
    assert (runs(made) - before, runs(made) - ahead) == (1, 0)
    assert made.scheduler.find("minutely").paused is not None
    made.run_until(NOW + DAY + 2 * MINUTE)
    assert runs(made) > ahead


def test_a_window_that_was_given_up_after_crashes_stays_so_when_it_comes_once_more() -> None:
    made = World(0, at("2026-11-28 23:30"))
    made.add(replace(Task("a", Command(("/bin/true",)), parse("daily")), crash_limit=1), Behaviour(takes=2 * HOUR))
    made.boot()
    made.run_until(at("2026-11-29 01:40"))
    restart(made)
    made.run_until(at("2026-11-29 02:00"))
    before = runs(made)
    made.set_clock(-150 * MINUTE)
    made.run_until(at("2026-11-29 23:59"))
    assert runs(made) == before == 2


def test_an_open_chance_is_neither_missed_nor_lost_by_a_clock_that_is_ahead_for_a_while() -> None:
    made = World(0, NOW, max_running=1)
    made.add(Task("long", Command(("/bin/true",)), parse("daily"), priority=1), Behaviour(takes=HOUR))
    made.add(Task("waits", Command(("/bin/true",)), parse("daily.before('20:00')")), Behaviour(takes=0))
    made.boot()
    made.run_until(NOW + MINUTE)
    made.set_clock(5 * HOUR)
    made.run_until(made.now + MINUTE)
    made.set_clock(-5 * HOUR)
    made.run_until(NOW + 65 * MINUTE)
    assert len(made.starts("waits")) == 1
    assert no_misses(made)


@pytest.mark.parametrize("when", [*FIXED, *FLOWING])
@pytest.mark.parametrize("by", [-10 * DAY, -2 * HOUR, 2 * HOUR, 10 * DAY])
def test_why_and_next_tell_the_same(when: str, by: Duration) -> None:
    made = old_world(when) if when in FIXED else world(when, start=NOW - 3 * FLOWING[when])
    made.run_until(NOW)
    made.set_clock(by)
    made.run_until(made.now + 2 * SECOND)
    entry, told = made.scheduler.find(when), why(made.scheduler, when, made.now)
    assert entry.next_start is not None
    assert not told.holds
    assert why(made.scheduler, when, made.now, entry.next_start).holds
    assert not why(made.scheduler, when, made.now, entry.next_start - 1).holds
    shown = datetime_of(entry.next_start)
    assert f"{shown:at %H:%M}" in told.waiting_for
    assert told.until == entry.next_start or "was already run" in str(told)


def test_in_a_zone_of_its_own_a_fixed_time_stays_used_up_as_well() -> None:
    made = World(0, at("2026-11-29 00:30", BERLIN))
    made.add(Task("a", Command(("/bin/true",)), parse("daily"), zone=BERLIN), Behaviour(takes=0))
    made.boot()
    made.run_until(made.now + MINUTE)
    made.set_clock(-HOUR)
    made.run_until(at("2026-11-29 23:59", BERLIN))
    assert len(made.begun) == 1
    made.run_until(at("2026-11-30 00:01", BERLIN))
    assert len(made.begun) == 2


# -- a start of which nobody knows how long the host was down


def unknown_start(made: World, by: Duration) -> None:
    made.kill()
    died = made.alive
    made.now += by
    made.alive = 0  # nothing is told of a downtime
    made.boot()
    made.scheduler.add_downtime(died, made.now, known=False)


def test_nothing_is_missed_in_a_downtime_before_the_clock_is_trusted() -> None:
    made = old_world("cron('0 3 * * *')")
    unknown_start(made, 3 * DAY)
    made.run_until(made.now + MINUTE)
    assert len(made.begun) == 2, "it is made good all the same"
    assert no_misses(made)
    made.scheduler.trust_clock()
    made.run_until(made.now)
    (missed,) = made.missed("cron('0 3 * * *')")
    assert (missed.count, missed.reason[:22]) == (2, "rocketd was down from ")


@pytest.mark.parametrize(
    ("by", "right", "count"), [(365 * DAY, 4 * SECOND, 0), (-10 * DAY, 4 * SECOND, 0), (-DAY, 2 * DAY, 1)]
)
def test_what_was_missed_in_a_downtime_is_told_by_the_clock_that_is_right(
    by: Duration, right: Duration, count: int
) -> None:
    made = old_world("cron('0 3 * * *')")
    unknown_start(made, by)
    made.run_until(made.now + MINUTE)
    made.set_clock(right - by)
    made.run_until(made.now + MINUTE)
    made.scheduler.trust_clock()
    made.run_until(made.now)
    assert sum(missed.count for missed in made.missed("cron('0 3 * * *')")) == count


def test_what_an_overlap_gave_up_moves_with_the_clock() -> None:
    made = World(0, at("2026-11-28 09:01"))
    skips = Task("a", Command(("/bin/true",)), parse("cron('*/10 * * * *')"), overlap=Overlap.SKIP, restart_delay=0)
    made.add(skips, Behaviour(takes=35 * MINUTE))
    made.boot()
    made.run_until(at("2026-11-28 09:46"))
    made.set_clock(-5 * HOUR)
    made.run_until(at("2026-11-28 04:51"))
    assert made.starts("a")[1:] == [at("2026-11-28 04:50")]


@pytest.mark.parametrize("by", [-2 * HOUR, 3 * HOUR])
def test_what_is_counted_only_since_a_reload_is_counted_by_the_clock_of_then(by: Duration) -> None:
    made = world("every('20 min')", start=at("2026-11-28 12:00"))
    made.run_until(at("2026-11-28 13:05"))
    made.set_clock(by)
    made.run_until(made.now + HOUR)
    made.add(Task("few", Command(("/bin/true",)), parse("(started(\"every('20 min')\").today >= 8)")), Behaviour())
    made.reload()
    made.run_until(made.now + 13 * MINUTE)
    assert not made.starts("few"), "seven times so far"
    made.run_until(made.now + 4 * MINUTE)
    assert made.starts("few")


@pytest.mark.parametrize("by", [-10 * DAY, -2 * HOUR, 2 * HOUR, 10 * DAY])
@pytest.mark.parametrize("based", ["finish", "success", "fail"])
def test_an_end_that_is_recorded_after_the_clock_was_set_counts_from_when_it_was(based: str, by: Duration) -> None:
    """The store is away when the run ends, and answers only after the clock was set."""
    made = World(0, NOW)
    how = Behaviour(takes=MINUTE, fails=float(based == "fail"))
    made.add(Task("a", Command(("/bin/true",)), parse(f"every('2 h', based='{based}')")), how)
    made.boot()
    made.run_until(NOW + SECOND)
    made.away = True
    made.run_until(NOW + 30 * MINUTE)
    made.set_clock(by)
    made.run_until(NOW + by + HOUR)
    made.come_back()
    made.run_until(NOW + by + 2 * HOUR + MINUTE - SECOND)
    assert runs(made) == 1
    made.run_until(NOW + by + 2 * HOUR + MINUTE)
    assert [run.due for run in made.begun[1:]] == [NOW + by + 2 * HOUR + MINUTE]


@pytest.mark.parametrize("by", [-10 * DAY, -2 * HOUR, 2 * HOUR, 10 * DAY])
def test_so_do_the_delay_of_a_retry_and_that_of_a_restart(by: Duration) -> None:
    made = World(0, NOW)
    once = Task("a", Command(("/bin/true",)), parse("weekly | retry(1, delay='2 h')"), restart_delay=0)
    made.add(once, Behaviour(takes=MINUTE, fails=1))
    again = Task("again", Command(("/bin/true",)), parse("true"), restart_delay=2 * HOUR)
    made.add(again, Behaviour(takes=MINUTE))
    made.boot()
    made.run_until(NOW + SECOND)
    made.away = True
    made.run_until(NOW + 30 * MINUTE)
    made.set_clock(by)
    made.run_until(NOW + by + HOUR)
    made.come_back()
    made.run_until(NOW + by + 2 * HOUR + MINUTE - SECOND)
    begun = [run.task for run in made.begun]
    new_week = ["a"] if by == 10 * DAY else []
    assert sorted(begun) == sorted(["a", "again", *new_week])
    made.run_until(NOW + by + 2 * HOUR + MINUTE)
    assert [run.task for run in made.begun[len(begun) :]] == ["again"] if new_week else ["a", "again"]


def test_two_ends_of_which_the_clock_was_set_between_keep_the_order_of_the_log() -> None:
    """`after_…` goes by the order of the records, also where their instants say otherwise."""
    made = World(0, NOW)
    made.add(Task("first", Command(("/bin/true",)), parse("daily")), Behaviour(takes=MINUTE))
    made.add(Task("then", Command(("/bin/true",)), parse("after_success('first')")), Behaviour(takes=0))
    made.boot()
    made.run_until(NOW + SECOND)
    made.away = True
    made.run_until(NOW + 30 * MINUTE)
    made.set_clock(-2 * HOUR)
    made.come_back()
    made.run_until(made.now + SECOND)
    assert [run.task for run in made.begun] == ["first", "then"]
