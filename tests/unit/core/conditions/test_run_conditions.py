"""Words about runs: conditions.md, "Retry", "After another task", "What happened" and "Running"."""

from dataclasses import replace

import pytest

from rocketd.core.conditions.occurrences import EventCondition
from rocketd.core.conditions.run_conditions import Retry, Running
from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, DAY, FOREVER, MINUTE, SECOND
from rocketd.core.language.parser import parse
from rocketd.core.model.history_view import HistoryNeed
from rocketd.core.model.run import Action, Cause, Trigger
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from support.evaluation import BERLIN, Asked, at


def yes(until: str = "", since: str = "") -> Verdict:
    return Verdict(FOR, at(until) if until else FOREVER, at(since) if since else BEGINNING)


def no(until: str = "", since: str = "") -> Verdict:
    return yes(until, since)._replace(answer=AGAINST)


# -- retry


@pytest.mark.parametrize(
    ("action", "cause", "again"),
    [
        (Action.FAIL, Cause.EXIT, True),
        (Action.TERMINATE, Cause.TIMEOUT, True),
        (Action.CRASH, Cause.DOWN, True),
        (Action.CRASH, Cause.SHUTDOWN, True),
        (Action.SUCCESS, Cause.EXIT, False),
        (Action.INACTION, Cause.EXIT, False),
        (Action.TERMINATE, Cause.OPERATOR, False),
        (Action.TERMINATE, Cause.STOP_WHEN, False),
        (Action.TERMINATE, Cause.REPLACE, False),
    ],
)
def test_a_run_that_failed_timed_out_or_crashed_is_tried_again(action: Action, cause: Cause, *, again: bool) -> None:
    """Never one that an operator, `stop_when` or `replace` stopped."""
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", action, cause)
    expected = yes("", "2026-03-04 10:05") if again else no()
    assert asked.judge("retry", "2026-03-04 10:05") == asked.judge("retry(1)", "2026-03-04 10:05") == expected


def test_there_is_nothing_to_retry_before_the_first_run_or_while_one_is_going_on() -> None:
    asked = Asked()
    assert asked.judge("retry", "2026-03-04 10:00") == no()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL)
    asked.start("2026-03-04 10:06")
    assert asked.judge("retry", "2026-03-04 10:07") == no()


def test_of_several_runs_that_go_on_the_last_one_tells() -> None:
    asked = Asked()
    first, last = asked.start("2026-03-04 10:00"), asked.start("2026-03-04 10:05")
    asked.end(first, "2026-03-04 10:10", Action.FAIL)
    assert not asked.holds("retry", "2026-03-04 10:11")
    asked.end(last, "2026-03-04 10:12", Action.FAIL)
    assert asked.holds("retry", "2026-03-04 10:13")


def test_a_run_is_tried_again_up_to_so_many_times() -> None:
    asked = Asked()
    for attempt in (1, 2, 3):
        asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL, attempt=attempt)
        assert asked.holds("retry(3)", "2026-03-04 10:05")
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL, attempt=4)
    assert not asked.holds("retry(3)", "2026-03-04 10:05")


def test_retry_alone_has_no_limit() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL, attempt=1_000_000)
    assert asked.holds("retry", "2026-03-04 10:05")


def test_only_what_started_after_the_condition_was_last_edited_is_tried_again() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL)
    asked.armed("2026-03-04 10:02")
    assert not asked.holds("retry", "2026-03-04 10:10")
    asked.armed("2026-03-04 10:00")
    assert asked.holds("retry", "2026-03-04 10:10")


def test_a_run_by_hand_is_never_tried_again_and_hides_nothing() -> None:
    asked = Asked()
    asked.run("2026-03-04 09:00", "2026-03-04 09:05", Action.FAIL, trigger=Trigger.HAND)
    assert not asked.holds("retry", "2026-03-04 09:10")
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL)
    asked.run("2026-03-04 10:06", "2026-03-04 10:07", trigger=Trigger.HAND)
    assert asked.holds("retry", "2026-03-04 10:10")


