"""State that somebody damaged while the daemon was down: it starts, says what is wrong, and nothing runs twice."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rocketd.store.rejected_lines import FILE_NAME as ASIDE
from rocketd.store.spool_file import FILE_NAME as SPOOL
from rocketd.store.sqlite.schema import FILE_NAME
from support.daemon_process import Daemon
from support.run_ledger import NOTE, ledger

TASKS = """
[task.often]
command = "{note}"
shell = true
when = "every('200 ms')"
restart_delay = "1 ms"

[task.day]
command = "{note}"
shell = true
when = "daily"
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """One that has run both tasks, and was stopped."""
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "400000"}) as made:
        made.write("tasks.toml", TASKS.format(note=NOTE % tmp_path))
        made.start()
        made.until_line("day succeeded")
        made.until_line("often succeeded", 2)
        assert made.stop() == 0
        made.lines.clear()
        made.notices.clear()
        yield made


def check_that_nothing_ran_twice(daemon: Daemon) -> None:
    begun = ledger(daemon.directory)
    keys = [(one.task, one.number) for one in begun]
    assert len(set(keys)) == len(keys)
    assert [one.number for one in begun if one.task == "day"] == [1]


def test_a_foreign_line_in_the_spool_is_told_at_every_start_and_tasks_run(daemon: Daemon) -> None:
    (daemon.state / SPOOL).write_text('[{"kind":"Bogus"}]\n')
    for _ in range(2):
        daemon.start()
        daemon.until_line("often succeeded", 2)
        assert any(str(daemon.state / ASIDE) in line for line in daemon.lines)
        assert not any("0 problems" in line for line in daemon.lines)
        daemon.until_notice(str(daemon.state / ASIDE))
        assert daemon.stop() == 0
        daemon.lines.clear()
        daemon.notices.clear()
    (daemon.state / ASIDE).unlink()
    daemon.start()
    daemon.until_line("often succeeded")
    assert any("0 problems" in line for line in daemon.lines)
    assert daemon.stop() == 0
    check_that_nothing_ran_twice(daemon)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE log SET \"trigger\" = 'sc`edule' WHERE task_name = 'day'", "'sc`edule' in trigger"),
        ("UPDATE log SET action = 'sucbess' WHERE task_name = 'day' AND action = 'success'", "'sucbess' in action"),
        ("UPDATE log SET reason = CAST(x'ff' AS TEXT) WHERE task_name = 'day'", "no UTF-8"),
        ("UPDATE log SET created = 'now' WHERE task_name = 'day'", "'now' in created"),
        ("UPDATE task_state SET next_number = 'x', armed_at = -9e300", "in next_number"),
        ("UPDATE task_state SET next_number = 1", "is recorded"),
        ("DELETE FROM task_state", "task_state lacked day"),
    ],
)
def test_a_wrong_word_in_a_row_is_told_with_its_place_and_tasks_run(daemon: Daemon, sql: str, told: str) -> None:
    with closing(sqlite3.connect(daemon.state / FILE_NAME)) as database, database:
        database.execute(sql)
    offline = rocketctl(daemon, "history")
    assert offline.returncode == 0
    assert "Traceback" not in offline.stderr
    daemon.start()
    daemon.until_line("often succeeded", 2)
    assert any(told in line for line in daemon.lines)
    assert not any("0 problems" in line for line in daemon.lines)
    assert told in rocketctl(daemon, "status").stdout
    assert daemon.stop() == 0
    check_that_nothing_ran_twice(daemon)


def rocketctl(daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess[str]:
    directories = f"--config-dir={daemon.config}", f"--state-dir={daemon.state}", f"--runtime-dir={daemon.runtime}"
    command = (sys.executable, "-m", "rocketd.cli.rocketctl", *arguments, *directories)
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("text", ["", "{", '{"url": 3, "repo": ""}', "\0\0\0\0"])
def test_where_records_went_last_is_moved_aside_if_it_cannot_be_read(daemon: Daemon, text: str) -> None:
    (daemon.state / "store.json").write_text(text)
    daemon.start()
    daemon.until_line("often succeeded", 1)
    assert any("store.json is damaged" in line for line in daemon.lines)
    assert (daemon.state / "store.json.damaged-1").read_text() == text
    assert daemon.stop() == 0
    check_that_nothing_ran_twice(daemon)
