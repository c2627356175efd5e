"""Words about working days and holidays, against the plain way: each date is looked at by itself."""

from calendar import monthrange
from dataclasses import replace
from datetime import UTC, date, timedelta, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.core.calendar.oncalendar import no_zones
from rocketd.core.conditions.day_word import begin_of
from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, DAY, FOREVER, datetime_of
from rocketd.core.language.parser import parse, read
from rocketd.core.model.moment import Moment
from rocketd.core.model.task import Command, Task
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from rocketd.core.model.work_calendar import Calendars, DateList, WorkCalendar, YearRange
from rocketd.core.scheduler.forecast import starts
from support.evaluation import APIA, BERLIN, Asked, at
from support.work_days import CALENDARS, WORK_DAYS, calendars, expected

CHRISTMAS = DateList(
    "/etc/x.dates", b"1", days={date(2026, 12, 25).toordinal(): "Christmas Day"}, yearly={(1, 1): "New Year's Day"}
)
GERMAN = Calendars((("", WorkCalendar(lists=(CHRISTMAS,))),), (("/f", WorkCalendar(frozenset(), (CHRISTMAS,))),))


def task(condition: str, zone: tzinfo = BERLIN, known: Calendars = GERMAN) -> Task:
    return Task("it", Command(("true",)), parse(condition), zone=zone, calendars=known)


def days_of(condition: str, begin: str, count: int, known: Calendars = GERMAN) -> list[str]:
    found = starts(task(condition, known=known), at(begin, BERLIN), count).instants
    return [f"{datetime_of(one, BERLIN):%m-%d %H:%M}" for one in found]


def judged(condition: str, when: str, known: Calendars = GERMAN, zone: tzinfo = BERLIN) -> Verdict:
    asked = Asked(zone)
    return parse(condition).judge(Moment(at(when, zone), task(condition, zone, known), asked.history))


# -- what they are for


def test_working_days_leave_out_weekends_and_holidays() -> None:
    assert days_of('cron("0 6 * * *") & workday', "2026-12-24 09:00", 3) == [
        "12-28 06:00",
        "12-29 06:00",
        "12-30 06:00",
    ]
    assert days_of("weekly & workday", "2026-12-29", 2) == ["12-29 00:00", "01-04 00:00"]
    assert days_of("monthly & workday", "2026-12-29", 2) == ["12-29 00:00", "01-04 00:00"]
    assert days_of('weekly.on("Fri") & workday', "2026-12-19", 2) == ["01-08 00:00", "01-15 00:00"]
    assert days_of('cron("0 6 * * *") & holiday', "2026-12-19", 3) == ["12-25 06:00", "01-01 06:00", "01-01 06:00"]
    assert days_of('cron("0 6 * * *") & dates("/f")', "2026-12-19", 1) == ["12-25 06:00"]


def test_a_tick_of_a_working_day_is_made_up_on_another_day() -> None:
    asked = Asked(BERLIN).armed("2026-11-20 10:00")
    friday = task('cron("0 23 * * *") & workday')
    verdict = friday.when.judge(Moment(at("2026-11-28 01:00", BERLIN), friday, asked.history))
    assert verdict == Verdict(FOR, at("2026-11-28 23:00", BERLIN), at("2026-11-27 23:00", BERLIN))


def test_the_nth_working_day() -> None:
    assert days_of('cron("0 18 * * *") & workday_of_month.on("last")', "2026-11-24", 3) == [
        "11-30 18:00", "12-31 18:00", "01-29 18:00",
    ]  # fmt: skip
    assert days_of('cron("0 18 * * *") & workday_of_month.on(1, 18)', "2026-11-24", 3) == [
        "11-25 18:00", "12-01 18:00", "12-24 18:00",
    ]  # fmt: skip
    assert days_of('cron("0 18 * * *") & workday_of_week.on(5)', "2026-12-20", 1) == ["01-08 18:00"]
    assert days_of('cron("0 18 * * *") & workday_of_quarter.on(1)', "2026-12-20", 1) == ["01-04 18:00"]
    assert days_of('cron("0 18 * * *") & workday_of_year.between(-2, "last")', "2026-12-20", 3) == [
        "12-30 18:00", "12-31 18:00", "12-30 18:00",
    ]  # fmt: skip


