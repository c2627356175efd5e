"""Periods: conditions.md, "Once per window" and "Time"."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.core.calendar.period import Period
from rocketd.core.calendar.wall_clock import HIGHEST, LOWEST
from rocketd.core.calendar.window import Window
from rocketd.core.conditions.time_conditions import OncePerWindow, TimeOf
from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, DAY, FOREVER, HOUR, MINUTE, SECOND, Instant
from rocketd.core.language.parser import parse
from support.evaluation import APIA, BERLIN, HAVANA, HOURS, LORD_HOWE, NEW_YORK, ZONES, at, local

HELSINKI = ZoneInfo("Europe/Helsinki")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
CASABLANCA = ZoneInfo("Africa/Casablanca")
ST_JOHNS = ZoneInfo("America/St_Johns")


def period(text: str) -> Period:
    condition = parse(text)
    assert isinstance(condition, OncePerWindow | TimeOf)
    return condition.period


def windows(text: str, start: str, end: str, zone: tzinfo = UTC) -> list[str]:
    """Spell the windows that begin in [start, end): `from to to`."""
    return [f"{local(one.start, zone)} to {local(one.end, zone)}" for one in walk(text, start, end, zone)]


def walk(text: str, start: str, end: str, zone: tzinfo) -> Iterator[Window]:
    made, instant = period(text), at(start, zone)
    while instant < at(end, zone):
        window = made.window(instant, zone)
        if window.inside and window.start >= at(start, zone):
            yield window
        instant = window.end


def window(text: str, when: str, zone: tzinfo = UTC) -> str:
    found = period(text).window(at(when, zone), zone)
    return f"{local(found.start, zone)} to {local(found.end, zone)} {'inside' if found.inside else 'outside'}"


# -- units and methods


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("secondly", "2026-03-04 10:20:30 to 2026-03-04 10:20:31 inside"),
        ("minutely", "2026-03-04 10:20:00 to 2026-03-04 10:21:00 inside"),
        ("hourly", "2026-03-04 10:00:00 to 2026-03-04 11:00:00 inside"),
        ("daily", "2026-03-04 00:00:00 to 2026-03-05 00:00:00 inside"),
        ("weekly", "2026-03-02 00:00:00 to 2026-03-09 00:00:00 inside"),
        ("monthly", "2026-03-01 00:00:00 to 2026-04-01 00:00:00 inside"),
        ("yearly", "2026-01-01 00:00:00 to 2027-01-01 00:00:00 inside"),
        ("daily.between('10:00', '12:00')", "2026-03-04 10:00:00 to 2026-03-04 12:00:00 inside"),
        ("daily.between('12:00', '13:00')", "2026-03-03 13:00:00 to 2026-03-04 12:00:00 outside"),
        ("daily.before('10:00')", "2026-03-04 10:00:00 to 2026-03-05 00:00:00 outside"),
        ("daily.after('10:00')", "2026-03-04 10:00:00 to 2026-03-05 00:00:00 inside"),
        ("daily.starting('06:00')", "2026-03-04 06:00:00 to 2026-03-05 06:00:00 inside"),
        ("daily.at('10:00')", "2026-03-04 10:00:00 to 2026-03-04 11:00:00 inside"),
        ("hourly.at('20:00')", "2026-03-04 10:20:00 to 2026-03-04 10:21:00 inside"),
        ("hourly.between('15:00', '30:30')", "2026-03-04 10:15:00 to 2026-03-04 10:30:30 inside"),
        ("minutely.at('30')", "2026-03-04 10:20:30 to 2026-03-04 10:20:31 inside"),
        ("minutely.before('30.5')", "2026-03-04 10:20:00 to 2026-03-04 10:20:30.500000 inside"),
        ("secondly.before(500)", "2026-03-04 10:20:30 to 2026-03-04 10:20:30.501000 inside"),
        ("secondly.before('0.5')", "2026-03-04 10:20:30 to 2026-03-04 10:20:30.500000 inside"),
        ("weekly.on('Wed')", "2026-03-04 00:00:00 to 2026-03-05 00:00:00 inside"),
        ("weekly.on('Wednesday 10:00')", "2026-03-04 10:00:00 to 2026-03-05 10:00:00 inside"),
        ("weekly.starting('Wed')", "2026-03-04 00:00:00 to 2026-03-11 00:00:00 inside"),
        ("monthly.on(4)", "2026-03-04 00:00:00 to 2026-03-05 00:00:00 inside"),
        ("monthly.on('4th')", "2026-03-04 00:00:00 to 2026-03-05 00:00:00 inside"),
        ("monthly.after('4 10:00')", "2026-03-04 10:00:00 to 2026-04-01 00:00:00 inside"),
        ("yearly.on('March')", "2026-03-01 00:00:00 to 2026-04-01 00:00:00 inside"),
        ("yearly.on('Mar 4')", "2026-03-04 00:00:00 to 2026-03-05 00:00:00 inside"),
        ("yearly.before('Mar 4 10:00')", "2026-03-04 10:00:00 to 2027-01-01 00:00:00 outside"),
        ("yearly.between(2, 3)", "2026-02-01 00:00:00 to 2026-04-01 00:00:00 inside"),
    ],
)
def test_the_window_around_an_instant(text: str, found: str) -> None:
    """Wednesday 2026-03-04 10:20:30.25 is in, or between, these."""
    assert window(text, "2026-03-04 10:20:30.250000") == found


def test_at_is_the_natural_unit_an_hour_a_day_a_minute() -> None:
    assert window("daily.at('23:30')", "2026-03-05 00:10") == "2026-03-04 23:30:00 to 2026-03-05 00:30:00 inside"
    assert window("weekly.on('Monday')", "2026-03-02") == "2026-03-02 00:00:00 to 2026-03-03 00:00:00 inside"
    assert window("hourly.at('15:00')", "2026-03-02 10:15") == "2026-03-02 10:15:00 to 2026-03-02 10:16:00 inside"


def test_of_several_a_later_one_cuts_the_earlier_short() -> None:
    assert windows("daily.at('10:30', '10:00', '23:30', '00:00')", "2026-03-04", "2026-03-05") == [
        "2026-03-04 00:00:00 to 2026-03-04 01:00:00",
        "2026-03-04 10:00:00 to 2026-03-04 10:30:00",
        "2026-03-04 10:30:00 to 2026-03-04 11:30:00",
        "2026-03-04 23:30:00 to 2026-03-05 00:00:00",
    ]


def test_a_begin_after_its_end_reaches_over_midnight_weekend_month_end_and_year_end() -> None:
    over = {
        "daily.between('22:00', '06:00')": "2026-03-31 22:00:00 to 2026-04-01 06:00:00",
        "weekly.between('Fri 18:00', 'Mon 06:00')": "2026-03-27 18:00:00 to 2026-03-30 06:00:00",
        "monthly.between(25, 5)": "2026-03-25 00:00:00 to 2026-04-06 00:00:00",
        "monthly.between('-3', 2)": "2026-03-29 00:00:00 to 2026-04-03 00:00:00",
        "hourly.between('50:00', '10:00')": "2026-03-31 23:50:00 to 2026-04-01 00:10:00",
    }
    for text, found in over.items():
        assert found in windows(text, "2026-03-25", "2026-04-02")
    assert windows("yearly.between('Nov', 'Feb')", "2026-06-01", "2027-06-01") == [
        "2026-11-01 00:00:00 to 2027-03-01 00:00:00"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "daily.between('10:00', '10:00')",
        "daily.before('00:00')",
        "hourly.between('15:00', '15:00')",
        "weekly.between('Mon 10:00', 'Mon 10:00')",
        "monthly.between('5 10:00', '5th 10:00')",
        "yearly.between('Mar 1 00:00', 'Mar 1 00:00')",
        "yearly.before('Jan 1 00:00')",
    ],
)
def test_to_begin_where_it_ends_is_an_error(text: str) -> None:
    with pytest.raises(ConditionError, match="it begins where it ends"):
        parse(text)


def test_an_end_given_as_a_unit_is_inclusive_one_given_as_a_clock_time_is_not() -> None:
    inclusive = {
        "weekly.between('Mon', 'Fri')": "2026-03-02 00:00:00 to 2026-03-07 00:00:00",
        "weekly.between(1, 5)": "2026-03-02 00:00:00 to 2026-03-07 00:00:00",
        "monthly.between(1, 5)": "2026-03-01 00:00:00 to 2026-03-06 00:00:00",
        "monthly.between(2, 2)": "2026-03-02 00:00:00 to 2026-03-03 00:00:00",
        "monthly.before('5')": "2026-03-01 00:00:00 to 2026-03-06 00:00:00",
        "daily.between(10, 11)": "2026-03-02 10:00:00 to 2026-03-02 12:00:00",
    }
    exclusive = {
        "weekly.between('Mon', 'Fri 10:00')": "2026-03-02 00:00:00 to 2026-03-06 10:00:00",
        "monthly.between(1, '5 00:00')": "2026-03-01 00:00:00 to 2026-03-05 00:00:00",
        "daily.between('10:00', '11:00')": "2026-03-02 10:00:00 to 2026-03-02 11:00:00",
        "daily.after('10:00')": "2026-03-02 10:00:00 to 2026-03-03 00:00:00",
        "daily.between('10:00', '24:00')": "2026-03-02 10:00:00 to 2026-03-03 00:00:00",
    }
    for text, found in (inclusive | exclusive).items():
        assert found in windows(text, "2026-03-01", "2026-03-03"), text


def test_a_week_from_tuesday_to_monday_is_a_whole_week() -> None:
    assert window("weekly.between('Tue', 'Mon')", "2026-03-04") == "2026-03-03 00:00:00 to 2026-03-10 00:00:00 inside"


# -- days that a month lacks


def test_a_day_that_a_month_lacks_has_no_window_in_it() -> None:
    assert windows("monthly.on(31)", "2026-01-01", "2026-06-01") == [
        "2026-01-31 00:00:00 to 2026-02-01 00:00:00",
        "2026-03-31 00:00:00 to 2026-04-01 00:00:00",
        "2026-05-31 00:00:00 to 2026-06-01 00:00:00",
    ]
    assert window("yearly.on('Feb 29')", "2026-01-01") == "2024-03-01 00:00:00 to 2028-02-29 00:00:00 outside"
    assert window("yearly.on('Feb 29')", "1902-01-01") == "1896-03-01 00:00:00 to 1904-02-29 00:00:00 outside"


def test_a_begin_on_a_day_that_a_month_lacks_is_the_first_instant_of_the_next() -> None:
    assert windows("monthly.starting(31)", "2026-01-31", "2026-04-01") == [
        "2026-01-31 00:00:00 to 2026-03-01 00:00:00",
        "2026-03-01 00:00:00 to 2026-03-31 00:00:00",
        "2026-03-31 00:00:00 to 2026-05-01 00:00:00",
    ]
    assert "2026-03-01 00:00:00 to 2026-03-06 00:00:00" in windows("monthly.between(30, 5)", "2026-02-01", "2026-03-05")


def test_an_end_on_a_day_that_a_month_lacks_is_the_end_of_the_month() -> None:
    for text in ("monthly.between(20, 31)", "monthly.between(20, '30 10:00')", "monthly.between(20, 29)"):
        assert windows(text, "2026-02-01", "2026-03-01") == ["2026-02-20 00:00:00 to 2026-03-01 00:00:00"]
    assert windows("monthly.between(29, 31)", "2026-02-01", "2026-03-10") == []


def test_negative_days_count_from_the_end_of_the_month() -> None:
    assert windows("monthly.on('last')", "2026-01-01", "2026-03-01") == [
        "2026-01-31 00:00:00 to 2026-02-01 00:00:00",
        "2026-02-28 00:00:00 to 2026-03-01 00:00:00",
    ]
    assert windows("time_of_month.between('-5', '-1')", "2028-02-01", "2028-03-01") == [
        "2028-02-25 00:00:00 to 2028-03-01 00:00:00"
    ]
    assert windows("monthly.between(10, '-20')", "2026-02-01", "2026-03-20") == [
        "2026-03-10 00:00:00 to 2026-03-13 00:00:00"
    ]
    assert windows("monthly.on(-31)", "2026-01-01", "2026-03-15") == [
        "2026-01-01 00:00:00 to 2026-01-02 00:00:00",
        "2026-03-01 00:00:00 to 2026-03-02 00:00:00",
    ]


def test_a_begin_or_end_before_the_month_is_its_first_instant() -> None:
    assert windows("monthly.between('-30', '-28')", "2026-02-01", "2026-03-01") == [
        "2026-02-01 00:00:00 to 2026-02-02 00:00:00"
    ]
    assert windows("monthly.before('-30 10:00')", "2026-02-01", "2026-03-01") == []


# -- mistakes


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("daily.at('10')", '"10" is not a time of day', 'write "10:00"'),
        ("hourly.at('15')", '"15" is not a time of the hour', '"15:00"'),
        ("daily.at('25:00')", '"25:00" is not a time of day', "22:30:15"),
        ("daily.at('24:00')", '"24:00" is beyond the day', 'begins at "00:00"'),
        ("daily.after(24)", "24 is not from 0 to 23", "an hour as a number"),
        ("daily.at('10:61')", '"10:61" is not a time of day', "10:00"),
        ("daily.at('13 pm')", '"13 pm" is not a time of day', "10:00"),
        ("weekly.on('Mo')", '"Mo" is not a day of the week', "Monday"),
        ("weekly.on(0)", "0 is not from 1 to 7", "Monday"),
        ("weekly.on('Mon 24:00')", '"24:00" is not a time of day', "10:00"),
        ("monthly.on(0)", "0 is not a day of the month", "last"),
        ("monthly.on('32')", "32 is not a day of the month", "last"),
        ("monthly.on('first')", '"first" is not a day of the month', "last"),
        ("monthly.between(31, -31)", "no month has such a time", ""),
        ("yearly.on('Feb 30')", "Feb has no day 30", "29 days"),
        ("yearly.on('Febuary')", '"Febuary" is not a month', "January"),
        ("yearly.on(13)", "13 is not from 1 to 12", "January"),
        ("minutely.at('60')", '"60" is beyond the minute', 'begins at "00"'),
        ("secondly.at(1000)", "1000 is not from 0 to 999", "milliseconds"),
        ("daily.at('10:00', '10:00')", '"10:00" is given twice', ""),
        ("secondly.at('x')", '"x" is not a time of the second', "milliseconds"),
        ("minutely.at('x')", '"x" is not a time of the minute', "seconds"),
        ("hourly.at('x')", '"x" is not a time of the hour', "minutes"),
    ],
)
def test_a_bad_mark_is_an_error_that_teaches(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert caught.value.message == message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("written", "clock"),
    [
        ("'10:30 pm'", "22:30:00"),
        ("'10 am'", "10:00:00"),
        ("'12 am'", "00:00:00"),
        ("'12:15 PM'", "12:15:00"),
        ("'9:05'", "09:05:00"),
        ("'10:00:15.5'", "10:00:15.500000"),
        ("22", "22:00:00"),
    ],
)
def test_a_time_of_day_may_be_written_in_several_ways(written: str, clock: str) -> None:
    assert windows(f"daily.at({written})", "2026-03-04", "2026-03-05")[0].startswith(f"2026-03-04 {clock} to")


# -- daylight saving time


def test_a_window_that_a_gap_would_empty_keeps_its_length_from_the_first_instant_after_it() -> None:
    assert windows("daily.at('02:00')", "2026-03-29", "2026-03-30", BERLIN) == [
        "2026-03-29 03:00:00+02:00 to 2026-03-29 04:00:00+02:00"
    ]
    assert windows("daily.between('02:15', '02:45')", "2026-03-29", "2026-03-30", BERLIN) == [
        "2026-03-29 03:00:00+02:00 to 2026-03-29 03:30:00+02:00"
    ]


def test_such_a_window_is_cut_by_the_next() -> None:
    assert windows("daily.at('02:00', '03:30')", "2026-03-29", "2026-03-30", BERLIN) == [
        "2026-03-29 03:00:00+02:00 to 2026-03-29 03:30:00+02:00",
        "2026-03-29 03:30:00+02:00 to 2026-03-29 04:30:00+02:00",
    ]
    assert windows("daily.at('02:00', '03:00')", "2026-03-29", "2026-03-30", BERLIN) == [
        "2026-03-29 03:00:00+02:00 to 2026-03-29 04:00:00+02:00"
    ]


def test_an_end_that_does_not_exist_is_the_first_instant_after_the_gap() -> None:
    assert windows("daily.between('01:00', '02:30')", "2026-03-29", "2026-03-30", BERLIN) == [
        "2026-03-29 01:00:00+01:00 to 2026-03-29 03:00:00+02:00"
    ]
    assert windows("daily.between('02:30', '03:30')", "2026-03-29", "2026-03-30", BERLIN) == [
        "2026-03-29 03:00:00+02:00 to 2026-03-29 03:30:00+02:00"
    ]


def test_a_time_that_exists_twice_is_its_first_occurrence() -> None:
    assert windows("daily.at('02:00')", "2026-10-25", "2026-10-26", BERLIN) == [
        "2026-10-25 02:00:00+02:00 to 2026-10-25 03:00:00+01:00"
    ]
    assert windows("daily.between('02:15', '02:45')", "2026-10-25", "2026-10-26", BERLIN) == [
        "2026-10-25 02:15:00+02:00 to 2026-10-25 02:45:00+02:00"
    ]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
@pytest.mark.parametrize("clock", [f"{hour:02d}:{minute}" for hour in range(24) for minute in ("00", "30")])
def test_a_fixed_time_of_day_comes_exactly_once_on_both_days(day: str, clock: str) -> None:
    following = str(date.fromisoformat(day) + timedelta(1))
    assert len(windows(f"daily.at('{clock}')", day, following, BERLIN)) == 1


def test_a_date_that_does_not_exist_has_no_window() -> None:
    """Apia went from 2011-12-29 to 2011-12-31."""
    assert [start[:10] for start in windows("daily", "2011-12-28", "2012-01-02", APIA)] == [
        "2011-12-28",
        "2011-12-29",
        "2011-12-31",
        "2012-01-01",
    ]
    assert [start[:10] for start in windows("daily.at('10:00')", "2011-12-29", "2012-01-01", APIA)] == [
        "2011-12-29",
        "2011-12-31",
    ]
    assert windows("monthly.on(30)", "2011-12-01", "2012-01-01", APIA) == []


def test_a_window_over_such_a_date_ends_where_it_ends() -> None:
    assert windows("daily.between('22:00', '02:00')", "2011-12-29", "2012-01-01", APIA) == [
        "2011-12-29 22:00:00-10:00 to 2011-12-31 00:00:00+14:00",
        "2011-12-31 00:00:00+14:00 to 2011-12-31 02:00:00+14:00",
        "2011-12-31 22:00:00+14:00 to 2012-01-01 02:00:00+14:00",
    ]


def test_a_day_that_begins_in_a_gap_begins_after_it() -> None:
    """Havana sets its clock at midnight."""
    assert windows("daily", "2024-03-10", "2024-03-11", HAVANA) == [
        "2024-03-10 01:00:00-04:00 to 2024-03-11 00:00:00-04:00"
    ]
    assert windows("daily", "2024-11-03", "2024-11-04", HAVANA) == [
        "2024-11-03 00:00:00-04:00 to 2024-11-04 00:00:00-05:00"
    ]


def test_a_clock_set_back_over_midnight_begins_no_day_twice() -> None:
    """St. John's set it back at 00:01 until 2011."""
    assert windows("daily", "2010-11-06", "2010-11-09", ST_JOHNS) == [
        "2010-11-06 00:00:00-02:30 to 2010-11-07 00:00:00-02:30",
        "2010-11-07 00:00:00-02:30 to 2010-11-08 00:00:00-03:30",
        "2010-11-08 00:00:00-03:30 to 2010-11-09 00:00:00-03:30",
    ]


