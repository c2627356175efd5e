"""A tick is the chance, and what is scheduled beside it decides about it at the tick."""

from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import pytest

from rocketd.core.instant import DAY, HOUR, MINUTE, Duration, datetime_of
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import Condition
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Run
from rocketd.core.model.task import Command, Task
from rocketd.core.model.verdict import AGAINST, UNKNOWN, Verdict
from rocketd.core.scheduler.forecast import starts
from support.evaluation import BERLIN, Asked, at
from support.simulated_world import Behaviour, World


def local(when: int, zone: ZoneInfo = BERLIN) -> str:
    return f"{datetime_of(when, zone):%a %d %b %H:%M}"


def first_starts(condition: str, begin: str = "2026-11-24 09:30", count: int = 4) -> list[str]:
    task = Task("it", Command(("true",)), parse(condition), zone=BERLIN)
    return [local(one) for one in starts(task, at(begin, BERLIN), count).instants]


@dataclass
class Life:
    """A task in Berlin, and when it was down."""

    condition: str
    begin: str
    others: dict[str, tuple[str, Duration]] = field(default_factory=dict)
    takes: Duration = MINUTE

    def __post_init__(self) -> None:
        self.world = World(1, at(self.begin, BERLIN))
        self.add("it", self.condition, self.takes)
        for name, (when, takes) in self.others.items():
            self.add(name, when, takes)
        self.world.boot()

    def add(self, name: str, when: str, takes: Duration) -> None:
        self.world.add(
            Task(name, Command(("true",)), parse(when), zone=BERLIN, zone_name="Europe/Berlin"), Behaviour(takes=takes)
        )

    def down(self, start: str, end: str) -> "Life":
        self.world.run_until(at(start, BERLIN))
        self.world.kill()
        self.world.now = at(end, BERLIN)
        self.world.boot()
        return self

    def until(self, end: str) -> list[str]:
        self.world.run_until(at(end, BERLIN))
        return [local(run.start) for run in self.runs]

    @property
    def runs(self) -> list[Run]:
        return [run for run in self.world.begun if run.task == "it"]

    @property
    def missed(self) -> list[tuple[str, str, int]]:
        return [(local(one.first), local(one.last), one.count) for one in self.world.missed("it")]


# -- windows and intervals


@pytest.mark.parametrize(
    ("condition", "begin", "expected"),
    [
        ('calendar("Sat 09:00") & monthly', "2026-11-24 09:30",
         ["Sat 28 Nov 09:00", "Sat 05 Dec 09:00", "Sat 02 Jan 09:00", "Sat 06 Feb 09:00"]),
        ('cron("0 9 * * *") & weekly', "2026-11-24 09:30",
         ["Wed 25 Nov 09:00", "Mon 30 Nov 09:00", "Mon 07 Dec 09:00", "Mon 14 Dec 09:00"]),
        ('cron("0 9 * * *") & weekly.on("Sat")', "2026-11-24 09:30",
         ["Sat 28 Nov 09:00", "Sat 05 Dec 09:00", "Sat 12 Dec 09:00", "Sat 19 Dec 09:00"]),
        ('calendar("Sat 09:00") & every("13 days")', "2026-09-01 10:00",
         ["Sat 05 Sep 09:00", "Sat 19 Sep 09:00", "Sat 03 Oct 09:00", "Sat 17 Oct 09:00", "Sat 31 Oct 09:00"]),
        ('calendar("Sat 09:00") & every("2 weeks")', "2026-09-01 10:00",
         ["Sat 05 Sep 09:00", "Sat 19 Sep 09:00", "Sat 03 Oct 09:00", "Sat 17 Oct 09:00", "Sat 31 Oct 09:00"]),
        ('cron("0 3 * * *") & every("36 h")', "2026-11-24 09:30",
         ["Wed 25 Nov 03:00", "Fri 27 Nov 03:00", "Sun 29 Nov 03:00"]),
        ('cron("0 3 * * *") & every("72 h")', "2026-03-20 12:00",
         ["Sat 21 Mar 03:00", "Tue 24 Mar 03:00", "Fri 27 Mar 03:00", "Mon 30 Mar 03:00", "Thu 02 Apr 03:00"]),
        ('cron("30 2 * * *") & every("1 day")', "2026-03-27 12:00",
         ["Sat 28 Mar 02:30", "Sun 29 Mar 03:00", "Mon 30 Mar 02:30"]),
        ('cron("0 11,12 * * *") & every("1 day")', "2026-10-24 11:30",
         ["Sat 24 Oct 12:00", "Sun 25 Oct 12:00", "Mon 26 Oct 12:00"]),
        ('every("1 day") & time_of_day.between("02:00", "02:30")', "2026-03-28 02:10",
         ["Sat 28 Mar 02:10", "Sun 29 Mar 03:00", "Mon 30 Mar 02:00"]),
        ('daily.at("02:00") & every("3 days")', "2026-03-26 00:00",
         ["Thu 26 Mar 02:00", "Sun 29 Mar 03:00", "Wed 01 Apr 02:00"]),
        ('cron("0 3 * * *") & daily.between("01:00", "05:00")', "2026-11-24 09:30",
         ["Wed 25 Nov 03:00", "Thu 26 Nov 03:00", "Fri 27 Nov 03:00"]),
        ('cron("0 3 * * *") & true', "2026-11-24 09:30", ["Wed 25 Nov 03:00"]),
    ],
)  # fmt: skip
def test_a_tick_beside_a_window_or_an_interval_stays_a_tick(condition: str, begin: str, expected: list[str]) -> None:
    assert first_starts(condition, begin, len(expected)) == expected


