"""Verbs of other tools."""

import re

import pytest

from rocketd.cli.command_table import VERBS
from rocketd.cli.exit_codes import UsageError
from rocketd.cli.foreign_verbs import HINTS
from rocketd.cli.parser import parse


@pytest.mark.parametrize("word", [*HINTS, "Disable"])
def test_a_verb_of_another_tool_is_answered_with_the_verb_here(word: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse([word, "backup"])
    assert refused.value.hint == HINTS[word.lower()]


def test_hints_name_verbs_that_there_are() -> None:
    names = {verb.name for verb in VERBS}
    assert not names & HINTS.keys()
    named = {word for hint in HINTS.values() for word in re.findall(r"`rocketctl ([a-z-]+)", hint)}
    assert named - names <= {"--version"}
