"""`rocketctl log --follow` of a run where there is no journal: what it has printed and prints, each line once."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from rocketd.cli.backend.http_client import Client
from support.daemon_process import Daemon

TASK = """
[task.lines]
command = '''
    echo "the first line"
    while read -r line; do echo "$line"; done <>"$PIPE"
'''
shell = true
when = "never"
environment = { PIPE = "@PIPE@" }
"""
LIMIT = 60

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a /run without a journal of its own needs root")


def follow(daemon: Daemon, what: str) -> subprocess.Popen[bytes]:
    rocketctl = [sys.executable, "-m", "rocketd.cli.rocketctl", f"--runtime-dir={daemon.runtime}", "log", "-f", what]
    script = 'mount -t tmpfs none /run && exec "$@"'
    return subprocess.Popen(["unshare", "--mount", "sh", "-c", script, "sh", *rocketctl], stdout=subprocess.PIPE)


def read_until(process: subprocess.Popen[bytes], text: bytes) -> bytes:
    assert process.stdout is not None
    said = b""
    while text not in said:
        assert select.select([process.stdout], [], [], LIMIT)[0], said
        part = os.read(process.stdout.fileno(), 4096)
        assert part, said
        said += part
    return said


@pytest.mark.parametrize(("what", "ends"), [("lines/1", True), ("lines", False)])
def test_each_line_comes_once(tmp_path: Path, what: str, *, ends: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with Daemon(tmp_path) as daemon:
        daemon.write("tasks.toml", TASK.replace("@PIPE@", str(pipe)))
        daemon.start()
        client = Client(str(daemon.runtime / "control.sock"))
        client.post("/v1/tasks/lines/run")
        daemon.until_line("lines | the first line")
        following = follow(daemon, what)
        said = read_until(following, b"the first line\n")
        with pipe.open("w") as lines:
            lines.write("the second line\n")
        said += read_until(following, b"the second line\n")
        client.post("/v1/runs/lines/1/stop")
        if not ends:  # it waits for the next run
            following.terminate()
        rest, _ = following.communicate(timeout=LIMIT)
        assert said + rest == b"the first line\nthe second line\n"
        assert not ends or following.returncode == 0
        daemon.stop_at_once()


@pytest.mark.parametrize("what", ["lines/7", "nobody"])
def test_what_is_not_there_is_said(tmp_path: Path, what: str) -> None:
    (tmp_path / "pipe").touch()
    with Daemon(tmp_path) as daemon:
        daemon.write("tasks.toml", TASK.replace("@PIPE@", str(tmp_path / "pipe")))
        daemon.start()
        following = follow(daemon, what)
        assert following.communicate(timeout=LIMIT)[0] == b""
        assert following.returncode == 4
        daemon.stop_at_once()