def test_asked_plainly_nothing_is_tried_again() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL)
    assert not asked.holds("retry", "2026-03-04 10:10", plain=True)


def test_the_delay_is_counted_from_the_end_and_reached_at_its_very_instant() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL)
    word = "retry(3, delay='10 min')"
    assert asked.judge(word, "2026-03-04 10:06") == no("2026-03-04 10:15", "2026-03-04 10:05")
    assert asked.judge(word, "2026-03-04 10:15") == yes("", "2026-03-04 10:15")


def test_within_is_counted_from_the_due() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:10", "2026-03-04 10:20", Action.FAIL, due="2026-03-04 10:00")
    assert asked.judge("retry(within='30 min')", "2026-03-04 10:20") == yes("2026-03-04 10:30", "2026-03-04 10:20")
    assert asked.judge("retry(within='30 min')", "2026-03-04 10:30") == no()
    assert asked.judge("retry(within='30 min', delay='10 min')", "2026-03-04 10:21") == no()


def test_the_delay_grows_by_its_factor_up_to_its_limit() -> None:
    asked = Asked()
    for attempt, minutes in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (1000, 10)]:
        asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL, attempt=attempt)
        found = asked.judge("retry(delay='1 min', factor=2, max_delay='10 min')", "2026-03-04 10:05")
        assert found.until == at("2026-03-04 10:05") + minutes * MINUTE


def test_a_delay_that_grows_for_ever_does_not_overflow() -> None:
    asked = Asked()
    run = asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL, attempt=10**9)
    assert asked.judge("retry(delay='1 min', factor=1000)", "2026-03-04 10:05").until < FOREVER
    assert Retry(delay=MINUTE, factor=1000).delay_after(run) > 1000 * DAY


def test_jitter_is_a_stable_hash_of_task_and_attempt() -> None:
    asked = Asked()
    run = asked.start("2026-03-04 10:00")
    word = Retry(delay=MINUTE, jitter=30 * SECOND)
    pauses = {
        word.delay_after(replace(run, task=f"t{number}", attempt=attempt)) for number in range(20) for attempt in (1, 2)
    }
    assert len(pauses) == 40
    assert all(MINUTE <= pause < MINUTE + 30 * SECOND for pause in pauses)
    assert word.delay_after(replace(run, number=9, run_id="other")) == word.delay_after(run) == 76_208_748


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("retry(0)", "from 1 on"),
        ("retry(3, factor=0.5)", "from 1 to 1000"),
        ("retry(3, within='0')", "longer than zero"),
        ("retry(3, max_delay='0 s')", "longer than zero"),
        ("retry(3, delay='x')", "a number is missing"),
    ],
)
def test_a_retry_that_makes_no_sense_is_an_error(word: str, message: str) -> None:
    with pytest.raises(ConditionError, match=message):
        parse(word)


# -- after another task


@pytest.mark.parametrize(
    ("word", "counts"),
    [
        ("after_success('a')", {Action.SUCCESS}),
        ("after_fail('a')", {Action.FAIL, Action.TERMINATE, Action.CRASH}),
        (
            "after_finish('a')",
            {Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.CRASH, Action.INACTION},
        ),
    ],
)
@pytest.mark.parametrize("action", [Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.CRASH, Action.INACTION])
def test_which_ends_each_word_counts(word: str, counts: set[Action], action: Action) -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", action, task="a")
    assert asked.judge(word, "2026-03-04 10:06") == (yes("", "2026-03-04 10:05") if action in counts else no())


def test_after_fail_does_not_count_a_crash_that_the_daemon_s_stop_caused() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.CRASH, Cause.SHUTDOWN, task="a")
    assert not asked.holds("after_fail('a')", "2026-03-04 10:06")
    assert asked.holds("after_finish('a')", "2026-03-04 10:06")


