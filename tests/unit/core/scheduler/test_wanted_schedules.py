"""Schedules that people asked other schedulers for, and those that once came out wrong: each with its instants.

In Berlin, first loaded on Tuesday 24 November 2026 at 09:30 where nothing else is said.
"""

from dataclasses import replace

import pytest

from rocketd.core.errors import ConditionError
from rocketd.core.instant import HOUR, MINUTE
from rocketd.core.language.parser import parse
from rocketd.core.model.task import Command, Task
from rocketd.core.scheduler.forecast import SimulatedHost, starts
from support.evaluation import BERLIN, at, local
from support.scheduler_world import task, world
from support.simulated_world import Behaviour

BEGIN = "2026-11-24 09:30"


def found(condition: str, begin: str = BEGIN, count: int = 4) -> list[str]:
    mine = Task("me", Command(("/bin/true",)), parse(condition), zone=BERLIN)
    instants = starts(mine, at(begin, BERLIN), count).instants
    return [local(one, BERLIN).rsplit("+", 1)[0].removesuffix(":00") for one in instants]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        # every other week, several days of it, from a date on
        (
            'cron("0 9 * * 2,4") & cycle("2 weeks", since="2026-12-03")',
            ["2026-12-03 09:00", "2026-12-15 09:00", "2026-12-17 09:00", "2026-12-29 09:00"],
        ),
        (
            "cron 0 9 * * 6 & every other week since 2026-12-19",
            ["2026-12-19 09:00", "2027-01-02 09:00", "2027-01-16 09:00", "2027-01-30 09:00"],
        ),
        ('daily.at("04:00") & cycle("3 days", since="2026-12-01")', ["2026-12-01 04:00", "2026-12-04 04:00"]),
        # the parity of weeks
        ('weekly.on("Mon") & iso_week("even")', ["2026-12-07 00:00", "2026-12-21 00:00", "2027-01-11 00:00"]),
        ('weekly.on("Mon") & iso_week("odd")', ["2026-11-30 00:00", "2026-12-14 00:00", "2026-12-28 00:00",
                                                "2027-01-04 00:00"]),  # 53 and 1
        # working days
        ('cron("0 18 * * *") & workday_of_month.on("last")', ["2026-11-30 18:00", "2026-12-31 18:00"]),
        ('cron("0 6 * * *") & workday_of_month.on(1)', ["2026-12-01 06:00", "2027-01-01 06:00", "2027-02-01 06:00"]),
        ('cron("0 6 * * *") & workday_at(15, roll="nearest")', ["2026-12-15 06:00", "2027-01-15 06:00"]),
        ('cron("0 6 LW,15W * *")', ["2026-11-30 06:00", "2026-12-15 06:00", "2026-12-31 06:00"]),
        # not before, and not after a date
        ('cron("0 9 * * *") & since("2026-12-01") & until("2026-12-02")', ["2026-12-01 09:00", "2026-12-02 09:00"]),
        # the 31st, or the last of the month
        ('monthly.on("31 or last")', ["2026-11-30 00:00", "2026-12-31 00:00", "2027-01-31 00:00", "2027-02-28 00:00"]),
        # the first Monday of a quarter; the Saturday after the first Friday
        ('cron("0 9 * 1,4,7,10 1#1")', ["2027-01-04 09:00", "2027-04-05 09:00", "2027-07-05 09:00"]),
        ('calendar("Sat *-*-02..08 09:00")', ["2026-12-05 09:00", "2027-01-02 09:00", "2027-02-06 09:00"]),
        ('quarterly & cycle("2 quarters", since="2026-11-15")', ["2026-11-24 09:30", "2027-04-01 00:00"]),
    ],
)  # fmt: skip
def test_what_people_asked_for_has_a_word(condition: str, expected: list[str]) -> None:
    assert found(condition, count=len(expected)) == expected


@pytest.mark.parametrize(
    ("condition", "begin", "expected"),
    [
        # D1: a tick joined with a window drifted to the beginning of the window
        (
            'calendar("Sat 09:00") & monthly', BEGIN,
            ["2026-11-28 09:00", "2026-12-05 09:00", "2027-01-02 09:00", "2027-02-06 09:00"],
        ),
        ('cron("0 9 * * *") & weekly', BEGIN, ["2026-11-25 09:00", "2026-11-30 09:00", "2026-12-07 09:00"]),
        ('cron("0 9 * * *") & weekly.on("Sat")', BEGIN, ["2026-11-28 09:00", "2026-12-05 09:00"]),
        # D2, F6: a tick joined with an interval drifted away from its tick
        (
            'calendar("Sat 09:00") & every("13 days")', "2026-09-01 09:00",
            ["2026-09-05 09:00", "2026-09-19 09:00", "2026-10-03 09:00", "2026-10-17 09:00", "2026-10-31 09:00"],
        ),
        (
            'calendar("Sat 09:00") & every("2 weeks")', "2026-09-01 09:00",
            ["2026-09-05 09:00", "2026-09-19 09:00", "2026-10-03 09:00", "2026-10-17 09:00", "2026-10-31 09:00"],
        ),
        ('calendar("Sat 09:00", within="1h") & every("13 days")', "2026-09-01 09:00",
         ["2026-09-05 09:00", "2026-09-19 09:00", "2026-10-03 09:00"]),
    ],
)  # fmt: skip
def test_a_tick_stays_a_tick(condition: str, begin: str, expected: list[str]) -> None:
    assert found(condition, begin, len(expected)) == expected


