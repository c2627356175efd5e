"""Names, patterns and tags."""

import pytest

from rocketd.cli.selection import is_pattern, meant, no_match, unmatched
from rocketd.daemon.json_format import JsonObject

TASKS: list[JsonObject] = [
    {"task": "db-dump", "tags": ["db", "night"]},
    {"task": "db-vacuum", "tags": ["db"]},
    {"task": "web", "tags": []},
    {"task": "OTHER"},
]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], ["db-dump", "db-vacuum", "web", "OTHER"]),
        (["db-*"], ["db-dump", "db-vacuum"]),
        (["web"], ["web"]),
        (["w?b", "*-vac*"], ["db-vacuum", "web"]),
        (["tag:night"], ["db-dump"]),
        (["tag:d*", "OTHER"], ["db-dump", "db-vacuum", "OTHER"]),
        (["[wd]*"], ["db-dump", "db-vacuum", "web"]),
        (["d"], []),
    ],
)
def test_what_is_meant(patterns: list[str], names: list[str]) -> None:
    assert [task["task"] for task in meant(patterns, TASKS)] == names


def test_a_name_without_a_task_is_told() -> None:
    assert unmatched(["db-*", "wbe"], TASKS) == "wbe"
    assert unmatched(["db-*", "web"], TASKS) == ""
    assert no_match("wbe", TASKS).hint == "did you mean web?"
    assert "broken.toml" in no_match("wbe", TASKS, "wbe is in broken.toml").message
    assert is_pattern("tag:x")
    assert not is_pattern("db-dump")
