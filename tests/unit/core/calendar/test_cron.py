"""Cron lines: crontab(5), conditions.md "Ticks" and "Time"; and what two other libraries make of the same lines."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from rocketd.core.calendar.cron import Cron
from rocketd.core.calendar.wall_clock import HIGHEST, LOWEST, offset_at
from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, DAY, FOREVER, MINUTE, Instant, datetime_of
from support.evaluation import APIA, BERLIN, HAVANA, LORD_HOWE, NEW_YORK, ZONES, at, local
from support.time_zones import MANY_ZONES


def ticks(line: str, start: str, end: str, zone: tzinfo = UTC) -> list[str]:
    """Spell the ticks in [start, end)."""
    cron, instant, found = Cron.parse(line), at(start, zone) - 1, []
    while (tick := cron.next(instant, zone)) is not None and tick < at(end, zone):
        found.append(local(tick, zone))
        instant = tick
    return found


def clocks(line: str, day: str, zone: tzinfo = UTC) -> list[str]:
    """Spell the times of day of the ticks of a day."""
    end = str(datetime.fromisoformat(day).date() + timedelta(days=1))
    return [tick[11:16] + tick[19:] for tick in ticks(line, day, end, zone)]


def dates(line: str, start: str, end: str) -> list[str]:
    return [tick[5:10] for tick in ticks(line, start, end)]


# -- fields


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("0 3 * * *", ["03:00"]),
        ("30 8-10 * * *", ["08:30", "09:30", "10:30"]),
        ("0 8-18/5 * * *", ["08:00", "13:00", "18:00"]),
        ("0 */8 * * *", ["00:00", "08:00", "16:00"]),
        ("0 20/2 * * *", ["20:00", "22:00"]),
        ("5,35 3,4 * * *", ["03:05", "03:35", "04:05", "04:35"]),
        ("0 12 * mar *", ["12:00"]),
        ("0 12 * MAR wed", ["12:00"]),
        ("0 12 * 4 *", []),
        ("0 12 * * 3", ["12:00"]),
        ("0 12 * * mon-fri", ["12:00"]),
        ("0 12 * * sat-sun", []),
        ("@daily", ["00:00"]),
        ("@midnight", ["00:00"]),
    ],
)
def test_names_ranges_steps_and_lists(line: str, found: list[str]) -> None:
    """The ticks of Wednesday 2026-03-04; `a/n` goes on to the end of the field."""
    assert clocks(line, "2026-03-04") == found


def test_six_fields_begin_with_seconds() -> None:
    assert ticks("*/20 30 3 * * *", "2026-03-04", "2026-03-05") == [
        "2026-03-04 03:30:00",
        "2026-03-04 03:30:20",
        "2026-03-04 03:30:40",
    ]


def test_both_0_and_7_are_sunday() -> None:
    for field in ("0", "7", "sun", "7-7"):
        assert dates(f"0 0 * * {field}", "2026-03-01", "2026-03-10") == ["03-01", "03-08"]
    assert dates("0 0 * * 5-7", "2026-03-01", "2026-03-09") == ["03-01", "03-06", "03-07", "03-08"]
    assert dates("0 0 * * sat-sun", "2026-03-01", "2026-03-09") == ["03-01", "03-07", "03-08"]
    assert dates("0 0 * * 4/1", "2026-03-01", "2026-03-09") == ["03-05", "03-06", "03-07"], "to the end is to Saturday"


def test_when_both_day_fields_are_given_either_matches() -> None:
    assert dates("0 0 13 * 5", "2026-03-01", "2026-04-01") == ["03-06", "03-13", "03-20", "03-27"]
    assert dates("0 0 1,15 * 1", "2026-03-01", "2026-03-17") == ["03-01", "03-02", "03-09", "03-15", "03-16"]


def test_when_one_of_them_begins_with_a_star_both_must_match() -> None:
    assert dates("0 0 */2 * 1", "2026-03-01", "2026-04-01") == ["03-09", "03-23"]
    assert dates("0 0 1-7 * */7", "2026-03-01", "2026-05-01") == ["03-01", "04-05"]


def test_l_is_the_last_day_of_the_month_or_the_last_such_weekday() -> None:
    assert dates("0 0 L * *", "2028-01-01", "2028-05-01") == ["01-31", "02-29", "03-31", "04-30"]
    assert dates("0 0 15,L * *", "2026-02-01", "2026-03-01") == ["02-15", "02-28"]
    assert dates("0 0 * * 5L", "2026-01-01", "2026-04-01") == ["01-30", "02-27", "03-27"]
    assert dates("0 0 * * friL", "2026-01-01", "2026-02-01") == ["01-30"]
    assert dates("0 0 * * satL", "2026-01-01", "2026-02-01") == ["01-31"]
    assert dates("0 0 * * 6L", "2026-02-01", "2026-04-01") == ["02-28", "03-28"]


def test_a_hash_is_which_such_weekday_of_the_month() -> None:
    assert dates("0 0 * * mon#2", "2026-01-01", "2026-04-01") == ["01-12", "02-09", "03-09"]
    assert dates("0 0 * * 1#1,3#5", "2026-01-01", "2026-05-01") == ["01-05", "02-02", "03-02", "04-06", "04-29"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ],
)
def test_a_nickname_is_its_line(name: str, line: str) -> None:
    assert Cron.parse(name) == Cron.parse(f"  {line}  ")
    assert str(Cron.parse(name)) == line


def test_the_normal_form_reads_back_as_the_same() -> None:
    for line, normal in [
        ("0  3 * JAN-Mar  MON", "0 3 * jan-mar mon"),
        ("0 0 l jul FRIL", "0 0 L jul friL"),
        ("0 0 0 * * 5l", "0 0 0 * * 5L"),
    ]:
        assert str(Cron.parse(line)) == normal
        assert Cron.parse(normal) == Cron.parse(line)


# -- mistakes


@pytest.mark.parametrize(
    ("line", "message", "wrong", "hint"),
    [
        ("0 3 * *", "a cron line has 5 fields, this one has 4", "0 3 * *", "minute hour day month weekday"),
        ("0 0 3 * * * *", "a cron line has 5 fields, this one has 7", "0 0 3 * * * *", "6 fields with seconds"),
        ("60 * * * *", "60 is not a minute", "60", "0 to 59"),
        ("* 24 * * *", "24 is not an hour", "24", "0 to 23"),
        ("0 0 0 * *", "0 is not a day of the month", "0", "1 to 31"),
        ("0 0 * 13 *", "13 is not a month", "13", "jan … dec"),
        ("0 0 * * 8", "8 is not a day of the week", "8", "sun … sat"),
        ("0 0 * * monday", "monday is not a day of the week", "monday", "sun … sat"),
        ("0 ? * * *", "? is not an hour", "?", "0 to 23"),
        ("0 0 1,? * *", "? is not a day of the month", "?", "1 to 31"),
        (
            "0 0 9 ? * 2-6",
            "with ? this is a line of Quartz, where 1 is Sunday: days of the week in numbers would be shifted",
            "2",
            "MON-FRI",
        ),
        (
            "0 9 ? * 6L",
            "with ? this is a line of Quartz, where 1 is Sunday: days of the week in numbers would be shifted",
            "6",
            "MON-FRI",
        ),
        ("0 0 32W * *", "32W is not a day of the month", "32W", "1W to 31W"),
        ("0 0 1-15W * *", "1-15W is not a day of the month", "1-15W", "W stands for one day"),
        ("0 0 L-31 * *", "L-31 is not a day of the month", "L-31", "L-30"),
        ("0 0 31W 2,4 *", "0 0 31W 2,4 * never happens: there is no such day", "31W 2,4", "check the day"),
        ("0 22-2 * * *", "22-2 is a range that runs backwards", "22-2", "write 22-23,0-2"),
        ("0/0 * * * *", "0 is not a step", "0", "from 1 on"),
        ("*/x * * * *", "x is not a step", "x", "from 1 on"),
        ("*/90 * * * *", "a step of 90 is more than the minute field has", "90", 'every("90 min")'),
        ("1,,2 * * * *", "nothing is not a minute", ",", "0 to 59"),
        ("0 0 * * 1#6", "1#6 is not a day of the week", "1#6", "sun … sat"),
        ("@reboot", "@reboot is not a cron line", "@reboot", 'on = "boot"'),
        ("@every 5m", "@every is not a cron line", "@every 5m", "every("),
        ("@dayly", "@dayly is not a cron line", "@dayly", "@daily"),
    ],
)
def test_a_mistake_is_named_and_placed(line: str, message: str, wrong: str, hint: str) -> None:
    with pytest.raises(ConditionError) as caught:
        Cron.parse(line)
    assert caught.value.message == message
    assert line[caught.value.start : caught.value.end] == wrong
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "line",
    ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30,31 feb *", "0 0 */20 * 1#5", "0 0 */31 * mon#2"],
)
def test_a_line_that_never_happens_is_an_error(line: str) -> None:
    with pytest.raises(ConditionError, match="never happens"):
        Cron.parse(line)


@pytest.mark.parametrize("line", ["0 0 29 2 *", "0 0 30 2 1", "0 0 * 2 mon#5", "0 0 31 * *", "0 0 L 2 *"])
def test_a_line_that_happens_now_and_then_is_none(line: str) -> None:
    assert Cron.parse(line).next(at("2026-01-01"), UTC) is not None


# -- the clock is set


def test_a_fixed_time_in_a_gap_comes_at_the_first_instant_after_it() -> None:
    assert clocks("30 2 * * *", "2026-03-29", BERLIN) == ["03:00+02:00"]
    assert clocks("15,30 2 * * *", "2026-03-29", BERLIN) == ["03:00+02:00"]
    assert clocks("0 2,3 * * *", "2026-03-29", BERLIN) == ["03:00+02:00"]
    assert clocks("30 0 * * *", "2026-03-08", HAVANA) == ["01:00-04:00"]


def test_a_fixed_time_that_exists_twice_comes_at_its_first_occurrence() -> None:
    assert clocks("30 2 * * *", "2026-10-25", BERLIN) == ["02:30+02:00"]
    assert clocks("0,30 2 * * *", "2026-10-25", BERLIN) == ["02:00+02:00", "02:30+02:00"]
    assert clocks("30 1 * * *", "2026-11-01", NEW_YORK) == ["01:30-04:00"]


def test_a_fixed_time_on_a_date_that_does_not_exist_does_not_come() -> None:
    assert ticks("0 10 * * *", "2011-12-29", "2012-01-01", APIA) == [
        "2011-12-29 10:00:00-10:00",
        "2011-12-31 10:00:00+14:00",
    ]
    assert Cron.parse("0 10 30 * *").newest(at("2011-12-31 12:00", APIA), APIA) == at("2011-11-30 10:00", APIA)


def test_a_line_whose_minute_or_hour_begins_with_a_star_goes_on_in_real_time() -> None:
    assert clocks("0 * * * *", "2026-10-25", BERLIN)[1:5] == [
        "01:00+02:00",
        "02:00+02:00",
        "02:00+01:00",
        "03:00+01:00",
    ]
    assert clocks("0 * * * *", "2026-03-29", BERLIN)[1:4] == ["01:00+01:00", "03:00+02:00", "04:00+02:00"]
    assert clocks("*/30 2 * * *", "2026-10-25", BERLIN) == ["02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00"]
    assert clocks("*/30 2 * * *", "2026-03-29", BERLIN) == []
    assert clocks("30 */2 * * *", "2026-10-25", BERLIN)[:4] == [
        "00:30+02:00",
        "02:30+02:00",
        "02:30+01:00",
        "04:30+01:00",
    ]


def test_only_minute_and_hour_tell_which_it_is() -> None:
    assert clocks("0-59 2 * * *", "2026-03-29", BERLIN) == ["03:00+02:00"]
    assert ticks("*/30 30 2 * * *", "2026-10-25", "2026-10-26", BERLIN) == [
        "2026-10-25 02:30:00+02:00",
        "2026-10-25 02:30:30+02:00",
    ]


def test_a_shift_by_half_an_hour_repeats_half_an_hour() -> None:
    assert clocks("*/30 * * * *", "2026-04-05", LORD_HOWE)[2:7] == [
        "01:00+11:00",
        "01:30+11:00",
        "01:30+10:30",
        "02:00+10:30",
        "02:30+10:30",
    ]
    assert clocks("45 1 * * *", "2026-04-05", LORD_HOWE) == ["01:45+11:00"]
    assert clocks("15 2 * * *", "2026-10-04", LORD_HOWE) == ["02:30+11:00"]


def test_the_newest_tick_before_a_change_is_found_from_after_it() -> None:
    hourly, fixed = Cron.parse("0 * * * *"), Cron.parse("30 2 * * *")
    assert hourly.newest(at("2026-10-25 02:00+01:00"), BERLIN) == at("2026-10-25 02:00+01:00")
    assert hourly.newest(at("2026-10-25 02:00+01:00") - 1, BERLIN) == at("2026-10-25 02:00+02:00")
    assert fixed.newest(at("2026-10-25 02:10+01:00"), BERLIN) == at("2026-10-25 02:30+02:00")
    assert fixed.newest(at("2026-03-29 03:00", BERLIN), BERLIN) == at("2026-03-29 03:00", BERLIN)
    assert fixed.newest(at("2026-03-29 03:00", BERLIN) - 1, BERLIN) == at("2026-03-28 02:30", BERLIN)


def test_a_fixed_time_is_not_met_again_in_the_second_occurrence_of_an_hour() -> None:
    second = at("2026-10-25 02:10+01:00")
    assert Cron.parse("30 2 * * *").next(second, BERLIN) == at("2026-10-26 02:30", BERLIN)
    assert Cron.parse("0 3 * * *").newest(second, BERLIN) == at("2026-10-24 03:00", BERLIN)
    assert Cron.parse("0 3 * * *").next(second, BERLIN) == at("2026-10-25 03:00", BERLIN)


def test_the_newest_tick_is_looked_for_right_before_a_change() -> None:
    for line, newest in (("45 * * * *", "2026-03-29 01:45"), ("*/30 1 * * *", "2026-03-29 01:30")):
        assert Cron.parse(line).newest(at("2026-03-29 03:10", BERLIN), BERLIN) == at(newest, BERLIN)


def test_far_outside_of_the_calendar_there_is_no_tick() -> None:
    for line in ("0 3 * * *", "* * * * *"):
        cron = Cron.parse(line)
        assert cron.newest(LOWEST - 1, UTC) is None
        assert cron.next(HIGHEST, UTC) is None


@pytest.mark.parametrize("far", [LOWEST - 1, HIGHEST])
def test_that_there_is_none_so_far_off_is_not_remembered_of_the_years_that_are_known(far: Instant) -> None:
    """Tasks share their lines, and `explain` may ask about any year."""
    line, now = Cron.parse("*/7 * * * *"), at("2026-03-04 08:20")
    assert line.around(far, UTC) == (BEGINNING, FOREVER)
    assert line.around(now, UTC) == (at("2026-03-04 08:14"), at("2026-03-04 08:21"))


# -- properties

_FIELDS = st.tuples(
    st.sampled_from(["*", "0", "*/7", "5,35", "50/3", "10-20/4"]),
    st.sampled_from(["*", "2", "*/5", "1-3", "0,23", "20/2"]),
    st.sampled_from(["*", "*", "*", "1", "29", "31", "*/9", "10-20", "1,15"]),
    st.sampled_from(["*", "*", "2", "mar-may", "*/5", "dec"]),
    st.sampled_from(["*", "*", "*", "0", "mon-fri", "1,4", "6-7", "3-6/2"]),
)
LINE = _FIELDS.map(" ".join)


def _valid(line: str) -> bool:
    try:
        Cron.parse(line)
    except ConditionError:
        return False
    return True


INSTANT = st.one_of(
    st.integers(at("1999-01-01"), at("2036-01-01")),
    st.builds(
        lambda day, minute: at(day) + minute * MINUTE,
        st.sampled_from(["2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25", "2026-04-04", "2026-10-03"]),
        st.integers(0, 2 * 1440),
    ),
)


@given(line=LINE.filter(_valid), zone=ZONES, instant=INSTANT)
def test_next_and_newest_agree(line: str, zone: tzinfo, instant: Instant) -> None:
    cron = Cron.parse(line)
    newest, following = cron.newest(instant, zone), cron.next(instant, zone)
    assert newest is not None
    assert following is not None
    assert newest <= instant < following
    assert cron.newest(following - 1, zone) == newest
    assert cron.newest(following, zone) == following
    assert cron.next(newest, zone) == following
    assert cron.around(instant, zone) == cron.around(newest, zone) == (newest, following)


@given(line=LINE.filter(_valid), zone=ZONES, instant=INSTANT)
def test_a_line_in_real_time_ticks_whenever_the_wall_clock_matches(line: str, zone: tzinfo, instant: Instant) -> None:
    """Minute by minute over a day."""
    cron = Cron.parse(line)
    if cron.fixed:
        return
    first = instant - instant % MINUTE
    expected = [one for one in range(first, first + DAY, MINUTE) if _matches(cron, one, zone)]
    found, tick = [], cron.next(first - 1, zone)
    while tick is not None and tick < first + DAY:
        found.append(tick)
        tick = cron.next(tick, zone)
    assert found == expected


def _matches(cron: Cron, instant: Instant, zone: tzinfo) -> bool:
    wall = datetime_of(instant + offset_at(instant, zone))
    return wall.minute in cron.minutes and wall.hour in cron.hours and wall.month in cron.months and cron.days.has(wall)


# -- two other libraries


def _calm(instant: Instant, zone: tzinfo) -> bool:
    """Whether the zone's clock is not set within two days: only there all crons agree."""
    around = {offset_at(instant + days * DAY, zone) for days in (-2, -1, 0, 1, 2)}
    return len(around) == 1


