"""Tasks and runs as tables: drawn from JSON objects, at a moment, for a width."""

import pytest

from rocketd.cli.commands.list_tasks import in_order
from rocketd.cli.render.tables import NO_TASKS, WIDE, RenderOptions, detail, result, run_table
from rocketd.cli.render.task_table import task_table
from rocketd.cli.render.terminal_text import width
from rocketd.core.instant import HOUR, MINUTE, Instant
from rocketd.daemon.json_format import Json, JsonObject, from_rfc3339, rfc3339

NOW = from_rfc3339("2026-11-24T12:00:00+01:00")
LOOK = RenderOptions(NOW)


def task(name: str, upcoming: Instant | None = None, **more: Json) -> JsonObject:
    return {"task": name, "next": rfc3339(upcoming), "running": False, "paused": False, "when": "daily", **more}


def run(**more: Json) -> JsonObject:
    start = rfc3339(NOW - HOUR)
    return {
        "task": "backup",
        "number": 12,
        "attempt": 1,
        "start": start,
        "trigger": "schedule",
        "action": "fail",
        **more,
    }


def test_the_next_task_comes_first_and_those_that_nothing_says_it_of_last() -> None:
    tasks = [task("b"), task("later", NOW + HOUR), task("a"), task("soon", NOW + MINUTE)]
    assert [one["task"] for one in in_order(tasks)] == ["soon", "later", "a", "b"]


def test_a_task_shows_when_it_is_next_and_how_it_went() -> None:
    lines = task_table([task("backup", NOW + HOUR, last_start=rfc3339(NOW - HOUR), last_action="fail")], LOOK)
    assert lines[0].split() == ["TASK", "NEXT", "LEFT", "LAST", "PASSED", "RESULT", "WHEN"]
    assert "in 1h" in lines[1]
    assert "1h ago" in lines[1]
    assert lines[1].startswith("backup  ")
    assert lines[1].endswith("fail    daily")


def test_a_running_or_paused_task_says_so_instead_of_how_much_time_is_left() -> None:
    lines = task_table([task("a", running=True, last_action="run"), task("b", NOW, paused=True)], LOOK)
    assert lines[1].split()[2] == "running"
    assert "paused" in lines[2]
    assert lines[-1] == "2 tasks, 1 running, 1 paused."


@pytest.mark.parametrize(
    ("one", "left"),
    [
        (task("a", NOW + HOUR, next_if="load_below(2.0)"), "in 1h if load_below(2.0)  "),
        (task("a", now_if="load_below(2.0)"), "-     when load_below(2.0) holds  "),
        (task("a", NOW + HOUR, now_if="load_below(2.0)"), "in 1h, or when load_below(2.0) holds  "),
        (task("a", running=True, now_if="load_below(2.0)"), "running  "),
    ],
)
def test_a_task_that_awaits_what_is_observed_says_so_where_the_time_that_is_left_stands(
    one: JsonObject, left: str
) -> None:
    assert left in task_table([one], LOOK)[1]


def test_what_a_task_awaits_is_cut_only_where_lines_have_to_fit() -> None:
    one = task("a", now_if='command_succeeds("pg_isready --quiet --host=db01.example.org")')
    assert 'when command_succeeds("pg_isread… holds' in task_table([one], RenderOptions(NOW, columns=120))[1]
    assert 'db01.example.org") holds' in task_table([one], LOOK)[1]


def test_a_disabled_task_says_so_comes_last_and_is_counted_apart() -> None:
    tasks = in_order([task("a", disabled=True), task("z"), task("b", NOW + HOUR)])
    lines = task_table(tasks, LOOK)
    assert lines[3].split() == ["a", "-", "disabled", "-", "-", "-", "daily"]
    assert lines[-1] == "2 tasks, 1 disabled."


def test_an_empty_list_says_what_to_do() -> None:
    assert task_table([], LOOK) == [NO_TASKS]


def test_lines_fit_the_terminal_and_only_the_last_column_gives_way() -> None:
    tasks = [task("日本語", NOW + HOUR, when="daily & " * 40)]
    narrow, full = (task_table(tasks, RenderOptions(NOW, columns))[1] for columns in (150, None))
    assert width(narrow) == 150
    assert narrow.endswith("…")
    assert full.startswith(narrow.removesuffix("…"))


def test_columns_are_aligned_whatever_characters_are_wide() -> None:
    heading, first, second, *_ = task_table([task("日本語", when="X"), task("b" * 10, when="X")], LOOK)
    assert width(first[: first.index("X")]) == width(second[: second.index("X")]) == heading.index("WHEN")


