"""Words about time: conditions.md, "Once per window", "Inside a period", "Interval" and "Ticks"."""

import pytest

from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, FOREVER
from rocketd.core.language.parser import parse
from rocketd.core.model.run import Action, Cause, Trigger
from rocketd.core.model.verdict import AGAINST, FOR, Verdict
from support.evaluation import BERLIN, Asked, at


def yes(until: str = "", since: str = "") -> Verdict:
    return Verdict(FOR, at(until) if until else FOREVER, at(since) if since else BEGINNING)


def no(until: str = "", since: str = "") -> Verdict:
    return yes(until, since)._replace(answer=AGAINST)


# -- once per window


def test_once_per_window_is_for_inside_a_window_in_which_nothing_ran() -> None:
    asked = Asked()
    assert asked.judge("daily", "2026-03-04 10:00") == yes("2026-03-05", "2026-03-04")
    morning = "daily.between('10:00', '12:00')"
    assert asked.judge(morning, "2026-03-04 09:00") == no("2026-03-04 10:00", "2026-03-03 12:00")
    assert asked.judge(morning, "2026-03-04 10:00") == yes("2026-03-04 12:00", "2026-03-04 10:00")
    assert asked.judge(morning, "2026-03-04 12:00") == no("2026-03-05 10:00", "2026-03-04 12:00")


@pytest.mark.parametrize(
    ("action", "cause"),
    [
        (Action.SUCCESS, Cause.EXIT),
        (Action.FAIL, Cause.EXIT),
        (Action.INACTION, Cause.EXIT),
        (Action.TERMINATE, Cause.TIMEOUT),
        (Action.TERMINATE, Cause.OPERATOR),
    ],
)
def test_a_run_that_ended_uses_the_window_up_until_the_next_begins(action: Action, cause: Cause) -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:30", action, cause)
    assert asked.judge("daily", "2026-03-04 11:00") == no("2026-03-05", "2026-03-04 10:00")
    assert asked.holds("daily", "2026-03-05")


def test_after_a_window_it_is_against_since_the_run_in_it_or_else_since_its_end() -> None:
    asked, morning = Asked(), "daily.between('10:00', '12:00')"
    asked.run("2026-03-04 10:30", "2026-03-04 10:40")
    assert asked.judge(morning, "2026-03-04 13:00") == no("2026-03-05 10:00", "2026-03-04 10:30")
    asked.run("2026-03-05 12:30", "2026-03-05 12:40", trigger=Trigger.AS_SCHEDULED)
    assert asked.judge(morning, "2026-03-05 13:00") == no("2026-03-06 10:00", "2026-03-05 12:00")


def test_a_run_that_goes_on_uses_the_window_up() -> None:
    asked = Asked()
    asked.start("2026-03-04 10:00")
    assert asked.judge("daily", "2026-03-04 11:00") == no("2026-03-05", "2026-03-04 10:00")


def test_a_run_belongs_to_the_window_it_started_in() -> None:
    """One that passes midnight does not eat the next day, whether it goes on or has ended."""
    asked = Asked()
    run = asked.start("2026-03-04 23:00")
    assert asked.holds("daily", "2026-03-05 00:30")
    asked.end(run, "2026-03-05 01:00")
    assert asked.holds("daily", "2026-03-05 02:00")


def test_a_run_that_started_in_a_window_uses_it_up_whenever_it_was_due() -> None:
    """As a retry does that begins after midnight."""
    asked = Asked()
    run = asked.start("2026-03-04 00:10", due="2026-03-03 23:50")
    assert asked.judge("daily", "2026-03-04 00:15") == no("2026-03-05", "2026-03-04 00:10")
    asked.end(run, "2026-03-04 00:20")
    assert asked.judge("daily", "2026-03-04 00:30") == no("2026-03-05", "2026-03-04 00:10")


