"""What a splay does to one task, and how that is told. In large and over days: tests/simulation/test_splay.py."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rocketd.core.conditions.probe import observed
from rocketd.core.explain.why import why
from rocketd.core.history.history import History
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Duration, Instant, datetime_of, instant_of
from rocketd.core.language.parser import parse
from rocketd.core.model.absence import Absence
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.splay import StartWindow, delay, share
from rocketd.core.model.task import Command, Task
from rocketd.core.model.verdict import AGAINST, FOR
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.serializers import task_details
from support.fakes.probes import DOOR
from support.simulated_world import Behaviour, World

MONDAY = instant_of(datetime(2026, 3, 2, tzinfo=UTC))
NOON = MONDAY + 12 * HOUR


def task(when: str, splay: Duration = HOUR, name: str = "me") -> Task:
    return Task(name, Command(("/bin/true",)), parse(when), splay=splay)


def part(splay: Duration, name: str = "me", host: str = "here") -> Duration:
    return share(host, name) * splay >> 64


def scheduler(one: Task, now: Instant = NOON) -> Scheduler:
    made = Scheduler(host="here", new_run_id=str)
    made.load([one], now, {})
    made.decide(now)
    return made


def answer(made: Scheduler, now: Instant = NOON) -> str:
    return why(made, "me", now).waiting_for


def clock(instant: Instant) -> str:
    return f"{datetime_of(instant):%H:%M:%S}"


# -- how long


def test_the_part_is_the_same_each_time_and_another_for_each_host_and_task() -> None:
    parts = {share(host, name) for host in ("a", "b") for name in ("x", "y")}
    assert len(parts) == 4
    assert share("a", "x") in parts
    assert all(0 <= one < 2**64 for one in parts)


def test_a_chance_that_is_shorter_than_the_splay_is_spread_over_as_it_is() -> None:
    moment = Moment(NOON, task("daily", DAY), History("here"))
    assert delay(moment, HOUR, 0) == part(HOUR)
    assert delay(moment, 2 * DAY, 0) == part(DAY)
    assert delay(moment._replace(without_splay=True), HOUR, 0) == 0


def test_what_began_in_an_absence_starts_within_what_is_left_of_its_chance() -> None:
    history = History("here")
    history.absence = Absence(NOON - HOUR, NOON)
    moment = Moment(NOON, task("daily"), history)
    chance = StartWindow(NOON - HOUR, NOON + 10 * SECOND)
    begin = chance.start(moment, lambda _: False, lambda: False)
    assert (begin.at, begin.start) == (chance.opens + part(HOUR), NOON + part(10 * SECOND))
    assert chance.start(moment, lambda _: True, lambda: False).start == NOON, "owed before already: at once"
    assert chance.start(moment._replace(unattended=True), lambda _: False, lambda: False).start == begin.at


def test_a_clock_that_is_set_moves_an_absence_that_is_being_made_good_and_makes_one_of_a_step_forward() -> None:
    gone = Absence(NOON - HOUR, NOON)
    assert gone.moved(NOON + DAY + SECOND, DAY, MINUTE) == Absence(NOON - HOUR, NOON + DAY)
    assert gone.moved(NOON + 3 * HOUR, HOUR, MINUTE) == Absence(NOON + 2 * HOUR, NOON + 3 * HOUR)
    assert gone.moved(NOON - 10 * MINUTE, -HOUR, MINUTE) == Absence(NOON - HOUR, NOON - 10 * MINUTE)


# -- what it applies to


@pytest.mark.parametrize("when", ["~daily", "retry", "~cron('0 3 * * *') & retry"])
def test_what_is_denied_and_what_is_tried_again_has_no_chances(when: str) -> None:
    moment = Moment(NOON, task(when, DAY), History("here"))
    assert parse(when).judge(moment) == parse(when).judge(moment._replace(without_splay=True))


def test_a_stop_when_is_not_delayed() -> None:
    made = World(1, MONDAY)
    made.add(replace(task("false", 10 * HOUR), stop_when=parse("cron('0 6 * * *')")), Behaviour(takes=DAY))
    made.boot()
    made.carry_out(made.scheduler.run("me", made.now, "by hand"))
    made.run_until(MONDAY + DAY)
    assert [(end.cause, end.at) for end in made.ends("me")] == [(Cause.STOP_WHEN, MONDAY + 6 * HOUR)]


def test_a_condition_that_is_only_observed_begins_a_part_of_the_splay_after_that() -> None:
    made = scheduler(replace(task("false"), when=DOOR))
    made.observe(observed(DOOR, value=True, at=NOON + HOUR))
    made.decide(NOON + HOUR)
    assert made.find("me").next_start == NOON + HOUR + part(HOUR)


def test_what_is_observed_beside_a_window_does_not_move_its_begin() -> None:
    made = scheduler(replace(task("false"), when=parse("daily") & DOOR), MONDAY)
    for turn in range(8):
        made.observe(observed(DOOR, value=turn % 2 == 0, at=MONDAY + turn * 5 * MINUTE))
        made.decide(MONDAY + turn * 5 * MINUTE)
    made.observe(observed(DOOR, value=True, at=MONDAY + 2 * HOUR))
    assert made.decide(MONDAY + 2 * HOUR), "the begin has passed: it starts at once"


def test_a_start_uses_up_every_chance_that_had_begun() -> None:
    """Also if it was due for another reason before: else the tick would start it again at once."""
    history = History("here")
    history.load("x")
    one = task("after_success('x') | cron('0 12 * * *')")
    history.learn(Started(Run("me", 1, "1", 1, NOON - HOUR, NOON + HOUR, Trigger.SCHEDULE, "")))
    verdict = one.when.judge(Moment(NOON + HOUR, one, history))
    assert (verdict.answer, verdict.until) == (AGAINST, NOON + DAY)
    early = History("here")
    early.load("x")
    early.learn(Started(Run("me", 1, "1", 1, NOON - HOUR, NOON + SECOND, Trigger.SCHEDULE, "")))
    verdict = one.when.judge(Moment(NOON + SECOND, one, early))
    assert (verdict.answer, verdict.until) == (AGAINST, NOON + part(HOUR)), "that of noon had not begun"


def test_a_crash_of_a_made_good_run_counts_for_the_window_of_its_due() -> None:
    made = History("here")
    one = replace(task("daily", DAY), crash_limit=1)
    run = Run("me", 1, "1", 1, MONDAY, MONDAY + DAY + SECOND, Trigger.SCHEDULE, "")
    made.learn(Started(run))
    made.learn(Finished(run, End(Action.CRASH, Cause.DOWN, MONDAY + DAY + MINUTE)))
    verdict = one.when.judge(Moment(MONDAY + 2 * DAY - SECOND, one, made))
    assert verdict.answer is FOR
    assert verdict.since == MONDAY + DAY, "Tuesday has its own"


def test_what_was_missed_brings_the_begin_of_the_next_hours_nearer() -> None:
    history = History("here")
    one = task("daily.between('12:00', '16:00')", 4 * HOUR)
    now = NOON + MINUTE
    history.absence = Absence(NOON - 20 * HOUR, NOON - 10 * MINUTE)
    history.of("me").arm(NOON - DAY + HOUR)
    history.learn(Started(Run("me", 1, "1", 1, NOON - DAY, NOON - DAY + 2 * HOUR, Trigger.SCHEDULE, "")))
    history.learn(Finished(Run("me", 1, "1", 1, NOON - DAY, NOON - DAY + 2 * HOUR, Trigger.SCHEDULE, ""),
                           End(Action.SUCCESS, Cause.EXIT, NOON - DAY + 3 * HOUR)))  # fmt: skip
    assert one.when.judge(Moment(now, one, history)).until == NOON + part(4 * HOUR)
    history.of("me").last_scheduled = None
    assert one.when.judge(Moment(now, one, history)).until == NOON + part(10 * MINUTE), "for as long as it has been up"
    history.absence = Absence(NOON - 20 * HOUR, NOON - 9 * HOUR)
    assert one.when.judge(Moment(now, one, history)).until == NOON + part(4 * HOUR), "it is up for long enough"


# -- how it is told


@pytest.mark.parametrize(
    ("when", "due"),
    [
        ("cron('0 * * * *')", NOON + HOUR),
        ("daily.at('14:00')", NOON + 2 * HOUR),
        ("daily & time_of_day.after('15:00')", NOON + 3 * HOUR),
        ("time_of_day.between('13:00', '18:00')", NOON + HOUR),
    ],
)
def test_the_next_start_includes_the_splay(when: str, due: Instant) -> None:
    made = scheduler(task(when))
    entry = made.find("me")
    assert (entry.next_due, entry.next_start) == (due, due + part(HOUR))
    assert task_details(entry, made.history.of("me"))["next_splay"] == part(HOUR) / SECOND
    assert f"; it starts at {clock(due + part(HOUR))} (splay: " in answer(made)
    assert answer(made).endswith(" of 1h)")


def test_the_next_start_of_a_paused_task_includes_the_splay() -> None:
    made = scheduler(task("cron('0 * * * *')"))
    made.pause("me", until=NOON + 90 * MINUTE, by="", reason="")
    made.decide(NOON)
    assert made.find("me").next_start == NOON + 2 * HOUR + part(HOUR)


def test_a_task_that_waits_for_its_splay_says_so_and_the_tree_how_much_it_is() -> None:
    made = scheduler(task("cron('0 12 * * *') | daily", 6 * HOUR), NOON - HOUR)
    made.decide(NOON)
    begins = made.find("me").next_start
    assert begins is not None
    assert answer(made) == f"me is due; it starts at {clock(begins)} (splay)"
    because = [one.because for one in why(made, "me", NOON).parts]
    assert because[0].startswith(f"due since 12:00, starts at {clock(NOON + part(6 * HOUR))} (splay: ")
    assert because[1].startswith(f"due since 11:00, starts at {clock(NOON - HOUR + part(6 * HOUR))} (splay: ")
    assert all(reason.endswith(" of 6h)") for reason in because)


def test_without_a_splay_nothing_is_said_of_one() -> None:
    made = scheduler(task("cron('0 * * * *')", 0))
    assert task_details(made.find("me"), made.history.of("me"))["next_splay"] is None
    assert answer(made) == 'me is waiting for cron("0 * * * *") (at 13:00)'