def test_a_name_or_reason_cannot_send_anything_to_the_terminal() -> None:
    hostile = "\x1b]0;owned\x07\n\u202e"
    lines = task_table([task(hostile, when=hostile)], LOOK) + run_table([run(reason=hostile, action="missed")], LOOK)
    assert all(line.isprintable() for line in lines)


def test_colours_do_not_move_columns() -> None:
    tasks = [task("a", last_action="fail"), task("b", last_action="success")]
    coloured = task_table(tasks, LOOK._replace(colour=True))
    assert [line.replace("\x1b[1;31m", "").replace("\x1b[32m", "").replace("\x1b[0m", "") for line in coloured[1:]] == (
        task_table(tasks, LOOK)[1:]
    )


def test_a_run_is_named_as_every_verb_takes_it() -> None:
    line = run_table([run(runtime=61.0, exit_code=3, cause="exit", attempt=2, trigger="retry")], LOOK)[1]
    assert line.split(maxsplit=3)[3] == "1min 1s  fail    backup/12  retry #2  exit code 3"


def test_what_runs_have_used_is_shown_where_there_is_room_and_something_is_known() -> None:
    runs = [run(runtime=2.0, cpu_time=1.5, memory_peak=3 << 20), run(runtime=2.0)]
    wide, narrow = run_table(runs, LOOK), run_table(runs, LOOK._replace(columns=WIDE - 1))
    assert wide[0].split()[1:5] == ["TOOK", "CPU", "MEMORY", "RESULT"]
    assert wide[1].split()[4:8] == ["1.5s", "3", "MiB", "fail"]
    assert "CPU" not in narrow[0]
    assert "CPU" not in run_table(runs[1:], LOOK)[0]


def test_a_run_that_goes_on_shows_for_how_long() -> None:
    assert "1h so far" in run_table([run(action="run", runtime=None)], LOOK)[1]


def test_the_end_of_a_run_is_explained_where_it_was_no_success() -> None:
    assert detail(run(action="success", exit_code=0, cause="exit")) == ""
    assert detail(run(signal=15, cause="exit")) == "signal SIGTERM"
    assert detail(run(signal=9, cause="timeout")) == "timeout: signal SIGKILL"
    assert detail(run(message="cannot start: no such file", cause="exit")) == "cannot start: no such file"
    assert detail(run(action="missed", reason="down")) == "down"
    assert detail(run(cause="something new", exit_code=1)) == "something new: exit code 1"


def test_a_run_whose_daemon_is_gone_is_open_and_not_running() -> None:
    line = run_table([run(action="run", open=True)], LOOK)[1]
    assert line.split()[3:5] == ["-", "open"]
    assert "so far" not in line
    assert " open " in task_table([task("a", last_action="run", running=False)], LOOK)[1]


def test_a_crash_that_nobody_measured_took_no_time_that_is_known() -> None:
    line = run_table([run(action="crash", runtime=0.0, cause="down", message="rocketd went down")], LOOK)[1]
    assert line.split(maxsplit=3)[3].startswith("-     crash   backup/12  schedule  rocketd went down")


def test_objects_of_another_version_are_shown_as_far_as_they_are_understood() -> None:
    odd: JsonObject = {"task": 3, "next": "soon", "last_start": [], "when": None}
    assert len(task_table([odd, {}], LOOK)) == 5
    assert len(run_table([odd, {"runtime": "long", "number": "x"}], LOOK)) == 3


@pytest.mark.parametrize(
    ("on", "left"), [("boot", "next boot"), ("startup", "next start"), ("shutdown", "at shutdown")]
)
def test_an_occasion_at_which_a_task_runs_is_shown(on: str, left: str) -> None:
    lines = task_table([task("a", when="false", on=on), task("b", NOW + HOUR, on=on)], LOOK)
    assert lines[1].split()[1] == "-"
    assert f"  {left}  " in lines[1]
    assert lines[1].endswith(f"on {on}")
    assert "in 1h" in lines[2]
    assert lines[2].endswith(f"on {on} or daily")
    observed = task_table([task("a", now_if="load_below(2.0)", on=on)], LOOK)[1]
    assert "when load_below(2.0) holds" in observed
    assert "disabled" in task_table([task("a", when="false", on=on, disabled=True)], LOOK)[1]


def test_a_planned_stop_is_shown_as_an_interruption_and_a_crash_as_a_crash() -> None:
    assert result(run(action="crash", cause="shutdown")).text == "interrupted"
    assert result(run(action="crash", cause="down")).text == "crash"


def test_a_run_that_a_planned_stop_interrupted_is_no_crash_wherever_it_is_shown() -> None:
    stopped, died = (task("a", last_action="crash", last_cause=cause) for cause in ("shutdown", "down"))
    assert " interrupted " in task_table([stopped], LOOK)[1]
    assert " crash " in task_table([died], LOOK)[1]