def test_a_run_that_was_due_in_a_window_uses_it_up_as_well() -> None:
    """As one does that goes on while the clock is set back."""
    asked, word = Asked(), "daily.after('10:00')"
    run = asked.start("2026-03-04 09:00", due="2026-03-04 10:00")
    assert not asked.holds(word, "2026-03-04 10:20")
    asked.end(run, "2026-03-04 10:25")
    assert not asked.holds(word, "2026-03-04 10:30")


def test_a_run_by_hand_uses_nothing_up() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:30", trigger=Trigger.HAND)
    asked.start("2026-03-04 10:40", trigger=Trigger.HAND)
    assert asked.holds("daily", "2026-03-04 11:00")


@pytest.mark.parametrize("trigger", [trigger for trigger in Trigger if trigger is not Trigger.HAND])
def test_every_other_run_is_a_scheduled_one(trigger: Trigger) -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:30", trigger=trigger)
    assert not asked.holds("daily", "2026-03-04 11:00")


def test_a_run_that_crashed_does_not_count_as_done_until_it_has_crashed_crash_limit_times() -> None:
    asked = Asked(crash_limit=3)
    for number in range(3):
        assert asked.holds("daily", "2026-03-04 12:00")
        asked.run(f"2026-03-04 10:0{number}", "2026-03-04 11:00", Action.CRASH, Cause.DOWN)
    assert asked.judge("daily", "2026-03-04 12:00") == no("2026-03-05", "2026-03-04 10:02")
    assert asked.holds("daily", "2026-03-05")


def test_crashes_of_another_window_are_not_counted() -> None:
    asked = Asked(crash_limit=2)
    asked.run("2026-03-03 10:00", "2026-03-03 11:00", Action.CRASH, Cause.DOWN)
    asked.run("2026-03-04 10:00", "2026-03-04 11:00", Action.CRASH, Cause.DOWN)
    assert asked.holds("daily", "2026-03-04 12:00")


def test_stops_of_the_daemon_itself_are_not_counted() -> None:
    asked = Asked(crash_limit=2)
    for _ in range(5):
        asked.run("2026-03-04 10:00", "2026-03-04 11:00", Action.CRASH, Cause.SHUTDOWN)
    assert asked.holds("daily", "2026-03-04 12:00")


def test_runs_by_hand_neither_count_as_crashes_nor_end_their_row() -> None:
    asked = Asked(crash_limit=2)
    asked.run("2026-03-04 10:00", "2026-03-04 10:01", Action.CRASH, Cause.DOWN)
    asked.run("2026-03-04 10:02", "2026-03-04 10:03", Action.CRASH, Cause.DOWN, trigger=Trigger.HAND)
    assert asked.holds("daily", "2026-03-04 12:00")
    asked.run("2026-03-04 10:04", "2026-03-04 10:05", trigger=Trigger.HAND)
    asked.run("2026-03-04 10:06", "2026-03-04 10:07", Action.CRASH, Cause.DOWN)
    assert not asked.holds("daily", "2026-03-04 12:00")


@pytest.mark.parametrize("cause", [Cause.DOWN, Cause.SHUTDOWN])
def test_a_crash_counts_as_done_when_asked_plainly(cause: Cause) -> None:
    """So the run after it is the next attempt, not a first one."""
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 11:00", Action.CRASH, cause)
    assert asked.holds("daily", "2026-03-04 12:00")
    assert not asked.holds("daily", "2026-03-04 12:00", plain=True)
    assert asked.holds("daily", "2026-03-05 12:00", plain=True)


def test_windows_are_those_of_the_task_s_zone() -> None:
    asked = Asked(BERLIN)
    asked.run("2026-03-04 00:30", "2026-03-04 00:40")
    assert not asked.holds("daily", "2026-03-04 23:59")
    assert asked.holds("daily", "2026-03-05 00:00")
    assert asked.judge("daily", "2026-03-05 00:00").since == at("2026-03-04 23:00")


