"""`rocketctl why`, `explain` and `simulate` where no daemon runs: real files, a real store."""

import json
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rocketd.cli.rocketctl import main
from rocketd.core.instant import DAY, HOUR, MINUTE, SECOND, Duration, Instant
from rocketd.core.language.parser import parse
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.records import TaskState
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.core.model.task import Command, Task
from rocketd.store.run_id import new_run_id
from rocketd.store.sqlite.store import SqliteStore

NOW = time.time_ns() // 1000

CONDITIONS = {
    "extract": "daily at 02:00",
    "load": "after task 'extract'",
    "tick": "cron('0 */6 * * *') & ~running('load')",
    "slow": "every 10 days",
}


def written(*tasks: str) -> str:
    """Write a task file."""
    common = 'command = ["/bin/true"]\ntimezone = "UTC"\n'
    return "".join(f'[task.{task}]\nwhen = "{CONDITIONS[task]}"\n{common}' for task in tasks)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def where(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "etc" / "tasks.toml").write_text(written("extract", "load", "tick"))
    return tmp_path


class Done(NamedTuple):
    """How a call ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def rocketctl(where: Path, *words: str) -> Done:
    """Call it in this process: a new one costs more than what most of these tests are about."""
    places = [f"--{name}-dir={where / directory}" for name, directory in (("runtime", "run"), ("state", "state"))]
    with redirect_stdout(StringIO()) as stdout, redirect_stderr(StringIO()) as stderr:
        code = main([*places, f"--config-dir={where / 'etc'}", *words])
    return Done(code, stdout.getvalue(), stderr.getvalue())


def told(where: Path, *words: str) -> Any:  # noqa: ANN401 - JSON, of which each test knows what to expect
    done = rocketctl(where, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def record(where: Path, task: str, start: Instant, *, number: int = 1, took: Duration = SECOND) -> None:
    """Record a run that succeeded, of a task that was there long before."""
    store = SqliteStore(where / "state")
    run = Run(task, number, new_run_id(start), 1, start, start, Trigger.SCHEDULE, "")
    end = End(Action.SUCCESS, Cause.EXIT, start + took, 0, runtime=took)
    fingerprint = Task(task, Command(("/bin/true",)), parse(CONDITIONS[task])).fingerprint
    store.write([TaskState(task, fingerprint, NOW - 30 * DAY, number + 1), Started(run), Finished(run, end)])
    store.close()


# -- explain


def test_explain_needs_neither_a_daemon_nor_files(tmp_path: Path) -> None:
    words = ["explain", "daily between 10:00 and 12:00", "--from", "2026-03-28 11:00", "--timezone", "Europe/Berlin"]
    done = rocketctl(tmp_path, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("\n")[:2] == [
        '   Condition: daily.between("10:00", "12:00")',
        "First loaded: Sat 2026-03-28 11:00:00 CET",
    ]
    starts = [line.split("  ")[0] for line in done.stdout.split("\n")[4:9]]
    assert starts[0] == "Sat 2026-03-28 11:00:00 CET"
    assert starts[1] == "Sun 2026-03-29 10:00:00 CEST"  # by the new offset


def test_explain_in_json_has_the_normal_form_and_so_many_instants(tmp_path: Path) -> None:
    words = ["explain", "daily at 10:00", "-n", "2", "--from", "2026-03-28 11:00", "--timezone", "Europe/Berlin"]
    assert told(tmp_path, *words) == {
        "condition": 'daily.at("10:00")',
        "starts": ["2026-03-29T08:00:00.000000+00:00", "2026-03-30T08:00:00.000000+00:00"],
    }


def test_explain_takes_five_starts_from_now_in_the_zone_of_the_terminal_if_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = told(tmp_path, "explain", "every('1 h')")
    assert len(answer["starts"]) == 5
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    in_tokyo = rocketctl(tmp_path, "explain", "daily at 00:00", "--from", "2026-03-28").stdout
    assert "Sat 2026-03-28 00:00:00 JST" in in_tokyo


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("after task 'extract'", "It is waiting for extract to succeed."),
        ("daily & false", "It never starts on its own: false never holds."),
        ("daily & until('2020-01-01')", 'It never starts on its own: until("2020-01-01") has ended on Wed 2020-01-01.'),
        ("hourly & unit_active('x')", 'It is waiting for unit_active("x.service"), which is unknown'),
        ("calendar('2026-03-29 10:00')", "After that only an event can start it."),
        ("cron('30 1 * * *') & time_of_day.after('02:00')", "No further start was found up to 2"),
    ],
)
def test_explain_says_why_there_are_no_more_starts(tmp_path: Path, condition: str, sentence: str) -> None:
    done = rocketctl(tmp_path, "explain", condition, "--from", "2026-03-28")
    assert done.returncode == 0
    assert done.stdout.strip().split("\n")[-1].startswith(sentence)


@pytest.mark.parametrize(
    ("condition", "lines"),
    [
        (
            "daily & hourley",
            [
                "rocketctl: hourley is not a condition; did you mean hourly?",
                "daily & hourley",
                "        ^^^^^^^",
            ],
        ),
        (
            "cron('0 0 30 2 *') |\n  日",
            ["rocketctl: 0 0 30 2 * never happens", "cron('0 0 30 2 *') |"],
        ),
    ],
)
def test_a_condition_that_is_wrong_is_shown_with_a_caret_under_the_mistake(
    tmp_path: Path, condition: str, lines: list[str]
) -> None:
    done = rocketctl(tmp_path, "explain", condition)
    assert (done.returncode, done.stdout) == (1, "")
    shown = done.stderr.split("\n")
    assert shown[1 : len(lines)] == lines[1:]
    assert shown[0].startswith(lines[0].split(";")[0][:20])
    assert "^" in shown[2]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["explain"], "CONDITION"),
        (["explain", "daily", "-n", "0"], "--count takes a number"),
        (["explain", "daily", "--timezone", "Europe/Helsinky"], "did you mean Europe/Helsinki?"),
        (["explain", "daily", "--from", "soon"], "'soon' is not a point in time"),
        (["why"], "give one or more tasks, or --all"),
        (["why", "load", "--all"], "give one or more tasks, or --all"),
        (["simulate", "--from", "2026-03-28", "--to", "2026-03-28"], "--to '2026-03-28' is not after --from"),
    ],
)
def test_a_command_line_that_cannot_be_understood_is_exit_2(where: Path, words: list[str], told: str) -> None:
    done = rocketctl(where, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


# -- why


def test_why_tells_what_each_task_waits_for(where: Path) -> None:
    answers = told(where, "why", "--all")
    assert [one["task"] for one in answers] == ["extract", "load", "tick"]
    (load,) = (one for one in answers if one["task"] == "load")
    assert load["waiting_for"] == "load is waiting for extract to succeed"
    assert load["holds"] is False
    assert (load["condition"], load["parts"]) == ('after_success("extract")', [])
    assert load["because"].startswith("extract has not succeeded since this task was armed")


def test_why_goes_by_what_is_recorded(where: Path) -> None:
    record(where, "load", NOW - 2 * HOUR)
    record(where, "extract", NOW - HOUR)
    (load,) = told(where, "why", "load")
    assert load["holds"] is True
    assert load["waiting_for"].endswith("cannot start: no daemon is running")
    assert load["because"].startswith("extract/1 succeeded")


def test_why_at_an_earlier_instant_knows_nothing_of_later_runs(where: Path) -> None:
    record(where, "load", NOW - 2 * HOUR)
    record(where, "extract", NOW - HOUR)
    (then,) = told(where, "why", "load", "--at", "90min ago")
    assert then["holds"] is False
    assert then["because"].startswith("extract has not succeeded since load/1 started")


def test_why_at_a_later_instant_looks_ahead(where: Path) -> None:
    (then,) = told(where, "why", "extract", "--at", "tomorrow 02:30")
    assert (then["holds"], then["waiting_for"]) == (True, "extract would start: its condition is true")


def test_why_draws_the_tree_for_people(where: Path) -> None:
    done = rocketctl(where, "why", "tick", "load")
    assert done.returncode == 0
    assert "no daemon is running" in done.stderr
    lines = done.stdout.split("\n")
    assert lines[0].startswith('tick is waiting for cron("0 */6 * * *") (')
    assert lines[1] == '✗ cron("0 */6 * * *") & ~running("load")'
    assert lines[3] == '├─ ✗ cron("0 */6 * * *")'
    assert lines[5:9] == [
        '└─ ✓ ~running("load")',
        "        load is not running",
        "",
        "load is waiting for extract to succeed",
    ]
    assert "(in " in lines[4]


def test_why_of_a_task_that_is_not_there_is_exit_4(where: Path) -> None:
    done = rocketctl(where, "why", "laod")
    assert (done.returncode, done.stdout) == (4, "")
    assert "hint: did you mean load?" in done.stderr


# -- simulate


def test_simulate_shows_what_would_run_when_before_anything_was_recorded(where: Path) -> None:
    runs = told(where, "simulate", "--from", "2026-03-04 01:00", "--to", "2026-03-04 12:01")
    assert [(run["task"], run["start"][11:19], run["due"][11:19], run["attempt"]) for run in runs] == [
        ("extract", "02:00:00", "02:00:00", 1),
        ("load", "02:00:01", "02:00:01", 1),
        ("tick", "06:00:00", "06:00:00", 1),
        ("tick", "12:00:00", "12:00:00", 1),
    ]
    assert runs[1]["reason"] == 'after_success("extract")'


def test_simulate_lets_a_run_take_the_median_of_its_last_ones(where: Path) -> None:
    for number, took in enumerate((MINUTE, 20 * MINUTE, 30 * MINUTE), 1):
        record(where, "extract", NOW - (5 - number) * DAY, number=number, took=took)
    words = ["simulate", "--from", "tomorrow", "--to", "tomorrow 05:00"]
    runs = told(where, *words)
    assert [(run["task"], run["start"][11:19]) for run in runs if run["task"] != "tick"] == [
        ("extract", "02:00:00"),
        ("load", "02:20:00"),
    ]


def test_explain_knows_boots(where: Path) -> None:
    words = ["explain", "daily & host_up(less_than='10 min')", "--from", "2026-11-24 09:30"]
    alone = rocketctl(where, *words).stdout
    assert "The host is assumed to boot when the task is first loaded; --boot TIME adds later boots." in alone
    more = rocketctl(where, *words, "--boot", "2026-11-24 18:00", "--boot", "2026-11-25 08:00")
    starts = [line[:20] for line in more.stdout.split("\n") if " 2026-11-2" in line and "First" not in line]
    assert starts == ["Tue 2026-11-24 09:30", "Wed 2026-11-25 08:00"]
    assert "--boot" not in more.stdout


def test_explain_shows_a_splay(where: Path) -> None:
    words = ["explain", "cron('0 0,12 * * *')", "--from", "2026-11-24 09:30", "--task", "report"]
    plain, spread = (told(where, *words, *more)["starts"] for more in ((), ("--splay", "8 h", "--each-run")))
    assert all(start < later for start, later in zip(plain, spread, strict=True))
    assert "SPLAY" in rocketctl(where, *words, "--splay", "8 h").stdout
    assert rocketctl(where, *words, "--splay", "8 x").returncode == 2


def test_simulate_goes_on_from_what_is_recorded(where: Path) -> None:
    (where / "etc" / "tasks.toml").write_text(written("slow"))
    record(where, "slow", NOW - 9 * DAY)
    runs = told(where, "simulate", "--to", "in 3d")
    assert len(runs) == 1
    assert "Nothing would run." in rocketctl(where, "simulate", "--to", "in 1h").stdout


def test_simulate_reads_the_files_that_are_named(where: Path) -> None:
    (where / "one.toml").write_text(written("slow"))
    done = rocketctl(where, "simulate", str(where / "one.toml"), "--from", "2026-03-04", "--to", "2026-03-05")
    assert done.returncode == 0
    assert [line.split("  ")[0] for line in done.stdout.split("\n")] == ["START", "Wed 2026-03-04 00:00:00", ""]
    assert rocketctl(where, "simulate", str(where / "none.toml")).returncode == 1


def test_explaining_changes_nothing(where: Path) -> None:
    record(where, "extract", NOW - HOUR)
    before = (where / "state" / "rocketd.db").read_bytes()
    for words in (["why", "--all"], ["why", "load", "--at", "1d ago"], ["simulate"]):
        assert rocketctl(where, *words).returncode == 0
    assert (where / "state" / "rocketd.db").read_bytes() == before
