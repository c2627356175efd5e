"""The real daemon and an engine: what is handed off goes on when the daemon stops, and its end is recorded later."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon_process import Daemon
from support.engines.job_directory import JobDirectory


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[JobDirectory]:
    os.mkfifo(tmp_path / "end")
    made = JobDirectory(tmp_path)
    yield made
    made.close()


@pytest.fixture
def daemon(tmp_path: Path, jobs: JobDirectory) -> Iterator[Daemon]:
    with Daemon(tmp_path) as made:
        settings = "\n".join(jobs.settings)
        command = f'["/bin/sh", "-c", "echo begun; read line <{tmp_path / "end"}; exit 3"]'
        made.write("tasks.toml", f"[task.far]\ncommand = {command}\n{settings}\n")
        made.start()
        yield made


def rocketctl(daemon: Daemon, *words: str) -> str:
    places = [f"--runtime-dir={daemon.runtime}", f"--state-dir={daemon.state}", f"--config-dir={daemon.config}"]
    program = [sys.executable, "-m", "rocketd.cli.rocketctl", *places, *words]
    return subprocess.run(program, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_stop_of_the_daemon_leaves_the_job_to_the_next(daemon: Daemon, jobs: JobDirectory, tmp_path: Path) -> None:
    rocketctl(daemon, "run", "far")
    daemon.until_line("begun")
    assert "engine: commands" in rocketctl(daemon, "show", "far")
    assert daemon.stop() == 0
    daemon.start()
    (tmp_path / "end").write_text("now\n")
    daemon.until_line("far failed")
    (run,) = daemon.runs("far")
    assert run.end is not None
    assert (run.end.exit_code, run.end.output) == (3, "begun\n")
    assert len(jobs.lines("begun")) == 1


def test_an_operator_stops_the_job(daemon: Daemon) -> None:
    rocketctl(daemon, "run", "far")
    daemon.until_line("begun")
    rocketctl(daemon, "stop", "far")
    daemon.until_line("far was stopped by an operator")
    (run,) = daemon.runs("far")
    assert run.end is not None
    assert (run.action, run.end.cause) == ("terminate", "operator")
