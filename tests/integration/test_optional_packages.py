"""Without the packages of an extra, what does not need them works, and what does says what to install."""

import subprocess
import sys
from pathlib import Path

from support.daemon_process import Daemon

WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"dbus_fast", "prometheus_client", "redmail", "systemd", "urllib3"}:
            raise ImportError(f"No module named {name!r}")

sys.meta_path.insert(0, Missing())
"""
"""What a `sitecustomize` of that text leaves out, as if it were not installed."""
APPLICATION = """
from rocketd import Rocketd
app = Rocketd(config={"execution": "main"})

@app.task("every 1 second")
def hello():
    print("hello")
    app.session.shut_down()

app.run()
"""
TASK = "[task.once]\ncommand = ['/bin/true']\nwhen = 'daily'\n"


def python_without(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (directory / "sitecustomize.py").write_text(WITHOUT)
    command = [sys.executable, *arguments]
    environment = {"PYTHONPATH": str(directory), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_an_application_needs_no_extra(tmp_path: Path) -> None:
    done = python_without(tmp_path, "-c", APPLICATION)
    assert (done.stdout, done.stderr, done.returncode) == ("hello\n", "", 0)


def test_a_daemon_that_logs_to_the_console_needs_no_extra(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    with Daemon(tmp_path, environment={"PYTHONPATH": str(tmp_path)}) as daemon:
        daemon.write("once.toml", TASK)
        daemon.start()
        daemon.until_line("once succeeded")
        assert daemon.stop() == 0


def test_the_journal_says_what_it_needs(tmp_path: Path) -> None:
    where = (f"--{name}-dir={tmp_path / name}" for name in ("config", "state", "runtime"))
    done = python_without(tmp_path, "-m", "rocketd", "--log-target=journal", *where)
    assert done.returncode == 1
    assert "the journal needs systemd-python" in done.stderr
    assert "pip install 'rocketd[systemd]'" in done.stderr
