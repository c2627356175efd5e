"""`rocketctl` where no daemon runs: from real task files and a real store, changing neither."""

import csv
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rocketd.cli.commands.export import COLUMNS
from rocketd.core.instant import DAY, HOUR, SECOND, Instant
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.store.run_id import new_run_id
from rocketd.store.sqlite.store import SqliteStore
from rocketd.store.state_lock import StateLock

NOW = time.time_ns() // 1000

SLOW = {
    *("asyncio", "concurrent.futures", "ctypes", "email", "hashlib", "http", "logging", "platform", "ssl", "uuid"),
    *("dbus_fast", "prometheus_client", "psycopg", "pydantic", "redbird", "redmail", "sqlalchemy", "systemd"),
    *("rocketd.app", "rocketd.bootstrap", "rocketd.fleet", "rocketd.metrics", "rocketd.web"),
}
"""No verb reads task files or the store with these."""

TASK_FILES = """
[task.backup]
description = "Nightly copy"
command = ["/bin/true"]
when = "daily"

[task.tick]
command = ["/bin/true"]
when = "cron('0 3 * * *')"
"""


@pytest.fixture
def where(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "etc" / "tasks.toml").write_text(TASK_FILES)
    return tmp_path


def command(where: Path, *words: str) -> list[str]:
    places = [f"--{name}-dir={where / directory}" for name, directory in (("runtime", "run"), ("state", "state"))]
    return [sys.executable, "-m", "rocketd.cli.rocketctl", *places, f"--config-dir={where / 'etc'}", *words]


