"""Verdicts and how they are joined: architecture.md, "a verdict and how long it stays good"."""

from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rocketd.core.errors import ConditionError
from rocketd.core.instant import BEGINNING, FOREVER
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import FALSE, TRUE, All, Any, Condition, Not, all_parts
from rocketd.core.model.moment import Moment
from rocketd.core.model.verdict import AGAINST, FOR, UNKNOWN, Verdict
from support.evaluation import AFTER, CONDITION, INSTANT, WORD, Asked, later, pasts


class Fixed(Condition):
    """Always the same verdict."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def judge(self, moment: Moment) -> Verdict:  # noqa: ARG002 - the same about every moment
        return self.verdict


NOW = Asked().moment("2026-03-02 10:00")


def judged(condition: Condition) -> Verdict:
    return condition.judge(NOW)


def fixed(*verdicts: Verdict) -> list[Condition]:
    return [Fixed(verdict) for verdict in verdicts]


# -- joining


def test_all_against_is_since_and_until_as_the_part_that_has_been_against_longest() -> None:
    parts = fixed(Verdict(AGAINST, 20, 3), Verdict(AGAINST, 10, 2), Verdict(FOR, 5, 1), Verdict(UNKNOWN, 99, 0))
    assert judged(All.of(*parts)) == Verdict(AGAINST, 10, 2)
    assert judged(All.of(*parts, Fixed(Verdict(AGAINST, 15, 2)))) == Verdict(AGAINST, 15, 2)


def test_all_unknown_holds_until_the_earliest_end_of_all_parts() -> None:
    parts = fixed(Verdict(FOR, 10, 3), Verdict(UNKNOWN, 20, 2))
    assert judged(All.of(*parts))[:2] == (UNKNOWN, 10)


def test_all_for_holds_until_the_earliest_end_and_since_the_latest_beginning() -> None:
    assert judged(All.of(*fixed(Verdict(FOR, 10, 3), Verdict(FOR, 20, 2)))) == Verdict(FOR, 10, 3)


def test_any_for_is_since_and_until_as_the_part_that_has_been_for_longest() -> None:
    parts = fixed(Verdict(FOR, 10, 3), Verdict(FOR, 20, 4), Verdict(AGAINST, 5, 1), Verdict(UNKNOWN, 99, 0))
    assert judged(Any.of(*parts)) == Verdict(FOR, 10, 3)
    assert judged(Any.of(*parts, Fixed(Verdict(FOR, 15, 3)))) == Verdict(FOR, 15, 3)


def test_any_unknown_and_any_against_hold_until_the_earliest_end() -> None:
    parts = fixed(Verdict(AGAINST, 10), Verdict(UNKNOWN, 20))
    assert judged(Any.of(*parts))[:2] == (UNKNOWN, 10)
    assert judged(Any.of(*fixed(Verdict(AGAINST, 10), Verdict(AGAINST, 20))))[:2] == (AGAINST, 10)


def test_not_turns_the_answer_and_keeps_unknown_and_the_end() -> None:
    assert judged(Not(Fixed(Verdict(FOR, 10, 3)))) == Verdict(AGAINST, 10, 3)
    assert judged(Not(Fixed(Verdict(AGAINST, 10, 3)))) == Verdict(FOR, 10, 3)
    assert judged(Not(Fixed(Verdict(UNKNOWN, 10, 3)))) == Verdict(UNKNOWN, 10, 3)


@pytest.mark.parametrize("answers", list(product([FOR, AGAINST, UNKNOWN], repeat=3)))
def test_de_morgan_holds_with_unknown(answers: tuple[object, ...]) -> None:
    parts = fixed(*(Verdict(answer, until) for until, answer in zip((10, 20, 30), answers, strict=True)))  # type: ignore[arg-type]
    inverted = [~part for part in parts]
    assert judged(~All.of(*parts)) == judged(Any.of(*inverted))
    assert judged(~Any.of(*parts)) == judged(All.of(*inverted))


def test_constants_never_change() -> None:
    assert judged(TRUE) == Verdict(FOR, FOREVER, BEGINNING)
    assert judged(FALSE) == Verdict(AGAINST, FOREVER, BEGINNING)


# -- shape


def test_groups_of_the_same_kind_flatten() -> None:
    a, b, c = parse("daily"), parse("hourly"), parse("running")
    assert (a & b) & c == a & (b & c) == All((a, b, c))
    assert (a | b) | c == a | (b | c) == Any((a, b, c))
    assert ((a & b) | c).parts == (All((a, b)), c)


def test_not_twice_is_the_condition_itself() -> None:
    assert ~~parse("daily") == parse("daily")


def test_a_condition_is_neither_true_nor_false() -> None:
    with pytest.raises(ConditionError) as caught:
        bool(parse("daily"))
    assert "& | ~" in caught.value.hint


def test_a_condition_joins_with_conditions_only() -> None:
    with pytest.raises(TypeError):
        parse("daily") & 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        parse("daily") | "hourly"  # type: ignore[operator]


def test_a_condition_watches_what_its_parts_watch() -> None:
    condition = parse('(daily | after_any_fail("a", "b")) & ~running("c") & time_of_day.after("10:00")')
    assert condition.watches() == {"", "a", "b", "c"}


def test_a_condition_needs_what_its_parts_need() -> None:
    condition = parse('(failed("a").today < 3) & ~succeeded.this_hour.after("15:00")')
    assert {(need.task, need.action.value) for need in condition.needs()} == {("a", "fail"), ("", "success")}


def test_walk_finds_every_part() -> None:
    condition = parse("(daily | ~retry) & true")
    assert [str(part) for part in all_parts(condition)] == [
        "(daily | ~retry) & true",
        "daily | ~retry",
        "daily",
        "~retry",
        "retry",
        "true",
    ]


def test_only_the_clock_decides_words_of_time_and_constants() -> None:
    assert parse('time_of_day.after("10:00") & ~time_of_week.on("Mon") | true').clock_only
    assert not parse('time_of_day.after("10:00") & daily').clock_only
    assert parse("daily | cron('0 3 * * *')").has_tick
    assert not parse("daily").has_tick


# -- properties


@given(data=st.data(), word=WORD, now=INSTANT, part=st.floats(0, 1))
def test_a_verdict_stays_the_same_until_its_end_and_that_of_a_word_changes_there(
    data: st.DataObject, word: str, now: int, part: float
) -> None:
    """The end is safe, and tight: there the answer changes, or from when it has held."""
    condition = parse(word)
    asked = data.draw(pasts((condition,), now))
    verdict = condition.judge(asked.moment(now))
    assert verdict.until > now
    assert condition.judge(asked.moment(later(now, verdict.until, part))) == verdict
    if verdict.until < FOREVER:
        assert condition.judge(asked.moment(verdict.until - 1)) == verdict
        after = condition.judge(asked.moment(verdict.until))
        assert (after.answer, after.since) != (verdict.answer, verdict.since)


@given(data=st.data(), text=CONDITION, now=INSTANT, part=st.floats(0, 1))
def test_the_verdict_of_any_condition_stays_the_same_until_its_end(
    data: st.DataObject, text: str, now: int, part: float
) -> None:
    """What is against may come to say that it has been so for longer: nothing rests on that."""
    condition = _parsed(text)
    asked = data.draw(pasts((condition,), now))
    verdict = condition.judge(asked.moment(now))
    assert verdict.until > now
    after = condition.judge(asked.moment(later(now, verdict.until, part)))
    assert after.answer is verdict.answer
    assert after.since == verdict.since or after.answer is not FOR


@given(data=st.data(), text=CONDITION, now=INSTANT)
def test_what_is_for_has_held_for_no_longer_than_since_some_instant_up_to_now(
    data: st.DataObject, text: str, now: int
) -> None:
    condition = _parsed(text)
    asked = data.draw(pasts((condition,), now))
    verdict = condition.judge(asked.moment(now))
    assert verdict.since <= now


@given(data=st.data(), one=CONDITION, other=CONDITION, now=INSTANT)
def test_de_morgan_holds_for_all_conditions(data: st.DataObject, one: str, other: str, now: int) -> None:
    a, b = _parsed(one), _parsed(other)
    assume(not (a.has_tick or b.has_tick))  # a tick beside a clock-only part is more than both of them
    moment = data.draw(pasts((a, b), now)).moment(now)
    assert (~(a & b)).judge(moment) == (~a | ~b).judge(moment)
    assert (~(a | b)).judge(moment) == (~a & ~b).judge(moment)


@given(data=st.data(), text=CONDITION, now=INSTANT)
def test_unknown_never_becomes_for_by_inversion(data: st.DataObject, text: str, now: int) -> None:
    condition = _parsed(text)
    moment = data.draw(pasts((condition,), now)).moment(now)
    if condition.judge(moment).answer is UNKNOWN:
        assert (~condition).judge(moment).answer is UNKNOWN


def watched(condition: Condition, asked: Asked) -> set[str]:
    """The tasks that it is about, by name or by a pattern."""
    matched = (asked.history.selections.get(names).members for names in condition.selections())
    return {*condition.watches()}.union(*matched)


@given(data=st.data(), text=CONDITION, now=INSTANT)
def test_only_events_of_watched_tasks_change_a_verdict(data: st.DataObject, text: str, now: int) -> None:
    condition = _parsed(text)
    asked = data.draw(pasts((condition,), now))
    before = condition.judge(asked.moment(now))
    for name in {"me", "a", "b", "stranger"} - {name or "me" for name in watched(condition, asked)}:
        asked.run(now, now, task=name)
    assert condition.judge(asked.moment(now)) == before


@given(data=st.data(), word=AFTER, now=INSTANT)
def test_a_run_that_made_another_due_is_named(data: st.DataObject, word: str, now: int) -> None:
    condition = parse(word)
    asked = data.draw(pasts((condition,), now))
    moment = asked.moment(now)
    if condition.judge(moment).answer is FOR:
        run = condition.causing_run(moment)
        if "missed" in word:
            assert run is None
        else:
            assert run is not None
            assert run.task in watched(condition, asked)
    assert parse("daily").causing_run(moment) is None


def _parsed(text: str) -> Condition:
    try:
        return parse(text)
    except ConditionError:
        assume(False)  # noqa: FBT003 - two ticks, or an interval that adds nothing
        raise