def test_a_clock_that_was_set_back_runs_nothing_twice() -> None:
    asked = Asked()
    asked.run("2026-03-05 00:10", "2026-03-05 00:20")
    assert asked.judge("daily", "2026-03-04 23:30")[:2] == (AGAINST, at("2026-03-06"))


def test_each_of_several_times_is_a_window_of_its_own() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05")
    twice = "daily.at('10:00', '10:30')"
    assert asked.judge(twice, "2026-03-04 10:10")[:2] == (AGAINST, at("2026-03-04 10:30"))
    assert asked.judge(twice, "2026-03-04 10:30") == yes("2026-03-04 11:30", "2026-03-04 10:30")


# -- inside a period


def test_inside_a_period_rests_on_the_clock_alone() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:30")
    word = "time_of_day.between('10:00', '12:00')"
    assert asked.judge(word, "2026-03-04 11:00") == yes("2026-03-04 12:00", "2026-03-04 10:00")
    assert asked.judge(word, "2026-03-04 12:00") == no("2026-03-05 10:00", "2026-03-04 12:00")
    assert not parse(word).watches()


def test_hours_are_those_of_the_task_s_zone() -> None:
    asked = Asked(BERLIN)
    for word in ("time_of_day.between('10:00', '12:00')", "crontime('* 10,11 * * *')"):
        assert not asked.holds(word, "2026-03-04 09:59")
        assert asked.judge(word, "2026-03-04 10:00").since == at("2026-03-04 09:00")
        assert not asked.holds(word, "2026-03-04 12:00")


def test_adjacent_hours_are_one_stretch() -> None:
    assert Asked().judge("time_of_day.at('10:00', '11:00')", "2026-03-04 10:30") == yes(
        "2026-03-04 12:00", "2026-03-04 10:00"
    )
    assert Asked().judge("time_of_day", "2026-03-04") == yes()
    assert Asked().judge("time_of_day.starting('06:00')", "2026-03-04") == yes()


# -- interval


def test_an_interval_begins_at_once_where_there_was_no_run() -> None:
    assert Asked().judge("every('10 min')", "2026-03-04 10:00") == yes()


def test_an_interval_is_counted_from_due_on_and_keeps_its_grid() -> None:
    """The anchor is the due moved on to the last whole interval at or before the start."""
    asked = Asked()
    asked.run("2026-03-04 10:01", "2026-03-04 10:02", due="2026-03-04 10:00")
    assert asked.judge("every('10 min')", "2026-03-04 10:09") == no("2026-03-04 10:10", "2026-03-04 10:00")
    assert asked.judge("every('10 min')", "2026-03-04 10:10") == yes("2026-03-04 10:20", "2026-03-04 10:10")


def test_an_interval_never_bursts_after_a_long_run_or_a_downtime() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:47")
    assert asked.judge("every('10 min')", "2026-03-04 10:47") == yes("2026-03-04 10:50", "2026-03-04 10:40")
    asked.run("2026-03-04 10:47", "2026-03-04 10:48", due="2026-03-04 10:40")
    assert asked.judge("every('10 min')", "2026-03-04 10:48") == no("2026-03-04 10:50", "2026-03-04 10:40")


def test_a_start_exactly_on_the_grid_is_the_anchor() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:20", "2026-03-04 10:21", due="2026-03-04 10:00")
    assert asked.judge("every('10 min')", "2026-03-04 10:25").until == at("2026-03-04 10:30")


def test_an_interval_falls_due_while_a_run_is_going_on() -> None:
    """What becomes of it is for `overlap` to say."""
    asked = Asked()
    asked.start("2026-03-04 10:00")
    assert asked.judge("every('10 min')", "2026-03-04 10:10") == yes("2026-03-04 10:20", "2026-03-04 10:10")


