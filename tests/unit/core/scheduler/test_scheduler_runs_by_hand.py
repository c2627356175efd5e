"""Runs that somebody asks for."""

from dataclasses import replace

import pytest

from rocketd.core.instant import HOUR, MINUTE
from rocketd.core.model.events import NoSuchRun, NoSuchTask, Refusal
from rocketd.core.model.run import Trigger
from support.scheduler_world import at, started, task, world
from support.simulated_world import Behaviour


def test_a_run_by_hand_is_none_of_the_schedule() -> None:
    made = world(
        task("d", "daily.between('10:00', '12:00')"), task("e", "every('1 hour')"), task("c", "cron('0 10 * * *')")
    )
    made.boot()
    made.run_until(at("2026-03-02 09:50"))
    plain = world(*made.tasks.values())
    plain.boot()
    plain.run_until(at("2026-03-03 09:00"))
    for name in "dec":
        made.carry_out(made.scheduler.run(name, made.now, "by hand"))
    made.run_until(at("2026-03-03 09:00"))
    for name in "dec":
        scheduled = [run.start for run in made.begun if run.task == name and run.trigger is not Trigger.HAND]
        assert scheduled == plain.starts(name)


def test_a_run_by_hand_counts_for_others() -> None:
    made = world(task("a", "daily.at('20:00')"), task("b", "after_success('a')"))
    made.boot()
    made.run_until(at("2026-03-02 10:00"))
    made.carry_out(made.scheduler.run("a", made.now, "by hand"))
    made.run_until(at("2026-03-02 11:00"))
    assert started(made) == ["a/1", "b/1"]


def test_a_run_as_scheduled_counts_as_the_due_one() -> None:
    made = world(task("a", "daily.between('10:00', '12:00')"), start="2026-03-02 10:00")
    made.boot()
    made.carry_out(made.scheduler.run("a", made.now, "by hand", as_scheduled=True))
    made.run_until(at("2026-03-02 23:00"))
    assert [run.trigger for run in made.begun] == [Trigger.AS_SCHEDULED]


def test_a_run_as_scheduled_has_the_due_of_the_one_that_waits() -> None:
    made = world(task("a", "cron('0 10 * * *')"))
    made.boot()
    made.scheduler.pause("a", until=None, by="uid 0", reason="holidays")
    made.run_until(at("2026-03-02 10:20"))
    made.carry_out(made.scheduler.run("a", made.now, "by hand", as_scheduled=True))
    assert [(run.start, run.due) for run in made.begun] == [(at("2026-03-02 10:20"), at("2026-03-02 10:00"))]


def test_by_hand_is_refused_with_a_reason() -> None:
    made = world(replace(task("a", "false"), mutex="db"), replace(task("b", "false"), mutex="db"), max_running=2)
    made.add(task("c"))
    made.add(task("d"))
    for name in made.tasks:
        made.behaviours[name] = Behaviour(takes=HOUR)
    made.boot()
    made.carry_out(made.scheduler.run("a", made.now, "by hand"))
    with pytest.raises(Refusal, match="already running as a/1"):
        made.scheduler.run("a", made.now, "by hand")
    with pytest.raises(Refusal, match="held by a/1"):
        made.scheduler.run("b", made.now, "by hand")
    made.carry_out(made.scheduler.run("c", made.now, "by hand"))
    with pytest.raises(Refusal, match="all 2 slots are in use"):
        made.scheduler.run("d", made.now, "by hand")
    with pytest.raises(NoSuchTask, match="no task 'e' is loaded"):
        made.scheduler.run("e", made.now, "by hand")
    with pytest.raises(NoSuchRun, match="d is not running"):
        made.scheduler.stop("d")
    made.scheduler.drain()
    with pytest.raises(Refusal, match="shutting down"):
        made.scheduler.run("d", made.now, "by hand")


def test_an_operators_stop_consumes_ticks_and_intervals_up_to_now() -> None:
    made = world(task("e", "every('10 min')"), task("c", "cron('*/10 * * * *')"), start="2026-03-02 09:55")
    for name in made.tasks:
        made.behaviours[name] = Behaviour(takes=15 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 10:12"))
    for name in "ec":
        made.carry_out(made.scheduler.stop(name))
    made.run_until(at("2026-03-02 10:14"))
    assert not made.processes
    made.run_until(at("2026-03-02 10:21"))
    assert len(made.processes) == 2
