"""Each verdict says what it rests on: the sentences of `rocketctl why`."""

from dataclasses import replace
from datetime import date

import pytest

from rocketd.core.explain.why import explain
from rocketd.core.language.parser import parse
from rocketd.core.language.vocabulary import WORDS
from rocketd.core.model.moment import Moment
from rocketd.core.model.run import Action, Cause
from rocketd.core.model.work_calendar import Calendars, DateList, WorkCalendar, YearRange
from support.evaluation import Asked, at


def told(asked: Asked, text: str, now: str) -> str:
    return explain(parse(text), Moment(asked.instant(now), asked.task, asked.history)).because


# -- words about time


def test_a_window_says_whether_it_is_open_done_or_yet_to_come() -> None:
    asked = Asked()
    word = 'daily.between("10:00", "12:00")'
    assert told(asked, word, "2026-03-04 09:00") == "outside the window; the next one opens at 10:00"
    assert told(asked, word, "2026-03-04 10:30") == "in the window 10:00-12:00; has not run in it yet"
    asked.start("2026-03-04 10:30")
    assert told(asked, word, "2026-03-04 10:31") == "running; its window is 10:00-12:00"
    asked = Asked()
    asked.run("2026-03-04 10:30", "2026-03-04 10:35", Action.FAIL)
    assert told(asked, word, "2026-03-04 11:00") == (
        "already ran in the window 10:00-12:00: me/1 failed at 10:35; the next one opens tomorrow at 10:00"
    )


def test_a_window_says_that_it_was_given_up_after_crashes() -> None:
    asked = Asked(crash_limit=2)
    for hour in (1, 2):
        asked.run(f"2026-03-04 0{hour}:00", f"2026-03-04 0{hour}:05", Action.CRASH, Cause.DOWN)
    assert "gave up after 2 crashes" in told(asked, "daily", "2026-03-04 03:00")


def test_hours_say_from_when_to_when() -> None:
    asked = Asked()
    word = 'time_of_day.between("10:00", "12:00")'
    assert told(asked, word, "2026-03-04 10:30") == "inside the window 10:00-12:00"
    assert told(asked, word, "2026-03-04 12:00") == "outside the window; it opens tomorrow at 10:00"
    assert told(asked, "time_of_day", "2026-03-04 12:00") == "always inside"
    assert told(asked, 'crontime("* 8-17 * * *")', "2026-03-04 12:00") == "inside the window 08:00-18:00"


def test_an_interval_says_from_when_it_counts() -> None:
    asked = Asked()
    assert told(asked, 'every("1 h")', "2026-03-04 10:00") == "there has been no run yet"
    asked.run("2026-03-04 10:00", "2026-03-04 10:05")
    assert told(asked, 'every("1 h")', "2026-03-04 10:30") == "next due at 11:00, 1h after 10:00"
    assert told(asked, 'every("1 h")', "2026-03-04 11:30") == "due since 11:00"
    assert told(asked, 'every("1 h", based="success")', "2026-03-04 10:30") == "next due at 11:05, 1h after 10:05"
    assert told(asked, 'every("1 h", based="fail")', "2026-03-04 10:30") == "no run has ended that way yet"
    asked.start("2026-03-04 11:30")
    assert "running" in told(asked, 'every("1 h", based="success")', "2026-03-04 11:31")


def test_a_tick_says_why_it_counts_or_does_not() -> None:
    asked = Asked().armed("2026-03-04 03:30")
    word = 'cron("0 * * * *", within="10 min")'
    assert told(asked, word, "2026-03-04 03:40") == (
        "the tick at 03:00 came before the task was armed at 03:30; the next tick is at 04:00"
    )
    assert told(asked, word, "2026-03-04 04:05") == "the tick at 04:00 has not been run yet"
    assert told(asked, word, "2026-03-04 04:10") == (
        "the tick at 04:00 was only valid for 10min; the next tick is at 05:00"
    )
    asked.run("2026-03-04 04:00", "2026-03-04 04:01")
    assert told(asked, word, "2026-03-04 04:05") == ("the tick at 04:00 was run as me/1; the next tick is at 05:00")
    assert told(asked, 'calendar("2026-03-05")', "2026-03-04 04:05") == (
        "there has been no tick yet; the next tick is tomorrow at 00:00"
    )
    assert told(asked, 'calendar("2026-03-04 03:00")', "2026-03-04 04:05").endswith("there is no further tick")


