"""When tasks would start: the real scheduler, played forward."""

from dataclasses import replace
from datetime import tzinfo

import pytest

from rocketd.core.instant import DAY, HOUR, MINUTE, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Started
from rocketd.core.model.run import Action, Run, Trigger
from rocketd.core.model.task import Command, Overlap, Task
from rocketd.core.scheduler.forecast import ExpectedRun, Forecast, SimulatedHost, Starts, starts
from rocketd.core.scheduler.scheduler import Scheduler
from support.evaluation import BERLIN, LORD_HOWE, at, local


def task(when: str, name: str = "me", zone: tzinfo | None = None) -> Task:
    made = Task(name, Command(("/bin/true",)), parse(when))
    return made if zone is None else replace(made, zone=zone)


def found(when: str, begin: str, count: int = 3, zone: tzinfo | None = None) -> list[str]:
    mine = task(when, zone=zone)
    return [local(one, mine.zone) for one in starts(mine, at(begin, mine.zone), count).instants]


# -- one task


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("daily", ["2026-03-04 10:00:00", "2026-03-05 00:00:00", "2026-03-06 00:00:00"]),
        ('daily.at("12:00")', ["2026-03-04 12:00:00", "2026-03-05 12:00:00", "2026-03-06 12:00:00"]),
        ('every("90 min")', ["2026-03-04 10:00:00", "2026-03-04 11:30:00", "2026-03-04 13:00:00"]),
        ('every("1 h", based="finish")', ["2026-03-04 10:00:00", "2026-03-04 11:00:00", "2026-03-04 12:00:00"]),
        ('every("1 h", based="fail")', ["2026-03-04 10:00:00", "2026-03-04 10:00:01", "2026-03-04 10:00:02"]),
        ("true", ["2026-03-04 10:00:00", "2026-03-04 10:00:01", "2026-03-04 10:00:02"]),
        ("secondly & (started.today < 2)", ["2026-03-04 10:00:00", "2026-03-04 10:00:01", "2026-03-05 00:00:00"]),
        ('cron("0 10 * * *")', ["2026-03-05 10:00:00", "2026-03-06 10:00:00", "2026-03-07 10:00:00"]),
        ('calendar("Fri 12:00")', ["2026-03-06 12:00:00", "2026-03-13 12:00:00", "2026-03-20 12:00:00"]),
        ('daily & ~running("other")', ["2026-03-04 10:00:00", "2026-03-05 00:00:00", "2026-03-06 00:00:00"]),
        ('cron("0 0 29 2 *")', ["2028-02-29 00:00:00", "2032-02-29 00:00:00", "2036-02-29 00:00:00"]),
        (
            'cron("*/30 * * * *") & time_of_day.between("17:30", "18:15")',
            ["2026-03-04 17:30:00", "2026-03-04 18:00:00", "2026-03-05 17:30:00"],
        ),
    ],
)
def test_a_task_starts_as_one_without_a_past_would(when: str, expected: list[str]) -> None:
    """A window that is open counts at once, a tick only after the first load, and back to back is a second apart."""
    assert found(when, "2026-03-04 10:00") == expected


@pytest.mark.parametrize(
    ("when", "begin", "zone", "expected"),
    [
        ('daily.at("02:30")', "2026-03-28 12:00", BERLIN, ["2026-03-29 03:00:00+02:00", "2026-03-30 02:30:00+02:00"]),
        ('cron("30 2 * * *")', "2026-10-24 12:00", BERLIN, ["2026-10-25 02:30:00+02:00", "2026-10-26 02:30:00+01:00"]),
        ('every("1 h")', "2026-03-29 01:30", BERLIN, ["2026-03-29 01:30:00+01:00", "2026-03-29 03:30:00+02:00"]),
        ('hourly.at("30:00")', "2026-10-25 02:30", BERLIN, ["2026-10-25 02:30:00+02:00", "2026-10-25 02:30:00+01:00"]),
        (
            'cron("0 * * * *")',
            "2026-04-05 01:30",
            LORD_HOWE,
            ["2026-04-05 02:00:00+10:30", "2026-04-05 03:00:00+10:30"],
        ),
    ],
)
def test_starts_follow_the_clock_on_the_wall(when: str, begin: str, zone: tzinfo, expected: list[str]) -> None:
    assert found(when, begin, 2, zone) == expected


@pytest.mark.parametrize("when", ["false", "retry", 'after_success("other")', 'running("other")', "daily & false"])
def test_what_only_an_event_or_nothing_can_start_has_no_starts(when: str) -> None:
    begin = at("2026-03-04 10:00")
    assert starts(task(when), begin, 5) == Starts([], complete=True, looked_until=begin, dues=[])


def test_a_search_without_an_end_is_given_up_and_says_how_far_it_came() -> None:
    """Each tick is at an hour that does not count; there is one every day, for ever."""
    begin = at("2026-03-04 10:00")
    never = starts(task('cron("30 1 * * *") & time_of_day.after("02:00")'), begin, 1)
    assert (never.instants, never.complete) == ([], False)
    assert never.looked_until > begin + 1000 * DAY


# -- several tasks


