"""Tasks that are overdue and runs that are slow, on a real daemon: told once, in the journal and to hooks."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.cli.backend.http_client import Client
from rocketd.cli.json_fields import objects
from support.daemon_process import Daemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path, "--log-level=debug") as made:
        yield made


def test_a_task_without_a_success_is_told_once_also_after_a_restart(daemon: Daemon) -> None:
    hook = "on_overdue = 'echo since $ROCKETD_SINCE: $ROCKETD_MAX_AGE'"
    daemon.write("a.toml", f'[task.backup]\ncommand = ["/bin/true"]\nmax_age = "1 s"\n{hook}\n')
    daemon.start()
    daemon.until_line("(max_age is 1s), since")  # for how long by then depends on how busy the host is
    daemon.until_line("its on_overdue hook succeeded")
    (task,) = objects(Client(str(daemon.runtime / "control.sock")).get("/v1/tasks"))
    assert task["overdue_at"]
    assert daemon.stop() == 0
    daemon.start()
    Client(str(daemon.runtime / "control.sock")).post("/v1/tasks/backup/run", {})
    daemon.until_line("backup succeeded")
    daemon.until_line("backup is overdue", 2)  # which is of this success
    daemon.until_line("its on_overdue hook succeeded", 2)
    assert daemon.stop() == 0
    assert sum("backup is overdue" in line for line in daemon.lines) == 2


def test_the_list_of_overdue_tasks_has_no_others(daemon: Daemon) -> None:
    tasks = (("late", "1 s"), ("young", "1 h"))
    daemon.write("a.toml", "".join(f'[task.{name}]\ncommand = ["true"]\nmax_age = "{age}"\n' for name, age in tasks))
    daemon.start()
    daemon.until_line("late is overdue")
    command = [sys.executable, "-m", "rocketd.cli.rocketctl", f"--runtime-dir={daemon.runtime}", "list", "--overdue"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "late" in listed
    assert "young" not in listed


def test_a_run_that_takes_too_long_is_told_once_and_goes_on(daemon: Daemon) -> None:
    hook = "on_slow = 'echo $ROCKETD_NUMBER is slow'"
    daemon.write("a.toml", f'[task.backup]\ncommand = ["/bin/sleep", "1000"]\nslow_after = "200 ms"\n{hook}\n')
    daemon.start()
    Client(str(daemon.runtime / "control.sock")).post("/v1/tasks/backup/run", {})
    daemon.until_line("backup is slow: run 1 takes longer than 200ms")
    daemon.until_line("on_slow: 1 is slow")
    assert daemon.history("backup") == [(1, 1, "run")]
    assert daemon.stop_at_once() == 0


def test_the_usual_runtime_is_read_from_the_log(daemon: Daemon) -> None:
    """The fourth run, after a restart, takes longer than three times as long as the first ones."""
    task = '[task.backup]\nshell = true\ncommand = "test -e slow && exec sleep 1000; true"\nslow_after = "3x"\n'
    daemon.write("a.toml", f'{task}directory = "{daemon.directory}"\n')
    daemon.start()
    for times in (1, 2, 3):
        Client(str(daemon.runtime / "control.sock")).post("/v1/tasks/backup/run", {})
        daemon.until_line("backup succeeded", times)
    assert daemon.stop() == 0
    (daemon.directory / "slow").touch()
    daemon.start()
    Client(str(daemon.runtime / "control.sock")).post("/v1/tasks/backup/run", {})
    daemon.until_line("backup is slow: run 4 takes longer than")
    assert any(", usually" in line for line in daemon.lines)
    assert daemon.stop_at_once() == 0