def test_a_window_is_used_by_the_due_and_not_by_the_start() -> None:
    life = Life('calendar("Sat 09:00") & monthly', "2027-01-29 10:00").down("2027-01-30 08:00", "2027-02-02 10:00")
    assert life.until("2027-02-20 00:00") == ["Tue 02 Feb 10:00", "Sat 06 Feb 09:00"]
    assert local(life.runs[0].due) == "Sat 30 Jan 09:00"


def test_a_late_start_does_not_move_the_rhythm() -> None:
    life = Life('cron("0 23 * * *") & every("20 h")', "2026-11-09 10:00").down("2026-11-09 22:00", "2026-11-10 19:46")
    assert life.until("2026-11-12 00:00") == ["Tue 10 Nov 19:46", "Tue 10 Nov 23:00", "Wed 11 Nov 23:00"]


def test_what_is_counted_as_missed_counts_as_run_for_the_ticks_after_it() -> None:
    life = Life('calendar("Sat 09:00") & every("13 days")', "2026-09-01 10:00")
    life.down("2026-09-12 08:00", "2026-10-16 12:00")
    assert life.until("2026-11-08 00:00") == [
        "Sat 05 Sep 09:00", "Fri 16 Oct 12:00", "Sat 24 Oct 09:00", "Sat 07 Nov 09:00",
    ]  # fmt: skip
    assert local(life.runs[1].due) == "Sat 10 Oct 09:00"
    assert life.missed == [("Sat 19 Sep 09:00", "Sat 03 Oct 09:00", 2)]


def test_an_end_beside_a_tick_waits_for_what_is_scheduled_beside_both() -> None:
    life = Life(
        '(cron("0 3 * * *") | after_success("extract")) & every("2 days")',
        "2026-11-24 09:30",
        {"extract": ('cron("0 2 * * *")', 25 * MINUTE)},
    )
    assert life.until("2026-11-30 00:00") == ["Wed 25 Nov 02:25", "Fri 27 Nov 02:25", "Sun 29 Nov 02:25"]


# -- hours, and what happened today


def test_hours_beside_a_tick_hold_without_a_break() -> None:
    condition = 'cron("30 2 * * *") & time_of_day.between("20:00", "04:00")'
    for back in ("2026-12-26 23:40", "2026-12-26 12:00"):
        life = Life(condition, "2026-12-25 09:00").down("2026-12-25 09:53", back)
        assert life.until("2026-12-27 10:00") == ["Sun 27 Dec 02:30"]
        assert life.missed == [("Sat 26 Dec 02:30", "Sat 26 Dec 02:30", 1)]


