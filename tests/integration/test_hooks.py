"""Hooks on a real daemon: what they get, whose rights they have, that each runs, and that a bad one hurts nobody."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rocketd.cli.backend.http_client import Client
from rocketd.cli.json_fields import objects, the_object
from rocketd.notifications.database import FILE_NAME
from support.daemon_process import Daemon

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run it as somebody else")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path, "--log-level=debug") as made:  # which says how each hook ended
        yield made


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """Where hooks write to."""
    path = tmp_path / "told"
    path.touch()
    path.chmod(0o666)
    tmp_path.chmod(0o755)
    return path


def run(daemon: Daemon, task: str) -> str:
    """Start a task by hand; return the run's id."""
    answer = the_object(Client(str(daemon.runtime / "control.sock")).post(f"/v1/tasks/{task}/run", {}))
    return str(answer["run_id"])


def task(command: str, *hooks: str, name: str = "backup") -> str:
    lines = "\n".join(hooks)
    return f"[task.{name}]\nshell = true\ncommand = '''{command}'''\n{lines}\n"


def hook(occasion: str, command: str) -> str:
    return f"on_{occasion} = '''{command}'''"


def test_each_hook_runs_once_per_run_with_what_is_known_and_the_output(daemon: Daemon, told: Path) -> None:
    line = f"echo $ROCKETD_HOOK $ROCKETD_TASK/$ROCKETD_NUMBER $ROCKETD_ACTION $ROCKETD_EXIT_CODE $(cat) >>{told}"
    line += "; echo told"
    hooks = [hook(one, line) for one in ("start", "success", "fail", "end", "recovered")]
    daemon.write("a.toml", task("echo it says; test ! -e bad", *hooks, f"directory = '{daemon.directory}'"))
    daemon.start()
    (daemon.directory / "bad").touch()
    run(daemon, "backup")
    daemon.until_line("backup failed")
    run(daemon, "backup")
    daemon.until_line("backup failed", 2)
    (daemon.directory / "bad").unlink()
    run(daemon, "backup")
    daemon.until_line("backup succeeded")
    daemon.until_line("told", 10)
    assert daemon.stop() == 0
    assert sorted(told.read_text().splitlines()) == [
        *(f"on_end backup/{number} fail 1 it says" for number in (1, 2)),
        "on_end backup/3 success 0 it says",
        *(f"on_fail backup/{number} fail 1 it says" for number in (1, 2)),
        "on_recovered backup/3 success 0 it says",
        *(f"on_start backup/{number} run" for number in (1, 2, 3)),
        "on_success backup/3 success 0 it says",
    ]


def test_no_failure_is_joined_with_another(daemon: Daemon, told: Path) -> None:
    """As a task with `after_any_fail` would: it starts once for all that failed while it ran."""
    slow = f"echo $ROCKETD_TASK >>{told}; sleep 0.5"
    daemon.write("rocketd.toml", f"[hooks]\n{hook('fail', slow)}\n")
    daemon.write("a.toml", "".join(task("exit 1", name=name) for name in ("fa", "fb")))
    daemon.start()
    for name in ("fa", "fb", "fa"):
        run(daemon, name)
        daemon.until_line(
            f"{name} failed", sum("fa failed" in line for line in daemon.lines) + 1 if name == "fa" else 1
        )
    daemon.until_line("its on_fail hook succeeded", 3)
    assert daemon.stop() == 0
    assert sorted(told.read_text().split()) == ["fa", "fa", "fb"]


def test_a_task_overrides_the_hooks_of_every_task_also_with_none(daemon: Daemon, told: Path) -> None:
    daemon.write("rocketd.toml", f"[hooks]\n{hook('fail', f'echo all >>{told}')}\n")
    own = task("exit 1", hook("fail", f"echo own >>{told}"), name="own")
    daemon.write("a.toml", own + task("exit 1", 'on_fail = ""', name="none") + task("exit 1", name="other"))
    daemon.start()
    for name in ("own", "none", "other"):
        run(daemon, name)
        daemon.until_line(f"{name} failed")
    daemon.until_line("its on_fail hook succeeded", 2)
    assert daemon.stop() == 0
    assert sorted(told.read_text().split()) == ["all", "own"]


@needs_root
def test_a_hook_has_the_rights_of_its_task_wherever_it_is_written(daemon: Daemon) -> None:
    daemon.write("rocketd.toml", f"[hooks]\n{hook('end', 'id -un; cat /etc/shadow')}\n")
    daemon.write("a.toml", task("true", 'user = "nobody"'))
    daemon.start()
    run(daemon, "backup")
    daemon.until_line("its on_end hook failed with exit code 1")  # of cat
    printed = [line.partition("on_end: ")[2] for line in daemon.lines if "on_end: " in line]
    assert printed[0] == "nobody"
    assert printed[1:] == ["cat: /etc/shadow: Permission denied"]


