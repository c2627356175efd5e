"""Calendar lines: systemd.time(7), "Calendar Events"."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from rocketd.core.calendar.oncalendar import CalendarLine
from rocketd.core.errors import ConditionError
from rocketd.core.language.parser import parse
from rocketd.core.model.verdict import AGAINST
from rocketd.time_zones import named_zone
from support.evaluation import BERLIN, Asked, at, local


def ticks(line: str, count: int = 3, start: str = "2026-11-24 04:30", zone: tzinfo = UTC) -> list[str]:
    """Spell the first ticks after Tuesday 2026-11-24 04:30."""
    calendar, instant = CalendarLine.parse(line), at(start, zone)
    found: list[str] = []
    while len(found) < count and (tick := calendar.next(instant, zone)) is not None:
        found.append(local(tick, zone))
        instant = tick
    return found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Mon..Fri 03:00", ["2026-11-25 03:00:00", "2026-11-26 03:00:00", "2026-11-27 03:00:00"]),
        ("Sat,Thu,Mon..Wed,Sat..Sun", ["2026-11-25 00:00:00", "2026-11-26 00:00:00", "2026-11-28 00:00:00"]),
        ("mon-fri 17:00", ["2026-11-24 17:00:00", "2026-11-25 17:00:00", "2026-11-26 17:00:00"]),
        ("Wed, 17:48", ["2026-11-25 17:48:00", "2026-12-02 17:48:00", "2026-12-09 17:48:00"]),
        ("monday *-12-* 17:00", ["2026-12-07 17:00:00", "2026-12-14 17:00:00", "2026-12-21 17:00:00"]),
        ("10-15", ["2027-10-15 00:00:00", "2028-10-15 00:00:00", "2029-10-15 00:00:00"]),
        ("27-10-15 1:2:3", ["2027-10-15 01:02:03"]),
        ("*-*-1..7", ["2026-12-01 00:00:00", "2026-12-02 00:00:00", "2026-12-03 00:00:00"]),
        ("*-*-1/15 12:00", ["2026-12-01 12:00:00", "2026-12-16 12:00:00", "2026-12-31 12:00:00"]),
        ("2027..2030/2-1-1", ["2027-01-01 00:00:00", "2029-01-01 00:00:00"]),
        ("*:0/20", ["2026-11-24 04:40:00", "2026-11-24 05:00:00", "2026-11-24 05:20:00"]),
        ("*:5..6/30", ["2026-11-24 05:05:00", "2026-11-24 06:05:00", "2026-11-24 07:05:00"]),
        ("*:5..15/5", ["2026-11-24 05:05:00", "2026-11-24 05:10:00", "2026-11-24 05:15:00"]),
        ("12..14:10,20", ["2026-11-24 12:10:00", "2026-11-24 12:20:00", "2026-11-24 13:10:00"]),
        ("*:*:*", ["2026-11-24 04:30:01", "2026-11-24 04:30:02", "2026-11-24 04:30:03"]),
        ("*:*:0/0.5", ["2026-11-24 04:30:00.500000", "2026-11-24 04:30:01", "2026-11-24 04:30:01.500000"]),
        (
            "05:40:23.4200004/3.1700005",
            ["2026-11-24 05:40:23.420000", "2026-11-24 05:40:26.590001", "2026-11-24 05:40:29.760002"],
        ),
        ("*-02~03", ["2027-02-26 00:00:00", "2028-02-27 00:00:00", "2029-02-26 00:00:00"]),
        ("*-*~01", ["2026-11-30 00:00:00", "2026-12-31 00:00:00", "2027-01-31 00:00:00"]),
        ("*-*~01..02", ["2026-11-29 00:00:00", "2026-11-30 00:00:00", "2026-12-30 00:00:00"]),
        ("*-*~01..08/3", ["2026-11-27 00:00:00", "2026-11-30 00:00:00", "2026-12-25 00:00:00"]),
        ("Mon *-05~07/1", ["2027-05-31 00:00:00", "2028-05-29 00:00:00", "2029-05-28 00:00:00"]),
        ("*-2-29", ["2028-02-29 00:00:00", "2032-02-29 00:00:00", "2036-02-29 00:00:00"]),
        ("2003-03-05 05:40", []),
        ("minutely", ["2026-11-24 04:31:00", "2026-11-24 04:32:00", "2026-11-24 04:33:00"]),
        ("hourly", ["2026-11-24 05:00:00", "2026-11-24 06:00:00", "2026-11-24 07:00:00"]),
        ("weekly", ["2026-11-30 00:00:00", "2026-12-07 00:00:00", "2026-12-14 00:00:00"]),
        ("monthly", ["2026-12-01 00:00:00", "2027-01-01 00:00:00", "2027-02-01 00:00:00"]),
        ("yearly", ["2027-01-01 00:00:00", "2028-01-01 00:00:00", "2029-01-01 00:00:00"]),
        ("quarterly", ["2027-01-01 00:00:00", "2027-04-01 00:00:00", "2027-07-01 00:00:00"]),
        ("semiannually", ["2027-01-01 00:00:00", "2027-07-01 00:00:00", "2028-01-01 00:00:00"]),
        ("@1798761600", ["2027-01-01 00:00:00"]),
    ],
)
def test_ticks_are_those_that_systemd_analyze_calendar_prints(line: str, found: list[str]) -> None:
    assert ticks(line, max(len(found), 1)) == found


@pytest.mark.parametrize(
    ("line", "message", "wrong", "hint"),
    [
        ("*:*/5", "*/5 is not a minute", "*/5", "write 0/5"),
        ("Fri..Mon 10:00", "Fri..Mon is a range that runs backwards", "Fri..Mon", "Fri..Sun,Mon..Mon"),
        ("tues", "tues is not a day of the week", "tues", "Mon..Fri"),
        ("12", "12 is neither a date nor a time", "12", "*:0/15"),
        ("Mon Tue", "Tue is neither a date nor a time", "Tue", ""),
        ("10:00 11:00", "11:00 is not expected here", "11:00", ""),
        ("10:00:00:00", "10:00:00:00 is not a time", "10:00:00:00", "Mon..Fri"),
        ("9:00,12:00,18:00", "9:00,12:00,18:00 is not a time", "9:00,12:00,18:00", "write 9,12,18:00"),
        (
            "9:00,12:30,18:00",
            "9:00,12:30,18:00 is not a time",
            "9:00,12:30,18:00",
            'write calendar("9:00") | calendar("12:30") | calendar("18:00")',
        ),
        ("*-13-01", "13 is not a month", "13", "1 to 12"),
        ("*-*-32", "32 is not a day of the month", "32", "1 to 31"),
        ("24:00", "24 is not an hour", "24", "0 to 23"),
        ("22..2:00", "22..2 is a range that runs backwards", "22..2", "write 22..23,0..2"),
        ("*-11..2-01", "11..2 is a range that runs backwards", "11..2", "write 11..12,1..2"),
        ("*:*:50..10", "50..10 is a range that runs backwards", "50..10", "write 50..59,0..10"),
        ("* *-*-* 09:00", "a day of the week is not *", "*", "leave it out: *-*-* 09:00"),
        ("Mon, Fri 10:00", "a list has no blanks", "Mon,", "write Mon,Fri 10:00"),
        ("daily 10:00", "daily has its own time of day", "daily", "write *-*-* 10:00"),
        ("Weekly 10:00", "Weekly has its own time of day", "Weekly", "write Mon *-*-* 10:00"),
        ("hourly 10:00", "hourly is not a day of the week", "hourly", ""),
        ("*-*-1/40", "a step of 40 leads beyond what a day of the month can be", "1/40", ""),
        ("*:5..15/0", "a step of 0 leads beyond what a minute can be", "5..15/0", ""),
        ("*-*~1/7", "a step of 7 leads beyond what a day of the month can be", "1/7", ""),
        ("1:2.5", "2.5 is not a minute", "2.5", ""),
        ("1:,2", "nothing is not a minute", ":", ""),
        ("*:*:0/0.000001", "a field has at most 10000 values", "0/0.000001", ""),
        ("*-2-30", "*-2-30 never happens: there is no such day", "*-2-30", ""),
        ("Mon 2026-11-24", "Mon 2026-11-24 never happens: there is no such day", "Mon 2026-11-24", "weekday"),
        ("daily Europe/Berlin", "the time zone Europe/Berlin is not known here", "Europe/Berlin", "UTC is"),
        (" ", "a calendar line is missing", " ", ""),
        ("UTC", "a calendar line is missing", "UTC", ""),
        ("@1798761600 10:00", "@1798761600 is neither a date nor a time", "@1798761600", ""),
        ("@", "@ is neither a date nor a time", "@", ""),
    ],
)
def test_a_mistake_is_named_and_placed(line: str, message: str, wrong: str, hint: str) -> None:
    with pytest.raises(ConditionError) as caught:
        CalendarLine.parse(line)
    assert caught.value.message == message
    assert hint in caught.value.hint
    if wrong != ":":
        assert line[caught.value.start : caught.value.end] == wrong


def test_a_fixed_time_and_one_that_goes_on_in_real_time_are_told_apart_as_with_cron() -> None:
    assert ticks("02:30", 2, "2026-03-28 12:00", BERLIN) == ["2026-03-29 03:00:00+02:00", "2026-03-30 02:30:00+02:00"]
    assert ticks("02:30", 2, "2026-10-24 12:00", BERLIN) == ["2026-10-25 02:30:00+02:00", "2026-10-26 02:30:00+01:00"]
    assert ticks("2:*", 3, "2026-10-25 02:58", BERLIN) == [
        "2026-10-25 02:59:00+02:00",
        "2026-10-25 02:00:00+01:00",
        "2026-10-25 02:01:00+01:00",
    ]
    assert ticks("*:30", 3, "2026-10-25 01:40", BERLIN) == [
        "2026-10-25 02:30:00+02:00",
        "2026-10-25 02:30:00+01:00",
        "2026-10-25 03:30:00+01:00",
    ]


def test_a_line_may_be_in_utc_whatever_the_zone_of_its_task() -> None:
    zone = ZoneInfo("America/New_York")
    assert CalendarLine.parse("daily UTC").next(at("2026-03-04 10:00"), zone) == at("2026-03-05")
    assert CalendarLine.parse("10:00").newest(at("2026-03-04 12:00"), BERLIN) == at("2026-03-04 10:00", BERLIN)
    assert CalendarLine.parse("10:00 utc").newest(at("2026-03-04 10:00"), zone) == at("2026-03-04 10:00")


def test_seconds_since_1970_are_in_no_zone() -> None:
    zone = ZoneInfo("America/New_York")
    for line in ("@1798761600", "@1798761600 UTC", "Fri @1798761600", "@1798761600 Europe/Berlin"):
        assert CalendarLine.parse(line, ZoneInfo).next(at("2026-03-04"), zone) == 1_798_761_600_000_000
    with pytest.raises(ConditionError, match="2286 is not a year"):
        CalendarLine.parse("@9999999999")


def test_a_line_may_be_in_any_zone_that_whoever_reads_it_knows() -> None:
    zone = ZoneInfo("America/New_York")
    line = CalendarLine.parse("Mon..Fri 10:00 Europe/Berlin", ZoneInfo)
    assert line.next(at("2026-03-04 10:00"), zone) == at("2026-03-05 10:00", BERLIN)
    assert line.newest(at("2026-03-04 10:00"), zone) == at("2026-03-04 10:00", BERLIN)
    assert str(line) == "Mon..Fri 10:00 Europe/Berlin"
    assert CalendarLine.parse("daily EST", ZoneInfo).next(at("2026-03-04 10:00"), zone) == at("2026-03-05 05:00")


def test_lines_of_one_zone_are_shared_whoever_looked_it_up() -> None:
    """And nothing holds on to who did: that would keep the whole reading of a task file."""
    lines = [CalendarLine.parse("Mon 10:00 Asia/Tokyo", partial(ZoneInfo)) for _ in range(2)]
    assert lines[0] is lines[1]


def test_the_zone_of_a_line_is_looked_up_in_both_spellings() -> None:
    for text in ("calendar('10:00 Asia/Kathmandu')", "calendar 10:00 Asia/Kathmandu | retry"):
        assert 'calendar("10:00 Asia/Kathmandu")' in str(parse(text, named_zone))
    with pytest.raises(ConditionError, match="there is no time zone Europe/Berlim") as caught:
        parse("daily | calendar 10:00 Europe/Berlim", named_zone)
    assert (caught.value.start, caught.value.end) == (23, 36)
    assert "Europe/Berlin" in caught.value.hint


def test_the_word_is_a_tick() -> None:
    asked = Asked().armed("2026-03-01")
    word = "calendar('Mon..Fri 03:00', within='10 min')"
    assert str(parse(word)) == 'calendar("Mon..Fri 03:00", within="10min")'
    assert parse("calendar Mon..Fri 03:00") == parse("calendar('Mon..Fri   03:00')")
    assert parse("calendar *-02~01 | daily") == parse("calendar('*-02~01') | daily")
    assert asked.holds(word, "2026-03-04 03:05")
    assert asked.judge(word, "2026-03-07 12:00")[:2] == (AGAINST, at("2026-03-09 03:00"))
    with pytest.raises(ConditionError, match="joined by &"):
        parse("calendar('daily') & cron('0 3 * * *')")


class Counted(tzinfo):
    """UTC, and how often it was asked for its offset."""

    asked = 0

    def utcoffset(self, when: datetime | None) -> timedelta:
        del when
        self.asked += 1
        return timedelta()

    def dst(self, when: datetime | None) -> timedelta:
        del when
        return timedelta()

    def tzname(self, when: datetime | None) -> str:
        del when
        return "counted"


@pytest.mark.parametrize("line", ["1990-*-* *:00", "2198-*-* *:00", "1990..1991-*-* 03:00"])
def test_a_line_whose_years_are_far_off_costs_no_more_than_any_other(line: str) -> None:
    zone = Counted()
    calendar = CalendarLine.parse(line)
    calendar.next(at("2026-01-01"), zone)
    calendar.newest(at("2026-01-01"), zone)
    assert zone.asked < 200