@given(
    line=LINE.filter(_valid), name=st.sampled_from(MANY_ZONES), instant=st.integers(at("2000-01-01"), at("2036-01-01"))
)
def test_ticks_are_those_of_two_other_libraries_while_the_clock_is_not_set(
    line: str, name: str, instant: Instant
) -> None:
    """Of croniter with the rule for day fields that crontab(5) has; of CronSim as it is."""
    zone = ZoneInfo(name)
    cron, start = Cron.parse(line), datetime_of(instant // 1_000_000 * 1_000_000, zone)
    ours = at(start.isoformat())
    one, other = croniter(line, start, implement_cron_bug=True), CronSim(line, start)
    for _ in range(5):
        found = cron.next(ours, zone)
        assert found is not None
        theirs = at(one.get_next(datetime).isoformat()), at(next(other).isoformat())
        if not (_calm(found, zone) and all(_calm(their, zone) for their in theirs)):
            return
        assert (found, found) == theirs
        ours = found


# -- days that depend on the month


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("1W", (1, 2, 2, 1, 1, 1, 1, 3, 1, 1, 2, 1)),
        ("15W", (15, 16, 16, 15, 15, 15, 15, 14, 15, 15, 16, 15)),
        ("31W", (30, 0, 31, 0, 29, 0, 31, 31, 0, 30, 0, 31)),
        ("LW", (30, 27, 31, 30, 29, 30, 31, 31, 30, 30, 30, 31)),
        ("L-3", (28, 25, 28, 27, 28, 27, 28, 28, 27, 28, 27, 28)),
    ],
)
def test_days_that_depend_on_the_month_are_those_of_quartz(field: str, expected: tuple[int, ...]) -> None:
    days = Cron.parse(f"0 0 {field} * *").days
    assert [days.of(2026, month) for month in range(1, 13)] == [(day,) if day else () for day in expected]


