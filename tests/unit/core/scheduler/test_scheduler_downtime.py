"""What is missed, and what is made good, after the daemon was down."""

from rocketd.core.instant import DAY, HOUR, SECOND
from rocketd.core.model.events import Missed
from support.scheduler_world import at, task, world


def test_a_first_load_fires_no_tick() -> None:
    made = world(task("a", "cron('0 * * * *')"), start="2026-03-02 09:30")
    made.boot()
    made.run_until(at("2026-03-02 09:59"))
    assert not made.begun


def test_after_a_downtime_the_newest_tick_runs_once_and_the_others_are_one_missed_record() -> None:
    made = world(task("a", "cron('0 * * * *')"), start="2026-03-02 08:30")
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    made.kill()
    made.now = at("2026-03-02 13:30")
    made.boot()
    made.run_until(at("2026-03-02 13:31"))
    assert made.starts("a") == [at("2026-03-02 09:00"), at("2026-03-02 13:30")]
    assert made.begun[-1].due == at("2026-03-02 13:00")
    (missed,) = made.missed("a")
    assert (missed.first, missed.last, missed.count) == (at("2026-03-02 10:00"), at("2026-03-02 12:00"), 3)
    assert missed.reason.startswith("rocketd was down from ")


def test_a_window_that_closed_while_the_daemon_was_down_is_missed() -> None:
    made = world(task("a", "daily.between('10:00', '11:00')"))
    made.boot()
    made.run_until(at("2026-03-02 10:30"))
    made.kill()
    made.now = at("2026-03-05 09:00")
    made.boot()
    made.run_until(at("2026-03-05 10:00"))
    assert made.starts("a") == [at("2026-03-02 10:00"), at("2026-03-05 10:00")]
    assert [(missed.first, missed.count) for missed in made.missed("a")] == [(at("2026-03-03 10:00"), 2)]


def test_a_task_that_is_new_after_a_downtime_has_missed_nothing() -> None:
    made = world(task("old"))
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    made.kill()
    made.add(task("new", "daily.between('10:00', '11:00')"))
    made.now = at("2026-03-04 09:00")
    made.boot()
    made.run_until(at("2026-03-04 09:30"))
    assert not made.missed("new")


def test_a_short_restart_misses_nothing() -> None:
    made = world(task("a", "daily"), task("b", "cron('0 3 * * *')"), task("c", "every('10 min')"))
    made.boot()
    made.run_until(at("2026-03-02 09:05"))
    made.kill()
    made.now += 2 * SECOND
    made.boot()
    made.run_until(at("2026-03-03 09:05"))
    assert not [event for event in made.log if isinstance(event, Missed)]


def test_a_long_downtime_is_gone_through_in_bounded_work() -> None:
    made = world(task("a", "cron('* * * * *')"))
    made.boot()
    made.run_until(made.now + HOUR)
    made.kill()
    made.now += 30 * DAY
    made.boot()
    made.run_until(made.now + SECOND)
    (missed,) = made.missed("a")
    assert 500 <= missed.count <= 1000
    assert "counted up to" in missed.reason
