"""Verbs about several tasks, and the filters of the list, beside a real daemon."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon_process import Daemon

TASKS = """
[task.db-one]
command = ["/bin/true"]
tags = ["db"]
[task.db-two]
command = ["/bin/false"]
tags = ["db", "night"]
[task.sleeper]
command = ["sleep", "1000"]
[task.web]
command = ["/bin/true"]
when = "cron('0 0 1 1 *')"
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as made:
        made.write("tasks.toml", TASKS)
        made.write("wrong.toml", "[task.lost]\ncommand = ['/bin/true']\nwhen = 'corn'\n")
        made.start()
        yield made


def rocketctl(daemon: Daemon, *words: str, answer: str | None = None) -> subprocess.CompletedProcess[str]:
    places = [f"--runtime-dir={daemon.runtime}", f"--state-dir={daemon.state}", f"--config-dir={daemon.config}"]
    ours, theirs = pty.openpty()
    try:
        os.write(ours, (answer or "").encode())
        return subprocess.run(
            [sys.executable, "-m", "rocketd.cli.rocketctl", *places, *words],
            stdin=subprocess.DEVNULL if answer is None else theirs,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)


def listed(daemon: Daemon, *words: str) -> list[str]:
    return sorted(one["task"] for one in json.loads(rocketctl(daemon, "list", *words, "--json").stdout))


def test_several_tasks_are_paused_and_resumed(daemon: Daemon) -> None:
    assert rocketctl(daemon, "pause", "db-*").returncode == 1  # nobody is there to answer
    assert listed(daemon, "--paused") == []
    assert rocketctl(daemon, "pause", "db-*", answer="n\n").returncode == 1
    assert listed(daemon, "--paused") == []
    done = rocketctl(daemon, "pause", "db-*", "web", answer="y\n")
    assert (done.returncode, done.stdout) == (0, "Paused db-one.\nPaused db-two.\nPaused web.\n")
    assert listed(daemon, "--paused") == ["db-one", "db-two", "web"]
    answer = json.loads(rocketctl(daemon, "resume", "tag:db", "--yes", "--json").stdout)
    assert [one["task"] for one in answer] == ["db-one", "db-two"]
    assert rocketctl(daemon, "pause", "--all", "--until", "in 1h", "--yes").returncode == 0
    assert listed(daemon, "--paused") == ["db-one", "db-two", "sleeper", "web"]
    assert rocketctl(daemon, "resume", "--all", "--yes").returncode == 0
    assert "no task that is meant is paused" in rocketctl(daemon, "resume", "--all").stderr


def test_an_error_about_one_does_not_keep_the_others_from_it(daemon: Daemon) -> None:
    done = rocketctl(daemon, "run", "db-one", "nothing", "db-two", "--yes", "--wait")
    assert done.returncode == 4
    assert "no task 'nothing'" in done.stderr
    assert "db-two/1: fail" in done.stderr
    assert listed(daemon, "--failed") == ["db-two"]
    assert listed(daemon, "db-*", "--tag", "night") == ["db-two"]
    assert listed(daemon, "--file", "tasks.toml") == ["db-one", "db-two", "sleeper", "web"]


def test_every_active_run_is_stopped(daemon: Daemon) -> None:
    assert rocketctl(daemon, "run", "sleeper").returncode == 0
    assert listed(daemon, "--running") == ["sleeper"]
    done = rocketctl(daemon, "stop", "--all", "--wait")  # one alone needs no question
    assert (done.returncode, done.stdout) == (0, "Stopped sleeper/1.\n")


@pytest.mark.parametrize("words", [["list", "lost"], ["list", "wbe"], ["list", "x*"], ["pause", "x*"]])
def test_a_name_or_pattern_without_a_task_is_an_error(daemon: Daemon, words: list[str]) -> None:
    done = rocketctl(daemon, *words)
    assert done.returncode == 4
    if words[1] == "lost":
        assert "wrong.toml" in done.stderr


def test_tasks_that_are_missing_are_listed(daemon: Daemon) -> None:
    done = rocketctl(daemon, "list", "--missing")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["TASK", "lost"]
    assert json.loads(rocketctl(daemon, "list", "--missing", "--json").stdout)[0]["tasks"] == ["lost"]


@pytest.mark.parametrize("words", [["pause"], ["stop", "a", "--all"], ["run"], ["list", "--sort", "size"]])
def test_a_command_line_that_is_not_clear(daemon: Daemon, words: list[str]) -> None:
    assert rocketctl(daemon, *words).returncode == 2
