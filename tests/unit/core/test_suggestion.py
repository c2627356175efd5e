"""Suggesting the known word that was probably meant."""

from rocketd.core.suggestion import closest, did_you_mean


def test_suggests_what_is_near_whatever_its_case() -> None:
    assert did_you_mean("TimeOut", ["timeout", "user"]) == "did you mean timeout?"
    assert did_you_mean("europe/helsinki", ["Europe/Helsinki"]) == "did you mean Europe/Helsinki?"


def test_suggests_nothing_where_nothing_is_near() -> None:
    assert did_you_mean("zzz", ["timeout"]) == ""


def test_comparing_takes_no_time_for_a_word_that_nobody_misspelled() -> None:
    assert closest("timeout" * 100, ["timeout" * 100]) == ""
