"""A task gets another name: it keeps its past, its pause and its active run, and nothing runs twice."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon_process import Daemon

LONG = '[task.{name}]\ncommand = ["sleep", "1000"]\nwhen = "every(\'1 h\')"\n{more}'


def file(name: str, more: str = "") -> str:
    return LONG.format(name=name, more=f"{more}\n" if more else "")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as made:
        yield made


def rocketctl(daemon: Daemon, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    places = [f"--runtime-dir={daemon.runtime}", f"--state-dir={daemon.state}", f"--config-dir={daemon.config}"]
    command = [sys.executable, "-m", "rocketd.cli.rocketctl", *places, *words]
    return subprocess.run(command, capture_output=True, text=True, check=check, timeout=60)


def shown(daemon: Daemon, *words: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(rocketctl(daemon, *words, "--json").stdout)
    return found


def runs(daemon: Daemon, task: str = "") -> list[tuple[str, int, str]]:
    found = json.loads(rocketctl(daemon, "history", *([task] if task else []), "--json").stdout)
    return [(run["task"], run["number"], run["action"]) for run in found]


def test_an_active_run_goes_on_under_the_new_name(daemon: Daemon) -> None:
    daemon.write("t.toml", file("old"))
    daemon.start()
    daemon.until_line("old started")
    daemon.write("t.toml", file("new", 'formerly = "old"'))
    rocketctl(daemon, "reload")
    daemon.until_line("new takes over from old")
    assert shown(daemon, "show", "new")["running"] is True
    assert runs(daemon) == [("new", 1, "run")]
    gone = rocketctl(daemon, "show", "old", check=False)
    assert "it is new now" in gone.stderr
    rocketctl(daemon, "stop", "new", "--wait")
    assert runs(daemon, "new") == [("new", 1, "terminate")]
    rocketctl(daemon, "run", "new")
    assert runs(daemon) == [("new", 2, "run"), ("new", 1, "terminate")]


def test_a_chain_of_names_with_an_active_run_and_back_again(daemon: Daemon) -> None:
    daemon.write("t.toml", file("a"))
    daemon.start()
    daemon.until_line("a started")
    for name, more in (("b", 'formerly = "a"'), ("c", 'formerly = ["b", "a"]'), ("a", 'formerly = ["c", "b"]')):
        daemon.write("t.toml", file(name, more))
        rocketctl(daemon, "reload")
        assert runs(daemon) == [(name, 1, "run")]
    rocketctl(daemon, "stop", "a", "--wait")
    assert runs(daemon) == [("a", 1, "terminate")]
    assert daemon.stop() == 0
    daemon.start()
    assert runs(daemon) == [("a", 1, "terminate")]


def test_a_pause_and_the_numbers_stay_over_a_restart(daemon: Daemon) -> None:
    daemon.write("t.toml", file("old"))
    daemon.start()
    daemon.until_line("old started")
    rocketctl(daemon, "stop", "old", "--wait")
    rocketctl(daemon, "pause", "old", "--reason", "new disk")
    assert daemon.stop() == 0
    daemon.write("t.toml", file("new", 'formerly = "old"'))
    daemon.start()
    daemon.until_line("new takes over from old")
    assert (shown(daemon, "show", "new")["paused_reason"], shown(daemon, "show", "new")["next_number"]) == (
        "new disk",
        2,
    )
    assert runs(daemon) == [("new", 1, "terminate")]
    assert daemon.stop() == 0
    before = sum("takes over" in line for line in daemon.lines)
    daemon.start()
    assert daemon.stop() == 0
    assert sum("takes over" in line for line in daemon.lines) == before, "told once"


@pytest.mark.parametrize("reload", [False, True])
def test_a_daemon_that_is_killed_before_or_after_runs_nothing_twice(daemon: Daemon, *, reload: bool) -> None:
    daemon.write("t.toml", '[task.old]\ncommand = ["true"]\nwhen = "daily"\n')
    daemon.start()
    daemon.until_line("old succeeded")
    daemon.write("t.toml", '[task.new]\nformerly = "old"\ncommand = ["true"]\nwhen = "daily"\n')
    if reload:
        rocketctl(daemon, "reload")
    daemon.kill()
    daemon.start()
    assert runs(daemon) == [("new", 1, "success")]
    assert shown(daemon, "show", "new")["due"] is None
    assert daemon.stop() == 0
    assert not any("new started" in line for line in daemon.lines)


def test_a_past_that_only_a_repository_has_comes_back_under_the_new_name(daemon: Daemon, tmp_path: Path) -> None:
    """The state directory was lost after a task had got another name: what ran today does not run again."""
    daemon.write("rocketd.toml", f'[store]\nurl = "sqlite:///{tmp_path}/elsewhere.db"\n')
    daemon.write("t.toml", '[task.old]\ncommand = ["true"]\nwhen = "daily"\n')
    daemon.start()
    daemon.until_line("old succeeded")
    daemon.write("t.toml", '[task.new]\nformerly = ["old", "never"]\ncommand = ["true"]\nwhen = "daily"\n')
    rocketctl(daemon, "reload")
    rocketctl(daemon, "run", "new", "--wait")
    assert daemon.stop() == 0
    for path in daemon.state.glob("rocketd.db*"):
        path.unlink()
    daemon.start()
    assert runs(daemon) == [("new", 2, "success"), ("new", 1, "success")]
    assert (shown(daemon, "show", "new")["due"], shown(daemon, "show", "new")["next_number"]) == (None, 3)


def test_names_that_are_claimed_twice_or_still_there_are_told(daemon: Daemon) -> None:
    daemon.write("t.toml", file("old"))
    daemon.start()
    daemon.until_line("old started")
    daemon.write("t.toml", file("old") + file("new", 'formerly = "old"\non = "boot"'))
    checked = rocketctl(daemon, "check", check=False).stdout
    assert "there is a task 'old', so that 'new' takes over nothing of it" in checked
    daemon.write("t.toml", file("x", 'formerly = "old"') + file("y", 'formerly = "old"'))
    checked = rocketctl(daemon, "check", check=False).stdout
    assert checked.count("several tasks were formerly 'old'") == 2
    daemon.write(
        "t.toml", file("new", 'formerly = "old"') + '[task.z]\ncommand = ["true"]\nwhen = "after_success(\'old\')"\n'
    )
    assert "it is 'new' now" in rocketctl(daemon, "check", check=False).stdout


NOTIFIED = """
[task.{name}]
command = ["test", "-e", "{flag}"]
max_age = "1 s"
slow_after = "1 s"
on_overdue = "echo told $ROCKETD_TASK"
on_recovered = "echo told $ROCKETD_TASK"
{more}
"""


@pytest.mark.parametrize("how", ["reload", "restart", "kill"])
def test_what_was_told_of_the_old_name_is_not_told_again_and_its_recovery_is(
    daemon: Daemon, tmp_path: Path, how: str
) -> None:
    daemon.write("t.toml", NOTIFIED.format(name="old", flag=tmp_path / "flag", more=""))
    daemon.start()
    daemon.until_line("old is overdue")
    rocketctl(daemon, "run", "old", "--wait", check=False)
    daemon.write("t.toml", NOTIFIED.format(name="new", flag=tmp_path / "flag", more='formerly = "old"'))
    if how != "restart":
        rocketctl(daemon, "reload")
        daemon.until_notice("READY=1", 2)  # not to be taken for that of the next start
    if how == "restart":
        assert daemon.stop() == 0
    elif how == "kill":
        daemon.kill()
    if how != "reload":
        daemon.start()
    (tmp_path / "flag").touch()
    rocketctl(daemon, "run", "new", "--wait")
    daemon.until_line("on_recovered: told new")
    daemon.until_line("new is overdue")  # which is of this success
    assert sum("is overdue" in line for line in daemon.lines) == 2


def test_a_run_that_was_told_to_be_slow_is_not_told_again(daemon: Daemon) -> None:
    slow = 'command = ["sleep", "1000"]\nslow_after = "100 ms"\n'
    daemon.write("t.toml", f"[task.old]\n{slow}")
    daemon.start()
    rocketctl(daemon, "run", "old")
    daemon.until_line("old is slow")
    daemon.write("t.toml", f'[task.new]\nformerly = "old"\n{slow}[task.other]\n{slow}')
    rocketctl(daemon, "reload")
    rocketctl(daemon, "run", "other")
    daemon.until_line("other is slow")
    assert not any("new is slow" in line for line in daemon.lines)
