"""Tasks that run after other tasks."""

import pytest

from rocketd.core.instant import MINUTE
from support.scheduler_world import at, started, task, world
from support.simulated_world import Behaviour


def test_a_task_runs_after_another_and_knows_which_run_it_was() -> None:
    made = world(task("a", "daily.at('10:00')"), task("b", "after_success('a')"))
    made.behaviours["a"] = Behaviour(takes=MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert started(made) == ["a/1", "b/1"]
    assert made.starts("b") == [at("2026-03-02 10:01")]
    assert (made.begun[1].cause_task, made.begun[1].cause_run_id) == ("a", made.begun[0].run_id)


@pytest.mark.parametrize(
    ("when", "start"),
    [
        ("started('a')", "10:00"),
        ("running('a')", "10:00"),
        ("(running('a') == 1)", "10:00"),
        ("running('a').more_than('10 min')", "10:10"),
        ("succeeded('a')", "10:30"),
        ("finished('a').today", "10:30"),
        ("(succeeded('a').past('1 h') >= 1)", "10:30"),
        ("after_success('a')", "10:30"),
        ("after_any_finish('z', 'a')", "10:30"),
    ],
)
def test_what_another_task_does_is_heard_at_once(when: str, start: str) -> None:
    made = world(task("a", "daily.at('10:00')"), task("b", when), task("z"))
    made.behaviours["a"] = Behaviour(takes=30 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert made.starts("b")[0] == at(f"2026-03-02 {start}")


def test_several_ends_before_this_one_starts_are_one_run() -> None:
    made = world(task("a", "every('10 min')"), task("b", "after_success('a') & time_of_day.after('12:00')"))
    made.boot()
    made.run_until(at("2026-03-02 12:05"))
    assert made.starts("b") == [at("2026-03-02 12:00"), at("2026-03-02 12:00:01")]


def test_a_chain_goes_on_after_a_restart() -> None:
    made = world(task("a", "daily.at('10:00')"), task("b", "after_success('a')"))
    made.behaviours["a"] = Behaviour(takes=MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 10:00:59"))
    made.step(at("2026-03-02 10:01"))
    made.kill()
    made.boot()
    made.run_until(at("2026-03-02 12:00"))
    assert [run.task for run in made.begun].count("b") == 1
