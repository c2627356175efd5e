"""How it is told what of the task files is not loaded."""

from rocketd.cli.render.not_loaded import footer, missing_one, no_tasks, unread
from rocketd.daemon.json_format import JsonObject

BAD: JsonObject = {
    "file": "/etc/rocketd/30-backup.toml",
    "outcome": "bad",
    "tasks": ["restic", "restic-ping", "pgdump"],
    "line": 19,
    "problem": "there is no user 'postgres'",
}
SHORT = "line 19: there is no user 'postgres'"


def told(*entries: JsonObject, **more: int) -> JsonObject:
    return {"not_loaded": [*entries], "directories": ["/run/x", "/etc/rocketd"], "file_problems": {**more}}


def test_the_footer_names_each_file_with_the_number_of_its_tasks() -> None:
    assert list(footer(told(BAD, {**BAD, "tasks": ["one"]}, {**BAD, "tasks": []}))) == [
        f"/etc/rocketd/30-backup.toml is not loaded, and its 3 tasks are missing: {SHORT}",
        f"/etc/rocketd/30-backup.toml is not loaded, and its task is missing: {SHORT}",
        f"/etc/rocketd/30-backup.toml is not loaded: {SHORT}",
    ]
    assert list(footer(told({**BAD, "outcome": "kept", "tasks": ["new"]}, {**BAD, "outcome": "loaded"}))) == [
        f"/etc/rocketd/30-backup.toml has errors, so its last good tasks stay, and new is missing: {SHORT}",
        f"restic, restic-ping, pgdump are not loaded from /etc/rocketd/30-backup.toml: {SHORT}",
    ]
    assert list(footer({})) == []
    assert list(footer(told(*[BAD] * 8)))[-1] == "… and 3 more; see rocketctl check."


def test_nothing_in_it_reaches_the_terminal_raw() -> None:
    (line,) = footer(told({**BAD, "problem": "\x1b[2J"}))
    assert "\\x1b[2J" in line


def test_an_empty_list_says_why_and_where_files_are_read() -> None:
    assert no_tasks(told(BAD, files=1, missing=3)) == [
        "No tasks are loaded. 1 file has errors: rocketctl check.",
        "Task files are read in /run/x and /etc/rocketd.",
        *footer(told(BAD)),
    ]
    assert (
        no_tasks(told(warnings=4))[0] == "No tasks are loaded. Drop a file into /etc/rocketd and run rocketctl reload."
    )
    elsewhere: JsonObject = {"directories": ["/srv/tasks"], "file_problems": {}}
    assert no_tasks(elsewhere)[0] == "No tasks are loaded. Drop a file into /srv/tasks and run rocketctl reload."
    assert no_tasks({}) == ["No tasks are loaded. Drop a file into /etc/rocketd and run rocketctl reload."]
    assert no_tasks(told(errors=2))[0] == "No tasks are loaded. Task files have errors (2 errors): rocketctl check."


def test_one_task_is_told_where_it_is() -> None:
    assert missing_one(told(BAD), "pgdump") == f"pgdump is in /etc/rocketd/30-backup.toml, which is not loaded: {SHORT}"
    alone: JsonObject = {**BAD, "outcome": "loaded"}
    assert missing_one(told(alone), "pgdump") == f"pgdump is in /etc/rocketd/30-backup.toml, but not loaded: {SHORT}"
    assert missing_one(told(BAD), "other") == ""


def test_a_file_whose_names_are_not_known_may_have_it() -> None:
    assert unread(told(BAD)) == ""
    assert unread(told({**BAD, "tasks": []})).startswith(
        "it may be in /etc/rocketd/30-backup.toml, which is not loaded"
    )
