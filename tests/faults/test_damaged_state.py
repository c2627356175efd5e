"""State that somebody damaged while the daemon was down: it starts, says what is wrong, and nothing runs twice."""

import os
import shutil
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
        ("UPDATE log SET reason = CAST(x'ff' AS TEXT) WHERE task_name = 'day'", "not UTF-8"),
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


@pytest.mark.parametrize("place", ["lib/store.json", "lib/spool.jsonl", "lib/lock", "run/boot-id", "run/boot-id.part"])
def test_a_pipe_in_the_place_of_a_file_holds_nothing_up(daemon: Daemon, place: str) -> None:
    path = daemon.directory / place
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    daemon.start()
    daemon.until_line("often succeeded", 1)
    assert daemon.stop() == 0
    check_that_nothing_ran_twice(daemon)


def overwrite(daemon: Daemon, page: int) -> None:
    with (daemon.state / FILE_NAME).open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(4096))


@pytest.mark.parametrize("page", [2, 3, 5, 8, 11, 14])
def test_a_lost_page_is_told_and_tasks_run(daemon: Daemon, page: int) -> None:
    overwrite(daemon, page)
    daemon.start()
    daemon.until_line("often succeeded", 2)
    daemon.until_notice("was damaged")
    assert not any("0 problems" in line or "Traceback" in line for line in daemon.lines)
    assert "was damaged" in rocketctl(daemon, "status").stdout
    assert daemon.stop() == 0
    check_that_nothing_ran_twice(daemon)
    daemon.lines.clear()
    daemon.start()
    assert any("0 problems" in line for line in daemon.lines)


def test_where_nothing_can_be_read_it_does_not_start_and_says_what_to_do(daemon: Daemon) -> None:
    overwrite(daemon, 1)
    assert daemon.spawn().wait() == 4
    assert "is damaged" in daemon.lines[0]
    assert daemon.lines[1].startswith("hint: ")
    assert len(daemon.lines) == 2
    for verb in ("history", "show day", "why day", "list", "export"):
        done = rocketctl(daemon, *verb.split())
        assert done.returncode == 1, verb
        assert "is damaged" in done.stderr, verb
        assert "Traceback" not in done.stderr, verb


def test_a_backup_that_was_put_beside_an_old_log_is_told_and_numbers_go_on(daemon: Daemon, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    shutil.copy(daemon.state / FILE_NAME, backup)
    with closing(sqlite3.connect(daemon.state / FILE_NAME)) as database:  # as much as a longer life would
        database.execute("PRAGMA wal_autocheckpoint = 0")
        for number in range(1000, 3000):
            database.execute(
                "INSERT INTO log (created, task_name, action, number, run_id) VALUES (?, 'often', 'run', ?, ?)",
                (number, number, f"id-{number}"),
            )
        database.commit()
        database.execute("PRAGMA wal_checkpoint(RESTART)")
        database.execute("UPDATE task_state SET next_number = 3000 WHERE name = 'often'")
        database.execute("UPDATE log SET created = created + 1 WHERE number = 2500")
        database.commit()
        shutil.copy(daemon.state / f"{FILE_NAME}-wal", tmp_path / "wal")
    shutil.copy(backup, daemon.state / FILE_NAME)
    shutil.copy(tmp_path / "wal", daemon.state / f"{FILE_NAME}-wal")
    daemon.start()
    daemon.until_line("often succeeded", 2)
    daemon.until_notice("belonged to another copy")
    assert not any("0 problems" in line for line in daemon.lines)
    assert daemon.stop() == 0
    assert max(number for number, _, _ in daemon.history("often")) >= 3000
    check_that_nothing_ran_twice(daemon)
