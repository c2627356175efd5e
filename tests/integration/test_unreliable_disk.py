"""Handlers of [logging] and the store itself on a file server that does not answer: told, and no stop waits for it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon_process import Daemon
from support.task_files import root_only
from support.unreliable_host import FileServer, file_server

pytestmark = root_only

GOOD = '[task.good]\ncommand = ["/bin/true"]\nwhen = "every(\'200 ms\')"\n'
MODULE = '''
"""A handler of somebody's, with a thread that never ends."""
import logging
import threading

class Threaded(logging.Handler):
    def __init__(self):
        super().__init__()
        threading.Thread(target=threading.Event().wait, daemon=False).start()

    def emit(self, record):
        pass
'''


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    with file_server(tmp_path / "files", tmp_path / "server") as made:
        yield made


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    (tmp_path / "ours.py").write_text(MODULE)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with Daemon(tmp_path, environment={"PYTHONPATH": path, "WATCHDOG_USEC": "4000000"}) as made:
        made.write("good.toml", GOOD)
        # A server may hold a child before its program begins: such a run is given up 30 s after KILL.
        made.timeout = 90.0
        yield made


def to_file(path: Path) -> str:
    return f"""
[logging.handlers.file]
class = "logging.handlers.WatchedFileHandler"
filename = "{path}"
[logging.loggers.rocketd]
level = "INFO"
handlers = ["file"]
"""


def goes_on(daemon: Daemon) -> None:
    """Wait until the good task has run three times more."""
    seen = sum("good succeeded" in line for line in daemon.lines)
    daemon.until_line("good succeeded", seen + 3)


def reload(daemon: Daemon) -> None:
    """Have the files read again, and wait until that is done."""
    seen = sum("reloaded:" in line for line in daemon.lines)
    daemon.signal(signal.SIGHUP)
    daemon.until_line("reloaded:", seen + 1)


def test_a_handler_that_hangs_at_start_is_told_and_gets_its_records_later(daemon: Daemon, server: FileServer) -> None:
    daemon.write("rocketd.toml", to_file(server.place / "log"))
    server.hang()
    daemon.start()
    daemon.until_line(f"rocketd.toml:2:10: error: setting up logging hangs, perhaps on {server.place}/log")
    daemon.until_notice("1 problem in task files")
    goes_on(daemon)
    reload(daemon)
    goes_on(daemon)
    server.answer()
    daemon.until_line("the host has changed")
    goes_on(daemon)
    assert daemon.stop() == 0
    told = (server.place / "log").read_text()
    assert "is ready" in told
    assert told.count("good succeeded") >= 9


def test_a_handler_that_hangs_at_start_keeps_nobody_from_stopping(daemon: Daemon, server: FileServer) -> None:
    daemon.write("rocketd.toml", to_file(server.place / "log"))
    server.hang()
    daemon.start()
    goes_on(daemon)
    assert daemon.stop() == 0


def test_a_handler_that_hangs_in_a_reload_holds_up_nobody(daemon: Daemon, server: FileServer) -> None:
    daemon.start()
    goes_on(daemon)
    server.hang()
    daemon.write("rocketd.toml", to_file(server.place / "log"))
    daemon.write("new.toml", '[task.new]\ncommand = ["/bin/true"]\nwhen = "daily"\n')
    reload(daemon)
    daemon.until_line("new succeeded")
    daemon.write("rocketd.toml", "")
    reload(daemon)
    daemon.until_line("cannot change logging, as an earlier change of it still hangs")
    goes_on(daemon)
    assert daemon.stop() == 0


def test_a_handler_that_hangs_while_it_writes_and_at_the_stop(daemon: Daemon, server: FileServer) -> None:
    daemon.write("rocketd.toml", to_file(server.place / "log"))
    daemon.start()
    goes_on(daemon)
    server.hang()
    goes_on(daemon)
    assert daemon.stop() == 0


def test_a_thread_of_a_handler_keeps_nobody_from_stopping(daemon: Daemon) -> None:
    daemon.write("rocketd.toml", '[logging.handlers.threaded]\nclass = "ours.Threaded"\n')
    daemon.start()
    goes_on(daemon)
    assert daemon.stop() == 0
    assert "rocketd: something is still in use after 5 s; exiting without closing it" in daemon.lines


@pytest.fixture
def far(tmp_path: Path, daemon: Daemon) -> Iterator[FileServer]:
    """The server on which the daemon's state is."""
    assert daemon.state == tmp_path / "lib"
    with file_server(tmp_path / "state", tmp_path / "lib") as made:
        yield made


def test_a_state_directory_that_hangs_at_start_is_told(daemon: Daemon, far: FileServer) -> None:
    far.hang()
    daemon.spawn()
    waiting = f"starting: still waiting for the state directory {far.place}"
    daemon.until_line(f"rocketd: {waiting}")
    daemon.until_notice(f"STATUS={waiting}")
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == -signal.SIGTERM


def test_a_store_that_hangs_is_told_and_goes_on_when_it_answers(daemon: Daemon, far: FileServer) -> None:
    daemon.start()
    goes_on(daemon)
    far.hang()
    daemon.until_line("is writable again: its disk or file server does not answer")
    daemon.until_notice("degraded: its disk or file server does not answer")
    control = f"--runtime-dir={daemon.runtime}"
    status = [sys.executable, "-m", "rocketd.cli.rocketctl", control, "status"]
    assert "does not answer" in subprocess.run(status, capture_output=True, text=True, check=True).stdout
    far.answer()
    daemon.until_line("the store answers again")
    goes_on(daemon)
    assert daemon.stop() == 0


@pytest.mark.parametrize("times", [1, 2])
def test_a_stop_gives_up_a_store_that_hangs(daemon: Daemon, far: FileServer, times: int) -> None:
    """What is lost is the end of the last run, which counts as cut off then."""
    daemon.write("rocketd.toml", '[rocketd]\nshutdown_grace = "0s"\n')
    daemon.write("last.toml", '[task.last]\ncommand = ["/bin/sleep", "1000"]\non = "startup"\n')
    daemon.start()
    daemon.until_line("last started")
    far.hang()
    for _ in range(times):
        daemon.signal(signal.SIGTERM)
        daemon.until_notice("STOPPING=1")
    daemon.until_line("the store does not answer: its disk or file server hangs")
    far.answer()  # the kernel lets nobody go who waits for a page to be written
    assert daemon.wait() == 1
    daemon.start()
    daemon.until_line("last was interrupted")
    goes_on(daemon)
    assert daemon.stop() == 0


def test_a_stop_without_a_run_does_not_wait_for_a_store_that_hangs(daemon: Daemon, far: FileServer) -> None:
    (daemon.config / "good.toml").unlink()
    daemon.start()
    far.hang()
    daemon.until_line("is writable again: its disk or file server does not answer")  # a sign of life hangs
    daemon.signal(signal.SIGTERM)
    daemon.until_line("the store does not answer")
    far.answer()
    assert daemon.wait() == 1