def test_a_tick_says_that_the_hours_beside_it_did_not_hold_then() -> None:
    asked = Asked().armed("2026-03-01 00:00")
    whole = parse('cron("0 8 * * *") & time_of_day.between("08:15", "18:00")')
    tree = explain(whole, Moment(at("2026-03-04 08:20"), asked.task, asked.history))
    assert tree.parts[0].because == (
        'the tick at 08:00 does not count: time_of_day.between("08:15", "18:00") was false then; '
        "no tick up to 2026-06-13 08:00 counts"
    )


def test_a_tick_says_what_stands_beside_it_is_against_it() -> None:
    asked = Asked().armed("2026-12-01 00:00")
    asked.run("2026-12-04 09:00", "2026-12-04 09:01")
    interval = parse('calendar("Fri 09:00") & every("13 days")')
    tree = explain(interval, Moment(at("2026-12-11 10:00"), asked.task, asked.history))
    assert tree.parts[0].because == (
        'the tick at 09:00 does not count: every("1w 6d") is over on 2026-12-17 at 09:00; '
        "the next tick is on 2026-12-18 at 09:00"
    )
    assert tree.parts[1].because == (
        "over on 2026-12-17 at 09:00, 1w 6d after 2026-12-04 09:00; the tick is on 2026-12-11 at 09:00"
    )
    window = parse('calendar("Fri 09:00") & monthly')
    tree = explain(window, Moment(at("2026-12-11 10:00"), asked.task, asked.history))
    assert tree.parts[0].because == (
        "the tick at 09:00 does not count: monthly is used up until 2027-01-01 00:00; "
        "the next tick that can count is on 2027-01-01 at 09:00"
    )
    assert tree.parts[1].because == "a run was due in the window 2026-12-01 to 2027-01-01 already"


def test_a_tick_says_that_its_hours_have_broken_or_its_span_has_ended() -> None:
    asked = Asked().armed("2026-03-01 00:00")
    asked.history.load("extract")
    hours = parse('cron("0 2 * * *") & time_of_day.between("20:00", "04:00")')
    tree = explain(hours, Moment(at("2026-03-04 21:00"), asked.task, asked.history))
    assert tree.parts[0].because.startswith(
        'the tick at 02:00 stopped counting at 04:00: time_of_day.between("20:00", "04:00") has not held'
    )
    span = parse('cron("0 3 * * *") & ~succeeded("extract").today')
    tree = explain(span, Moment(at("2026-03-05 00:00"), asked.task, asked.history))
    assert tree.parts[0].because.startswith(
        'the tick yesterday at 03:00 stopped counting at 00:00: succeeded("extract").today now refers to another time'
    )


# -- words about runs


def test_a_retry_says_which_attempt_it_was_and_when_the_next_is() -> None:
    asked = Asked()
    word = 'retry(2, delay="5 min", within="1 h")'
    assert told(asked, word, "2026-03-04 10:00") == "there has been no scheduled run yet"
    asked.start("2026-03-04 10:00")
    assert told(asked, word, "2026-03-04 10:01") == "me/1 is running"
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:02", Action.FAIL)
    assert told(asked, word, "2026-03-04 10:03") == (
        "me/1 failed at 10:02 (attempt 1 of 3); the next attempt is at 10:07"
    )
    assert told(asked, word, "2026-03-04 10:07") == "me/1 failed at 10:02 (attempt 1 of 3)"
    assert told(asked, word, "2026-03-04 11:07").endswith(
        "(attempt 1 of 3); it is too late for another one: it was due at 10:00"
    )
    asked.armed("2026-03-04 10:30")
    assert told(asked, word, "2026-03-04 10:40") == "me/1 failed at 10:02, before this task was armed at 10:30"


