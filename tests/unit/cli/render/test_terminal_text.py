"""What a terminal shows fits, and nothing hostile reaches it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.cli.render.terminal_text import Cell, cut, pad, painted, visible_lines, width


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("ﬁ", 1), ("", 0)])
def test_wide_characters_take_two_columns_and_combining_ones_none(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [("abcdef", 6, "abcdef"), ("abcdef", 4, "abc…"), ("abcdef", 1, "…"), ("abcdef", 0, ""), ("日本語", 4, "日…")],
)
def test_a_cut_text_says_so(text: str, columns: int, shown: str) -> None:
    assert cut(text, columns) == shown


@given(st.text(), st.integers(0, 40))
def test_no_cut_text_is_wider_than_asked(text: str, columns: int) -> None:
    assert width(cut(text, columns)) <= columns


def test_padding_counts_columns_and_not_characters() -> None:
    assert pad("日本", 6) == "日本  "
    assert pad("ab", 4) == "ab  "


def test_output_keeps_its_lines_and_loses_its_escapes() -> None:
    assert visible_lines("a\tb\r\n\x1b[2Jc\u202ed\n") == ["a       b", "\\x1b[2Jc\\u202ed"]


@given(st.text())
def test_nothing_that_a_terminal_would_obey_is_left_in_output(text: str) -> None:
    assert all(line.isprintable() for line in visible_lines(text))


def test_colours_are_left_out_when_nobody_wants_them() -> None:
    assert painted(Cell("fail", "31"), colour=True) == "\x1b[31mfail\x1b[0m"
    assert painted(Cell("fail", "31"), colour=False) == "fail"