def test_an_interval_gives_way_to_the_next_as_a_tick_does_but_not_where_nobody_looks() -> None:
    asked = Asked()
    asked.start("2026-03-04 10:00")
    assert asked.judge("every('10 min')", "2026-03-04 10:35") == yes("2026-03-04 10:40", "2026-03-04 10:30")
    moment = asked.moment("2026-03-04 10:35")._replace(unattended=True)
    assert parse("every('10 min')").judge(moment) == yes("", "2026-03-04 10:10")


def test_an_operator_s_stop_uses_up_the_intervals_up_to_now() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:35", Action.TERMINATE, Cause.OPERATOR)
    assert asked.judge("every('10 min')", "2026-03-04 10:36").until == at("2026-03-04 10:40")


def test_an_interval_is_real_time() -> None:
    asked = Asked(BERLIN)
    asked.run("2026-03-29 01:30", "2026-03-29 01:31")
    assert asked.judge("every('1 h')", "2026-03-29 01:40").until == at("2026-03-29 03:30", BERLIN)


def test_a_run_by_hand_does_not_move_the_interval() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:01")
    asked.run("2026-03-04 10:05", "2026-03-04 10:06", trigger=Trigger.HAND)
    assert asked.judge("every('10 min')", "2026-03-04 10:07").until == at("2026-03-04 10:10")
    assert asked.judge("every('10 min', based='finish')", "2026-03-04 10:07").until == at("2026-03-04 10:11")


def test_a_due_after_the_start_is_the_anchor_itself() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:01", due="2026-03-04 10:02")
    for now in ("2026-03-04 10:01", "2026-03-04 10:03"):
        assert asked.judge("every('10 min')", now).until == at("2026-03-04 10:12")


@pytest.mark.parametrize(
    ("based", "action", "counts"),
    [
        ("success", Action.SUCCESS, True),
        ("success", Action.FAIL, False),
        ("fail", Action.FAIL, True),
        ("fail", Action.SUCCESS, False),
        ("fail", Action.TERMINATE, False),
        ("fail", Action.CRASH, False),
        ("finish", Action.SUCCESS, True),
        ("finish", Action.FAIL, True),
        ("finish", Action.TERMINATE, True),
        ("finish", Action.INACTION, True),
        ("finish", Action.CRASH, True),
    ],
)
def test_an_interval_on_ends_is_counted_from_that_end(based: str, action: Action, *, counts: bool) -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", action)
    word = f"every('10 min', based='{based}')"
    if counts:
        assert asked.judge(word, "2026-03-04 10:06") == no("2026-03-04 10:15", "2026-03-04 10:05")
        assert asked.judge(word, "2026-03-04 10:15") == yes("", "2026-03-04 10:15")
    else:
        assert asked.judge(word, "2026-03-04 10:06") == yes()


def test_an_interval_on_ends_is_against_while_a_run_is_going_on() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05")
    asked.start("2026-03-04 11:00")
    for based in ("success", "fail", "finish"):
        assert asked.judge(f"every('10 min', based='{based}')", "2026-03-04 11:05") == no()


def test_an_interval_on_ends_goes_on_beside_a_run_by_hand() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05")
    asked.start("2026-03-04 10:10", trigger=Trigger.HAND)
    word = "every('10 min', based='success')"
    assert asked.judge(word, "2026-03-04 10:12") == no("2026-03-04 10:15", "2026-03-04 10:05")
    assert asked.judge(word, "2026-03-04 10:15") == yes("", "2026-03-04 10:15")


def test_a_run_by_hand_that_is_going_on_keeps_no_interval_on_ends_back() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05")
    asked.start("2026-03-04 10:10", trigger=Trigger.HAND)
    assert asked.judge("every('10 min', based='finish')", "2026-03-04 10:15") == yes("", "2026-03-04 10:15")


def test_an_interval_on_ends_is_counted_from_the_last_of_them_whatever_it_was() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05")
    asked.run("2026-03-04 10:20", "2026-03-04 10:25", Action.FAIL)
    assert asked.judge("every('10 min', based='finish')", "2026-03-04 10:30").until == at("2026-03-04 10:35")