@given(st.sampled_from(["W", "LW", "L-"]), st.integers(1, 30), st.integers(1970, 2100), st.integers(1, 12))
def test_such_a_day_is_what_brute_force_finds(kind: str, number: int, year: int, month: int) -> None:
    length = monthrange(year, month)[1]
    working = [day for day in range(1, length + 1) if date(year, month, day).weekday() < 5]
    text = {"W": f"{number}W", "LW": "LW", "L-": f"L-{number}"}[kind]
    expected = {
        "LW": working[-1],
        "L-": length - number,
        "W": min(working, key=lambda day: (abs(day - number), day)) if number <= length else 0,
    }[kind]
    days = Cron.parse(f"0 0 {text} * *").days
    assert days.of(year, month) == ((expected,) if expected > 0 else ())
    assert all(days.has(date(year, month, day)) is (day == expected) for day in range(1, length + 1))


def test_they_stand_in_lists_beside_others_and_a_question_mark_is_a_star() -> None:
    days = Cron.parse("0 0 1,15W,LW * *").days
    assert days.of(2026, 3) == (1, 16, 31)
    assert Cron.parse("0 0 ? * MON-FRI") == Cron.parse("0 0 * * mon-fri")
    assert Cron.parse("0 0 9 ? * mon-fri").days.of(2026, 3) == Cron.parse("0 9 * * 1-5").days.of(2026, 3)
    assert str(Cron.parse("0 0 wl,l-03,15w * ?")) == "0 0 LW,L-03,15W * *"
    assert Cron.parse("0 9 ? * MON#1").days.of(2026, 3) == (2,)
    assert Cron.parse("0 0 L-3 * ?").days.of(2026, 2) == (25,)