def test_hours_go_on_in_real_time_through_both_occurrences() -> None:
    assert windows("hourly", "2026-10-25 01:00", "2026-10-25 03:30", BERLIN) == [
        "2026-10-25 01:00:00+02:00 to 2026-10-25 02:00:00+02:00",
        "2026-10-25 02:00:00+02:00 to 2026-10-25 02:00:00+01:00",
        "2026-10-25 02:00:00+01:00 to 2026-10-25 03:00:00+01:00",
        "2026-10-25 03:00:00+01:00 to 2026-10-25 04:00:00+01:00",
    ]
    assert windows("hourly.at('15:00')", "2026-03-29 01:00", "2026-03-29 04:00", BERLIN) == [
        "2026-03-29 01:15:00+01:00 to 2026-03-29 01:16:00+01:00",
        "2026-03-29 03:15:00+02:00 to 2026-03-29 03:16:00+02:00",
    ]


def test_a_shift_by_half_an_hour_cuts_the_hour_and_a_new_one_begins() -> None:
    assert windows("hourly", "2026-04-05 01:00", "2026-04-05 03:00", LORD_HOWE) == [
        "2026-04-05 01:00:00+11:00 to 2026-04-05 01:30:00+10:30",
        "2026-04-05 01:30:00+10:30 to 2026-04-05 02:00:00+10:30",
        "2026-04-05 02:00:00+10:30 to 2026-04-05 03:00:00+10:30",
    ]
    assert windows("hourly", "2026-10-04 01:00", "2026-10-04 03:00", LORD_HOWE) == [
        "2026-10-04 01:00:00+10:30 to 2026-10-04 02:30:00+11:00",
        "2026-10-04 02:30:00+11:00 to 2026-10-04 03:00:00+11:00",
    ]


