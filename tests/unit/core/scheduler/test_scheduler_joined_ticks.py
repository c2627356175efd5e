"""Several lines of ticks that are joined by `|` tick as one."""

from dataclasses import replace

from rocketd.core.instant import MINUTE
from support.scheduler_world import at, task, world
from support.simulated_world import Behaviour

UNION = "cron('0 * * * *') | cron('20 * * * *')"


def test_several_lines_of_ticks_are_missed_as_one_line_would_be() -> None:
    blocker = replace(task("blocker", "cron('50 8 * * *')"), mutex="m")
    made = world(replace(task("a", UNION), mutex="m"), blocker, start="2026-03-02 08:45")
    made.behaviours["blocker"] = Behaviour(takes=100 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 10:45"))
    assert [(run.start, run.due, run.reason) for run in made.begun if run.task == "a"] == [
        (at("2026-03-02 10:30"), at("2026-03-02 10:20"), 'cron("20 * * * *")')
    ]
    (missed,) = made.missed("a")
    assert (missed.first, missed.last, missed.count) == (at("2026-03-02 09:00"), at("2026-03-02 10:00"), 3)


def test_after_a_downtime_the_newest_tick_of_several_lines_runs_once() -> None:
    made = world(task("a", UNION), start="2026-03-02 08:45")
    made.boot()
    made.run_until(at("2026-03-02 08:50"))
    made.kill()
    made.now = at("2026-03-02 11:10")
    made.boot()
    made.run_until(at("2026-03-02 11:10"))
    assert [run.due for run in made.begun] == [at("2026-03-02 11:00")]
    assert [(missed.first, missed.last, missed.count) for missed in made.missed("a")] == [
        (at("2026-03-02 09:00"), at("2026-03-02 10:20"), 4)
    ]


def test_a_tick_that_is_still_good_after_a_downtime_is_not_missed_whatever_another_line_does() -> None:
    line = "cron('*/20 * * * *') | (cron('*/7 * * * *') & time_of_month.on('9'))"
    made = world(task("a", line), start="2026-03-02 08:45")
    made.boot()
    made.run_until(at("2026-03-02 08:50"))
    made.kill()
    made.now = at("2026-03-02 09:30")
    made.boot()
    made.run_until(at("2026-03-02 09:30"))
    assert [run.due for run in made.begun] == [at("2026-03-02 09:20")]
    assert [(missed.first, missed.last, missed.count) for missed in made.missed("a")] == [
        (at("2026-03-02 09:00"), at("2026-03-02 09:00"), 1)
    ]