def test_hours_that_broke_end_a_tick_for_good() -> None:
    """D3: it was told as missed, and run all the same when the hours had come again."""
    made = world(task("me", 'cron("30 2 * * *") & time_of_day.between("20:00", "04:00")'), start="2026-12-20 12:00")
    made.boot()
    made.run_until(at("2026-12-25 09:53"))
    made.kill()
    made.now = at("2026-12-26 23:40")
    made.boot()
    made.run_until(at("2026-12-27 01:00"))
    assert made.starts("me")[-1] == at("2026-12-25 02:30")
    assert [(one.first, one.count) for one in made.missed("me")] == [(at("2026-12-26 02:30"), 1)]


@pytest.mark.parametrize(
    ("condition", "last"),
    [
        ('cron("0 23 * * *") & time_of_week.between("Mon", "Fri")', "2026-11-26 23:00"),  # it says hours
        ('cron("0 23 * * *") & workday', "2026-11-28 01:00"),
        ('cron("0 23 * * 1-5")', "2026-11-28 01:00"),
    ],
)
def test_a_tick_on_friday_night_is_made_up_on_saturday_unless_it_says_hours(condition: str, last: str) -> None:
    """D4."""
    made = world(task("me", condition), start="2026-11-24 09:30")
    made.boot()
    made.run_until(at("2026-11-27 22:00"))
    made.kill()
    made.now = at("2026-11-28 01:00")
    made.boot()
    made.run_until(at("2026-11-29 12:00"))
    assert made.starts("me")[-1] == at(last)


def test_months_are_no_lengths_of_time() -> None:
    """D5."""
    for text in (
        'daily & every("2 months")',
        'daily & every("2 quarters")',
        'failed.past("1 year")',
        'retry(3, delay="1 M")',
    ):
        with pytest.raises(ConditionError, match="is not a length of time") as refused:
            parse(text)
        assert "cycle(" in refused.value.hint
    with pytest.raises(ConditionError) as refused:
        parse('every("1 month")')
    assert refused.value.hint.startswith("once a month is monthly")


@pytest.mark.parametrize("span", ["today", "this_week"])
def test_what_time_alone_brings_about_does_not_start_a_tick(span: str) -> None:
    """D6: at midnight nothing has succeeded today, and the tick of three o'clock was still good."""
    made = world(
        task("extract", 'daily.at("02:00")'), task("me", f'cron("0 3 * * *") & ~succeeded("extract").{span}'),
        start="2026-11-24 09:30",
    )  # fmt: skip
    made.behaviours["extract"] = Behaviour(takes=25 * MINUTE)
    made.boot()
    made.run_until(at("2026-12-03 09:30"))
    assert made.starts("me") == []


def test_names_that_nobody_can_have_are_patterns() -> None:
    """D7."""
    made = world(
        replace(task("db-1", 'cron("0 10 * * *")'), tags=("db",)), task("me", 'after_any_fail("tag:db")'),
        task("you", 'cron("0 12 * * *") & failed("db-*").today'), start="2026-11-24 09:30",
    )  # fmt: skip
    made.behaviours["db-1"] = Behaviour(fails=1)
    made.boot()
    made.run_until(at("2026-11-24 13:00"))
    assert (len(made.starts("me")), made.starts("you")) == (1, [at("2026-11-24 12:00")])


def test_what_was_missed_is_told_and_made_good() -> None:
    made = world(
        task("backup", 'daily.between("01:00", "02:00")'), task("tell", 'after_missed("backup")'),
        task("report", 'cron("0 8 * * *") & missed("backup").today'), start="2026-11-24 09:30",
    )  # fmt: skip
    made.boot()
    made.kill()
    made.now = at("2026-11-25 03:00")
    made.boot()
    made.run_until(at("2026-11-26 12:00"))
    assert made.starts("tell") == [at("2026-11-25 03:00")]
    assert made.starts("report") == [at("2026-11-25 08:00")]


def test_a_random_delay_anew_for_each_run() -> None:
    spread = replace(
        Task("me", Command(("/bin/true",)), parse('cron("0 0,12 * * *")')), splay=8 * HOUR, splay_each_run=True
    )
    told = starts(spread, at(BEGIN), 40, host=SimulatedHost("web1"))
    delays = [start - due for start, due in zip(told.instants, told.dues, strict=True)]
    assert len(set(delays)) == 40
    assert all(later - earlier >= 4 * HOUR for earlier, later in zip(told.instants, told.instants[1:], strict=False))


def test_how_long_the_host_is_up() -> None:
    once = Task("me", Command(("/bin/true",)), parse('~started.this_boot & host_up(more_than="15 min")'))
    boots = SimulatedHost(boots=(at("2026-11-25 07:00"),))
    assert starts(once, at(BEGIN), 3, host=boots).instants == [at("2026-11-24 09:45"), at("2026-11-25 07:15")]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("0 0 12 ? * MON-FRI *", "cron('0 12 * * MON-FRI')"),
        ("H 3 * * *", "splay"),
        ("0 9 * * mon%2", "cycle('2 weeks', since='2019-01-14')"),
        ("every('2 weeks', since='2026-12-03')", "every other week since 2026-12-03"),
        ("every 2 weeks since 2026-12-03", "every other week since 2026-12-03"),
        ("cycle('1 month', since='2026-12-03')", "monthly"),
        ("cycle('90 min', since='2026-12-03')", "every("),
    ],
)
def test_other_spellings_get_a_hint(text: str, hint: str) -> None:
    with pytest.raises(ConditionError) as refused:
        parse(text)
    assert hint.lower() in f"{refused.value.message} {refused.value.hint}".lower()