def test_parts_of_an_hour_come_in_both_occurrences_and_after_a_gap() -> None:
    assert windows("hourly.at('45:00')", "2026-04-05 01:00", "2026-04-05 03:00", LORD_HOWE) == [
        "2026-04-05 01:45:00+11:00 to 2026-04-05 01:46:00+11:00",
        "2026-04-05 01:45:00+10:30 to 2026-04-05 01:46:00+10:30",
        "2026-04-05 02:45:00+10:30 to 2026-04-05 02:46:00+10:30",
    ]
    assert windows("hourly.at('15:00')", "2026-10-04 01:00", "2026-10-04 04:00", LORD_HOWE) == [
        "2026-10-04 01:15:00+10:30 to 2026-10-04 01:16:00+10:30",
        "2026-10-04 02:30:00+11:00 to 2026-10-04 02:31:00+11:00",
        "2026-10-04 03:15:00+11:00 to 2026-10-04 03:16:00+11:00",
    ]


def test_minutes_and_seconds_do_not_notice() -> None:
    start = at("2026-10-25 02:59:58+02:00")
    for text, size in (("minutely", MINUTE), ("secondly", SECOND)):
        one = period(text)
        instant = start
        for _ in range(200):
            found = one.window(instant, BERLIN)
            assert found.end - found.start == size
            instant = found.end