def play(
    *tasks: Task,
    begin: str = "2026-03-04 10:00",
    until: str,
    takes: dict[str, ExpectedRun] | None = None,
    slots: int = 32,
) -> list[tuple[str, str]]:
    scheduler = Scheduler(host="here", new_run_id=lambda _: "", max_running=slots)
    scheduler.load(tasks, at(begin), {})
    courses = takes or {}
    forecast = Forecast(scheduler, at(begin), lambda run: courses.get(run.task, ExpectedRun()))
    return [(run.task, local(run.start)[11:]) for run in forecast.runs(at(until))]


def test_a_chain_goes_on_when_its_link_has_taken_its_usual_time() -> None:
    extract, load = task('daily.at("11:00")', "extract"), task('after_success("extract")', "load")
    takes = {"extract": ExpectedRun(20 * MINUTE)}
    assert play(extract, load, until="2026-03-04 20:00", takes=takes) == [("extract", "11:00:00"), ("load", "11:20:00")]


def test_slots_and_mutexes_are_obeyed() -> None:
    one, two = (replace(task("daily", name), mutex="disk") for name in ("one", "two"))
    takes = {"one": ExpectedRun(HOUR)}
    assert play(one, two, until="2026-03-04 20:00", takes=takes) == [("one", "10:00:00"), ("two", "11:00:00")]
    three = task("daily", "three")
    assert play(one, three, until="2026-03-04 20:00", takes=takes, slots=1)[1] == ("three", "11:00:00")


def test_a_run_that_fails_is_tried_again_and_a_timeout_stops_one_that_takes_too_long() -> None:
    mine = replace(task('daily.at("11:00") | retry(1, delay="1 min")'), timeout=5 * MINUTE)
    assert play(mine, until="2026-03-04 20:00", takes={"me": ExpectedRun(HOUR)}) == [
        ("me", "11:00:00"),
        ("me", "11:06:00"),
    ]
    failing = {"me": ExpectedRun(0, Action.FAIL)}
    assert play(mine, until="2026-03-04 20:00", takes=failing) == [("me", "11:00:00"), ("me", "11:01:00")]


def test_a_run_that_is_replaced_ends_once() -> None:
    mine = replace(task('every("1 h")'), overlap=Overlap.REPLACE)
    played = play(mine, until="2026-03-04 13:00", takes={"me": ExpectedRun(90 * MINUTE)})
    assert played == [("me", "10:00:00"), ("me", "11:00:00"), ("me", "12:00:00")]


def test_a_run_that_was_stopped_does_not_succeed_later() -> None:
    mine = replace(task('every("1 h")'), overlap=Overlap.REPLACE)
    after = task('after_success("me")', "after")
    played = play(mine, after, until="2026-03-04 14:30", takes={"me": ExpectedRun(3 * HOUR)})
    assert {name for name, _ in played} == {"me"}


def test_runs_that_go_on_already_end_after_their_usual_time() -> None:
    begin: Instant = at("2026-03-04 10:00")
    scheduler = Scheduler(host="here", new_run_id=lambda _: "", max_running=1)
    scheduler.load([task("daily", "next"), task("false", "first")], begin, {})
    going = Run("first", 1, "", 1, begin, begin - MINUTE, Trigger.SCHEDULE, "")
    scheduler.replay([Started(going)], [going], begin)
    forecast = Forecast(scheduler, begin, lambda _: ExpectedRun(10 * MINUTE))
    forecast.go_on([going])
    assert [run.start for run in forecast.runs(begin + HOUR)] == [begin + 9 * MINUTE]


@pytest.mark.parametrize("begin", ["8999-12-31", "9000-01-01", "9500-06-01", "9998-06-01"])
@pytest.mark.parametrize(
    "when", ["daily", "cron('0 0 1 1 *')", "calendar('*-*~1')", "yearly.on('Dec 31')", "crontime('* * * * *')"]
)
def test_beyond_the_years_that_are_known_nothing_starts_and_nothing_fails(when: str, begin: str) -> None:
    assert all(start < at("9001-01-01") for start in starts(task(when), at(begin), 3).instants)


def test_a_condition_about_boots_starts_after_each_of_them() -> None:
    begin, boots = at("2026-11-24 09:30"), [at("2026-11-25 09:00"), at("2026-11-24 18:00"), at("2026-11-25 08:00")]
    once_a_day = task("daily & host_up(less_than='10 min')")
    found = starts(once_a_day, begin, 5, host=SimulatedHost(boots=boots))
    assert found.instants == [begin, at("2026-11-25 08:00")]
    each_boot = task("~started.this_boot & host_up(more_than='15 min')")
    assert starts(each_boot, begin, 5, host=SimulatedHost(boots=boots)).instants == [
        at("2026-11-24 09:45"),
        at("2026-11-24 18:15"),
        at("2026-11-25 08:15"),
        at("2026-11-25 09:15"),
    ]
    assert starts(each_boot, begin, 5).instants == [at("2026-11-24 09:45")]


def test_starts_have_their_splay_and_their_dues_do_not() -> None:
    spread = replace(task("cron('0 0,12 * * *')"), splay=8 * HOUR, splay_each_run=True)
    found = starts(spread, at("2026-11-24 09:30"), 20, host=SimulatedHost("web1"))
    delays = [start - due for start, due in zip(found.instants, found.dues, strict=True)]
    assert all(0 <= delay < 8 * HOUR for delay in delays)
    assert len(set(delays)) == 20
    assert found == starts(spread, at("2026-11-24 09:30"), 20, host=SimulatedHost("web1"))
    assert found != starts(spread, at("2026-11-24 09:30"), 20, host=SimulatedHost("web2"))
