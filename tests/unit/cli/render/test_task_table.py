"""The list of tasks at all widths: the task first, nothing longer than the terminal."""

import pytest

from rocketd.cli.commands.list_tasks import in_order
from rocketd.cli.render.tables import RenderOptions
from rocketd.cli.render.task_table import missing_table, task_table
from rocketd.cli.render.terminal_text import width
from rocketd.cli.render.time_format import short
from rocketd.core.instant import DAY, HOUR, Instant
from rocketd.daemon.json_format import Json, JsonObject, from_rfc3339, rfc3339

NOW = from_rfc3339("2026-11-24T12:00:00+00:00")


def task(name: str, upcoming: Instant | None = None, **more: Json) -> JsonObject:
    return {"task": name, "next": rfc3339(upcoming), "when": "daily & load_below(2.0)", **more}


TASKS = [
    task("a", NOW + HOUR, last_start=rfc3339(NOW - 400 * DAY), last_action="success"),
    task("a-name-that-is-much-longer-than-a-terminal-has-room-for" * 2, NOW + 400 * DAY, last_action="inaction"),
    task("awaiting", now_if='command_succeeds("pg_isready --quiet --host=db01.example.org")'),
    task("due", NOW, waits="the end of another task that is running with the same mutex, and so on"),
    task("日本語", NOW + 3 * DAY, paused=True, last_start=rfc3339(NOW - HOUR), last_action="terminate"),
]


@pytest.mark.parametrize("columns", [80, 90, 110, 120, 150, 200])
def test_every_line_fits_and_begins_with_the_task(columns: int) -> None:
    heading, *lines = task_table(TASKS, RenderOptions(NOW, columns))
    assert heading.startswith("TASK")
    assert max(map(width, [heading, *lines])) <= columns
    assert [line.split()[0] for line in lines[:1]] == ["a"]
    assert ("WHEN" in heading) is (columns >= 110)
    assert ("PASSED" in heading) is (columns >= 150)


def test_without_a_terminal_nothing_is_left_out() -> None:
    text = "\n".join(task_table(TASKS, RenderOptions(NOW)))
    assert all(str(one["task"]) in text for one in TASKS)
    assert "db01.example.org" in text


def test_some_of_many_are_counted() -> None:
    assert task_table(TASKS[:1], RenderOptions(NOW), of=5)[-1] == "1 of 5 tasks."
    assert task_table([], RenderOptions(NOW), of=5) == ["No task matches, of 5 tasks."]


def test_orders() -> None:
    names = [str(one["task"])[:3] for one in TASKS]
    assert [str(one["task"])[:3] for one in in_order(TASKS, "name")] == sorted(names)
    assert str(in_order(TASKS, "last")[0]["task"]) == "日本語"
    assert str(in_order(TASKS)[0]["task"]) == "due"


def test_missing_tasks_are_shown_with_their_files() -> None:
    files: list[JsonObject] = [{"file": "/etc/rocketd/b.toml", "line": 3, "problem": "no", "tasks": ["x", "y"]}]
    assert [line.split() for line in missing_table(files, RenderOptions(NOW))[1:]] == [
        ["x", "/etc/rocketd/b.toml:3", "no"],
        ["y", "/etc/rocketd/b.toml:3", "no"],
    ]


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (NOW + HOUR, "13:00"),
        (NOW + HOUR + 5_000_000, "13:00:05"),
        (NOW + 2 * DAY, "Thu 12:00"),
        (NOW - 2 * DAY, "11-22 12:00"),
        (NOW + 30 * DAY, "12-24 12:00"),
        (NOW + 400 * DAY, "2027-12-29"),
        (None, "-"),
    ],
)
def test_short_times(at: Instant | None, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import time  # noqa: PLC0415 - for its zone alone

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        assert short(at, NOW) == shown
    finally:
        monkeypatch.undo()
        time.tzset()
