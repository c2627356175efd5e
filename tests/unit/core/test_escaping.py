"""Nothing that a terminal would obey gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketd.core.escaping import storable, visible


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("Grüße, 世界", "Grüße, 世界"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\x9bb", "a\\x9bb"),
        ("one\r\ntwo", "one\\r\\ntwo"),
        ("exe.\u202egpj", "exe.\\u202egpj"),
        ("\ud800", "\\ud800"),
        ("\x00\x7f", "\\x00\\x7f"),
    ],
)
def test_what_does_not_print_is_made_visible(raw: str, shown: str) -> None:
    assert visible(raw) == shown


@given(st.text())
def test_nothing_unprintable_is_left(raw: str) -> None:
    assert visible(raw).isprintable()


@given(st.text(st.characters()))
def test_all_but_lone_surrogates_is_stored_as_it_is(raw: str) -> None:
    stored = storable(raw)
    stored.encode()
    if not any("\ud800" <= character <= "\udfff" for character in raw):
        assert stored == raw
    assert storable("caf\udce9") == "caf\\udce9"
