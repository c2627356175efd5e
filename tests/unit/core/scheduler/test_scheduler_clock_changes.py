"""Clocks that are set, and hosts that sleep."""

from dataclasses import replace

import pytest

from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND
from rocketd.core.model.run import Action, Cause, End
from rocketd.core.model.task import Overlap
from rocketd.core.scheduler.registry import MAX_COUNTED_AT_ONCE
from rocketd.core.scheduler.scheduler import Scheduler
from support.scheduler_world import at, started, task, world
from support.simulated_world import Behaviour


def test_a_clock_that_is_set_back_repeats_no_fixed_time_of_day() -> None:
    made = world(
        task("d", "daily.between('08:00', '12:00')"), task("c", "cron('0 9,10 * * *')"), start="2026-03-02 08:30"
    )
    made.boot()
    made.run_until(at("2026-03-02 10:30"))
    before = started(made)
    made.set_clock(-105 * MINUTE)
    made.run_until(at("2026-03-02 10:30"))
    assert started(made) == before


@pytest.mark.parametrize(
    ("when", "fails", "expected"),
    [
        ("every('20 min')", 0, "09:19 09:39 09:59"),
        ("every('20 min', based='success')", 0, "09:19 09:39 09:59"),
        ("daily | retry(2, delay='20 min')", 1, "09:19 09:39"),
        ("daily", 0, ""),
    ],
)
def test_lengths_of_time_go_on_when_the_clock_is_set_back(when: str, fails: int, expected: str) -> None:
    made = world(task("a", when), start="2026-03-02 11:00")
    made.behaviours["a"] = Behaviour(takes=0, fails=fails)
    made.boot()
    made.run_until(at("2026-03-02 11:01"))
    made.now = at("2026-03-02 09:00")
    assert made.scheduler.clock_stepped(made.now, -121 * MINUTE) == []
    made.run_until(at("2026-03-02 10:05"))
    assert made.starts("a")[1:] == [at(f"2026-03-02 {clock}") for clock in expected.split()]


def test_lengths_of_time_go_on_after_a_restart_under_a_clock_that_was_set_back() -> None:
    made = world(task("a", "every('20 min')"), start="2026-03-02 11:00")
    made.boot()
    made.run_until(at("2026-03-02 11:01"))
    made.kill()
    made.now = made.alive = at("2026-03-02 09:00")
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    assert made.starts("a")[1:] == [at("2026-03-02 09:20")]


def test_the_age_of_a_run_goes_on_when_the_clock_is_set_back_and_its_window_stays_used_up() -> None:
    made = world(task("a", "daily", "running.more_than('30 min')"), start="2026-03-03 00:10")
    made.behaviours["a"] = Behaviour(takes=DAY)
    made.boot()
    made.run_until(at("2026-03-03 00:20"))
    made.now = at("2026-03-02 23:20")
    made.scheduler.clock_stepped(made.now, -HOUR)
    made.run_until(at("2026-03-03 23:00"))
    assert [end.at for end in made.ends("a")] == [at("2026-03-02 23:40")]
    assert len(made.begun) == 1


def test_a_task_that_was_armed_under_a_clock_that_is_set_back_is_armed_from_then_on() -> None:
    made = world(task("a", "cron('30 * * * *')"), start="2026-03-02 10:50")
    made.boot()
    made.run_until(at("2026-03-02 10:55"))
    made.now = at("2026-03-02 10:00")
    made.scheduler.clock_stepped(made.now, -55 * MINUTE)
    made.run_until(at("2026-03-02 10:40"))
    assert made.starts("a") == [at("2026-03-02 10:30")]


def test_a_clock_that_is_set_forward_has_the_newest_tick_run_and_none_missed() -> None:
    made = world(task("c", "cron('0 * * * *')"), start="2026-03-02 08:30")
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    made.set_clock(4 * HOUR)
    made.run_until(at("2026-03-02 13:31"))
    assert made.starts("c") == [at("2026-03-02 09:00"), at("2026-03-02 13:30")]
    assert made.missed("c") == []


