"""Durations as systemd.time(7) spells time spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.core.duration import LONGEST, approximate_duration, format_duration, parse_duration
from rocketd.core.errors import ConditionError
from rocketd.core.instant import DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND, WEEK, Duration

YEAR = 365 * DAY + 6 * HOUR


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("10s", 10 * SECOND),
        ("5 min", 5 * MINUTE),
        ("5min", 5 * MINUTE),
        ("2h30m", 2 * HOUR + 30 * MINUTE),
        ("1 h 30 min", 90 * MINUTE),
        ("1.5h", 90 * MINUTE),
        (".5s", 500 * MILLISECOND),
        ("1 day", DAY),
        ("1 week", WEEK),
        ("2 weeks 3 days", 17 * DAY),
        ("1y 1M", YEAR + YEAR // 12),
        ("  7  ", 7 * SECOND),
        ("5 6", 11 * SECOND),
        ("3 4 h", 3 * SECOND + 4 * HOUR),
        ("1h 1h", 2 * HOUR),
        ("1h.5", HOUR + 500 * MILLISECOND),
        ("0", 0),
        ("1.9999999us", 1),
        ("300ms20s 5day", 5 * DAY + 20 * SECOND + 300 * MILLISECOND),
    ],
)
def test_a_time_span_reads_as_systemd_reads_it(text: str, length: int) -> None:
    """The lengths are those that `systemd-analyze timespan` prints."""
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    ("names", "length"),
    [
        ("usec us µs μs", MICROSECOND),
        ("msec ms", MILLISECOND),
        ("seconds second sec s", SECOND),
        ("minutes minute min m", MINUTE),
        ("hours hour hr h", HOUR),
        ("days day d", DAY),
        ("weeks week w", WEEK),
        ("months month M", YEAR // 12),
        ("years year y", YEAR),
    ],
)
def test_every_unit_that_systemd_knows_is_known(names: str, length: int) -> None:
    for name in names.split():
        assert parse_duration(f"3{name}") == parse_duration(f"3 {name}") == 3 * length


@pytest.mark.parametrize(
    ("text", "message", "wrong"),
    [
        ("5 mn", "mn is not a unit of time", "mn"),
        ("1e3", "e is not a unit of time", "e3"),
        ("1h foo", "a number is missing", "foo"),
        ("h", "a number is missing", "h"),
        ("-5s", "a length of time cannot be negative", "-5s"),
        ("12.34.56", "a unit of time is missing", ".56"),
        ("1.", "a unit of time is missing", "."),
        ("infinity", "a number is missing", "infinity"),
        ("1" * 30, "the number is too long", "1" * 30),
    ],
)
def test_a_mistake_is_named_and_placed(text: str, message: str, wrong: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_duration(text)
    assert caught.value.message == message
    assert text[caught.value.start : caught.value.end] == wrong
    assert "number and a unit" in caught.value.hint


def test_nothing_is_not_a_duration() -> None:
    for text in ("", "   "):
        with pytest.raises(ConditionError, match="a duration is missing"):
            parse_duration(text)


def test_what_is_surely_a_slip_is_refused() -> None:
    assert parse_duration("1000y") == LONGEST
    with pytest.raises(ConditionError, match="1000 years"):
        parse_duration("1001y")


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "0s"),
        (90 * MINUTE, "1h 30min"),
        (10 * MINUTE, "10min"),
        (8 * DAY, "1w 1d"),
        (1, "1us"),
        (-90 * SECOND, "-1min 30s"),
    ],
)
def test_a_duration_is_spelled_the_way_systemd_does(length: int, text: str) -> None:
    assert format_duration(length) == text


@given(st.integers(0, LONGEST))
def test_what_is_spelled_reads_back_as_the_same(length: int) -> None:
    assert parse_duration(format_duration(length)) == length


@given(st.text())
def test_no_text_raises_anything_but_a_condition_error(text: str) -> None:
    try:
        length = parse_duration(text)
    except ConditionError as error:
        start, end, length = error.start, error.end, 0
    else:
        start = end = 0
    assert 0 <= length <= LONGEST
    assert 0 <= start <= end <= len(text) + 1


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (0, "0ms"),
        (40, "40us"),
        (250 * MILLISECOND, "250ms"),
        (1234 * MILLISECOND, "1.23s"),
        (59 * SECOND, "59s"),
        (3 * HOUR + 20 * MINUTE + 59 * SECOND, "3h 20min"),
        (3 * HOUR + 59 * SECOND, "3h"),
        (2 * DAY + HOUR, "2d 1h"),
        (400 * DAY, "1y 35d"),
    ],
)
def test_an_approximate_duration_has_two_units_at_most(duration: Duration, shown: str) -> None:
    assert approximate_duration(duration) == shown
