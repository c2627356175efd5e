"""Instants in sentences: one way to write them, in one zone."""

from datetime import UTC

import pytest

from rocketd.core.instant import BEGINNING, FOREVER
from rocketd.core.instant_text import clock_time, time_range, timestamp, timestamp_with_zone, when
from support.evaluation import BERLIN, at

NOW = at("2026-03-04 12:00")


@pytest.mark.parametrize(
    ("instant", "adverb", "bare"),
    [
        ("2026-03-04 10:00", "at 10:00", "10:00"),
        ("2026-03-04 10:00:05", "at 10:00:05", "10:00:05"),
        ("2026-03-05 00:00", "tomorrow at 00:00", "tomorrow at 00:00"),
        ("2026-03-03 23:59", "yesterday at 23:59", "yesterday at 23:59"),
        ("2026-11-23 00:00", "on 2026-11-23 at 00:00", "2026-11-23 00:00"),
    ],
)
def test_an_instant_reads_as_a_sentence_wherever_it_stands(instant: str, adverb: str, bare: str) -> None:
    assert when(at(instant), NOW, UTC) == adverb
    assert clock_time(at(instant), NOW, UTC) == bare


def test_what_has_no_date_is_never_or_long_ago() -> None:
    assert (when(FOREVER, NOW, UTC), clock_time(BEGINNING, NOW, UTC)) == ("never", "long ago")


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("2026-03-04 10:00", "2026-03-04 12:00", "10:00-12:00"),
        ("2026-03-04 00:00", "2026-03-05 00:00", "00:00-24:00"),
        ("2026-03-02 00:00", "2026-03-09 00:00", "2026-03-02 to 2026-03-09"),
        ("2026-03-03 22:00", "2026-03-04 06:00", "yesterday at 22:00 to 06:00"),
        ("2026-03-01 06:00", "2026-04-01 06:00", "2026-03-01 06:00 to 2026-04-01 06:00"),
    ],
)
def test_a_window_is_as_short_as_it_can_be_written(start: str, end: str, text: str) -> None:
    assert time_range(at(start), at(end), NOW, UTC) == text


def test_an_instant_is_written_in_the_zone_that_is_given() -> None:
    night = at("2026-03-28 23:30")
    assert when(at("2026-03-29 01:30"), night, BERLIN) == "at 03:30"  # it is the 29th there already, in summer time
    assert timestamp(night, BERLIN) == "2026-03-29 00:30:00"
    assert timestamp_with_zone(night, BERLIN) == "2026-03-29 00:30:00 CET"
