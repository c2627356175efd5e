"""Conditions about the host in a real daemon."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.builders import shell_task
from support.daemon_process import Daemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path, environment={"STAGE": "live"}) as made:
        yield made


def test_a_file_that_appears_starts_a_task_and_its_reason_is_told(daemon: Daemon) -> None:
    file = daemon.directory / "drop" / "ready"
    daemon.write("a.toml", shell_task("take", f"rm {file}", when=f'path_exists("{file}")'))
    daemon.start()
    for times in (1, 2):
        file.parent.mkdir(exist_ok=True)
        file.touch()
        daemon.until_line("take succeeded", times)
        assert not file.exists()
    assert daemon.stop() == 0
    assert {view.run.reason for view in daemon.runs()} == {f'path_exists("{file}")'}
    assert len(daemon.runs()) == 2


def test_a_command_that_cannot_be_run_starts_nothing_and_is_told_once(daemon: Daemon) -> None:
    """Neither it nor its negation; and when it can be run, that is told as well."""
    tool = daemon.directory / "tool"
    word = f'command_succeeds("{tool}", every="1s")'
    daemon.write(
        "a.toml", shell_task("one", when=word) + shell_task("two", when=f"~{word}") + shell_task("tick", when="true")
    )
    daemon.start()
    daemon.until_line(f"{word} is unknown: ")
    daemon.until_line("tick succeeded", 3)
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    daemon.until_line(f"{word} can be observed again")
    daemon.until_line("one succeeded")
    assert daemon.stop() == 0
    assert sum("is unknown" in line for line in daemon.lines) == 1
    assert "two" not in {view.run.task for view in daemon.runs()}


def test_a_command_has_the_limit_of_open_files_that_a_run_has(daemon: Daemon) -> None:
    daemon.wrapper = ("prlimit", "--nofile=1000:")
    daemon.write("a.toml", shell_task("job", when='command_succeeds("test $(ulimit -Sn) = 1000")'))
    daemon.start()
    daemon.until_line("job succeeded")


def test_a_run_is_stopped_while_a_file_is_there(daemon: Daemon) -> None:
    file = daemon.directory / "maintenance"
    daemon.write("a.toml", shell_task("long", "sleep 1000", f"stop_when = 'path_exists(\"{file}\")'"))
    daemon.start()
    daemon.until_line("long started")
    file.touch()
    daemon.until_line("stop_when")
    assert daemon.stop() == 0


def test_the_environment_is_that_of_the_daemon(daemon: Daemon) -> None:
    daemon.write(
        "a.toml",
        shell_task("live", when='daily & env("STAGE", "live")') + shell_task("test", when='env("STAGE", "test")'),
    )
    daemon.start()
    daemon.until_line("live succeeded")
    assert daemon.stop() == 0
    assert {view.run.task for view in daemon.runs()} == {"live"}


def let_ticks_pass(daemon: Daemon, count: int) -> None:
    daemon.until_line("tick succeeded", sum("tick succeeded" in line for line in daemon.lines) + count)


def test_a_reload_that_takes_a_condition_away_stops_observing(daemon: Daemon) -> None:
    mark = daemon.directory / "mark"
    daemon.write("a.toml", shell_task("one", when=f'command_succeeds("touch {mark}; exit 1", every="1s")'))
    daemon.write("b.toml", shell_task("tick", when="true"))
    daemon.start()
    daemon.until(mark.exists)
    daemon.write("a.toml", "")
    daemon.signal(signal.SIGHUP)
    daemon.until_line("reloaded")
    let_ticks_pass(daemon, 2)  # one command may just have been on its way
    mark.unlink(missing_ok=True)
    let_ticks_pass(daemon, 3)
    assert not mark.exists()
    assert daemon.stop() == 0