def test_an_interval_must_be_longer_than_nothing() -> None:
    with pytest.raises(ConditionError, match="longer than zero"):
        parse("every('0')")


# -- ticks


def test_a_first_load_fires_nothing() -> None:
    asked = Asked().armed("2026-03-04 10:07")
    assert asked.judge("cron('0 * * * *')", "2026-03-04 10:07")[:2] == (AGAINST, at("2026-03-04 11:00"))
    assert asked.judge("cron('0 * * * *')", "2026-03-04 11:00") == yes("2026-03-04 12:00", "2026-03-04 11:00")


def test_a_tick_at_the_very_instant_of_arming_does_not_count() -> None:
    asked = Asked().armed("2026-03-04 10:00")
    assert asked.judge("cron('0 * * * *')", "2026-03-04 10:00")[:2] == (AGAINST, at("2026-03-04 11:00"))


def test_a_tick_stays_good_until_the_next_one() -> None:
    """So after a downtime the newest tick runs once."""
    asked = Asked().armed("2026-03-01")
    assert asked.judge("cron('0 3 * * *')", "2026-03-04 20:00") == yes("2026-03-05 03:00", "2026-03-04 03:00")


def test_within_says_how_long_a_tick_stays_good() -> None:
    asked = Asked().armed("2026-03-01")
    word = "cron('0 3 * * *', within='10 min')"
    assert asked.judge(word, "2026-03-04 03:05") == yes("2026-03-04 03:10", "2026-03-04 03:00")
    assert asked.judge(word, "2026-03-04 03:10") == no("2026-03-05 03:00", "2026-03-04 03:10")
    long = "cron('0 3 * * *', within='30 h')"
    assert asked.judge(long, "2026-03-04 04:00").until == at("2026-03-05 03:00")


@pytest.mark.parametrize(
    ("start", "due", "used"),
    [
        ("2026-03-04 03:00", "2026-03-04 03:00", True),
        ("2026-03-04 02:59", "2026-03-04 03:00", True),
        ("2026-03-04 03:01", "2026-03-03 03:00", True),
        ("2026-03-04 02:59", "2026-03-03 03:00", False),
    ],
)
def test_a_tick_is_used_up_by_a_run_that_started_or_was_due_at_or_after_it(start: str, due: str, *, used: bool) -> None:
    asked = Asked()
    asked.start(start, due=due)
    assert asked.holds("cron('0 3 * * *')", "2026-03-04 04:00") is not used


def test_a_crash_uses_a_tick_up() -> None:
    asked = Asked()
    asked.run("2026-03-04 03:00", "2026-03-04 03:10", Action.CRASH, Cause.DOWN)
    assert asked.judge("cron('0 3 * * *')", "2026-03-04 04:00") == no("2026-03-05 03:00", "2026-03-04 03:00")


def test_a_run_by_hand_uses_no_tick_up() -> None:
    asked = Asked()
    asked.run("2026-03-04 03:00", "2026-03-04 03:10", trigger=Trigger.HAND)
    assert asked.holds("cron('0 3 * * *')", "2026-03-04 04:00")


def test_an_operator_s_stop_uses_up_the_ticks_up_to_now() -> None:
    asked = Asked()
    asked.run("2026-03-04 02:50", "2026-03-04 03:10", Action.TERMINATE, Cause.OPERATOR)
    assert not asked.holds("cron('0 3 * * *')", "2026-03-04 03:20")


def test_a_clock_that_was_set_back_runs_no_tick_twice() -> None:
    asked = Asked()
    asked.run("2026-03-04 03:00", "2026-03-04 03:10")
    word = "cron('0 * * * *')"
    assert asked.judge(word, "2026-03-04 02:30")[:2] == (AGAINST, at("2026-03-04 04:00"))


