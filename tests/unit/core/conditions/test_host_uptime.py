"""How long the host has been up, and what has happened since it booted."""

from dataclasses import replace

import pytest

from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, FOREVER, HOUR, MINUTE
from rocketd.core.language.parser import parse
from rocketd.core.model.run import Action
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from rocketd.daemon.clock import SystemClock
from support.evaluation import Asked, at
from support.scheduler_world import task, world
from support.simulated_world import World


def booted(when: str) -> Asked:
    asked = Asked().armed("2026-03-01")
    asked.history.booted_at = at(when)
    return asked


def test_it_holds_for_an_age_of_the_boot() -> None:
    asked = booted("2026-03-04 10:00")
    word = 'host_up(more_than="15 min", less_than="1 h")'
    assert asked.judge(word, "2026-03-04 10:14") == Verdict(AGAINST, at("2026-03-04 10:15"), BEGINNING)
    assert asked.judge(word, "2026-03-04 10:15") == Verdict(FOR, at("2026-03-04 11:00"), at("2026-03-04 10:15"))
    assert asked.judge(word, "2026-03-04 11:00") == Verdict(AGAINST, FOREVER, at("2026-03-04 11:00"))
    assert Asked().judge(word, "2026-03-04 10:15") == Verdict(UNKNOWN)


def test_a_step_of_the_clock_does_not_matter_and_a_suspend_counts() -> None:
    asked = booted("2026-03-04 10:00")
    asked.history.clock_stepped(at("2026-03-04 12:10"), 2 * HOUR, 0)
    assert asked.history.booted_at == at("2026-03-04 12:00")
    asked.history.clock_stepped(at("2026-03-04 20:10"), 0, 8 * HOUR)
    assert asked.judge('host_up(more_than="15 min")', "2026-03-04 20:10").since == at("2026-03-04 12:15")


def test_what_has_happened_in_this_boot() -> None:
    asked = booted("2026-03-04 10:00").keep(parse("(started.this_boot < 2)"))
    asked.run("2026-03-04 09:00", "2026-03-04 09:10")
    assert not asked.holds("started.this_boot", "2026-03-04 10:05")
    asked.run("2026-03-04 10:00", "2026-03-04 10:10", Action.FAIL)
    assert asked.judge("started.this_boot", "2026-03-04 10:20") == Verdict(FOR, FOREVER, at("2026-03-04 10:00"))
    assert asked.holds("(started.this_boot < 2)", "2026-03-04 10:20")
    assert asked.holds("failed.this_boot", "2026-03-04 10:20")
    asked.run("2026-03-04 10:30", "2026-03-04 10:31")
    assert not asked.holds("(started.this_boot < 2)", "2026-03-04 10:40")
    assert Asked().holds("started.this_boot", "2026-03-04 10:20") is None


def boots(made: World, when: str) -> None:
    """Down, and booted anew."""
    made.kill()
    made.now = at(when)
    made.boot()
    made.scheduler.history.booted_at = made.now
    made.run_until(made.now + HOUR)


def test_at_boot_but_not_more_than_once_a_day() -> None:
    made = world(task("a", 'daily & host_up(less_than="10 min")'), start="2026-03-02 09:00")
    made.boot()
    made.scheduler.history.booted_at = made.now
    made.run_until(at("2026-03-02 12:00"))
    for when in ("2026-03-02 13:00", "2026-03-03 07:00", "2026-03-03 08:30"):
        boots(made, when)
    assert [run.start for run in made.begun] == [at("2026-03-02 09:00"), at("2026-03-03 07:00")]


def test_once_per_boot_a_quarter_of_an_hour_after_it() -> None:
    one = replace(task("a", '~started.this_boot & host_up(more_than="15 min")'), restart_delay=0)
    made = world(one, start="2026-03-02 09:00")
    made.boot()
    made.scheduler.history.booted_at = made.now
    made.run_until(at("2026-03-02 12:00"))
    boots(made, "2026-03-02 13:00")
    assert [run.start for run in made.begun] == [at("2026-03-02 09:15"), at("2026-03-02 13:15")]


def test_the_clock_knows_when_this_host_booted() -> None:
    clock = SystemClock()
    up = clock.now() - clock.booted_at()
    assert 0 < up <= clock.boottime() + MINUTE


def test_the_normal_form_and_the_phrase() -> None:
    assert str(parse("host up more than 15 min less than 1 h")) == 'host_up(more_than="15min", less_than="1h")'
    assert str(parse("task 'a' has failed this boot")) == 'failed("a").this_boot'


@pytest.mark.parametrize(
    "text",
    ["host_up()", "host_up", 'host_up(more_than="1 h", less_than="1 h")', 'host_up(more_than="1 month")',
     "started.today.this_boot", "host up soon"],
)  # fmt: skip
def test_a_mistake_is_refused(text: str) -> None:
    with pytest.raises(ConditionError):
        parse(text)
