"""Counted nouns."""

import pytest

from rocketd.core.plural import counted


@pytest.mark.parametrize(
    ("count", "plural", "text"), [(0, "entries", "0 entries"), (1, "entries", "1 entry"), (2, "entries", "2 entries")]
)
def test_a_noun_agrees_with_its_number(count: int, plural: str, text: str) -> None:
    assert counted(count, "entry", plural) == text
