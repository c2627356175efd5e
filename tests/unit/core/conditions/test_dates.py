"""Words about dates: cycles, ISO weeks, since and until; and quarters, and the last day of a month that lacks one."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule  # type: ignore[import-untyped]  # it has no types of its own
from hypothesis import given
from hypothesis import strategies as st

from rocketd.core.calendar.oncalendar import no_zones
from rocketd.core.conditions.cycle import Cycle
from rocketd.core.conditions.iso_week import IsoWeek
from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, FOREVER, datetime_of
from rocketd.core.language.parser import parse, read
from rocketd.core.model.task import Command, Task
from rocketd.core.model.verdict import AGAINST, FOR, Verdict
from rocketd.core.scheduler.forecast import starts
from support.evaluation import APIA, BERLIN, Asked, at

BEIRUT = ZoneInfo("Asia/Beirut")


def first_starts(condition: str, begin: str, count: int, zone: tzinfo = BERLIN) -> list[str]:
    task = Task("it", Command(("true",)), parse(condition), zone=zone)
    return [f"{datetime_of(one, zone):%Y-%m-%d %H:%M %Z}" for one in starts(task, at(begin, zone), count).instants]


def days_of(condition: str, begin: str, count: int, zone: tzinfo = BERLIN) -> list[str]:
    return [one[:10] for one in first_starts(condition, begin, count, zone)]


# -- the nasty examples of cycles


def test_only_what_lies_in_the_cycle_and_not_before_its_date_counts() -> None:
    word = 'cron("0 9 * * 2,4") & cycle("2 weeks", since="2026-12-03")'
    assert days_of(word, "2026-11-24 09:30", 6) == [
        "2026-12-03", "2026-12-15", "2026-12-17", "2026-12-29", "2026-12-31", "2027-01-12",
    ]  # fmt: skip
    assert first_starts('weekly & cycle("2 weeks", since="2026-12-03")', "2026-11-24 09:30", 3) == [
        "2026-12-03 00:00 CET", "2026-12-14 00:00 CET", "2026-12-28 00:00 CET",
    ]  # fmt: skip
    saturdays = 'cron("0 9 * * 6") & cycle("2 weeks", since="2026-12-19")'
    assert days_of(saturdays, "2026-11-24 09:30", 4) == ["2026-12-19", "2027-01-02", "2027-01-16", "2027-01-30"]


def test_a_unit_that_lacks_the_day_is_left_out() -> None:
    word = 'monthly.on(31) & cycle("2 months", since="2026-01-31")'
    assert days_of(word, "2026-01-01", 5) == ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31", "2027-01-31"]
    leap = 'yearly.on("Feb 29") & cycle("{} years", since="2024-02-29")'
    assert days_of(leap.format(3), "2024-01-01", 3) == ["2024-02-29", "2036-02-29", "2048-02-29"]
    assert days_of(leap.format(4), "2024-01-01", 3) == ["2024-02-29", "2028-02-29", "2032-02-29"]


def test_a_date_begins_where_its_midnight_is_reached() -> None:
    assert first_starts('daily & cycle("2 days", since="2026-10-25")', "2026-10-20", 2) == [
        "2026-10-25 00:00 CEST", "2026-10-27 00:00 CET",
    ]  # fmt: skip
    assert first_starts('daily & cycle("2 days", since="2026-03-27")', "2026-03-20", 3, BEIRUT) == [
        "2026-03-27 00:00 EET", "2026-03-29 01:00 EEST", "2026-03-31 00:00 EEST",
    ]  # fmt: skip
    assert days_of('daily & cycle("3 days", since="2011-12-27")', "2011-12-20", 3, APIA) == [
        "2011-12-27", "2012-01-02", "2012-01-05",
    ]  # fmt: skip
    assert first_starts('cron("30 2 * * *") & cycle("3 days", since="2026-03-26")', "2026-03-20", 3) == [
        "2026-03-26 02:30 CET", "2026-03-29 03:00 CEST", "2026-04-01 02:30 CEST",
    ]  # fmt: skip


def test_quarters_are_units_too() -> None:
    cycle = 'cycle("2 quarters", since="2026-11-15")'
    assert days_of(f"monthly & {cycle}", "2026-11-01", 6) == [
        "2026-11-15", "2026-12-01", "2027-04-01", "2027-05-01", "2027-06-01", "2027-10-01",
    ]  # fmt: skip
    assert days_of(f"quarterly & {cycle}", "2026-11-01", 3) == ["2026-11-15", "2027-04-01", "2027-10-01"]
    assert days_of("quarterly.on(92)", "2026-01-01", 4) == ["2026-09-30", "2026-12-31", "2027-09-30", "2027-12-31"]
    assert days_of('quarterly.on("92 or last")', "2026-01-01", 2) == ["2026-03-31", "2026-06-30"]
    assert days_of("quarterly.on(-92, 1)", "2026-01-02", 3) == ["2026-04-01", "2026-07-01", "2026-10-01"]


def test_a_day_word_says_until_when_and_since_when() -> None:
    asked = Asked(BERLIN)
    word = 'cycle("2 weeks", since="2026-12-03")'
    dates = {day: at(day, BERLIN) for day in ("2026-12-03", "2026-12-07", "2026-12-14", "2026-12-21")}
    first, second, third, fourth = dates.values()
    assert asked.judge(word, "2026-12-02 23:59") == Verdict(AGAINST, first, BEGINNING)
    assert asked.judge(word, "2026-12-05") == Verdict(FOR, second, first)
    assert asked.judge(word, "2026-12-07") == Verdict(AGAINST, third, second)
    assert asked.judge(word, "2026-12-14") == Verdict(FOR, fourth, third)
    assert asked.judge(word, "0900-01-01").answer is AGAINST
    assert asked.judge(word, "9500-01-01") == Verdict(AGAINST, FOREVER, BEGINNING)


# -- against others


@st.composite
def cycles(draw: st.DrawFn) -> tuple[Cycle, rrule.rrule]:
    """A cycle of days, weeks, months or years, and the rule that says the same."""
    unit, number = draw(st.sampled_from(["day", "week", "month", "year"])), draw(st.integers(2, 20))
    since = draw(st.dates(date(1980, 1, 1), date(2060, 12, 31)))
    week_starts = draw(st.sampled_from(["Mon", "Sun"])) if unit == "week" else None
    cycle = Cycle.of(f"{number} {unit}s", since=str(since), week_starts=week_starts)
    frequency = {"day": rrule.DAILY, "week": rrule.WEEKLY, "month": rrule.MONTHLY, "year": rrule.YEARLY}[unit]
    every = {
        "day": {},
        "week": {"byweekday": range(7)},
        "month": {"bymonthday": range(1, 32)},
        "year": {"byyearday": range(1, 367)},
    }[unit]
    begin = datetime.combine(since, datetime.min.time())
    weekday = rrule.SU if week_starts == "Sun" else rrule.MO
    return cycle, rrule.rrule(frequency, begin, interval=number, wkst=weekday, **every)


@given(cycles(), st.integers(-100, 1500))
def test_a_cycle_is_what_dateutil_makes_of_the_rule(drawn: tuple[Cycle, rrule.rrule], away: int) -> None:
    cycle, rule = drawn
    begin = max(cycle.since + timedelta(days=away), date(1980, 1, 1))
    first = datetime.combine(begin, datetime.min.time())
    listed = {one.date() for one in rule.between(first, first + timedelta(days=90), inc=True)}
    for offset in range(90):
        day = begin + timedelta(days=offset)
        found = cycle.stretch(day.toordinal())
        assert found.inside is (day in listed), day
        assert (found.start or 0) <= day.toordinal() < (found.end or 0)


@given(st.integers(2, 9), st.dates(date(1980, 1, 1), date(2060, 12, 31)), st.integers(0, 4000))
def test_a_cycle_of_quarters_is_one_of_three_months_each(number: int, since: date, away: int) -> None:
    cycle, day = Cycle.of(f"{number} quarters", since=str(since)), since + timedelta(days=away)
    quarters = (day.year - since.year) * 4 + (day.month - 1) // 3 - (since.month - 1) // 3
    assert cycle.stretch(day.toordinal()).inside is (quarters % number == 0)


@given(st.sampled_from(["even", "odd"]) | st.lists(st.integers(1, 53), min_size=1, max_size=6, unique=True),
       st.dates(date(1980, 1, 1), date(2060, 12, 31)))  # fmt: skip
def test_an_iso_week_is_what_the_calendar_says(weeks: str | list[int], day: date) -> None:
    word = IsoWeek.of(weeks) if isinstance(weeks, str) else IsoWeek.of(*weeks)

    def holds(day: date) -> bool:
        week = day.isocalendar().week
        return week % 2 == (weeks == "odd") if isinstance(weeks, str) else week in weeks

    found = word.stretch(day.toordinal())
    assert found.inside is holds(day)
    assert found.start is not None
    assert found.end is not None
    assert all(holds(date.fromordinal(one)) is found.inside for one in range(found.start, found.end, 7))
    assert holds(date.fromordinal(found.start - 1)) is not found.inside
    assert holds(date.fromordinal(found.end)) is not found.inside


def test_odd_weeks_are_not_every_other_week() -> None:
    assert Asked().judge('iso_week("odd")', "2026-12-28") == Verdict(FOR, at("2027-01-11"), at("2026-12-28"))
    assert Asked().judge(f"iso_week({', '.join(map(str, range(1, 54)))})", "2026-12-28") == Verdict(FOR)


# -- since and until


def test_since_and_until_are_reached_as_any_wall_time() -> None:
    asked = Asked(BERLIN)
    gap, repeated = "2026-03-29T01:00Z", "2026-10-25T00:30Z"
    assert asked.judge('since("2026-03-29 02:30")', "2026-03-28") == Verdict(AGAINST, at(gap))
    assert asked.judge('since("2026-03-29 02:30")', at(gap)) == Verdict(FOR, FOREVER, at(gap))
    assert asked.judge('until("2026-10-25 02:30")', "2026-10-25") == Verdict(FOR, at(repeated))
    for later in (at(repeated), at("2026-10-25T01:10Z")):
        assert asked.judge('until("2026-10-25 02:30")', later) == Verdict(AGAINST, FOREVER, at(repeated))
    assert asked.judge('until("2027-01-31")', "2027-01-31 23:59") == Verdict(FOR, at("2027-02-01", BERLIN))
    assert Asked(APIA).judge('until("2011-12-30")', "2011-12-29") == Verdict(FOR, at("2011-12-31", APIA))


def test_since_and_until_choose_ticks() -> None:
    word = 'cron("0 23 * * *") & since("2027-01-30") & until("2027-01-31")'
    assert days_of(word, "2026-12-01", 5) == ["2027-01-30", "2027-01-31"]


# -- the last day of a month that lacks one


@pytest.mark.parametrize(
    ("word", "begin", "expected"),
    [
        ('monthly.on("31 or last")', "2028-01-01", ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]),
        ('monthly.on("30 or last", "31 or last")', "2027-04-01", ["2027-04-30", "2027-05-30", "2027-05-31"]),
        ('monthly.between("30 or last", "31 or last")', "2027-02-01", ["2027-02-28", "2027-03-30", "2027-04-30"]),
        ('yearly.on("Feb 29 or last")', "2026-01-01", ["2026-02-28", "2027-02-28", "2028-02-29"]),
    ],
)
def test_or_last_is_the_last_day_of_what_lacks_the_day(word: str, begin: str, expected: list[str]) -> None:
    assert days_of(word, begin, len(expected)) == expected


def test_or_last_with_a_time_and_how_long_it_lasts() -> None:
    asked = Asked(UTC)
    found = asked.judge('time_of_month.between("30 or last", "31 or last")', "2027-02-28 12:00")
    assert found == Verdict(FOR, at("2027-03-01"), at("2027-02-28"))
    assert first_starts('monthly.on("31 or last 10:00")', "2027-02-02", 1) == ["2027-02-28 10:00 CET"]


# -- mistakes


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('cycle("1 month", since="2026-01-01")', "no cycle", "monthly"),
        ('cycle("90 min", since="2026-01-01")', "whole days", 'every("90 min")'),
        ('cycle("1001 days", since="2026-01-01")', "from 2 to 1000", ""),
        ('cycle("2 fortnights", since="2026-01-01")', "not a cycle length", "2 weeks"),
        ('cycle("2 weeks")', "needs a date", "since="),
        ('cycle("2 days", since="2026-02-30")', "there is no 2026-02-30", ""),
        ('cycle("2 days", since="0900-02-03")', "is not from", ""),
        ('cycle("2 days", since="2026-02-20 10:00")', "not a date", "time_of_day"),
        ('cycle("2 days", since="2026-02-20", week_starts="Sun")', "week_starts", ""),
        ('cycle("2 weeks", since="2026-02-20", week_starts="Su")', "not a day of the week", "Mon"),
        ("every other week", "counted from a date", "since 2026-12-03"),
        ("every 2 weeks since 2026-12-03", "no since", "every other week since 2026-12-03"),
        ('every("2 weeks", since="2026-12-03")', "no since", "cycle("),
        ("iso_week(54)", "not the number of a week", "1 to 53"),
        ("iso_week(7, 7)", "given twice", ""),
        ('since("soon")', "not a date", "2026-12-01"),
        ('until("2026-12-01 25:00")', "there is no", ""),
        ('since("2027-01-02") & until("2027-01-01")', "never hold together", ""),
        ('monthly.on("1 or last")', "lacks that day", ""),
        ('monthly.on("last or last")', "lacks that day", ""),
        ("quarterly.on(93)", "not a day of the quarter", "1 to 92"),
        ('every("1 month")', "not a length of time", "monthly"),
        ("every other week & true", "counted from a date", "since 2026-12-03"),
        ("every 2 years", "not a length of time", "yearly"),
        ('retry(delay="1 quarter")', "not a length of time", "quarterly"),
        ('started.past("1 M")', "not a length of time", ""),
        ('cron("0 3 * * *", within="1 month")', "not a length of time", ""),
        ('running.more_than("1y")', "not a length of time", ""),
    ],
)
def test_a_mistake_is_told_with_a_way_out(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConditionError) as found:
        read(text, no_zones)
    assert message in found.value.message
    assert hint in found.value.hint