def test_such_a_crash_does_not_hide_an_earlier_fail() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL, task="a")
    asked.run("2026-03-04 10:06", "2026-03-04 10:07", Action.CRASH, Cause.SHUTDOWN, task="a")
    assert asked.judge("after_fail('a')", "2026-03-04 10:08") == yes("", "2026-03-04 10:05")


def test_of_several_kinds_of_ends_the_last_in_the_log_counts() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", task="a")
    asked.start("2026-03-04 10:06")
    asked.run("2026-03-04 10:07", "2026-03-04 10:10", Action.FAIL, task="a")
    assert asked.judge("after_finish('a')", "2026-03-04 10:11") == yes("", "2026-03-04 10:10")
    assert not asked.holds("after_success('a')", "2026-03-04 10:11")


def test_one_start_of_its_own_uses_up_all_ends_before_it_in_the_log() -> None:
    """By position in the log, not by clock: the clock may have been set."""
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", task="a")
    asked.run("2026-03-04 10:06", "2026-03-04 10:07", task="a")
    asked.start("2026-03-04 10:00")
    assert not asked.holds("after_success('a')", "2026-03-04 10:08")
    asked.run("2026-03-04 09:00", "2026-03-04 09:01", task="a")
    assert asked.judge("after_success('a')", "2026-03-04 09:02") == yes("", "2026-03-04 09:01")


def test_an_end_at_the_same_instant_as_its_own_start_counts_by_its_place_in_the_log() -> None:
    asked = Asked()
    run = asked.start("2026-03-04 10:00", "a")
    asked.start("2026-03-04 10:05")
    asked.end(run, "2026-03-04 10:05")
    assert asked.holds("after_success('a')", "2026-03-04 10:05")


def test_only_ends_after_the_task_was_armed_count() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", task="a")
    asked.armed("2026-03-04 10:05")
    assert not asked.holds("after_success('a')", "2026-03-04 10:06")
    asked.armed("2026-03-04 10:04")
    assert asked.holds("after_success('a')", "2026-03-04 10:06")


def test_a_run_of_the_other_task_by_hand_counts_and_its_own_by_hand_does_not() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", task="a", trigger=Trigger.HAND)
    asked.run("2026-03-04 10:06", "2026-03-04 10:07", trigger=Trigger.HAND)
    assert asked.holds("after_success('a')", "2026-03-04 10:08")


@pytest.mark.parametrize("word", ["after_fail('a')", "after_finish('a')"])
def test_a_run_of_the_other_task_by_hand_counts_however_it_ends(word: str) -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", Action.FAIL, task="a", trigger=Trigger.HAND)
    assert asked.judge(word, "2026-03-04 10:06") == yes("", "2026-03-04 10:05")


def test_all_needs_each_of_them_and_any_needs_one() -> None:
    asked = Asked()
    asked.history.load("b")
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", task="a")
    assert asked.judge("after_any_success('a', 'b')", "2026-03-04 10:06") == yes("", "2026-03-04 10:05")
    assert not asked.holds("after_all_success('a', 'b')", "2026-03-04 10:06")
    asked.run("2026-03-04 10:06", "2026-03-04 10:07", task="b")
    assert asked.judge("after_all_success('a', 'b')", "2026-03-04 10:08") == yes("", "2026-03-04 10:07")
    assert asked.judge("after_any_success('a', 'b')", "2026-03-04 10:08") == yes("", "2026-03-04 10:05")


def test_after_a_task_that_is_not_loaded_is_unknown() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", task="a")
    assert asked.judge("after_success('gone')", "2026-03-04 10:06").answer is UNKNOWN
    assert asked.judge("after_all_success('a', 'gone')", "2026-03-04 10:06").answer is UNKNOWN
    assert asked.holds("after_any_success('a', 'gone')", "2026-03-04 10:06")
    asked.history.unload("a")
    assert asked.judge("~after_success('a')", "2026-03-04 10:06").answer is UNKNOWN