def rocketctl(where: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TZ": "UTC"}
    return subprocess.run(command(where, *words), capture_output=True, text=True, check=False, env=environment)


def run_at(start: Instant, number: int) -> Run:
    return Run("backup", number, new_run_id(start), 1, start, start, Trigger.SCHEDULE, "daily")


def record(where: Path, start: Instant, number: int, action: Action) -> None:
    """Record a run; `run` leaves it open."""
    store = SqliteStore(where / "state")
    run = run_at(start, number)
    store.write([Started(run)])
    if action is not Action.RUN:
        store.write([Finished(run, End(action, Cause.EXIT, start + SECOND, 3, output="oops\n", runtime=SECOND))])
    store.close()


def contents(directory: Path) -> dict[str, bytes]:
    """What is kept there; an empty write-ahead log and its index are SQLite's own, and hold nothing."""
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    return {name: content for name, content in files.items() if content and not name.endswith("-shm")}


def test_tasks_show_before_anything_was_ever_recorded(where: Path) -> None:
    done = rocketctl(where, "list", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    backup, tick = json.loads(done.stdout)
    assert (backup["task"], backup["last_action"], backup["running"]) == ("backup", None, False)
    assert backup["next"] < tick["next"]
    assert list((where / "state").iterdir()) == []


def test_people_are_told_that_no_daemon_runs(where: Path) -> None:
    done = rocketctl(where, "list")
    assert done.stderr == "rocketctl: no daemon is running: showing the task files and the run log\n"
    assert "backup" in done.stdout


def test_people_are_told_what_was_looked_at(where: Path) -> None:
    done = rocketctl(where, "history")
    assert done.stderr == "rocketctl: no daemon is running: this is from the store\n"


@pytest.mark.parametrize(("words", "code"), [(["list"], 0), (["show", "backup"], 4), (["why", "--all", "--json"], 0)])
def test_that_a_file_with_an_error_may_hold_a_task_is_said(where: Path, words: list[str], code: int) -> None:
    """Or else it looks as if the task were not there at all."""
    (where / "etc" / "tasks.toml").write_text(TASK_FILES.replace("daily", "dayly"))
    done = rocketctl(where, *words)
    assert done.returncode == code
    assert (
        done.stderr.count("rocketctl: some task files have errors; this list may be incomplete; see rocketctl check\n")
        == 1
    )


STORE = {"sqlite3", "rocketd.store.sqlite"}
FILES = {"rocketd.config", "rocketd.core.language"}


@pytest.mark.parametrize(
    ("words", "unneeded"),
    [
        (["list"], {"subprocess", "rocketd.importer", "rocketd.core.explain"}),
        (["show", "backup"], {"subprocess", "rocketd.importer", "rocketd.core.explain"}),
        (["why", "backup"], {"subprocess", "rocketd.importer"}),
        (["stats"], {"subprocess", "rocketd.importer", "rocketd.core.explain"}),
        (["check"], STORE | {"difflib", "rocketd.cli.backend.http_client"}),
        (["edit", "tasks.toml"], STORE | {"rocketd.importer", "rocketd.core.scheduler.scheduler"}),
        (["explain", "daily"], STORE | {"socket", "subprocess", "rocketd.config", "rocketd.importer"}),
        (
            ["calendar", "show"],
            STORE | {"socket", "subprocess", "rocketd.importer", "rocketd.core.scheduler.scheduler"},
        ),
        (["import", "--crontab", "/dev/null"], STORE | {"subprocess", "difflib"}),
        (["history"], {"subprocess", *FILES, "rocketd.core.scheduler.scheduler"}),
        (["show", "backup/1"], {"subprocess", *FILES}),
        (["export"], {"subprocess", *FILES}),
        (["prune", "--dry-run", "--before", "yesterday"], {"subprocess", "rocketd.importer", "rocketd.core.explain"}),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_what_an_answer_from_files_does_not_need_is_not_imported(
    where: Path, words: list[str], unneeded: set[str]
) -> None:
    """Each module costs a part of the 150 ms in which a verb has to start."""
    record(where, NOW, 1, Action.SUCCESS)
    program = "import sys; from rocketd.cli.rocketctl import main; main(); print(*sys.modules, file=sys.stderr)"
    asked = [sys.executable, "-I", "-c", program, *command(where, *words)[3:]]
    environment = {**os.environ, "TZ": "UTC", "EDITOR": "true"}
    done = subprocess.run(asked, capture_output=True, text=True, check=True, env=environment, timeout=60)
    assert [*(unneeded | SLOW) & {*done.stderr.split()}] == []


def test_python_is_not_left_to_look_for_garbage_at_the_end(where: Path) -> None:
    program = "import gc, sys; from rocketd.cli.rocketctl import main; main(); print(gc.get_freeze_count())"
    asked = [sys.executable, "-c", program, *command(where, "check")[3:]]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout.split()[-1]) > 0


def test_the_next_start_rests_on_what_is_recorded(where: Path) -> None:
    record(where, NOW - SECOND, 1, Action.SUCCESS)
    backup = json.loads(rocketctl(where, "show", "backup", "--json").stdout)
    assert backup["last_action"] == "success"
    assert [run["number"] for run in backup["runs"]] == [1]
    assert backup["next"] > backup["last_start"]
    assert backup["next"].endswith("T00:00:00.000000+00:00")


def test_a_run_that_the_last_daemon_left_behind_is_open_and_its_task_is_due(where: Path) -> None:
    record(where, NOW - SECOND, 1, Action.RUN)
    (run,) = json.loads(rocketctl(where, "history", "--json").stdout)
    assert (run["action"], run["open"]) == ("run", True)
    assert "open" in rocketctl(where, "history").stdout
    shown = rocketctl(where, "show", "backup").stdout
    assert "waiting: no daemon is running" in shown


def test_history_is_narrowed_as_it_is_with_a_daemon(where: Path) -> None:
    record(where, NOW - 3 * DAY, 1, Action.SUCCESS)
    record(where, NOW - 2 * HOUR, 2, Action.FAIL)
    record(where, NOW - HOUR, 3, Action.SUCCESS)
    for words, numbers in (
        ([], [3, 2, 1]),
        (["--since", "1d ago"], [3, 2]),
        (["--until", "90min ago"], [2, 1]),
        (["--action", "fail,crash"], [2]),
        (["--limit", "1"], [3]),
    ):
        done = rocketctl(where, "history", "backup", "--json", *words)
        assert [run["number"] for run in json.loads(done.stdout)] == numbers


def test_a_run_shows_with_its_output(where: Path) -> None:
    record(where, NOW - HOUR, 1, Action.FAIL)
    done = rocketctl(where, "show", "backup/1")
    assert done.returncode == 0
    assert done.stdout.endswith("Output:\noops\n")


READ = """
import sys
sys.addaudithook(lambda event, arguments: event == "open" and print(arguments[0], file=sys.stderr))
from rocketd.cli.rocketctl import main
sys.exit(main())
"""
"""Tells which files it opens."""


@pytest.mark.parametrize(
    ("words", "files"), [(["history"], False), (["history", "backup"], False), (["export"], False), (["list"], True)]
)
def test_what_runs_there_were_is_told_without_the_files(where: Path, words: list[str], *, files: bool) -> None:
    """However many there are."""
    (where / "etc" / "rocketd.toml").write_text("[store]\nkeep = '1 day'\n")
    record(where, NOW, 1, Action.SUCCESS)
    asked = [sys.executable, "-c", READ, *command(where, *words)[3:]]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    opened = done.stderr.split("\n")
    assert "backup" in done.stdout
    assert ("rocketd.toml" in opened) is files
    assert ("tasks.toml" in opened) is files


@pytest.mark.parametrize("words", [["history"], ["export"], ["list"]])
def test_that_nothing_is_recorded_is_not_told_where_it_may_be_elsewhere(where: Path, words: list[str]) -> None:
    """A new host, which has not read it yet. The runs of this host are here as well."""
    (where / "etc" / "rocketd.toml").write_text("[store]\nrepo = 'mine:factory'\n")
    done = rocketctl(where, *words)
    assert (done.returncode, done.stdout) == (3, "")
    assert "start the daemon once to import the records in mine:factory" in done.stderr
    record(where, NOW, 1, Action.SUCCESS)
    done = rocketctl(where, *words)
    assert done.returncode == 0
    assert "backup" in done.stdout


@pytest.mark.parametrize("url", ["postgresql://me:secret@db/log", "postgresql:///log?user=me&password=secret"])
def test_a_password_is_not_shown(where: Path, url: str) -> None:
    (where / "etc" / "rocketd.toml").write_text(f"[store]\nurl = '{url}'\n")
    done = rocketctl(where, "history")
    assert "import the records in postgresql://" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize("words", [["history"], ["export"], ["list"]])
def test_where_the_runs_are_is_not_known_from_settings_with_an_error(where: Path, words: list[str]) -> None:
    """That there are none could be wrong; those that are here are told."""
    (where / "etc" / "rocketd.toml").write_text("[store]\nurl = postgres://log\n")
    done = rocketctl(where, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot tell where the records are" in done.stderr
    record(where, NOW, 1, Action.SUCCESS)
    assert "backup" in rocketctl(where, *words).stdout


def test_looking_changes_nothing(where: Path) -> None:
    record(where, NOW - HOUR, 1, Action.RUN)
    before = contents(where / "state"), contents(where / "etc")
    for words in (["list"], ["show", "backup"], ["history"], ["check"]):
        assert rocketctl(where, *words).returncode == 0
    assert (contents(where / "state"), contents(where / "etc")) == before


@pytest.mark.parametrize(
    "words",
    [["show", "bakcup"], ["history", "bakcup"], ["show", "backup/9"], ["history", "\udcff"], ["export", "\udcff"]],
)
def test_what_is_not_there_is_exit_4(where: Path, words: list[str]) -> None:
    done = rocketctl(where, *words)
    assert (done.returncode, done.stdout) == (4, "")


def test_a_state_directory_that_is_not_there_is_named(where: Path) -> None:
    (where / "state").rmdir()
    done = rocketctl(where, "history")
    assert done.returncode == 1
    assert f"there is no store at {where}/state" in done.stderr


def test_a_disabled_task_is_shown_and_says_so_to_who_wants_something_of_it(where: Path) -> None:
    (where / "etc" / "off.toml").write_text('\n[task.off]\ncommand = ["/bin/true"]\nenabled = false\n')
    assert [one["task"] for one in json.loads(rocketctl(where, "list", "--json").stdout)] == ["backup", "tick", "off"]
    assert "2 tasks, 1 disabled." in rocketctl(where, "list").stdout
    assert "State: disabled: it has enabled = false in line 2 of its file" in rocketctl(where, "show", "off").stdout
    assert rocketctl(where, "history", "off").returncode == 0
    assert len(json.loads(rocketctl(where, "why", "--all", "--json").stdout)) == 2
    done = rocketctl(where, "why", "off")
    assert (done.returncode, done.stdout) == (4, "")
    assert "task 'off' is disabled" in done.stderr
    assert f"hint: it has enabled = false in {where}/etc/off.toml:2" in done.stderr


def test_all_that_is_recorded_is_exported_as_json_lines_and_as_csv(where: Path) -> None:
    record(where, NOW - 3 * DAY, 1, Action.SUCCESS)
    record(where, NOW - 2 * HOUR, 2, Action.FAIL)
    record(where, NOW - HOUR, 3, Action.RUN)
    done = rocketctl(where, "export")
    assert (done.returncode, done.stderr) == (0, "")
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert runs == [*reversed(json.loads(rocketctl(where, "history", "--json").stdout))]
    assert rocketctl(where, "export", "--json").stdout == done.stdout
    rows = list(csv.DictReader(io.StringIO(rocketctl(where, "export", "--csv").stdout)))
    assert [{**row} for row in rows] == [
        {key: "" if value is None else str(value) for key, value in run.items() if key in COLUMNS} for run in runs
    ]
    assert rows[0]["output"] == "oops\n"


def test_an_export_is_narrowed_as_history_is(where: Path) -> None:
    record(where, NOW - 3 * DAY, 1, Action.SUCCESS)
    record(where, NOW - 2 * HOUR, 2, Action.FAIL)
    for words, numbers in (([], [1, 2]), (["--since", "1d ago"], [2]), (["--action", "success"], [1])):
        done = rocketctl(where, "export", "backup", *words)
        assert [json.loads(line)["number"] for line in done.stdout.splitlines()] == numbers
    done = rocketctl(where, "export", "tick", "--csv")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    done = rocketctl(where, "export", "bakcup")
    assert (done.returncode, done.stdout) == (4, "")
    assert "did you mean backup?" in done.stderr


def test_what_is_exported_has_the_columns_that_a_run_has(where: Path) -> None:
    record(where, NOW - HOUR, 1, Action.SUCCESS)
    assert tuple(key for key in json.loads(rocketctl(where, "export").stdout) if key != "begun") == COLUMNS


def test_an_export_ends_when_its_reader_leaves(where: Path) -> None:
    store = SqliteStore(where / "state")
    store.write([Started(run_at(NOW - HOUR + number, number)) for number in range(1, 5001)])
    store.close()
    with subprocess.Popen(command(where, "export"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as exporting:
        assert exporting.stdout is not None
        assert exporting.stderr is not None
        exporting.stdout.readline()
        exporting.stdout.close()
        assert (exporting.wait(), exporting.stderr.read()) == (0, b"")


KEEP = '[store]\nkeep = "2 days"\n'


def test_what_keep_would_drop_is_pruned_where_no_daemon_runs(where: Path) -> None:
    (where / "etc" / "rocketd.toml").write_text(KEEP)
    for number in range(1, 4):
        record(where, NOW - 3 * DAY + number, number, Action.SUCCESS)
    told = json.loads(rocketctl(where, "prune", "--dry-run", "--json").stdout)
    assert (told["records"], told["dry_run"]) == (4, True)
    assert "4 records older than " in rocketctl(where, "prune", "--dry-run").stdout
    assert len(json.loads(rocketctl(where, "history", "--json").stdout)) == 3
    assert rocketctl(where, "prune").stdout.startswith("Deleted ")
    (left,) = json.loads(rocketctl(where, "history", "--json").stdout)
    assert left["number"] == 3
    assert rocketctl(where, "prune").stdout.startswith("Nothing to delete before ")


def test_records_that_keep_would_keep_are_pruned_by_their_age_if_that_is_wanted(where: Path) -> None:
    (where / "etc" / "rocketd.toml").write_text('[store]\nkeep = "infinity"\n')
    for number in range(1, 4):
        record(where, NOW - 2 * HOUR + number, number, Action.SUCCESS)
    done = rocketctl(where, "prune")
    assert (done.returncode, done.stdout) == (1, "")
    assert 'keep = "infinity" in [store]' in done.stderr
    assert json.loads(rocketctl(where, "prune", "--before", "1h ago", "--json").stdout)["records"] == 4


def test_nothing_is_pruned_while_another_holds_the_lock(where: Path) -> None:
    for number in range(1, 4):
        record(where, NOW - 3 * HOUR + number, number, Action.SUCCESS)
    with StateLock(where / "state"):
        done = rocketctl(where, "prune", "--before", "1h ago")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"another rocketd (PID {os.getpid()}) holds the state directory" in done.stderr
    assert len(json.loads(rocketctl(where, "history", "--json").stdout)) == 3


def test_nothing_is_pruned_while_task_files_have_errors(where: Path) -> None:
    """Conditions that cannot be read may need what is recorded."""
    for number in range(1, 4):
        record(where, NOW - 3 * HOUR + number, number, Action.SUCCESS)
    (where / "etc" / "bad.toml").write_text("this is no TOML")
    done = rocketctl(where, "prune", "--before", "1h ago")
    assert (done.returncode, done.stdout) == (1, "")
    assert "task files have errors" in done.stderr


def test_a_state_directory_that_is_a_file_is_told(where: Path) -> None:
    (where / "state").rmdir()
    (where / "state").write_text("")
    done = rocketctl(where, "list")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"rocketctl: {where}/state is not a directory" in done.stderr
    assert "hint: move it away, or give another --state-dir" in done.stderr


def test_the_beginning_that_several_run_ids_have_is_no_name(where: Path) -> None:
    record(where, NOW - HOUR, 1, Action.SUCCESS)
    record(where, NOW - HOUR + 1, 2, Action.FAIL)
    run_id = json.loads(rocketctl(where, "show", "backup/1", "--json").stdout)["run_id"]
    done = rocketctl(where, "show", run_id[:8])
    assert (done.returncode, done.stdout) == (1, "")
    assert f"several run ids begin with '{run_id[:8]}'" in done.stderr
    assert "hint: name one: backup/2, backup/1" in done.stderr
    assert json.loads(rocketctl(where, "show", run_id, "--json").stdout)["number"] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give its rights away")
def test_who_may_not_read_the_store_is_exit_5(where: Path) -> None:
    record(where, NOW - HOUR, 1, Action.SUCCESS)
    (where / "state").chmod(0o700)
    os.chown(where / "state", 65534, 65534)
    words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command(where, "history")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (5, "")


def test_check_finds_every_problem_and_fails_for_errors_only(where: Path) -> None:
    (where / "etc" / "bad.toml").write_text('[task.bad]\ncomand = ["/bin/true"]\nwhen = "dialy"\n')
    done = rocketctl(where, "check")
    assert done.returncode == 1
    assert f"{where}/etc/bad.toml:3:9: error: task 'bad': " in done.stdout
    assert "hint: did you mean command?" in done.stdout
    assert done.stdout.endswith("2 tasks, 2 errors\n")
    told = json.loads(rocketctl(where, "check", "--json").stdout)
    keys = {"file", "line", "column", "task", "severity", "message", "hint", "source_line", "width", "source_column"}
    assert [set(one) for one in told] == [keys] * 2


def test_check_of_warnings_alone_is_good(where: Path) -> None:
    (where / "etc" / "tasks.toml").write_text('[task.a]\ncommand = ["/no/such/program"]\nwhen = "daily"\n')
    done = rocketctl(where, "check")
    assert done.returncode == 0
    assert ": warning: " in done.stdout


def test_check_of_a_file_knows_the_tasks_that_are_in_place(where: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.toml"
    new.write_text('[task.after]\ncommand = ["/bin/true"]\nwhen = "after_success(\'backup\')"\n')
    assert rocketctl(where, "check", str(new)).returncode == 0
    new.write_text('[task.after]\ncommand = ["/bin/true"]\nwhen = "after_success(\'nobody\')"\n')
    assert rocketctl(where, "check", str(new)).returncode == 1


JOURNALCTL = """#!/bin/sh
echo "$@"
"""


def log_without_run(where: Path, prepared: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Call `rocketctl log` where /run is ours, and journalctl(1) says how it was called."""
    (where / "bin").mkdir()
    (where / "bin" / "journalctl").write_text(JOURNALCTL)
    (where / "bin" / "journalctl").chmod(0o755)
    environment = {**os.environ, "PATH": f"{where / 'bin'}:{os.environ['PATH']}"}
    script = f'mount -t tmpfs none /run && {prepared} && exec "$@"'
    called = ["unshare", "--mount", "sh", "-c", script, "sh", *command(where, "log", *words)]
    return subprocess.run(called, capture_output=True, text=True, check=False, env=environment)


NO_JOURNAL = "true"
A_JOURNAL = "mkdir -p /run/systemd/journal && touch /run/systemd/journal/socket"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


@needs_root
def test_log_is_what_the_record_keeps_where_there_is_no_journal(where: Path) -> None:
    record(where, NOW - HOUR, 1, Action.FAIL)
    done = log_without_run(where, NO_JOURNAL, "backup")
    assert (done.returncode, done.stdout) == (0, "oops\n")


@needs_root
def test_log_cannot_follow_without_a_journal_and_without_a_daemon(where: Path) -> None:
    done = log_without_run(where, NO_JOURNAL, "backup", "--follow")
    assert (done.returncode, done.stdout) == (3, "")
    assert "no daemon is running" in done.stderr


@needs_root
def test_log_cannot_tell_the_streams_apart_where_there_is_no_journal(where: Path) -> None:
    record(where, NOW - HOUR, 1, Action.FAIL)
    done = log_without_run(where, NO_JOURNAL, "backup", "--stderr")
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not separate the streams" in done.stderr


@needs_root
def test_log_of_standard_error_alone(where: Path) -> None:
    done = log_without_run(where, A_JOURNAL, "backup", "--stderr")
    matches = ["ROCKETD_TASK=backup", "SYSLOG_IDENTIFIER=backup", "ROCKETD_STREAM=stderr"]
    assert done.stdout.split() == ["--quiet", *matches]


@needs_root
def test_log_is_the_journals_where_there_is_one(where: Path) -> None:
    done = log_without_run(where, A_JOURNAL, "backup", "-f", "--no-pager")
    assert done.stdout.split() == [
        "--quiet",
        "--follow",
        "--no-pager",
        "ROCKETD_TASK=backup",
        "SYSLOG_IDENTIFIER=backup",
        "ROCKETD_STREAM=stdout",
        "ROCKETD_STREAM=stderr",
    ]


@needs_root
def test_log_of_a_run_is_found_by_its_id(where: Path) -> None:
    record(where, NOW - HOUR, 1, Action.FAIL)
    run_id = json.loads(rocketctl(where, "show", "backup/1", "--json").stdout)["run_id"]
    assert f"ROCKETD_RUN_ID={run_id}" in log_without_run(where, A_JOURNAL, "backup/1").stdout
