"""A lease on a file of the configuration: who holds one makes every open wait, up to 45 s (fcntl(2), F_SETLEASE)."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.daemon_process import Daemon

GOOD = '[task.good]\ncommand = ["/bin/true"]\nwhen = "every(\'200 ms\')"\n'
OTHER = '[task.other]\ncommand = ["/bin/true"]\nwhen = "daily"\n'
HOLDER = """
import fcntl, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = open(sys.argv[1])
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def leased(path: Path) -> Iterator[None]:
    """Let another process hold a lease that it does not give up when it is asked to."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            yield
        finally:
            holder.kill()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "4000000"}) as made:
        made.write("good.toml", GOOD)
        yield made


def goes_on(daemon: Daemon) -> None:
    daemon.until_line("good succeeded", sum("good succeeded" in line for line in daemon.lines) + 3)


@pytest.mark.parametrize("name", ["other.toml", "rocketd.toml"])
def test_a_leased_file_at_start_holds_up_no_other_task_for_long(daemon: Daemon, name: str) -> None:
    daemon.write(name, OTHER if name == "other.toml" else "")
    with leased(daemon.config / name):
        daemon.start()
        if name == "other.toml":
            goes_on(daemon)
        assert daemon.stop() == 0


def test_a_leased_file_is_read_once_it_is_free(daemon: Daemon) -> None:
    daemon.start()
    goes_on(daemon)
    daemon.write("other.toml", OTHER)
    with leased(daemon.config / "other.toml"):
        daemon.signal(signal.SIGHUP)
        goes_on(daemon)
        goes_on(daemon)
    daemon.until_line("other succeeded")
    goes_on(daemon)
    assert daemon.stop() == 0


def test_a_stop_does_not_wait_for_a_leased_file(daemon: Daemon) -> None:
    daemon.start()
    goes_on(daemon)
    daemon.write("other.toml", OTHER)
    with leased(daemon.config / "other.toml"):
        daemon.signal(signal.SIGHUP)
        goes_on(daemon)
        assert daemon.stop() == 0