def test_the_run_that_made_it_due_is_the_newest_in_the_log() -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", task="a")
    newest = asked.run("2026-03-04 10:00", "2026-03-04 10:04", task="b")
    moment = asked.moment("2026-03-04 10:06")
    assert parse("after_all_success('a', 'b')").causing_run(moment) == newest
    assert parse("(daily & after_any_success('b', 'a')) | true").causing_run(moment) == newest
    assert parse("after_fail('a') | daily").causing_run(moment) is None


# -- running


def test_running_is_for_while_a_run_goes_on_by_hand_or_not() -> None:
    asked = Asked()
    assert asked.judge("running", "2026-03-04 10:00") == no()
    run = asked.start("2026-03-04 10:00", trigger=Trigger.HAND)
    other = asked.start("2026-03-04 10:01")
    assert asked.judge("running", "2026-03-04 10:05") == yes("", "2026-03-04 10:00")
    asked.end(run, "2026-03-04 10:06")
    assert asked.judge("running", "2026-03-04 10:06") == yes("", "2026-03-04 10:01")
    asked.end(other, "2026-03-04 10:07")
    assert asked.judge("running", "2026-03-04 10:07") == no()


def test_running_of_another_task_looks_at_that_one() -> None:
    asked = Asked()
    asked.start("2026-03-04 10:00")
    asked.history.load("a")
    assert not asked.holds("running('a')", "2026-03-04 10:01")
    asked.start("2026-03-04 10:02", "a")
    assert asked.holds("running('a')", "2026-03-04 10:03")
    assert asked.judge("running('gone')", "2026-03-04 10:03").answer is UNKNOWN


def test_in_stop_when_running_means_the_run_in_question() -> None:
    asked = Asked()
    asked.start("2026-03-04 10:00")
    second = asked.start("2026-03-04 10:05")
    moment = asked.moment("2026-03-04 10:06", run=second)
    assert parse("running").judge(moment).since == at("2026-03-04 10:05")
    asked.history.load("a")
    assert parse("running('a')").judge(moment).answer is AGAINST


def test_running_for_so_long_is_reached_at_its_very_instant_and_left_likewise() -> None:
    asked = Asked()
    asked.start("2026-03-04 10:00")
    assert asked.judge("running.more_than('10 min')", "2026-03-04 10:09") == no("2026-03-04 10:10")
    assert asked.judge("running.more_than('10 min')", "2026-03-04 10:10") == yes("", "2026-03-04 10:10")
    assert asked.judge("running.less_than('10 min')", "2026-03-04 10:09") == yes("2026-03-04 10:10", "2026-03-04 10:00")
    assert asked.judge("running.less_than('10 min')", "2026-03-04 10:10") == no("", "2026-03-04 10:10")
    between = "running.between('5 min', '10 min')"
    assert asked.judge(between, "2026-03-04 10:04") == no("2026-03-04 10:05")
    assert asked.judge(between, "2026-03-04 10:05") == yes("2026-03-04 10:10", "2026-03-04 10:05")
    assert asked.judge(between, "2026-03-04 10:10") == no("", "2026-03-04 10:10")


def test_any_run_will_do_and_those_that_meet_are_one_stretch() -> None:
    asked = Asked()
    for start in ("10:00", "10:05", "10:30"):
        asked.start(f"2026-03-04 {start}", "a")
    word = "running('a').less_than('10 min')"
    assert asked.judge(word, "2026-03-04 10:01") == yes("2026-03-04 10:15", "2026-03-04 10:00")
    assert asked.judge(word, "2026-03-04 10:20") == no("2026-03-04 10:30", "2026-03-04 10:15")
    assert asked.judge("running('gone').more_than('1 s')", "2026-03-04 10:20").answer is UNKNOWN


def test_in_stop_when_the_age_is_that_of_the_run_in_question() -> None:
    asked = Asked()
    asked.start("2026-03-04 10:00")
    second = asked.start("2026-03-04 10:05")
    moment = asked.moment("2026-03-04 10:11", run=second)
    assert parse("running.more_than('10 min')").judge(moment) == no("2026-03-04 10:15")


