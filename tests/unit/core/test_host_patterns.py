"""Which hosts a list of patterns selects."""

import fnmatch
import random

import pytest

from rocketd.core.host_patterns import is_selected


@pytest.mark.parametrize(
    ("patterns", "host", "tags", "selected"),
    [
        ([], "web1", [], True),
        (["web1"], "web1", [], True),
        (["web1"], "web11", [], False),
        (["WEB1"], "web1", [], True),
        (["web*"], "web", [], True),
        (["web?"], "web", [], False),
        (["*.example.com"], "a.example.com", [], True),
        (["@eu"], "db1", ["eu", "db"], True),
        (["@eu"], "eu", [], False),
        (["web*", "@eu"], "db1", ["eu"], True),
        (["web*", "!web9"], "web9", [], False),
        (["!web9", "web*"], "web9", [], False),
        (["web9", "!@old"], "web9", ["old"], False),
        (["!web9"], "web8", [], True),
        (["!web9"], "web9", [], False),
        (["!@old"], "web9", [], True),
    ],
)
def test_patterns_select_hosts(patterns: list[str], host: str, tags: list[str], selected: bool) -> None:  # noqa: FBT001
    assert is_selected(patterns, host, tags) is selected


def test_names_match_as_in_a_shell() -> None:
    chance = random.Random(15)  # noqa: S311 - names, not secrets
    for _ in range(20_000):
        pattern = "".join(chance.choice("ab*?") for _ in range(chance.randrange(1, 7)))
        name = "".join(chance.choice("ab") for _ in range(chance.randrange(8)))
        assert is_selected([pattern], name, ()) is fnmatch.fnmatchcase(name, pattern), (pattern, name)


def test_no_pattern_keeps_the_reader_busy() -> None:
    assert not is_selected(["*a" * 31 + "b"], "a" * 63, ())
