"""Retries, crashes, and what a restart remembers of them."""

from dataclasses import replace

from rocketd.core.instant import HOUR, MINUTE, SECOND
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action, Trigger
from support.scheduler_world import at, started, task, world
from support.simulated_world import Behaviour


def test_the_schedule_is_the_reason_of_a_first_attempt_even_if_a_retry_holds_as_well() -> None:
    made = world(task("a", "cron('*/30 * * * *') | retry(2, delay='20 min')"), start="2026-03-02 09:50")
    made.behaviours["a"] = Behaviour(fails=1)
    made.boot()
    made.run_until(at("2026-03-02 10:10"))
    made.kill()
    made.now = at("2026-03-02 10:50")
    made.boot()
    made.step(made.now)
    assert [(run.attempt, run.due, run.reason) for run in made.begun] == [
        (1, at("2026-03-02 10:00"), 'cron("*/30 * * * *")'),
        (1, at("2026-03-02 10:30"), 'cron("*/30 * * * *")'),
    ]


def test_each_window_has_its_own_retries() -> None:
    made = world(task("a", "(daily | retry(3)) & time_of_day.between('10:00', '12:00')"))
    made.behaviours["a"] = Behaviour(takes=MINUTE, fails=1.0)
    made.boot()
    made.run_until(at("2026-03-05 09:00"))
    assert [run.attempt for run in made.begun] == [1, 2, 3, 4] * 3
    assert [run.trigger for run in made.begun] == [Trigger.SCHEDULE, *[Trigger.RETRY] * 3] * 3
    assert {run.due for run in made.begun} == {at(f"2026-03-0{day} 10:00") for day in (2, 3, 4)}


def test_a_restart_does_not_forget_the_attempts() -> None:
    made = world(task("a", "daily | retry(3, delay='10 min')"))
    made.behaviours["a"] = Behaviour(takes=MINUTE, fails=1.0)
    made.boot()
    for _ in range(20):
        made.run_until(made.now + 5 * MINUTE)
        made.boot()
    assert [run.attempt for run in made.begun] == [1, 2, 3, 4]


def test_a_run_that_timed_out_is_tried_again_as_the_next_attempt() -> None:
    made = world(replace(task("a", "daily.at('10:00') | retry(2)"), timeout=5 * MINUTE))
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert [(run.attempt, run.due) for run in made.begun] == [(n, at("2026-03-02 10:00")) for n in (1, 2, 3)]


def test_what_was_cut_off_runs_again_in_its_window_as_the_next_attempt() -> None:
    made = world(task("a", "daily"))
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.boot()
    made.run_until(made.now + MINUTE)
    made.kill()
    made.now += MINUTE
    made.boot()
    made.run_until(made.now + 2 * HOUR)
    assert [(run.number, run.attempt) for run in made.begun] == [(1, 1), (2, 2)]
    assert [run.trigger for run in made.begun] == [Trigger.SCHEDULE, Trigger.RERUN]
    assert [end.action for end in made.ends("a")] == [Action.CRASH, Action.SUCCESS]


def test_after_crash_limit_crashes_a_run_counts_as_done() -> None:
    """Three, unless told."""
    made = world(task("a", "daily"))
    made.behaviours["a"] = Behaviour(takes=HOUR)
    made.boot()
    for _ in range(6):
        made.run_until(made.now + 5 * MINUTE)
        made.kill()
        made.now += MINUTE
        made.boot()
    assert [run.attempt for run in made.begun] == [1, 2, 3]
    made.run_until(at("2026-03-03 00:10"))
    assert made.begun[-1].attempt == 1


def test_a_number_is_not_given_out_again_though_its_records_are_gone() -> None:
    made = world(task("a", "daily"))
    made.states["a"] = TaskState("a", made.tasks["a"].fingerprint, made.now, 8)
    made.boot()
    made.run_until(made.now + MINUTE)
    assert started(made) == ["a/8"]


def test_what_a_condition_counts_is_kept_for_it() -> None:
    made = world(task("a", "every('10 min')"), task("b", "(succeeded('a').today >= 3) & daily"))
    made.boot()
    made.run_until(made.now + HOUR)
    assert made.starts("b") == [at("2026-03-02 09:20:01")]


def test_what_was_done_is_not_repeated_after_a_restart() -> None:
    made = world(task("a", "daily"), task("b", "cron('0 * * * *')"), task("c", "every('1 hour')"))
    made.boot()
    made.run_until(made.now + 30 * MINUTE)
    before = started(made)
    for _ in range(5):
        made.kill()
        made.now += MINUTE
        made.boot()
        made.run_until(made.now + SECOND)
    assert started(made) == before