def test_clock_only_parts_beside_a_tick_must_have_held_at_the_tick_as_well_as_now() -> None:
    asked = Asked().armed("2026-03-01")
    word = "cron('*/30 * * * *') & time_of_day.between('08:15', '18:00')"
    assert not asked.holds(word, "2026-03-04 08:15")
    assert asked.judge(word, "2026-03-04 08:30") == yes("2026-03-04 09:00", "2026-03-04 08:30")
    assert asked.holds(word, "2026-03-04 17:59")
    assert not asked.holds(word, "2026-03-04 18:00")


def test_that_reaches_ticks_deeper_down_and_joined_by_or() -> None:
    asked = Asked().armed("2026-03-01")
    word = "(cron('0 8 * * *') | cron('30 8 * * *')) & (time_of_day.after('08:15') & time_of_week.on('Wed'))"
    assert not asked.holds(word, "2026-03-04 08:20")
    assert asked.judge(word, "2026-03-04 08:30").since == at("2026-03-04 08:30")


def test_every_one_of_them_must_have_held_however_deep_the_tick_is() -> None:
    asked = Asked().armed("2026-03-01")
    either = "(cron('0 8 * * *') & time_of_week.on('Wed') | cron('30 8 * * *') & time_of_week.on('Wed'))"
    word = f"{either} & time_of_day.after('08:15')"
    assert not asked.holds(word, "2026-03-04 08:20")
    assert asked.holds(word, "2026-03-04 08:30")
    assert not asked.holds(word, "2026-03-05 08:30")


def test_what_happened_after_the_tick_counts_as_well() -> None:
    asked = Asked().armed("2026-03-01")
    asked.start("2026-03-04 03:30", "other")
    assert asked.holds("cron('0 3 * * *') & started('other').today", "2026-03-04 03:40")


def test_what_is_no_clock_need_not_have_held_at_the_tick() -> None:
    asked = Asked().armed("2026-03-01")
    run = asked.start("2026-03-04 02:50", "other")
    word = "cron('0 3 * * *') & ~running('other')"
    assert not asked.holds(word, "2026-03-04 03:00")
    asked.end(run, "2026-03-04 03:30")
    assert asked.holds(word, "2026-03-04 03:30")


def test_ticks_joined_by_or_are_used_up_together_and_the_newest_gives_the_due() -> None:
    asked = Asked().armed("2026-03-01")
    word = "cron('0 3 * * *') | cron('10 3 * * *')"
    assert asked.judge("cron('10 3 * * *')", "2026-03-04 03:15").since == at("2026-03-04 03:10")
    asked.start("2026-03-04 03:15")
    assert not asked.holds(word, "2026-03-04 03:20")


def test_a_tick_gives_way_to_the_next_of_any_line_that_it_is_joined_to_by_or() -> None:
    asked = Asked().armed("2026-03-01")
    word = "cron('0 3 * * *') | cron('10 3 * * *', within='5 min')"
    assert asked.judge(word, "2026-03-04 03:05") == yes("2026-03-04 03:10", "2026-03-04 03:00")
    assert asked.judge(word, "2026-03-04 03:12") == yes("2026-03-04 03:15", "2026-03-04 03:10")
    assert not asked.holds(word, "2026-03-04 03:15")


def test_a_tick_outside_of_its_hours_makes_no_other_give_way() -> None:
    asked = Asked().armed("2026-03-01")
    word = "cron('0 3 * * *') | (cron('10 * * * *') & time_of_day.after('12:00'))"
    assert asked.judge(word, "2026-03-04 03:15").since == at("2026-03-04 03:00")
    assert asked.judge(word, "2026-03-04 12:15").since == at("2026-03-04 12:10")