def test_how_many_runs_go_on_can_be_compared() -> None:
    asked = Asked()
    assert asked.holds("(running < 2)", "2026-03-04 10:00")
    asked.start("2026-03-04 10:00")
    asked.start("2026-03-04 10:01", trigger=Trigger.HAND)
    assert asked.judge("(running < 2)", "2026-03-04 10:02") == no("", "2026-03-04 10:01")
    assert asked.judge("(running == 2)", "2026-03-04 10:02") == yes("", "2026-03-04 10:01")
    assert asked.judge("(running == 2)", "2026-03-04 10:00").since <= at("2026-03-04 10:00")  # the clock was set back
    asked.start("2026-03-04 10:00", "a")
    assert asked.holds("(running('a') == 1)", "2026-03-04 10:02")
    assert asked.judge("(running('gone') == 0)", "2026-03-04 10:02").answer is UNKNOWN
    assert str(Running("a") < 2) == '(running("a") < 2)'


def test_a_count_is_that_of_all_runs_in_stop_when_as_well() -> None:
    """That of the run in question alone would always be one."""
    asked = Asked()
    asked.start("2026-03-04 10:00")
    moment = asked.moment("2026-03-04 10:06", run=asked.start("2026-03-04 10:05"))
    assert parse("(running == 2)").judge(moment).answer is FOR


def test_an_age_that_makes_no_sense_is_an_error() -> None:
    with pytest.raises(ConditionError, match="10 min is not less than 5 min"):
        parse("running.between('10 min', '5 min')")
    with pytest.raises(ConditionError, match="longer than zero"):
        parse("running.more_than('0')")


# -- what happened


@pytest.mark.parametrize(
    ("word", "counts"),
    [
        ("succeeded", {Action.SUCCESS}),
        ("failed", {Action.FAIL}),
        ("terminated", {Action.TERMINATE}),
        ("inacted", {Action.INACTION}),
        ("crashed", {Action.CRASH}),
        ("finished", {Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.CRASH, Action.INACTION}),
    ],
)
@pytest.mark.parametrize("action", [Action.SUCCESS, Action.FAIL, Action.TERMINATE, Action.CRASH, Action.INACTION])
def test_what_each_word_counts(word: str, counts: set[Action], action: Action) -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05", action, trigger=Trigger.HAND)
    assert asked.holds(word, "2026-03-09") is (action in counts)
    assert asked.holds(f"{word}.today", "2026-03-04 11:00") is (action in counts)


@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.HAND])
def test_started_counts_starts(trigger: Trigger) -> None:
    asked = Asked()
    assert not asked.holds("started", "2026-03-04 10:00")
    asked.start("2026-03-04 10:00", trigger=trigger)
    assert asked.judge("started", "2026-03-04 10:01") == yes("", "2026-03-04 10:00")


def test_bare_it_means_ever() -> None:
    asked = Asked()
    asked.run("2020-03-04 10:00", "2020-03-04 10:05")
    assert asked.judge("succeeded", "2026-03-04 10:00") == yes("", "2020-03-04 10:05")
    assert asked.judge("failed", "2026-03-04 10:00") == no()


@pytest.mark.parametrize(
    ("span", "until"),
    [
        ("this_minute", "2026-03-04 10:06"),
        ("this_hour", "2026-03-04 11:00"),
        ("this_day", "2026-03-05"),
        ("today", "2026-03-05"),
        ("this_week", "2026-03-09"),
        ("this_month", "2026-04-01"),
        ("this_year", "2027-01-01"),
    ],
)
def test_this_narrows_it_to_the_window_around_now(span: str, until: str) -> None:
    asked = Asked()
    asked.run("2026-03-04 10:00", "2026-03-04 10:05")
    assert asked.judge(f"succeeded.{span}", "2026-03-04 10:05:30") == yes(until, "2026-03-04 10:05")
    assert asked.judge(f"succeeded.{span}", until) == no("", until)


