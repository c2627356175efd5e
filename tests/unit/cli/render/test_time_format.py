"""Times for people: local to the second, with how far away they are."""

import time
from collections.abc import Iterator

import pytest

from rocketd.cli.render import time_format
from rocketd.core.instant import BEGINNING, FOREVER, MINUTE
from rocketd.daemon.json_format import from_rfc3339

NOW = from_rfc3339("2026-11-24T12:00:00+01:00")


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def test_an_instant_is_shown_in_the_zone_of_the_process() -> None:
    assert time_format.local(NOW) == "Tue 2026-11-24 12:00:00"
    assert time_format.local_with_zone(NOW) == "Tue 2026-11-24 12:00:00 CET"


@pytest.mark.parametrize("instant", [None, FOREVER, BEGINNING])
def test_what_never_comes_is_a_dash(instant: int | None) -> None:
    shown = [
        time_format.local(instant),
        time_format.local_with_zone(instant),
        time_format.left(instant, NOW),
        time_format.passed(instant, NOW),
    ]
    assert shown == ["-"] * 4


def test_what_is_ahead_and_what_has_passed_read_differently() -> None:
    assert time_format.left(NOW + 200 * MINUTE, NOW) == "in 3h 20min"
    assert time_format.left(NOW - 5 * MINUTE, NOW) == "late by 5min"
    assert time_format.passed(NOW - 5 * MINUTE, NOW) == "5min ago"
    assert time_format.passed(NOW + 5 * MINUTE, NOW) == "in 5min"
    assert time_format.left(NOW, NOW) == time_format.passed(NOW, NOW) == "now"


def test_distances_are_whole_seconds() -> None:
    assert time_format.passed(NOW - 1_910_000, NOW) == "1s ago"
    assert time_format.left(NOW + 9_990_000, NOW) == "in 9s"
    assert time_format.left(NOW - 4_761_234, NOW) == "late by 4s"
    assert time_format.passed(NOW - 999_999, NOW) == "now"
