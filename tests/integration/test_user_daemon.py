"""`rocketd --user` and `rocketctl --user`: directories of their own, and nothing of the system's daemon."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


class UserDaemon:
    """The daemon of a user whose home is elsewhere."""

    def __init__(self, place: Path) -> None:
        self.home, self.runtime = place / "home", place / "run"
        self.home.mkdir()
        self.runtime.mkdir(mode=0o700)
        left_out = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "NOTIFY_SOCKET")
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        self.environment = {**kept, "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.runtime), "EDITOR": "true"}
        for name in ("SUDO_EDITOR", "VISUAL"):
            self.environment.pop(name, None)
        command = [sys.executable, "-m", "rocketd", "--user", "--log-target=console"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:  # ends with the process, if it does not start
            if b"is ready" in line:
                break

    def rocketctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rocketd.cli.rocketctl", "--user", *words]
        return subprocess.run(command, capture_output=True, text=True, env=self.environment, check=False, timeout=60)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[UserDaemon]:
    made = UserDaemon(tmp_path)
    try:
        yield made
    finally:
        made.process.send_signal(signal.SIGTERM)
        made.process.communicate(timeout=60)


def test_a_user_has_tasks_of_his_own(daemon: UserDaemon) -> None:
    done = daemon.rocketctl("new", "backup", "--yes")
    assert done.returncode == 0, done.stderr
    assert (daemon.home / ".config/rocketd/backup.toml").is_file()
    done = daemon.rocketctl("run", "backup", "--wait")
    assert done.returncode in (0, 1), done.stderr  # it may run already: its window is open
    (task,) = json.loads(daemon.rocketctl("list", "--json").stdout)
    assert task["task"] == "backup"
    status = json.loads(daemon.rocketctl("status", "--json").stdout)
    assert status["store"] == str(daemon.home / ".local/state/rocketd/rocketd.db")
    assert status["directories"] == [str(daemon.home / ".config/rocketd")]
    assert (daemon.runtime / "rocketd/control.sock").is_socket()
    assert (daemon.home / ".local/state/rocketd").stat().st_mode & 0o077 == 0


def test_a_task_for_somebody_else_is_refused_before_it_is_installed(daemon: UserDaemon, tmp_path: Path) -> None:
    if os.getuid() == 0:
        pytest.skip("root may run tasks as anybody")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho \'user = "root"\' >> "$1"\n')
    editor.chmod(0o755)
    daemon.environment["EDITOR"] = str(editor)
    assert daemon.rocketctl("new", "other", "--yes").returncode != 0
    assert not (daemon.home / ".config/rocketd/other.toml").exists()


def test_without_a_login_there_is_a_sentence() -> None:
    if Path(f"/run/user/{os.getuid()}").is_dir():
        pytest.skip("there is a login")
    environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    for module in ("rocketd", "rocketd.cli.rocketctl"):
        command = [sys.executable, "-m", module, "--user", *(["list"] if "rocketctl" in module else [])]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
        assert done.returncode == 2
        assert "enable-linger" in done.stderr
