"""The figures of runs, and the time line that they draw."""

from xml.etree import ElementTree as ET

from rocketd.cli.render.statistics_table import statistics_table
from rocketd.cli.render.tables import RenderOptions
from rocketd.cli.render.terminal_text import width
from rocketd.cli.render.timeline_chart import timeline_lines, timeline_svg
from rocketd.cli.run_statistics import sparkline, statistics_of
from rocketd.cli.timeline import FAILED, MISSED, PLANNED, RAN, RUNNING, Timeline, hours
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Instant
from rocketd.daemon.json_format import Json, JsonObject, from_rfc3339, rfc3339

NOW = from_rfc3339("2026-11-24T12:00:00+00:00")
BEGIN = NOW - 12 * HOUR


def run(task: str, number: int, action: str, begin: Instant = NOW, took: float = 1, **more: Json) -> JsonObject:
    end = None if action == "run" else rfc3339(begin + round(took * SECOND))
    ids: JsonObject = {"task": task, "number": number, "run_id": f"{task}{number}"}
    return {**ids, "action": action, "start": rfc3339(begin), "end": end, "runtime": took, **more}


def test_the_figures_of_a_task() -> None:
    runs = [run("a", number, "success", took=number) for number in range(1, 21)]
    runs += [
        run("a", 21, "fail", NOW - HOUR),
        run("a", 22, "crash", cause="shutdown"),
        run("a", 23, "inaction", took=2),
    ]
    runs += [run("a", 0, "missed", reason="rocketd was down; 12 times, first x, last y"), run("b", 1, "fail")]
    (one, none) = statistics_of(runs, ["a", "c"])
    assert (one.runs, one.succeeded, one.failed, one.missed) == (22, 21, 1, 12)
    assert (one.median, one.percentile_95, one.longest) == (10 * SECOND, 19 * SECOND, 20 * SECOND)
    assert one.last_failure == NOW - HOUR
    assert one.trend is not None
    assert one.trend > 1
    assert (none.success_rate, none.median, none.percentile_95, none.trend) == (None, None, None, None)


def test_one_of_ten_thousand_that_failed_is_not_all() -> None:
    (one,) = statistics_of([run("a", 1, "fail"), *(run("a", number, "success") for number in range(2, 10_001))], ["a"])
    assert " 99.9%" in statistics_table([one], BEGIN, RenderOptions(NOW))[1]


def test_the_newest_runs_are_drawn() -> None:
    assert sparkline([(1, True), (8, True), (3, False), (0, True)], 10) == "▁█✗▁"
    assert sparkline([(1, True)] * 50, 10) == "█" * 10 or len(sparkline([(1, True)] * 50, 10)) == 10


def test_the_table_of_figures_fits() -> None:
    found = statistics_of([run("a" * 70, 1, "success")], ["a" * 70, "b"])
    for columns in (80, 110, 200):
        assert max(map(width, statistics_table(found, BEGIN, RenderOptions(NOW, columns)))) <= columns


def line() -> Timeline:
    runs = [
        run("a", 1, "success", BEGIN + HOUR, 3600),
        run("a", 2, "fail", BEGIN + 3 * HOUR),
        run("a", 3, "run", NOW - 30 * MINUTE),
        run("b", 1, "success", BEGIN + HOUR, 1800),
        run("b", 0, "missed", BEGIN + 5 * HOUR, due=rfc3339(BEGIN + 4 * HOUR)),
        run("b", 2, "withdrawn", BEGIN + 7 * HOUR),
        run("other", 1, "success", BEGIN),
        run("a", 9, "success", BEGIN - DAY),
    ]
    made = Timeline.of(["a", "b"], [*runs, runs[0]], BEGIN, BEGIN + DAY, NOW)
    made.plan("a", BEGIN + 20 * HOUR)
    return made


def test_cells_show_what_is_most_important() -> None:
    made = line()
    assert made.cells(made.rows[0], 24) == f" {RAN}{RAN}{FAILED}       {RUNNING}{RUNNING}       {PLANNED}   "
    assert made.cells(made.rows[1], 24) == f" {RAN}  {MISSED}{MISSED}" + " " * 18
    assert made.active(24) == " 2 1       1" + " " * 12
    assert made.cells(made.rows[0], 1) == FAILED


def test_runs_one_after_another_are_not_active_at_once() -> None:
    runs = [run("a", number, "success", BEGIN + number * MINUTE, 60) for number in range(1, 30)]
    assert Timeline.of(["a"], runs, BEGIN, BEGIN + DAY, NOW).active(24).strip() == "1"


def test_the_chart_fits_and_the_picture_is_xml() -> None:
    made = line()
    for columns in (40, 80, 200):
        assert max(map(width, list(timeline_lines(made, RenderOptions(NOW, columns)))[:4])) <= columns
    made.rows[0].task = "<a&b>"
    root = ET.fromstring(timeline_svg(made))  # noqa: S314 - it is ours
    titles = [one.text for one in root.iter() if one.tag.endswith("title")]
    assert len(titles) == 6
    assert any(one and one.startswith("<a&b>") for one in titles)


def test_a_long_name_is_whole_in_the_picture() -> None:
    made = line()
    assert 'viewBox="0 0' in timeline_svg(made)
    made.rows[0].task = "a-name-of-sixty-letters-that-would-not-fit-beside-the-others"
    root = ET.fromstring(timeline_svg(made))  # noqa: S314 - it is ours
    left = -int(root.attrib["viewBox"].split()[0])
    assert left + 190 >= 60 * 6


def test_labels_do_not_touch() -> None:
    ticks = [(BEGIN + one * HOUR, f"{one:02}:00") for one in range(24)]
    assert hours(BEGIN, BEGIN + DAY, ticks, 24) == "00:00 06:00 12:00 18:00"


def test_json_has_every_mark() -> None:
    answer = line().as_json()
    tasks = answer["tasks"]
    assert isinstance(tasks, list)
    first = tasks[0]
    assert isinstance(first, dict)
    marks = first["marks"]
    assert isinstance(marks, list)
    assert [one["what"] for one in marks if isinstance(one, dict)] == ["ran", "failed", "running", "planned"]