def test_a_date_that_is_moved() -> None:
    june = at("2026-05-20", BERLIN)
    for roll, day in (("before", "05-29"), ("after", "06-01"), ("nearest", "05-29")):
        found = starts(task(f'cron("0 9 * * *") & workday_at(31, roll="{roll}")'), june, 1).instants[0]
        assert f"{datetime_of(found, BERLIN):%m-%d}" == day
    assert days_of('cron("0 9 * * *") & workday_at(25, roll="nearest")', "2026-12-10", 1) == ["12-24 09:00"]
    assert days_of('cron("0 9 * * *") & workday_at("31 or last", roll="before")', "2026-02-10", 1) == ["02-27 09:00"]


def test_a_date_is_a_day_on_the_wall_of_the_task() -> None:
    apia = Calendars((("", WorkCalendar(frozenset())),))
    assert judged("workday", "2011-12-29 12:00", apia, APIA).until == FOREVER
    assert judged("workday", "2026-11-27 12:00").until == at("2026-11-28", BERLIN)
    assert judged("holiday", "2026-12-24 12:00", zone=UTC).until == at("2026-12-25", UTC)


# -- what is not known


def test_nothing_is_known_where_a_file_is_missing() -> None:
    broken = Calendars((("", WorkCalendar(problem="there is no such file")),))
    for word in ("workday", "holiday", "workday_of_month.on(1)", 'workday_at(15, roll="after")'):
        assert judged(word, "2026-11-28", broken) == Verdict(UNKNOWN, FOREVER, BEGINNING)
        assert judged(f"~{word}", "2026-11-28", broken).answer is UNKNOWN


def test_nothing_is_known_after_the_years_that_all_files_cover() -> None:
    lists = DateList("/a", b"a", covers=YearRange(2026, 2028)), DateList("/b", b"b", covers=YearRange(2025, 2026))
    known = Calendars((("", WorkCalendar(lists=(*lists, DateList("/c", b"c")))),))
    assert judged("workday", "2026-12-31", known) == Verdict(FOR, at("2027-01-01", BERLIN), at("2026-12-28", BERLIN))
    assert judged("workday", "2027-01-01", known).answer is UNKNOWN
    assert judged("workday", "2027-01-02", known).answer is AGAINST, "a weekend is one in any case"
    assert judged("holiday", "2027-01-02", known).answer is UNKNOWN
    assert judged("workday_of_week.on(1)", "2026-12-29", known).answer is UNKNOWN, "its week reaches into 2027"
    assert judged("workday_of_month.on(-1)", "2026-12-31", known).answer is FOR
    assert judged('workday_at(1, roll="before")', "2026-12-31", known).answer is UNKNOWN


def test_a_calendar_that_nobody_wrote_has_saturdays_and_sundays() -> None:
    plain = Calendars()
    assert judged("workday", "2026-12-25", plain).answer is FOR
    assert judged("workday", "2026-12-26", plain).answer is AGAINST
    assert judged("workday('nyse')", "2026-12-25", plain).answer is UNKNOWN


def test_what_is_not_known_stays_so_whatever_the_files_list_of_each_year() -> None:
    known = DateList("/each", b"each year until 2026", yearly={(12, 25): ""}, covers=YearRange(2026, 2026))
    calendar = WorkCalendar(lists=(known,))
    after = judged("holiday", "2028-02-29", Calendars((("", calendar),)))
    assert after == Verdict(UNKNOWN, FOREVER, at("2027-01-01", BERLIN))
    before = judged("holiday", "2001-02-28", Calendars((("", calendar),)))
    assert before == Verdict(UNKNOWN, at("2026-01-01", BERLIN), BEGINNING)
    nowhere = replace(known, digest=b"nowhere", covers=YearRange(2027, 2027))
    never = WorkCalendar(lists=(known, nowhere))
    assert judged("holiday", "2026-12-25", Calendars((("", never),))) == Verdict(UNKNOWN, FOREVER, BEGINNING)


def test_what_never_holds_stays_so_for_ever_though_a_day_is_listed_of_each_year() -> None:
    sundays = WorkCalendar(frozenset(range(6)), (DateList("/each", b"each year", yearly={(12, 25): ""}),))
    never = judged("workday_of_week.on(2)", "2026-02-28", Calendars((("", sundays),)))
    assert never == Verdict(AGAINST, FOREVER, BEGINNING)


