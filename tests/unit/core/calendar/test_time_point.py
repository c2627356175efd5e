"""Points in time are read as systemd.time(7) says, and a bad one gets an answer that teaches."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.core.calendar.time_point import parse_time_point
from rocketd.core.errors import RocketdError
from rocketd.core.instant import HOUR, MINUTE, WEEK, datetime_of, instant_of
from rocketd.daemon.json_format import from_rfc3339

BERLIN = ZoneInfo("Europe/Berlin")
NOW = from_rfc3339("2026-11-24T12:00:00+01:00")


def point(text: str) -> str:
    return datetime_of(parse_time_point(text, NOW, BERLIN), BERLIN).isoformat()


@pytest.mark.parametrize(
    ("text", "distance"),
    [
        ("2h ago", -2 * HOUR),
        ("1 h 30 min ago", -90 * MINUTE),
        ("-5min", -5 * MINUTE),
        ("in 2h", 2 * HOUR),
        ("+1 week", WEEK),
    ],
)
def test_a_span_counts_from_now(text: str, distance: int) -> None:
    assert parse_time_point(text, NOW, BERLIN) - NOW == distance


def test_now_is_now() -> None:
    assert parse_time_point(" NOW ", NOW, BERLIN) == NOW


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("yesterday", "2026-11-23T00:00:00+01:00"),
        ("Tomorrow 10:00", "2026-11-25T10:00:00+01:00"),
        ("today  10:00:30.5", "2026-11-24T10:00:30.500000+01:00"),
        ("18:00", "2026-11-24T18:00:00+01:00"),
        ("2026-07-01", "2026-07-01T00:00:00+02:00"),
        ("2026-07-01 10:00", "2026-07-01T10:00:00+02:00"),
    ],
)
def test_what_names_no_zone_is_local(text: str, meant: str) -> None:
    assert point(text) == meant


@pytest.mark.parametrize(
    "text", ["2026-11-24T10:00:00Z", "2026-11-24 10:00 UTC", "2026-11-24T15:30+05:30", "@1795514400"]
)
def test_what_names_its_zone_is_in_it(text: str) -> None:
    assert point(text) == "2026-11-24T11:00:00+01:00"


def test_what_our_own_tables_show_reads_back() -> None:
    assert point("Tue 2026-11-24 03:00:00") == "2026-11-24T03:00:00+01:00"
    with pytest.raises(RocketdError):
        point("Wed 2026-11-24 03:00:00")


def test_a_skipped_hour_is_the_first_instant_after_it_and_a_repeated_one_the_first_of_both() -> None:
    assert point("2026-03-29 02:30") == "2026-03-29T03:00:00+02:00"
    assert point("2026-10-25 02:30") == "2026-10-25T02:30:00+02:00"


def test_a_bare_span_is_refused_for_it_does_not_say_in_which_direction() -> None:
    with pytest.raises(RocketdError) as caught:
        point("2h")
    assert caught.value.hint == "write 2h ago, or in 2h"


@pytest.mark.parametrize(
    "text", ["", "soon", "-", "25:00", "2026-02-30", "2 parsecs ago", "9999 years ago", "@99999999999999"]
)
def test_what_is_no_point_in_time_is_named_and_what_is_allowed_is_said(text: str) -> None:
    with pytest.raises(RocketdError) as caught:
        point(text)
    assert repr(text) in caught.value.message
    assert caught.value.hint


@given(st.text(max_size=30))
def test_no_text_gives_anything_but_a_point_or_that_error(text: str) -> None:
    try:
        found = parse_time_point(text, NOW, BERLIN)
    except RocketdError:
        return
    assert instant_of(datetime_of(found)) == found