def test_hours_narrow_it_further_and_stay_in_force_until_the_day_is_over() -> None:
    """Outside of them: the newest such window that began in the same day; none yet: 0."""
    word = "succeeded.today.between('10:00', '12:00')"
    asked = Asked().keep(parse(word))
    asked.run("2026-03-03 11:00", "2026-03-03 11:30")
    assert not asked.holds(word, "2026-03-04 09:00")
    asked.run("2026-03-04 09:00", "2026-03-04 09:30")
    assert not asked.holds(word, "2026-03-04 10:00")
    asked.run("2026-03-04 10:00", "2026-03-04 10:30")
    asked.run("2026-03-04 12:00", "2026-03-04 12:30")
    assert asked.judge(word, "2026-03-04 13:00") == yes("2026-03-05", "2026-03-04 10:30")
    assert not asked.holds(word, "2026-03-05 00:00")


def test_hours_over_midnight_end_with_the_window() -> None:
    word = "succeeded.today.between('22:00', '06:00')"
    asked = Asked().keep(parse(word))
    asked.run("2026-03-04 23:00", "2026-03-04 23:30")
    assert asked.judge(word, "2026-03-05 03:00") == yes("2026-03-05 06:00", "2026-03-04 23:30")
    assert not asked.holds(word, "2026-03-05 06:00")


def test_each_of_several_windows_is_counted_alone() -> None:
    word = "succeeded.today.at('10:00', '14:00')"
    asked = Asked().keep(parse(word))
    asked.run("2026-03-04 10:00", "2026-03-04 10:30")
    assert asked.judge(word, "2026-03-04 12:00").until == at("2026-03-04 14:00")
    assert not asked.holds(word, "2026-03-04 14:00")


@pytest.mark.parametrize(
    ("comparison", "holds"),
    [
        ("== 2", [False, False, True, False]),
        ("!= 2", [True, True, False, True]),
        (">= 2", [False, False, True, True]),
        ("> 2", [False, False, False, True]),
        ("< 2", [True, True, False, False]),
        ("<= 2", [True, True, True, False]),
        ("== 0", [True, False, False, False]),
    ],
)
def test_a_comparison_compares_the_number(comparison: str, holds: list[bool]) -> None:
    word = f"(failed.today {comparison})"
    asked = Asked().keep(parse(word))
    asked.run("2026-03-03 23:00", "2026-03-03 23:59", Action.FAIL)
    found = [asked.holds(word, "2026-03-04 10:00")]
    for _ in range(3):
        asked.run("2026-03-04 10:00", "2026-03-04 10:00", Action.FAIL)
        found.append(asked.holds(word, "2026-03-04 10:00"))
    assert found == holds


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("failed.today", yes("2026-03-05", "2026-03-04 10:00")),
        ("(failed.today >= 2)", yes("2026-03-05", "2026-03-04 11:00")),
        ("(failed.today < 2)", no("2026-03-05", "2026-03-04 11:00")),
        ("(failed.today == 3)", yes("2026-03-05", "2026-03-04 12:00")),
    ],
)
def test_it_has_been_so_since_the_event_that_made_it_so(word: str, expected: Verdict) -> None:
    asked = Asked().keep(parse("(failed.today < 9)"))
    for hour in (10, 11, 12):
        asked.run("2026-03-04 09:00", f"2026-03-04 {hour}:00", Action.FAIL)
    assert asked.judge(word, "2026-03-04 13:00") == expected


def test_a_comparison_changes_when_the_window_passes_if_it_does_not_hold_of_0() -> None:
    asked = Asked().keep(parse("(failed.today >= 2)"))
    asked.run("2026-03-04 10:00", "2026-03-04 10:01", Action.FAIL)
    asked.run("2026-03-04 11:00", "2026-03-04 11:01", Action.FAIL)
    assert asked.judge("(failed.today >= 2)", "2026-03-04 12:00") == yes("2026-03-05", "2026-03-04 11:01")
    assert asked.judge("(failed.today < 2)", "2026-03-04 12:00") == no("2026-03-05", "2026-03-04 11:01")
    assert asked.judge("(failed.today < 3)", "2026-03-04 12:00") == yes()
    assert asked.judge("(failed.today < 2)", "2026-03-05") == yes("", "2026-03-05")
    asked.run("2026-03-05 11:00", "2026-03-05 11:00", Action.FAIL)
    assert asked.judge("(failed.today < 2)", "2026-03-06") == yes("", "2026-03-05"), "a day with less comes between"