def test_a_hook_that_fails_or_hangs_shows_and_hurts_nobody(daemon: Daemon) -> None:
    hooks = hook("start", "sleep 1000"), hook("fail", "echo alas; exit 3"), 'hook_timeout = "1 s"'
    daemon.write("a.toml", task("exit 1", *hooks))
    daemon.start()
    run(daemon, "backup")
    daemon.until_line("backup: its on_fail hook failed with exit code 3")
    assert any("backup | on_fail: alas" in line for line in daemon.lines)
    daemon.until_line("backup: its on_start hook was stopped by its timeout")
    shown = the_object(Client(str(daemon.runtime / "control.sock")).get("/v1/tasks/backup"))
    errors = {str(one["hook"]): (one["error"], one["about"]) for one in objects(shown["hooks"])}
    assert errors == {
        "on_start": ("was stopped by its timeout", "backup/1"),
        "on_fail": ("failed with exit code 3", "backup/1"),
    }
    assert daemon.history("backup") == [(1, 1, "fail")], "a hook is no run"
    assert daemon.stop() == 0


def test_stopping_a_run_does_not_stop_its_hook(daemon: Daemon, told: Path) -> None:
    """Though it has the id of the run in its environment."""
    fifo = daemon.directory / "fifo"
    os.mkfifo(fifo)
    wait = f"echo begun >{fifo}; read line <{fifo}; echo $ROCKETD_RUN_ID >>{told}"
    daemon.write("a.toml", task("sleep 1000", hook("start", wait)))
    daemon.start()
    run_id = run(daemon, "backup")
    with fifo.open() as begun:
        assert begun.read() == "begun\n"
    Client(str(daemon.runtime / "control.sock")).post("/v1/tasks/backup/stop", {})
    daemon.until_line("was stopped by an operator")
    with fifo.open("w") as line:
        line.write("on\n")
    assert daemon.stop() == 0
    assert told.read_text() == f"{run_id}\n"


def test_a_hook_that_a_kill_cut_off_runs_again(daemon: Daemon, told: Path) -> None:
    fifo = daemon.directory / "fifo"
    os.mkfifo(fifo)
    line = f"echo $ROCKETD_NUMBER $(cat) >>{told}; test -e {told}.go || echo begun >{fifo}; test -e {told}.go"
    daemon.write("a.toml", task("echo it says; exit 1", hook("fail", f"{line} || sleep 1000")))
    daemon.start()
    run(daemon, "backup")
    with fifo.open() as begun:
        begun.read()
    daemon.kill()
    Path(f"{told}.go").touch()
    daemon.start()
    daemon.until_line("its on_fail hook succeeded")
    assert told.read_text() == "1 it says\n" * 2
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.stop() == 0
    assert len(told.read_text().splitlines()) == 2, "and then it is done"


def test_what_was_recorded_and_not_yet_noted_when_the_daemon_was_killed_is_told(daemon: Daemon, told: Path) -> None:
    """The run log goes first: what it has beyond the last position is told by the next daemon, each once."""
    more = hook("end", f"echo end $ROCKETD_NUMBER >>{told}"), hook("recovered", f"echo recovered >>{told}")
    daemon.write("a.toml", task("exit 1", *more))
    daemon.start()
    run(daemon, "backup")
    daemon.until_line("backup failed")
    assert daemon.stop() == 0
    daemon.write("a.toml", task("exit 0", *more))
    daemon.start()
    run(daemon, "backup")
    daemon.until_line("its on_recovered hook succeeded")
    daemon.until_line("its on_end hook succeeded", 2)
    daemon.kill()
    # as if it had been killed before it wrote these
    with closing(sqlite3.connect(daemon.state / FILE_NAME)) as database, database:
        database.execute("DELETE FROM delivery")
    told.write_text("")
    daemon.start()
    daemon.until_line("its on_recovered hook succeeded", 2)
    daemon.until_line("its on_end hook succeeded", 3)
    assert sorted(told.read_text().splitlines()) == ["end 2", "recovered"]


def test_what_happened_before_anybody_was_to_be_told_is_not_told(daemon: Daemon, told: Path) -> None:
    daemon.write("a.toml", task("exit 1"))
    daemon.start()
    run(daemon, "backup")
    daemon.until_line("backup failed")
    assert daemon.stop() == 0
    assert not (daemon.state / FILE_NAME).exists()
    daemon.write("a.toml", task("exit 1", hook("fail", f"echo $ROCKETD_NUMBER >>{told}")))
    daemon.start()
    run(daemon, "backup")
    daemon.until_line("its on_fail hook succeeded")
    assert daemon.stop() == 0
    assert told.read_text() == "2\n"


@pytest.mark.parametrize("content", [b"", b"not a database at all, and long enough to be told from one" * 99])
def test_a_damaged_file_is_put_aside_and_stops_nothing(daemon: Daemon, told: Path, content: bytes) -> None:
    (daemon.state / FILE_NAME).write_bytes(content)
    daemon.write("a.toml", task("exit 1", hook("fail", f"echo $ROCKETD_NUMBER >>{told}")))
    daemon.start()
    run(daemon, "backup")
    daemon.until_line("its on_fail hook succeeded")
    assert daemon.stop() == 0
    assert told.read_text() == "1\n"
    assert (daemon.state / f"{FILE_NAME}.damaged").exists() == bool(content)


def test_a_file_that_cannot_be_written_is_told_and_hooks_run(daemon: Daemon, told: Path) -> None:
    (daemon.state / FILE_NAME).mkdir()
    daemon.write("a.toml", task("exit 1", hook("fail", f"echo $ROCKETD_NUMBER >>{told}")))
    daemon.start()
    run(daemon, "backup")
    daemon.until_line(f"{FILE_NAME} cannot be written")
    daemon.until_line("its on_fail hook succeeded")
    assert daemon.stop() == 0
    assert told.read_text() == "1\n"