@pytest.mark.parametrize(
    ("action", "cause", "said"),
    [
        (Action.SUCCESS, Cause.EXIT, "me/1 succeeded at 10:02: nothing to retry"),
        (Action.TERMINATE, Cause.OPERATOR, "me/1 was terminated by an operator at 10:02: nothing to retry"),
        (Action.TERMINATE, Cause.TIMEOUT, "me/1 was terminated by its timeout at 10:02: attempt 3 was the last"),
        (Action.FAIL, Cause.EXIT, "me/1 failed at 10:02: attempt 3 was the last"),
    ],
)
def test_a_retry_says_why_there_is_none(action: Action, cause: Cause, said: str) -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:02", action, cause, attempt=3)
    assert told(asked, "retry(2)", "2026-03-04 10:03") == said


def test_a_word_about_another_task_says_what_became_of_it() -> None:
    asked = Asked().armed("2026-03-04 08:00")
    assert told(asked, 'after_success("load")', "2026-03-04 10:00") == "task 'load' is not loaded"
    assert told(asked, 'failed("load")', "2026-03-04 10:00") == "task 'load' is not loaded"
    assert told(asked, 'running("load")', "2026-03-04 10:00") == "task 'load' is not loaded"
    asked.history.load("load")
    assert told(asked, 'after_success("load")', "2026-03-04 10:00") == (
        "load has not succeeded since this task was armed at 08:00"
    )
    asked.run("2026-03-04 09:00", "2026-03-04 09:30", task="load")
    assert told(asked, 'after_success("load")', "2026-03-04 10:00") == "load/1 succeeded at 09:30"
    asked.run("2026-03-04 09:31", "2026-03-04 09:40")
    assert told(asked, 'after_all_finish("load", "me")', "2026-03-04 10:00") == (
        "load has not ended since me/1 started at 09:31; me/1 succeeded at 09:40"
    )
    assert told(asked, 'succeeded("load")', "2026-03-04 10:00") == "load has succeeded, last at 09:30"
    assert told(asked, 'succeeded("load").past("2 h")', "2026-03-04 10:00").endswith("last at 09:30")


def test_what_happened_is_counted_in_words() -> None:
    asked = Asked()
    assert told(asked, "succeeded", "2026-03-04 10:00") == "me has not succeeded yet"
    assert told(asked, "(failed.today < 3)", "2026-03-04 10:00") == "me has not failed today"
    for minute in (1, 2):
        asked.history.set_needs(parse("(failed.this_hour < 3)").needs())
        asked.run(f"2026-03-04 09:0{minute}", f"2026-03-04 09:1{minute}", Action.FAIL)
    assert told(asked, "failed", "2026-03-04 10:00") == "me has failed, last at 09:12"
    assert told(asked, "failed.this_hour", "2026-03-04 09:30").startswith("me has failed")
    assert told(asked, 'failed.past("2 h")', "2026-03-04 10:00").endswith("in the last 2h, last at 09:12")
    assert told(asked, 'failed.past("10 min")', "2026-03-04 10:00") == "me has not failed in the last 10min"
    assert told(asked, 'failed.today.before("09:00")', "2026-03-04 10:00") == "me has not failed today in those hours"


def test_an_active_run_is_named() -> None:
    asked = Asked()
    assert told(asked, "running", "2026-03-04 10:00") == "me is not running"
    run = asked.start("2026-03-04 09:00")
    for word in ("running", 'running.more_than("2 h")', "(running < 2)"):
        assert told(asked, word, "2026-03-04 10:00") == "me/1 is running, started at 09:00"
    moment = Moment(at("2026-03-04 10:00"), asked.task, asked.history, replace(run, number=7))
    assert explain(parse("running"), moment).because == "me/7 is running, started at 09:00"