def test_past_is_the_time_up_to_now_without_its_first_instant() -> None:
    """Sliding windows are half open, (now - length, now]."""
    word = "failed.past('2 hours')"
    asked = Asked().keep(parse(word))
    assert asked.judge(word, "2026-03-04 10:00") == no()
    asked.run("2026-03-04 09:00", "2026-03-04 10:00", Action.FAIL)
    asked.run("2026-03-04 10:30", "2026-03-04 11:00", Action.FAIL)
    assert asked.judge(word, "2026-03-04 11:59") == yes("2026-03-04 13:00", "2026-03-04 10:00")
    assert asked.judge(word, "2026-03-04 13:00") == no("", "2026-03-04 13:00")


def test_the_number_in_the_past_shrinks_as_what_happened_grows_old() -> None:
    word = "(failed.past('2 hours') >= 2)"
    asked = Asked().keep(parse(word))
    asked.run("2026-03-04 09:00", "2026-03-04 10:00", Action.FAIL)
    asked.run("2026-03-04 10:30", "2026-03-04 11:00", Action.FAIL)
    assert asked.judge(word, "2026-03-04 11:30") == yes("2026-03-04 12:00", "2026-03-04 11:00")
    assert asked.judge(word, "2026-03-04 12:00") == no("", "2026-03-04 12:00")
    few = "(failed.past('2 hours') < 2)"
    assert asked.judge(few, "2026-03-04 11:30") == no("2026-03-04 12:00", "2026-03-04 11:00")
    assert asked.judge(few, "2026-03-04 13:30") == yes("", "2026-03-04 12:00")
    assert asked.judge(few, "2026-03-04 10:30") == yes("2026-03-04 11:00")  # as after a clock set back


def test_the_past_asks_for_as_much_as_it_looks_back() -> None:
    assert {need.reach for need in parse("(finished('a').past('2 days') < 3)").needs()} == {4 * DAY}
    assert Asked().judge("failed('gone').past('1 h')", "2026-03-04").answer is UNKNOWN
    with pytest.raises(ConditionError, match="already narrowed to this day"):
        EventCondition("failed").today.past("1 h")


def test_an_event_that_lies_ahead_because_the_clock_was_set_back_counts_when_it_is_reached() -> None:
    asked = Asked().keep(parse("(succeeded.today >= 1)"))
    asked.run("2026-03-04 10:00", "2026-03-04 10:30")
    assert asked.judge("succeeded.today", "2026-03-04 10:10")[:2] == (AGAINST, at("2026-03-04 10:30"))
    assert asked.judge("succeeded", "2026-03-04 10:10")[:2] == (AGAINST, at("2026-03-04 10:30"))
    assert asked.holds("succeeded.today", "2026-03-04 10:30")


@pytest.mark.parametrize("narrowed", ["", ".today", ".past('1 h')"])
def test_what_happened_to_another_task_is_asked_of_that_one(narrowed: str) -> None:
    asked = Asked()
    asked.history.load("a")
    asked.run("2026-03-04 10:00", "2026-03-04 10:05")
    assert asked.holds(f"succeeded{narrowed}", "2026-03-04 10:10")
    assert not asked.holds(f"succeeded('a'){narrowed}", "2026-03-04 10:10")
    asked.run("2026-03-04 10:06", "2026-03-04 10:07", Action.FAIL, task="a")
    assert asked.holds(f"failed('a'){narrowed}", "2026-03-04 10:10")
    assert not asked.holds(f"failed{narrowed}", "2026-03-04 10:10")


