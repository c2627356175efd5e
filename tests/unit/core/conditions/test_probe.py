"""Conditions about what the shell observes."""

from collections.abc import Callable

from rocketd.core.conditions.probe import observed
from rocketd.core.instant import DAY, FOREVER, HOUR, SECOND, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import TRUE, Condition
from rocketd.core.model.events import Start
from rocketd.core.model.moment import Moment
from rocketd.core.model.task import Command, Task
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from rocketd.core.scheduler.scheduler import Scheduler
from support.fakes.probes import BELL, DOOR, Shown

NOON: Instant = 20_000 * DAY + 12 * HOUR
WORK = Command(("/bin/true",))


def scheduler(*conditions: Condition, stop_when: Condition = ~TRUE) -> Scheduler:
    """Make one with the tasks t0, t1, … and have its first pass at noon."""
    made = Scheduler(host="here", new_run_id=str)
    tasks = [Task(f"t{number}", WORK, when, stop_when) for number, when in enumerate(conditions)]
    made.load(tasks, NOON, {})
    made.decide(NOON)
    return made


def started(decide: Callable[[Instant], object], now: Instant) -> list[str]:
    """Have a pass and name the tasks that start in it."""
    decisions = decide(now)
    assert isinstance(decisions, list)
    return [decision.run.task for decision in decisions if isinstance(decision, Start)]


def verdict(asked: Scheduler, name: str = "t0") -> Verdict:
    found = asked.find(name).verdict
    assert found is not None
    return found


def test_what_was_not_observed_is_unknown_and_wanted() -> None:
    asked = scheduler(DOOR)
    assert verdict(asked) == (UNKNOWN, FOREVER, verdict(asked).since)
    assert asked.probes == {DOOR}


def test_an_observation_starts_the_task_and_is_good_for_three_intervals() -> None:
    asked = scheduler(DOOR)
    asked.observe(observed(DOOR, value=True, at=NOON + 5))
    assert started(asked.decide, NOON + 5) == ["t0"]
    assert verdict(asked) == (FOR, NOON + 5 + 3 * SECOND, NOON + 5)


def test_one_that_says_no_is_against() -> None:
    asked = scheduler(DOOR)
    asked.observe(observed(DOOR, value=False, at=NOON))
    assert started(asked.decide, NOON) == []
    assert verdict(asked).answer is AGAINST


def test_an_overdue_observation_is_unknown() -> None:
    asked = scheduler(~DOOR)
    asked.observe(observed(DOOR, value=True, at=NOON))
    asked.decide(NOON)
    assert asked.next_check() == NOON + 3 * SECOND
    assert asked.decide(NOON + 3 * SECOND) == []
    assert verdict(asked).answer is UNKNOWN


def test_what_is_told_of_every_change_never_gets_overdue() -> None:
    asked = scheduler(~BELL)
    asked.observe(observed(BELL, value=True, at=NOON))
    asked.decide(NOON)
    assert verdict(asked) == (AGAINST, FOREVER, NOON)


def test_a_failed_observation_is_unknown_and_so_is_its_negation() -> None:
    asked = scheduler(DOOR, ~DOOR)
    asked.observe(observed(DOOR, value=None, at=NOON, problem="no such door"))
    assert started(asked.decide, NOON) == []
    assert {verdict(asked, name).answer for name in ("t0", "t1")} == {UNKNOWN}


def test_the_same_again_is_no_news_and_keeps_its_since() -> None:
    asked = scheduler(~DOOR)
    for second in range(5):
        asked.observe(observed(DOOR, value=True, at=NOON + second * SECOND))
        if second:
            assert asked.next_check() > NOON
        asked.decide(NOON + second * SECOND)
    assert verdict(asked) == (AGAINST, NOON + 6 * SECOND, NOON)  # judged when the first ran out, after 3 s


def test_what_comes_back_after_a_silence_holds_since_then() -> None:
    asked = scheduler(~DOOR)
    asked.observe(observed(DOOR, value=True, at=NOON))
    asked.decide(NOON)
    asked.observe(observed(DOOR, value=True, at=NOON + 9 * SECOND))
    asked.decide(NOON + 9 * SECOND)
    assert verdict(asked).since == NOON + 9 * SECOND


def test_nothing_is_known_of_the_time_before_an_observation() -> None:
    """So a downtime is never accounted for by what is seen after it."""
    asked = scheduler(BELL)
    asked.observe(observed(BELL, value=True, at=NOON))
    asked.decide(NOON)
    asked.add_downtime(NOON - HOUR, NOON)
    assert asked.report_missed(NOON) == []
    before = Moment(NOON - HOUR, asked.find("t0").task, asked.history)
    assert BELL.judge(before)[:2] == (~BELL).judge(before)[:2] == (UNKNOWN, NOON)


