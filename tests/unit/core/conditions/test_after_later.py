"""`after_*` with a delay, and for a while."""

import pytest

from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, FOREVER, HOUR, MINUTE
from rocketd.core.language.parser import parse
from rocketd.core.model.run import Action
from rocketd.core.model.verdict import AGAINST, FOR, Verdict
from support.evaluation import BERLIN, Asked, at
from support.scheduler_world import task, world
from support.simulated_world import Behaviour

WORD = 'after_success("a", delay="2 h", within="1 h")'


def test_it_holds_from_the_delay_after_the_end_on_for_a_while() -> None:
    asked = Asked().armed("2026-03-01")
    asked.history.load("a")
    assert asked.judge(WORD, "2026-03-04 09:00") == Verdict(AGAINST, FOREVER, BEGINNING)
    asked.run("2026-03-04 10:00", "2026-03-04 10:10", task="a")
    assert asked.judge(WORD, "2026-03-04 10:10") == Verdict(AGAINST, at("2026-03-04 12:10"), at("2026-03-04 10:10"))
    assert asked.judge(WORD, "2026-03-04 12:10") == Verdict(FOR, at("2026-03-04 13:10"), at("2026-03-04 12:10"))
    assert asked.judge(WORD, "2026-03-04 13:10") == Verdict(AGAINST, FOREVER, at("2026-03-04 13:10"))


def test_a_newer_end_replaces_the_older_one_and_its_delay() -> None:
    asked = Asked().armed("2026-03-01")
    asked.run("2026-03-04 10:00", "2026-03-04 10:10", task="a")
    asked.run("2026-03-04 11:00", "2026-03-04 11:30", task="a")
    assert asked.judge(WORD, "2026-03-04 12:30").until == at("2026-03-04 13:30")
    asked.run("2026-03-04 12:00", "2026-03-04 12:40", Action.FAIL, task="a")
    assert asked.holds(WORD, "2026-03-04 13:30")


def test_a_start_in_between_uses_the_end() -> None:
    asked = Asked().armed("2026-03-01")
    asked.run("2026-03-04 10:00", "2026-03-04 10:10", task="a")
    asked.run("2026-03-04 11:00", "2026-03-04 11:01")
    assert not asked.holds(WORD, "2026-03-04 12:10")


def test_it_is_real_time() -> None:
    asked = Asked(BERLIN).armed("2026-03-01")
    asked.run("2026-03-29 00:30", "2026-03-29 01:00", task="a")
    assert asked.judge(WORD, "2026-03-29 01:10").until == at("2026-03-29 04:00", BERLIN)


def test_what_was_not_started_in_time_is_missed_and_gone() -> None:
    first, second = task("a", "cron('0 10 * * *')"), task("b", f"{WORD} & ~time_of_week.on('Mon')")
    made = world(first, second, start="2026-03-01 09:00")  # a Sunday
    made.behaviours["a"] = Behaviour(takes=10 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-01 11:00"))
    made.kill()
    made.now = at("2026-03-01 14:00")
    made.boot()
    made.run_until(at("2026-03-03 14:00"))
    assert [run.start for run in made.begun if run.task == "b"] == [at("2026-03-03 12:10")]
    assert [(one.first, one.count) for one in made.missed("b")] == [(at("2026-03-01 12:10"), 1)]


def test_a_restart_within_the_time_starts_it_at_once() -> None:
    made = world(task("a", "cron('0 10 * * *')"), task("b", WORD), start="2026-03-02 09:00")
    made.behaviours["a"] = Behaviour(takes=10 * MINUTE)
    made.boot()
    made.run_until(at("2026-03-02 11:00"))
    made.kill()
    made.now = at("2026-03-02 12:40")
    made.boot()
    made.run_until(made.now + HOUR)
    assert [(run.start, run.due) for run in made.begun if run.task == "b"] == [
        (at("2026-03-02 12:40"), at("2026-03-02 12:10"))
    ]


def test_the_normal_form_and_the_phrase() -> None:
    assert str(parse(WORD)) == 'after_success("a", delay="2h", within="1h")'
    assert parse("after task 'a' succeeded within 1 h delay 2 h") == parse(WORD)
    assert str(parse("after any tasks 'a', 'b' failed delay 5 min")) == 'after_any_fail("a", "b", delay="5min")'


@pytest.mark.parametrize(
    "text", ['after_success("a", delay="1 month")', 'after_success("a", within="0")', 'after_fail("a", delay="-1 h")']
)
def test_a_length_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConditionError):
        parse(text)