def test_a_zone_whose_offset_is_no_whole_hour_has_its_own_hours() -> None:
    assert window("hourly", "2026-03-04 10:20", KATHMANDU) == (
        "2026-03-04 10:00:00+05:45 to 2026-03-04 11:00:00+05:45 inside"
    )


def test_far_outside_of_the_calendar_there_is_no_window() -> None:
    made = period("daily")
    assert made.window(LOWEST - 1, BERLIN) == Window(BEGINNING, LOWEST, inside=False)
    assert made.window(HIGHEST, BERLIN) == Window(HIGHEST, FOREVER, inside=False)


# -- adjacent windows


@pytest.mark.parametrize(
    "written",
    [
        "time_of_week.between('Sat', 'Fri')",
        "time_of_day.between('00:00', '24:00')",
        "time_of_hour.after('00:00')",
        "time_of_year.between('Jan', 'Dec')",
        "time_of_week.at('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')",
    ],
)
def test_windows_without_a_gap_are_one_stretch_for_ever(written: str) -> None:
    """However far off it is asked about: a bound on how many are joined would shift the due of a run."""
    assert period(written).stretch(at("2026-03-04"), UTC) == Window(BEGINNING, FOREVER, inside=True)


def test_a_gap_in_leap_years_alone_ends_a_stretch() -> None:
    inside = period("time_of_year.between('Mar 1', 'Feb 28')").stretch(at("2026-03-04"), UTC)
    assert inside == Window(at("2024-03-01"), at("2028-02-29"), inside=True)