def test_a_tick_that_waits_for_more_than_hours_makes_no_other_give_way_and_gives_way_to_none() -> None:
    asked = Asked().armed("2026-03-01")
    word = "cron('0 3 * * *') | (cron('10 3 * * *') & ~started('other').today) | cron('0 2 * * *')"
    asked.start("2026-03-04 00:10", "other")
    assert asked.judge(word, "2026-03-04 03:15").since == at("2026-03-04 03:00")
    assert asked.judge(word, "2026-03-05 03:15").since == at("2026-03-05 03:00")
    asked.start("2026-03-04 02:00", "other")
    older = "cron('0 3 * * *', within='5 min') | (cron('50 2 * * *') & started('other').today)"
    assert asked.judge(older, "2026-03-04 03:15").since == at("2026-03-04 02:50")


def test_since_when_a_tick_does_not_count_stays_until_the_verdict_ends() -> None:
    """Also where two things speak against it, one after the other."""
    asked = Asked().armed("2026-03-01")
    outside = "crontime('5-50 3 * * *') & cron('0 3 * * *', within='10 min')"
    for time in ("03:06", "03:15"):
        found = asked.judge(outside, f"2026-03-04 {time}")
        assert (found.answer, found.since) == (AGAINST, at("2026-03-04 03:00"))
        assert found.until >= at("2026-03-05 03:00")
    joined = "~cron('0 3 * * *') | cron('5 3 * * *') | cron('20 3 * * *')"
    assert asked.judge(joined, "2026-03-04 03:10") == yes("2026-03-04 03:20", "2026-03-04 03:05")
    assert asked.judge(joined, "2026-03-04 03:25").since == at("2026-03-04 03:20")


def test_within_must_be_longer_than_nothing() -> None:
    with pytest.raises(ConditionError, match="longer than zero"):
        parse("cron('0 3 * * *', within='0')")


def test_ticks_are_those_of_the_task_s_zone() -> None:
    asked = Asked(BERLIN).armed("2026-03-01")
    assert asked.judge("cron('30 2 * * *')", "2026-03-29 12:00").since == at("2026-03-29 03:00", BERLIN)


# -- inside the minutes of a cron line


def test_crontime_is_for_inside_the_matching_minutes() -> None:
    asked = Asked()
    word = "crontime('30-31 8 * * *')"
    assert asked.judge(word, "2026-03-04 08:29:59") == no("2026-03-04 08:30", "2026-03-03 08:32")
    assert asked.judge(word, "2026-03-04 08:31:10") == yes("2026-03-04 08:32", "2026-03-04 08:30")
    assert asked.judge(word, "2026-03-04 08:32") == no("2026-03-05 08:30", "2026-03-04 08:32")
    assert asked.judge("crontime('15 30 8 * * *')", "2026-03-04 08:30:15") == yes(
        "2026-03-04 08:30:16", "2026-03-04 08:30:15"
    )


def test_crontime_is_in_the_zone_of_the_task() -> None:
    asked = Asked(BERLIN)
    assert asked.holds("crontime('30 8 * * *')", "2026-03-04 08:30")
    assert not asked.holds("crontime('30 8 * * *')", "2026-03-04 09:30")


def test_crontime_is_no_tick_but_hours_beside_one() -> None:
    asked = Asked().armed("2026-03-01")
    word = "cron('*/30 * * * *') & crontime('15-59 8 * * *')"
    assert not asked.holds(word, "2026-03-04 08:20")
    assert asked.judge(word, "2026-03-04 08:30").since == at("2026-03-04 08:30")
    assert parse("crontime 15-59 8 * * * | daily") == parse("crontime('15-59 8 * * *') | daily")


def test_crontime_that_holds_for_longer_than_a_day_has_a_safe_end() -> None:
    found = Asked().judge("crontime('* * * * *')", "2026-03-04 08:20")
    assert found.answer is FOR
    assert found.until >= at("2026-03-05 08:20")


def test_crontime_asked_about_a_year_that_is_not_known_is_none_the_worse_for_it() -> None:
    word = parse("crontime('*/7 * * * *')")
    assert word.judge(Asked().moment("9500-01-01")) == no()
    assert word.judge(Asked().moment("2026-03-04 08:21")) == yes("2026-03-04 08:22", "2026-03-04 08:21")