def test_a_group_says_how_many_of_its_parts_hold() -> None:
    asked = Asked()
    assert told(asked, "true & true", "2026-03-04 10:00") == "both parts hold"
    assert told(asked, "true | true | true", "2026-03-04 10:00") == "all 3 parts hold"
    assert told(asked, "true & false", "2026-03-04 10:00") == "1 of 2 parts holds"
    assert told(asked, 'false | running("b")', "2026-03-04 10:00") == "0 of 2 parts hold, 1 is unknown"
    assert told(asked, "~running", "2026-03-04 10:00") == "me is not running"


@pytest.mark.parametrize("word", WORDS.values(), ids=lambda word: word.name)
def test_every_word_has_a_sentence_of_its_own(word: object) -> None:
    asked = Asked()
    example = word.example  # type: ignore[attr-defined] # a Word; its class is not what this is about
    assert told(asked, example, "2026-03-04 10:00") not in {"true", "false"}


def test_several_active_runs_are_named_together() -> None:
    asked = Asked()
    for _ in range(2):
        asked.start("2026-03-04 09:00")
    assert told(asked, "running", "2026-03-04 10:00") == "me/1 and me/2 are running"


# -- working days

_CHRISTMAS = DateList("/etc/x.dates", b"reasons", {date(2026, 12, 25).toordinal(): "Christmas Day"})
_OLD = replace(_CHRISTMAS, digest=b"reasons of 2026", covers=YearRange(2026, 2026))
_WORK = Calendars(
    (("", WorkCalendar(lists=(_CHRISTMAS,))), ("old", WorkCalendar(lists=(_OLD,)))),
    (("/etc/x.dates", WorkCalendar(frozenset(), (_CHRISTMAS,))),),
)


@pytest.mark.parametrize(
    ("word", "now", "because"),
    [
        ("workday", "2026-12-24 09:00", "Thu 2026-12-24 is a working day, until tomorrow at 00:00"),
        (
            "workday",
            "2026-12-25 09:00",
            "Fri 2026-12-25 is Christmas Day (default); the next working day begins on 2026-12-28 at 00:00",
        ),
        (
            "workday",
            "2026-12-26 09:00",
            "Sat 2026-12-26 is a day of the weekend; the next working day begins on 2026-12-28 at 00:00",
        ),
        ("holiday", "2026-12-25 09:00", "Fri 2026-12-25 is Christmas Day (default), until tomorrow at 00:00"),
        (
            "holiday",
            "2026-12-26 09:00",
            "Sat 2026-12-26 is not listed in default, and there is no later date that it lists",
        ),
        (
            'dates("/etc/x.dates")',
            "2026-12-24 09:00",
            "Thu 2026-12-24 is not listed in /etc/x.dates; the next date that it lists begins tomorrow at 00:00",
        ),
        (
            "workday_of_month.on(1)",
            "2026-12-01 09:00",
            "Tue 2026-12-01 is working day 1 of 22 of the month, until tomorrow at 00:00",
        ),
        (
            "workday_of_month.on(1)",
            "2026-12-02 09:00",
            "Wed 2026-12-02 is working day 2 of 22 of the month; the next such day begins on 2027-01-01 at 00:00",
        ),
        (
            'workday_at(26, roll="before")',
            "2026-12-23 09:00",
            "Wed 2026-12-23 is another working day; the next such day begins tomorrow at 00:00",
        ),
        ('workday("old")', "2027-01-04 09:00", "nothing is known of 2027"),
        ('workday("older")', "2027-01-04 09:00", "there is no calendar 'older'"),
        ('workday_of_week("old").on(1)', "2026-12-29 09:00", "nothing is known of 2027"),
        (
            'workday("old")',
            "2026-12-31 09:00",
            "Thu 2026-12-31 is a working day, until tomorrow at 00:00",
        ),
    ],
)
def test_words_about_working_days_name_the_day_and_the_next(word: str, now: str, because: str) -> None:
    asked = Asked()
    moment = Moment(asked.instant(now), replace(asked.task, calendars=_WORK), asked.history)
    assert explain(parse(word), moment).because == because
