"""Names, patterns and tags."""

import pytest

from rocketd.cli.selection import is_pattern, meant, no_match, unmatched, unmatched_in_conditions
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


def test_patterns_in_conditions_that_match_no_other_task_are_told() -> None:
    """Conditions without any are not read, and neither are those of disabled tasks, nor what is no condition here."""
    tasks: list[JsonObject] = [
        {"task": "db-dump", "tags": ["db"], "when": "cron('*/5 * * * *') & ~running('db-*')"},
        {"task": "web", "tags": ["front"], "when": "after_any_fail('tag:db', 'tag:dbb', 'x?')"},
        {"task": "odd", "tags": [], "when": "calendar('Mon *-*-* 03:00 Europe/Berlin') & running('web*')"},
        {"task": "new", "tags": [], "when": "a_word_of_the_future('*')"},
        {"task": "off", "tags": ["dbb"], "when": "after_any_fail('nobody*')", "disabled": True},
        {"task": "plain", "tags": [], "when": "daily"},
    ]
    assert list(unmatched_in_conditions(tasks, tasks)) == [
        "db-dump: no other task matches 'db-*'; see rocketctl check.",
        "web: no other task matches 'tag:dbb'; see rocketctl check.",
        "web: no other task matches 'x?'; see rocketctl check.",
    ]
    assert list(unmatched_in_conditions(tasks[2:], tasks)) == []