def test_what_passed_in_a_suspend_is_missed_also_if_a_retry_was_waiting() -> None:
    made = world(replace(task("a", "cron('0 * * * *') | retry"), restart_delay=2 * HOUR), start="2026-03-02 08:30")
    made.behaviours["a"] = Behaviour(takes=0, fails=1)
    made.boot()
    made.run_until(at("2026-03-02 09:10"))
    made.now = at("2026-03-02 13:10")
    made.scheduler.clock_stepped(made.now, 0, 4 * HOUR)
    made.run_until(at("2026-03-02 13:11"))
    assert [(missed.first, missed.last, missed.count) for missed in made.missed("a")] == [
        (at("2026-03-02 10:00"), at("2026-03-02 12:00"), 3)
    ]


def test_what_passed_in_a_suspend_is_judged_by_what_was_running_then() -> None:
    made = world(task("a", "cron('0 * * * *', within='10 min') & ~running('b')"), task("b", "daily"))
    made.behaviours["b"] = Behaviour(takes=150 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    made.now = at("2026-03-02 12:30")
    made.scheduler.clock_stepped(made.now, 0, 3 * HOUR)
    made.run_until(at("2026-03-02 12:31"))  # its end is learned first
    assert not made.scheduler.running_count
    assert made.missed("a") == []


def test_a_suspend_is_settled_for_no_more_watchers_of_a_task_than_a_pass_has_time_for() -> None:
    lines = "cron('0 * * * *', within='10 min') & ~running('b')"
    made = world(
        task("b", "daily"), *[task(f"t{number:02}", lines) for number in range(MAX_COUNTED_AT_ONCE + 3)], max_running=99
    )
    made.behaviours["b"] = Behaviour(takes=150 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    made.now = at("2026-03-02 12:30")
    made.scheduler.clock_stepped(made.now, 0, 3 * HOUR)
    made.run_until(at("2026-03-02 12:31"))
    assert [name for name in made.tasks if made.missed(name)] == [
        f"t{MAX_COUNTED_AT_ONCE + more:02}" for more in range(3)
    ]


@pytest.mark.parametrize("later", [0, 5])
def test_what_passed_in_a_suspend_is_judged_by_what_was_running_then_also_if_a_chance_was_open(later: int) -> None:
    """Who notices the suspend has a pass made, in which it is a little later, and ends may be learned in between."""
    lines = "(cron('0 * * * *', within='45 min') & ~running('b')) | cron('0 * * * *', within='1 min')"
    made = world(task("a", lines), task("b", "daily.after('08:30')"), start="2026-03-02 08:00", max_running=1)
    made.behaviours["b"] = Behaviour(takes=3 * HOUR)
    made.boot()
    made.run_until(at("2026-03-02 09:00") + 30 * SECOND)  # all slots are in use
    made.now = at("2026-03-02 12:30")
    made.scheduler.clock_stepped(made.now, 0, made.now - at("2026-03-02 09:00") - 30 * SECOND)
    made.now += later
    made.run_until(made.now)
    assert [(missed.reason, missed.last) for missed in made.missed("a")] == [
        ("all slots are in use", at("2026-03-02 09:00")),
        ("the host slept or its clock was set forward", at("2026-03-02 12:00")),
    ]


def test_an_edit_that_arms_nothing_anew_takes_nothing_from_a_task_that_is_due_beside_its_last_run() -> None:
    made = world(replace(task("a", "cron('0 * * * *')"), overlap=Overlap.ALLOW), task("b", "false"))
    made.max_running = 2
    made.behaviours["a"] = Behaviour(takes=DAY)
    made.behaviours["b"] = Behaviour(takes=2 * HOUR)
    made.boot()
    made.run_until(made.now + HOUR)
    (begun,) = made.starts("a")
    made.carry_out(made.scheduler.run("b", made.now, "by hand"))
    made.run_until(begun + 65 * MINUTE)  # due since five minutes, and all slots are in use
    made.tasks["a"] = replace(made.tasks["a"], output_tail=7)
    made.reload()
    made.run_until(made.now + 2 * HOUR)
    assert len(made.starts("a")) == 2


def test_a_tick_whose_hours_ended_in_a_suspend_is_gone_though_they_began_anew() -> None:
    made = world(
        task("a", "cron('15 3 * * *') & time_of_hour.after('05:00')"), task("b", "false"), start="2026-03-02 03:10"
    )
    made.behaviours["b"] = Behaviour(takes=20 * MINUTE)
    made.boot()
    made.scheduler.max_running = 1
    made.carry_out(made.scheduler.run("b", made.now, "by hand"))
    made.run_until(at("2026-03-02 03:20"))
    made.now = at("2026-03-02 11:20")
    made.scheduler.clock_stepped(made.now, 0, 8 * HOUR)
    made.run_until(at("2026-03-02 11:40"))
    assert not made.starts("a")
    assert [missed.first for missed in made.missed("a")][:1] == [at("2026-03-02 03:15")]


def test_a_timeout_is_elapsed_time() -> None:
    made = world(replace(task("a", "daily"), timeout=10 * MINUTE))
    made.behaviours["a"] = Behaviour(takes=DAY)
    made.boot()
    made.run_until(made.now + MINUTE)
    made.now += HOUR
    made.scheduler.clock_stepped(made.now, HOUR)
    made.run_until(made.now + 8 * MINUTE)
    assert made.processes
    made.run_until(made.now + 2 * MINUTE)
    assert not made.processes


def test_records_far_in_the_future_count_as_now() -> None:
    made = world(task("a", "every('10 min')"), start="2036-03-02 09:00")
    made.boot()
    made.run_until(made.now + MINUTE)
    made.kill()
    made.now = made.alive = at("2026-03-02 09:00")
    made.boot()
    made.run_until(made.now + HOUR)
    assert len(made.begun) == 7


def test_at_a_start_a_tick_that_was_used_up_far_in_the_future_was_used_up_now_and_its_task_is_named() -> None:
    made = world(task("a", "cron('*/10 * * * *')"), task("idle"), start="2036-03-02 09:05")
    made.boot()
    made.run_until(at("2036-03-02 09:35"))
    made.kill()
    made.now = made.alive = at("2026-03-02 09:05")
    again = Scheduler(host="world", new_run_id=str)
    again.load(made.tasks.values(), made.now, made.states)
    assert again.replay(made.log, [], made.now) == ["a"]
    made.boot()
    made.run_until(at("2026-03-02 09:35"))
    assert made.starts("a")[3:] == [at(f"2026-03-02 09:{minute}") for minute in (10, 20, 30)]


@pytest.mark.parametrize(
    "when",
    [
        "every('10 min')",
        "every('10 min', based='finish')",
        "cron('*/10 * * * *')",
        "minutely.at('00') & ~succeeded.past('10 min')",
    ],
)
def test_what_lies_far_ahead_once_the_clock_was_set_back_counts_as_now(when: str) -> None:
    made = world(task("a", when), task("idle"), start="2036-03-02 09:00")
    made.boot()
    made.run_until(made.now + 25 * MINUTE)
    made.now = at("2026-03-02 09:05")
    assert made.scheduler.clock_stepped(made.now, at("2026-03-02 09:05") - at("2036-03-02 09:25")) == ["a"]
    made.run_until(at("2026-03-02 10:05"))
    assert len([start for start in made.starts("a") if start < at("2036-01-01 00:00")]) >= 4


def test_a_run_that_was_going_on_when_the_clock_was_set_far_back_uses_up_today_only() -> None:
    made = world(task("a", "daily"), start="2036-03-02 09:00")
    made.behaviours["a"] = Behaviour(takes=DAY)
    made.boot()
    made.run_until(made.now + MINUTE)
    made.now = at("2026-03-02 09:00")
    made.scheduler.clock_stepped(made.now, at("2026-03-02 09:00") - at("2036-03-02 09:01"))
    made.end(made.begun[0], End(Action.SUCCESS, Cause.EXIT, made.now + SECOND))
    made.run_until(at("2026-03-03 00:10"))
    assert made.starts("a")[1:] == [at("2026-03-03 00:00")]