# -- properties


@given(WORK_DAYS, st.integers(0, 4000), CALENDARS)
def test_each_date_is_as_the_plain_way_has_it(word: str, after: int, known: WorkCalendar) -> None:
    """And so is how long it stays so: on no date up to the end, or from the beginning, it is otherwise."""
    day = date(2024, 1, 1).toordinal() + after
    verdict = judged_on(word, day, known)
    assert verdict.answer.value is expected(word, day, known), (word, date.fromordinal(day))
    for other in range(day - 63, day + 64, 9):
        if verdict.since <= begin_of(other, UTC) < verdict.until:
            assert expected(word, other, known) is verdict.answer.value
    for edge, side in ((verdict.until, 0), (verdict.since, -1)):
        if BEGINNING < edge < FOREVER and abs(edge - begin_of(day, UTC)) < 1_500 * DAY:  # farther: to be asked again
            changed = datetime_of(edge, UTC).date().toordinal() + side
            assert expected(word, changed, known) is not verdict.answer.value


def judged_on(word: str, day: int, known: WorkCalendar) -> Verdict:
    one = Task("it", Command(("true",)), parse(word), calendars=calendars(known))
    return one.when.judge(Moment(begin_of(day, UTC) + 1, one, Asked().history))


@given(WORK_DAYS)
def test_the_normal_form_reads_back(word: str) -> None:
    condition = parse(word)
    assert parse(str(condition)) == condition


@pytest.mark.parametrize(
    ("phrase", "word"),
    [
        ("workday of calendar 'nyse'", 'workday("nyse")'),
        ("holiday of calendar 'nyse'", 'holiday("nyse")'),
        ("dates '/etc/freeze'", 'dates("/etc/freeze")'),
        ("workday of month on 1, last", "workday_of_month.on(1, -1)"),
        ("workday of week between 2 and -1", "workday_of_week.between(2, -1)"),
        ("workday at 15 before", 'workday_at(15, roll="before")'),
        ("workday at 31 or last after & daily", 'workday_at("31 or last", roll="after") & daily'),
    ],
)
def test_phrases(phrase: str, word: str) -> None:
    assert str(parse(phrase)) == word


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("workday_of_month", "needs a number", "workday_of_month.on(1"),
        ("workday_of_month.on(0)", "not the number of a working day", "1 to 31"),
        ("workday_of_week.on(8)", "not the number of a working day", "1 to 7"),
        ("workday_of_year.on(-367)", "not the number of a working day", "1 to 366"),
        ('workday_of_month.on("15 10:00")', "not the number of a working day", "workday_at(15"),
        ("workday_of_month.on(1, 1)", "given twice", ""),
        ('workday_of_month.between(-1, "-3")', "comes after", "does not reach over"),
        ("workday_at(15)", 'needs "before", "after" or "nearest"', "roll="),
        ('workday_at(15, roll="up")', "not a roll", "nearest"),
        ('workday_at("15 10:00", roll="before")', "without a time", "time_of_day"),
        ('dates("freeze.dates")', "not the path of a file", "/etc/rocketd/freeze.dates"),
        ('workday("")', "cannot be the name of a calendar", "letters"),
        ("workday of monht on 1", "did you mean month", ""),
    ],
)
def test_a_mistake_is_told_with_a_way_out(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConditionError) as found:
        read(text, no_zones)
    assert message in found.value.message
    assert hint in found.value.hint


def test_months_of_2026_whose_nearest_weekday_is_that_of_quartz() -> None:
    table = {1: [1, 2, 2, 1, 1, 1, 1, 3, 1, 1, 2, 1], 15: [15, 16, 16, 15, 15, 15, 15, 14, 15, 15, 16, 15]}
    for day, expected_days in table.items():
        found = starts(
            Task("it", Command(("true",)), parse(f'cron("0 9 * * *") & workday_at({day}, roll="nearest")')),
            at("2026-01-01"),
            12,
        )
        assert [datetime_of(one, UTC).day for one in found.instants] == expected_days
    assert monthrange(2026, 2)[1] == 28
    assert date(2026, 2, 1) + timedelta(days=28) == date(2026, 3, 1)