def test_hours_are_hours_also_for_a_host_that_was_down() -> None:
    hours = Life('cron("0 23 * * *") & time_of_week.between("Mon", "Fri")', "2026-11-27 10:00")
    assert hours.down("2026-11-27 22:00", "2026-11-28 01:00").until("2026-11-28 20:00") == []
    line = Life('cron("0 23 * * 1-5")', "2026-11-27 10:00")
    assert line.down("2026-11-27 22:00", "2026-11-28 01:00").until("2026-11-28 20:00") == ["Sat 28 Nov 01:00"]


@pytest.mark.parametrize("span", ["~succeeded('extract').today", "(succeeded('extract').today < 1)",
                                  "~(false | succeeded('extract').today)"])  # fmt: skip
def test_a_tick_does_not_outlast_the_day_that_is_asked_about(span: str) -> None:
    life = Life(f"cron('0 3 * * *') & {span}", "2026-11-24 09:30", {"extract": ('cron("0 2 * * *")', 25 * MINUTE)})
    assert life.until("2026-11-28 00:00") == []


def test_what_happened_in_a_length_of_time_keeps_a_tick_waiting() -> None:
    life = Life(
        'cron("0 3 * * *") & ~succeeded("extract").past("2 h")',
        "2026-11-24 09:30",
        {"extract": ('cron("0 2 * * *")', 25 * MINUTE)},
    )
    assert life.until("2026-11-26 00:00") == ["Wed 25 Nov 04:25"]


# -- how often it is judged


def judgements(condition: str, begin: str, days: int) -> int:
    """How often a condition is judged until then, if nothing happens."""
    asked = Asked(BERLIN).armed(begin)
    word, moment, number = parse(condition), asked.moment(begin), 0
    end = moment.now + days * DAY
    while moment.now < end:
        moment = moment.at(word.judge(moment).until)
        number += 1
    return number


@pytest.mark.parametrize(
    ("condition", "least"),
    [
        ('cron("* * * * *") & weekly.on("Sat")', 1),
        ('cron("0 * * * *") & time_of_week.on("Sat") & time_of_day.between("09:00", "10:00")', 1),
        ('cron("0 * * * *") & monthly.on("last")', 1),
        ('cron("* * * * *") & monthly.on("last") | cron("0 9 * * 6")', 1),
    ],
)
def test_ticks_that_cannot_count_are_passed_over(condition: str, least: int) -> None:
    assert judgements(condition, "2026-11-23 00:00", 5) == least


def test_ticks_that_cannot_count_are_passed_over_with_a_splay_too() -> None:
    asked = Asked(BERLIN).armed("2026-11-23 00:00")
    moment = asked.moment("2026-11-23 10:00:30")
    spread = moment._replace(task=replace(asked.task, splay=HOUR))
    word = parse('cron("* * * * *") & weekly.on("Sat")')
    assert word.judge(spread).until == at("2026-11-28 00:00", BERLIN)


def test_after_many_ticks_that_do_not_count_it_is_asked_again() -> None:
    asked = Asked(BERLIN).armed("2026-11-23")
    verdict = asked.judge('cron("0 9 * * *") & daily.between("10:00", "12:00")', "2026-11-24 09:30")
    assert verdict.answer is AGAINST
    assert verdict.until == at("2027-03-05 09:00", BERLIN)


class Unsure(Condition):
    """A day word of which nothing is known."""

    clock_only = is_scheduled = True

    def judge(self, moment: Moment) -> Verdict:  # noqa: ARG002 - the same about every moment
        return Verdict(UNKNOWN)

    def __str__(self) -> str:
        return "unsure"


def test_what_is_unknown_about_a_tick_makes_it_unknown() -> None:
    asked = Asked(BERLIN).armed("2026-11-23")
    moment = asked.moment("2026-11-24 03:30")
    verdict = (parse('cron("0 3 * * *")') & Unsure()).judge(moment)
    assert verdict == Verdict(UNKNOWN, at("2026-11-25 03:00", BERLIN), at("2026-11-24 03:00", BERLIN))
    against = (parse('cron("0 3 * * *") & time_of_week.on("Sat")') & Unsure()).judge(moment)
    assert against.answer is AGAINST
