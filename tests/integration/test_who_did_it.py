"""Who ran, stopped, paused, resumed and reloaded: the name and the uid, in the record or in the journal."""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon_process import Daemon

ME = f"{pwd.getpwuid(os.getuid()).pw_name} (uid {os.getuid()})"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as made:
        made.write("tasks.toml", '[task.sleeper]\ncommand = ["sleep", "1000"]\n')
        made.start()
        yield made


def rocketctl(daemon: Daemon, *words: str) -> str:
    places = [f"--runtime-dir={daemon.runtime}", f"--state-dir={daemon.state}", f"--config-dir={daemon.config}"]
    command = [sys.executable, "-m", "rocketd.cli.rocketctl", *places, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_every_act_is_told_with_its_author(daemon: Daemon) -> None:
    rocketctl(daemon, "run", "sleeper")
    assert json.loads(rocketctl(daemon, "show", "sleeper/1", "--json"))["reason"] == f"by hand, {ME}"
    rocketctl(daemon, "stop", "sleeper")
    daemon.until_line(f"sleeper/1 is being stopped by {ME}")
    rocketctl(daemon, "pause", "sleeper")
    assert json.loads(rocketctl(daemon, "show", "sleeper", "--json"))["paused_by"] == ME
    rocketctl(daemon, "resume", "sleeper")
    daemon.until_line(f"sleeper was resumed by {ME}")
    rocketctl(daemon, "reload")
    daemon.until_line(f"{ME} has the task files read again")