def test_adjacent_windows_are_one_stretch() -> None:
    assert period("time_of_day").stretch(at("2026-03-04"), UTC) == Window(BEGINNING, FOREVER, inside=True)
    hours = period("time_of_day.at('10:00', '11:00')")
    joined = hours.stretch(at("2026-03-04 11:30"), UTC)
    assert Period(hours.unit, hours.how, hours.marks).stretch(at("2026-03-04 10:30"), UTC) == joined
    assert joined == Window(at("2026-03-04 10:00"), at("2026-03-04 12:00"), inside=True)
    days = period("time_of_month.on(31, 1)").stretch(at("2026-02-01 10:00"), UTC)
    assert days == Window(at("2026-01-31"), at("2026-02-02"), inside=True)


def test_a_period_answers_for_each_zone_it_is_asked_about() -> None:
    made, instant = period("daily"), at("2026-03-04 10:00")
    for zone in (UTC, BERLIN, UTC, timezone(timedelta(hours=-11)), BERLIN):
        assert made.window(instant, zone).start == at("2026-03-04" if zone in (UTC, BERLIN) else "2026-03-03", zone)


# -- against a reference that looks at every minute


class Minutes:
    """A zone's wall clock, minute by minute, over some days; knows nothing of how periods are computed."""

    def __init__(self, zone: tzinfo, start: str, days: int) -> None:
        first = datetime.fromisoformat(start).replace(tzinfo=UTC)
        self.instants = [first + timedelta(minutes=number) for number in range(days * 24 * 60)]
        self.walls = [instant.astimezone(zone).replace(tzinfo=None) for instant in self.instants]
        self.highest = list(self.walls)
        for place, (before, shown) in enumerate(pairwise(self.walls), 1):
            self.highest[place] = max(self.highest[place - 1], before, shown)
        self.dates = {wall.date() for wall in self.walls}

    def reached(self, wall: datetime) -> int:
        """Tell the number of the first minute that shows this wall time or a later one."""
        return bisect_left(self.highest, wall)

    def inside(self, begin: timedelta, length: timedelta) -> set[int]:
        """Tell the minutes in the windows that begin so far into each day and last so long."""
        found: set[int] = set()
        nominal = [datetime.combine(day, datetime.min.time()) + begin for day in self._days()]
        for start, following in pairwise(nominal):
            low, high = self.reached(start), self.reached(start + length)
            if low == high and start.date() in self.dates:
                high = min(low + length // timedelta(minutes=1), self.reached(following))
            found.update(range(low, high))
        return found

    def _days(self) -> list[date]:
        first = self.walls[0].date()
        return [first + timedelta(days=number) for number in range(-1, len(self.walls) // 1440 + 2)]


REFERENCES = [
    (LORD_HOWE, "2026-04-02", 6),
    (LORD_HOWE, "2026-10-01", 6),
    (KATHMANDU, "1985-12-29", 6),
    (NEW_YORK, "2026-03-06", 5),
    (NEW_YORK, "2026-10-30", 5),
    (HELSINKI, "2026-03-27", 5),
    (HELSINKI, "2026-10-23", 5),
    (APIA, "2011-12-27", 7),
    (CASABLANCA, "2026-02-13", 5),
    (CASABLANCA, "2026-03-20", 5),
    (HAVANA, "2026-03-06", 5),
    (HAVANA, "2026-10-30", 5),
    (ST_JOHNS, "2010-11-05", 5),
]


@pytest.mark.parametrize(("zone", "start", "days"), REFERENCES)
@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("00:00", "24:00"),
        ("02:00", "03:00"),
        ("02:15", "02:45"),
        ("01:30", "02:30"),
        ("22:30", "02:10"),
        ("23:59", "00:02"),
    ],
)
def test_windows_are_those_of_a_reference_that_looks_at_every_minute(
    zone: tzinfo, start: str, days: int, begin: str, end: str
) -> None:
    minutes = Minutes(zone, start, days)
    made = period(f"daily.between('{begin}', '{end}')")
    low, high = (timedelta(hours=int(clock[:2]), minutes=int(clock[3:])) for clock in (begin, end))
    expected = minutes.inside(low, (high - low) if high > low else high - low + timedelta(days=1))
    first = at(start)
    for number in range(2 * 1440, (days - 1) * 1440):
        assert made.window(first + number * MINUTE, zone).inside is (number in expected), local(
            first + number * MINUTE, zone
        )


@pytest.mark.parametrize(("zone", "start", "days"), REFERENCES)
def test_hours_are_those_of_a_reference_that_looks_at_every_minute(zone: tzinfo, start: str, days: int) -> None:
    minutes = Minutes(zone, start, days)
    made, quarter = period("hourly"), period("hourly.between('15:00', '30:00')")
    first = at(start)
    for number in range(2 * 1440, (days - 1) * 1440):
        instant, wall = first + number * MINUTE, minutes.walls[number]
        shifted = (wall - minutes.walls[number - 1]) % timedelta(hours=1) != timedelta(minutes=1)
        begins = made.window(instant, zone).start == instant
        assert begins is (wall.minute == 0 or shifted), local(instant, zone)
        if 15 <= wall.minute < 30:
            assert quarter.window(instant, zone).inside, local(instant, zone)


@given(
    word=st.sampled_from(sorted(HOURS)).flatmap(lambda unit: HOURS[unit].map(lambda hours: f"time_of_{unit}{hours}")),
    zone=ZONES,
    instant=st.integers(at("1950-01-01"), at("2040-01-01")),
)
def test_windows_and_gaps_tile_the_time_line(word: str, zone: tzinfo, instant: Instant) -> None:
    """Each window holds the instant it was asked about, and answers the same at both of its edges."""
    made = period(word)
    found = made.window(instant, zone)
    assert found.start <= instant < found.end
    assert made.window(found.start, zone) == made.window(found.end - 1, zone) == found
    assert made.window(found.end, zone).start == found.end
    assert made.window(found.start - 1, zone).end == found.start


def test_a_year_of_days_is_a_year_of_windows() -> None:
    found = list(walk("daily", "2026-01-01", "2027-01-01", BERLIN))
    assert len(found) == 365
    assert {one.end - one.start for one in found} == {DAY, DAY - HOUR, DAY + HOUR}