def test_a_probe_is_wanted_only_while_the_other_parts_leave_it_to_decide() -> None:
    asked = scheduler(parse('time_of_day.between("13:00", "14:00")') & BELL)
    assert asked.probes == set()
    assert asked.next_check() == NOON + HOUR
    asked.decide(NOON + HOUR)
    assert asked.probes == {BELL}
    asked.observe(observed(BELL, value=False, at=NOON + HOUR))
    asked.decide(NOON + HOUR)
    assert asked.next_check() == NOON + 2 * HOUR
    asked.decide(NOON + 2 * HOUR)
    assert asked.probes == set()


def test_a_probe_that_is_against_does_not_hide_when_another_part_comes_to_decide() -> None:
    asked = scheduler(parse('time_of_day.between("11:00", "13:00")') & BELL)
    asked.observe(observed(BELL, value=False, at=NOON))
    asked.decide(NOON)
    asked.clock_stepped(NOON + HOUR, 0)  # judged for another reason, outside the hours
    asked.decide(NOON + HOUR)
    assert asked.probes == set()
    assert asked.next_check() == NOON + 23 * HOUR


def test_of_two_probes_the_second_is_wanted_once_the_first_lets_it_decide() -> None:
    asked = scheduler(BELL & DOOR)
    assert asked.probes == {BELL, DOOR}
    asked.observe(observed(BELL, value=False, at=NOON))
    asked.decide(NOON)
    assert asked.probes == {BELL}
    asked.observe(observed(BELL, value=True, at=NOON + SECOND))
    asked.decide(NOON + SECOND)
    assert asked.probes == {BELL, DOOR}


def test_when_a_probe_that_has_decided_is_overdue_the_others_are_looked_at_again() -> None:
    asked = scheduler(DOOR & BELL)
    asked.observe(observed(BELL, value=False, at=NOON))
    asked.decide(NOON)
    asked.observe(observed(DOOR, value=False, at=NOON + SECOND))
    asked.decide(NOON + SECOND)
    assert asked.probes == {DOOR}
    asked.decide(asked.next_check())
    assert asked.probes == {DOOR, BELL}


def test_what_nobody_wants_is_forgotten() -> None:
    asked = scheduler(BELL)
    asked.observe(observed(BELL, value=True, at=NOON))
    asked.load([], NOON, {})
    asked.decide(NOON)
    assert asked.probes == set()
    assert asked.history.observation(str(BELL)) is None
    asked.observe(observed(BELL, value=True, at=NOON))  # too late
    assert asked.history.observation(str(BELL)) is None


def test_an_edit_of_the_task_keeps_what_is_seen_of_the_same_probe() -> None:
    """Nobody would report it anew: it is wanted before and after."""
    asked = scheduler(~BELL)
    asked.observe(observed(BELL, value=True, at=NOON))
    asked.decide(NOON)
    wanted = asked.probes
    asked.load([Task("t0", WORK, ~BELL & TRUE)], NOON, {})
    asked.decide(NOON)
    assert asked.probes is wanted
    assert verdict(asked).answer is AGAINST


def test_a_paused_task_has_nothing_observed() -> None:
    asked = scheduler(BELL)
    asked.pause("t0", until=NOON + HOUR, by="root", reason="")
    asked.decide(NOON)
    assert asked.probes == set()
    asked.decide(NOON + HOUR)
    assert asked.probes == {BELL}


def test_stop_when_may_ask_a_probe() -> None:
    asked = scheduler(TRUE, stop_when=BELL)
    assert asked.probes == {BELL}
    asked.observe(observed(BELL, value=True, at=NOON))
    assert [type(decision).__name__ for decision in asked.decide(NOON)] == ["Stop"]


def test_after_a_clock_step_what_is_looked_at_again_and_again_is_unknown() -> None:
    asked = scheduler(~DOOR, ~BELL)
    for probe in (DOOR, BELL):
        asked.observe(observed(probe, value=True, at=NOON))
    asked.decide(NOON)
    asked.clock_stepped(NOON - HOUR, -HOUR)
    asked.decide(NOON - HOUR)
    assert verdict(asked, "t0").answer is UNKNOWN
    assert verdict(asked, "t1") == (AGAINST, FOREVER, NOON - HOUR)


def test_equal_probes_of_many_tasks_are_one() -> None:
    asked = scheduler(DOOR, Shown(), DOOR & TRUE)
    assert asked.probes == {DOOR}
    asked.observe(observed(DOOR, value=True, at=NOON))
    assert started(asked.decide, NOON) == ["t0", "t1", "t2"]
