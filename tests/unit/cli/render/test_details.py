"""Pages about one task, one run, the daemon."""

from rocketd.cli.render.details import coloured, run_page, status_page, task_page
from rocketd.cli.render.tables import RenderOptions
from rocketd.config.problems import Problem
from rocketd.core.instant import HOUR
from rocketd.daemon.json_format import JsonObject, from_rfc3339, rfc3339

NOW = from_rfc3339("2026-11-24T12:00:00+01:00")
LOOK = RenderOptions(NOW)
TASK: JsonObject = {
    "task": "backup",
    "description": "Nightly copy",
    "command": ["/bin/sh", "-c", "echo hi"],
    "when": "daily",
    "stop_when": "false",
    "file": "/etc/rocketd/backup.toml",
    "overlap": "wait",
    "timeout": 7200.0,
}
RUN: JsonObject = {"task": "backup", "number": 12, "run_id": "0199", "action": "fail", "start": rfc3339(NOW - HOUR)}


def lines_of(page: list[str]) -> dict[str, str]:
    return {name.strip(): value for name, _, value in (line.partition(": ") for line in page) if value}


def test_a_task_shows_what_it_does_when_and_from_where() -> None:
    page = task_page(TASK, LOOK)
    assert page[0] == "backup - Nightly copy"
    shown = lines_of(page)
    assert shown["Command"] == "/bin/sh -c 'echo hi'"
    assert shown["When"] == "daily"
    assert shown["File"] == "/etc/rocketd/backup.toml"
    assert shown["Timeout"] == "2h"
    assert "Tags" not in shown
    assert lines_of(task_page({**TASK, "tags": ["db", "nightly"]}, LOOK))["Tags"] == "db, nightly"
    assert shown["State"] == "waiting"
    assert page[-1] == "No runs are recorded."


def test_what_is_as_by_default_is_left_out() -> None:
    assert not {"Stop when", "Overlap", "Mutex", "Priority"} & lines_of(task_page(TASK, LOOK)).keys()


def test_a_paused_task_says_until_when_by_whom_and_why() -> None:
    paused: JsonObject = {
        "paused": True,
        "paused_until": rfc3339(NOW + HOUR),
        "paused_by": "uid 0",
        "paused_reason": "repair",
    }
    state = lines_of(task_page({**TASK, **paused}, LOOK))["State"]
    assert state.startswith("paused until ")
    assert state.endswith("(in 1h) by uid 0: repair")


def test_a_due_task_says_what_it_waits_for() -> None:
    due: JsonObject = {"due": rfc3339(NOW - HOUR), "blocked": "mutex db is held by dump"}
    assert lines_of(task_page({**TASK, **due}, LOOK))["State"] == "due 1h ago, waiting: mutex db is held by dump"


def test_a_task_says_how_much_of_its_splay_is_in_its_next_start() -> None:
    splayed = {**TASK, "next": rfc3339(NOW + HOUR), "splay": 3600.0, "next_splay": 1278.4}
    assert lines_of(task_page(splayed, LOOK))["Next"].endswith("(in 1h), splay 21min 18s of 1h")
    assert "splay" not in lines_of(task_page({**splayed, "next_splay": None}, LOOK))["Next"]


def test_a_task_says_what_must_be_observed_for_its_next_start() -> None:
    later: JsonObject = {"next": rfc3339(NOW + HOUR), "next_if": "load_below(2.0)"}
    assert lines_of(task_page({**TASK, **later}, LOOK))["Next"].endswith("(in 1h) if load_below(2.0)")
    assert lines_of(task_page({**TASK, "now_if": "load_below(2.0)"}, LOOK))["Next"] == "when load_below(2.0) holds"


def test_a_running_task_names_its_runs() -> None:
    assert (
        lines_of(task_page({**TASK, "running": True, "going": [RUN]}, LOOK))["State"]
        == "running: backup/12 for 1h so far"
    )


def test_a_run_shows_its_output_harmlessly() -> None:
    page = run_page({**RUN, "output": "one\n\x1b[2Jtwo\n", "exc_text": "Traceback …\nValueError"}, LOOK)
    assert page[page.index("Output:") + 1 :] == ["one", "\\x1b[2Jtwo"]
    assert page[page.index("Traceback:") + 1] == "Traceback …"


def test_a_run_shows_what_it_has_used_as_far_as_it_is_known() -> None:
    shown = lines_of(run_page({**RUN, "cpu_time": 61.5, "io_read": 4608, "io_written": 0}, LOOK))
    assert (shown["CPU time"], shown["Disk I/O"]) == ("1min 1s", "4.5 KiB read, 0 B written")
    assert "Peak memory" not in shown


def test_the_daemon_shows_problems_and_what_is_degraded() -> None:
    status: JsonObject = {"version": "0.1.0", "pid": 7, "since": rfc3339(NOW), "tasks": 3, "running": 1, "problems": 2}
    shown = lines_of(status_page({**status, "degraded": ["the store is away"], "store": {"url": "sqlite"}}, LOOK))
    assert shown["Problems"] == "2; see rocketctl check"
    assert shown["Degraded"] == "the store is away"
    assert shown["Store"] == "url sqlite"
    assert lines_of(status_page({**status, "problems": [], "degraded": False}, LOOK))["Problems"] == "none"


def test_a_problem_gets_its_severity_in_colour_and_nothing_else() -> None:
    problem = Problem("a.toml", 3, 8, "t", "error", "no such word: error: x", "did you mean x?", 'when = "y"', 3)
    text = f"{problem}\n1 task, 1 error"
    assert coloured(text, [problem], LOOK) == text
    shown = coloured(text, [problem], LOOK._replace(colour=True))
    assert shown.startswith("a.toml:3:8: \x1b[1;31merror\x1b[0m: task 't': no such word: error: x")
    assert shown.replace("\x1b[1;31m", "").replace("\x1b[0m", "") == text


def test_an_occasion_at_which_a_task_runs_is_shown_where_its_condition_is() -> None:
    shown = lines_of(task_page({**TASK, "when": "false", "on": "boot"}, LOOK))
    assert (shown["When"], shown["Next"]) == ("on boot", "next boot")
    shown = lines_of(task_page({**TASK, "on": "boot", "next": rfc3339(NOW + HOUR)}, LOOK))
    assert shown["When"] == "on boot or daily"
    assert shown["Next"].endswith("(in 1h)")


def test_problems_are_told_by_what_comes_of_them() -> None:
    counts: JsonObject = {"files": 1, "missing": 4, "kept": 0, "tasks": 0, "errors": 0, "warnings": 11}
    shown = lines_of(status_page({"problems": 12, "file_problems": counts}, LOOK))
    assert shown["Problems"] == "1 file not loaded (4 tasks missing), 11 warnings; see rocketctl check"
    assert lines_of(status_page({"problems": 0, "file_problems": {}}, LOOK))["Problems"] == "none"