def test_a_day_of_what_happened_is_one_of_the_task_s_zone() -> None:
    asked = Asked(BERLIN)
    asked.run("2026-03-04 00:10", "2026-03-04 00:20")  # still the 3rd in UTC
    assert asked.judge("succeeded.today", "2026-03-04 10:00") == Verdict(
        FOR, at("2026-03-05", BERLIN), at("2026-03-04 00:20", BERLIN)
    )
    assert not asked.holds("succeeded.today", "2026-03-05 00:00")


def test_what_happened_to_a_task_that_is_not_loaded_is_unknown() -> None:
    assert Asked().judge("succeeded('gone').today", "2026-03-04").answer is UNKNOWN


def test_only_as_much_of_the_past_is_asked_for_as_the_hours_reach() -> None:
    assert parse("succeeded").needs() == parse("succeeded.today").needs() == frozenset()
    narrowed = parse("succeeded('a').today.after('10:00')").needs()
    assert narrowed == {HistoryNeed("a", Action.SUCCESS, 3 * DAY)}
    assert {need.action for need in parse("(finished.this_week < 3)").needs()} == {
        Action.SUCCESS,
        Action.FAIL,
        Action.TERMINATE,
        Action.INACTION,
        Action.CRASH,
    }


def test_in_python_a_comparison_makes_a_condition() -> None:
    today = EventCondition("failed").today
    assert str(today < 3) == "(failed.today < 3)"
    assert [str(one) for one in (today <= 3, today > 3, today >= 3, today == 3, today != 3)] == [
        "(failed.today <= 3)",
        "(failed.today > 3)",
        "(failed.today >= 3)",
        "(failed.today == 3)",
        "(failed.today != 3)",
    ]
    assert today == EventCondition("failed").this_day
    assert today != EventCondition("failed").this_hour
    assert hash(today) == hash(EventCondition("failed").this_day)
    with pytest.raises(ConditionError):
        bool(today < 3)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("(failed < 3)", "counts over all time"),
        ("failed('')", "the name of a task is missing"),
        ("running('')", "the name of a task is missing"),
        ("after_success('')", "the name of a task is missing"),
        ("(failed.today < -1)", "0 or more"),
    ],
)
def test_a_question_that_makes_no_sense_is_an_error(word: str, message: str) -> None:
    with pytest.raises(ConditionError, match=message):
        parse(word)


def test_in_python_hours_need_a_period_and_only_one() -> None:
    with pytest.raises(ConditionError, match="has no hours yet"):
        EventCondition("failed").after("10:00")
    with pytest.raises(ConditionError, match="already narrowed to this day"):
        _ = EventCondition("failed").today.this_week
    with pytest.raises(ConditionError, match=r"already narrowed to after\(\"10:00\"\)"):
        EventCondition("failed").today.after("10:00").before("12:00")


def test_a_count_that_was_passed_on_an_earlier_day_has_not_held_since_it_was_passed() -> None:
    asked = Asked().keep(parse("(started.today == 1)"))
    for when in ("2026-03-04 10:00", "2026-03-04 11:00", "2026-03-04 12:00"):
        asked.run(when, when)
    for when in ("2026-03-04 13:00", "2026-03-05 00:00", "2026-03-06 08:00"):
        assert asked.judge("(started.today == 1)", when) == no("", "2026-03-04 11:00")


def test_what_happened_outside_of_the_hours_leaves_since_when_it_has_not() -> None:
    asked, word = Asked(), 'started.today.before("01:30")'
    asked.keep(parse(word)).start("2026-03-04 05:00")
    for now in ("2026-03-04 06:00", "2026-03-05 06:00"):
        assert asked.judge(word, now) == (AGAINST, FOREVER, BEGINNING)


@pytest.mark.parametrize("word", ["started.today", "succeeded.today", "finished"])
def test_an_instant_beyond_all_calendars_is_not_waited_for(word: str) -> None:
    asked = Asked().keep(parse(word))
    asked.run(FOREVER, FOREVER)
    assert asked.judge(word, "2026-03-04 11:00") == no()
