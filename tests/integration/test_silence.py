"""The silence settings of a real daemon, on and off: told and all else goes on, or told and the daemon ends with 1.

Nothing that an administrator writes makes its conditions raise or its executor refuse. So a module of his, which the
daemon imports for a repository, breaks it from inside.
"""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.daemon_process import Daemon

BREAKS = """
from redbird.repos import MemoryRepo
from rocketd.core.conditions.time_conditions import Every
from rocketd.daemon.record_writer import RecordWriter
from rocketd.executor.process.executor import ProcessExecutor
from rocketd.log import RunRecord

def silence_cond_check():
    def judge(self, moment):
        raise ValueError("nobody can judge this")
    Every.judge = judge
    return MemoryRepo(model=RunRecord)

def silence_task_prerun():
    start = ProcessExecutor.start
    def refuse(self, task, run):
        if task.name == "bad":
            raise ValueError("nobody can begin this")
        start(self, task, run)
    ProcessExecutor.start = refuse
    return MemoryRepo(model=RunRecord)

def silence_task_logging():
    RecordWriter.__init__.__kwdefaults__["outage_limit"] = 0.3
    return MemoryRepo(model=RunRecord)
"""
ALL = ("silence_cond_check", "silence_task_prerun", "silence_task_logging")
RAISED = {
    "silence_cond_check": ("bad: its condition could not be judged", "ValueError: nobody can judge this"),
    "silence_task_prerun": ("bad: run 1 could not be set up", "ValueError: nobody can begin this"),
}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    (tmp_path / "breaks.py").write_text(BREAKS)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with Daemon(tmp_path, environment={"PYTHONPATH": path}) as made:
        made.write(
            "a.toml", "[task.bad]\ncommand = ['/bin/true']\nwhen = '''every('200 ms')'''\nrestart_delay = '1 ms'\n"
        )
        yield made


def begin(daemon: Daemon, broken: str, *, silenced: bool) -> None:
    """Start it with this setting on or off, and the others the other way round."""
    settings = [f"{name} = {str(silenced == (name == broken)).lower()}" for name in ALL]
    daemon.write("rocketd.toml", "\n".join(["[rocketd]", *settings, "[store]", f'repo = "breaks:{broken}"', ""]))
    daemon.spawn()


@pytest.mark.parametrize("broken", RAISED)
def test_silenced_it_is_told_with_its_traceback_and_the_others_go_on(daemon: Daemon, broken: str) -> None:
    begin(daemon, broken, silenced=True)
    for line in RAISED[broken]:
        daemon.until_line(line)
    daemon.write("b.toml", "[task.good]\ncommand = ['/bin/true']\nwhen = 'daily'\n")
    daemon.until_notice("READY=1")
    daemon.signal(signal.SIGHUP)
    daemon.until_line("good succeeded")
    assert daemon.stop() == 0


@pytest.mark.parametrize("broken", RAISED)
def test_unsilenced_it_is_told_with_its_traceback_and_the_daemon_ends(daemon: Daemon, broken: str) -> None:
    begin(daemon, broken, silenced=False)
    assert daemon.wait() == 1
    for line in RAISED[broken]:
        assert any(line in told for told in daemon.lines), line


@pytest.mark.parametrize("silenced", [True, False])
def test_a_store_that_stays_locked_is_gone_on_without_or_ends_the_daemon(daemon: Daemon, *, silenced: bool) -> None:
    begin(daemon, "silence_task_logging", silenced=silenced)
    daemon.until_line("bad succeeded")
    with closing(sqlite3.connect(daemon.state / "rocketd.db", isolation_level=None)) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        if silenced:
            daemon.until_line("tasks keep starting, and their records wait")
            daemon.until_line("bad succeeded", sum("bad succeeded" in line for line in daemon.lines) + 2)
        else:
            assert daemon.wait() == 1
    if silenced:
        assert daemon.stop() == 0
