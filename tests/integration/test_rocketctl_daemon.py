"""`rocketctl` and the real daemon understand each other."""

import json
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rocketd.cli.backend.http_client import Client
from rocketd.cli.exit_codes import Failure
from support.daemon_process import Daemon

ME = f"{pwd.getpwuid(os.getuid()).pw_name} (uid {os.getuid()})"

TASKS = """
[task.hello]
description = "Says hello"
command = ["/bin/sh", "-c", "echo one; echo two >&2; exit 3"]
separate_stderr = true

[task.good]
command = ["/bin/echo", "fine"]

[task.sleeper]
command = ["/bin/sh", "-c", "echo asleep; exec sleep 1000"]

[task.later]
command = ["/bin/true"]
when = "cron('0 0 1 1 *')"
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as made:
        made.write("tasks.toml", TASKS)
        made.start()
        yield made


def command(daemon: Daemon, *words: str) -> list[str]:
    places = [f"--runtime-dir={daemon.runtime}", f"--state-dir={daemon.state}", f"--config-dir={daemon.config}"]
    return [sys.executable, "-m", "rocketd.cli.rocketctl", *places, *words]


def rocketctl(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TZ": "UTC"}
    return subprocess.run(command(daemon, *words), capture_output=True, text=True, check=False, env=environment)


def told(daemon: Daemon, *words: str) -> object:
    done = rocketctl(daemon, *words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    answer: object = json.loads(done.stdout)
    return answer


def test_list_and_status_tell_what_is_loaded(daemon: Daemon) -> None:
    tasks = told(daemon, "list")
    assert isinstance(tasks, list)
    assert [one["task"] for one in tasks] == ["later", "good", "hello", "sleeper"]
    assert tasks[0]["next"].endswith("-01-01T00:00:00.000000+00:00")
    status = told(daemon, "status")
    assert isinstance(status, dict)
    assert (status["pid"], status["tasks"], status["problems"]) == (daemon.pid, 4, 0)
    assert set(status) >= {"version", "pid", "since", "tasks", "running", "problems", "store", "degraded"}


def test_run_wait_passes_on_output_and_exit_code_of_even_the_shortest_run(daemon: Daemon) -> None:
    done = rocketctl(daemon, "run", "hello", "--wait", "--exit-code")
    assert (done.returncode, done.stdout) == (3, "one\n")
    assert done.stderr.splitlines() == ["two", "rocketctl: hello/1: fail (exit code 3)"]
    done = rocketctl(daemon, "run", "good", "--wait")
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")


PRINTS_MUCH = """
[task.many]
command = ["seq", "100000"]

[task.flood]
command = ["seq", "100000"]
output_limit = "1 MiB"
"""


def waited_for(daemon: Daemon, task: str) -> tuple[list[str], str]:
    """Run it with --wait while the daemon's own console is read as well; gives the lines, and what was noted."""
    daemon.write("much.toml", PRINTS_MUCH)
    rocketctl(daemon, "reload")
    words = command(daemon, "run", task, "--wait")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
        daemon.until(lambda: any(line[9:].startswith(f"{task} succeeded") for line in daemon.lines[-1:]))
        shown, noted = waiting.communicate()
    assert waiting.returncode == 0
    return shown.splitlines(), noted


def test_run_wait_passes_on_every_line_of_a_burst(daemon: Daemon) -> None:
    lines, noted = waited_for(daemon, "many")
    assert (lines, noted) == ([str(number) for number in range(1, 100_001)], "")


def test_what_a_flood_lacks_is_told_wherever_one_looks(daemon: Daemon) -> None:
    lines, noted = waited_for(daemon, "flood")
    left_out = 100_000 - len(lines) + 2
    assert lines[-2] == "… more than 1 MiB within a minute (output_limit): the rest is omitted here"
    assert lines[-1].startswith(f"… {left_out} lines (")
    amount = lines[-1].removeprefix("… ").removesuffix(" omitted")
    message = f"the journal lacks {amount} of its output, beyond output_limit"
    assert noted == f"rocketctl: flood/1: success ({message})\n"
    assert message in rocketctl(daemon, "show", "flood/1").stdout
    assert message in rocketctl(daemon, "history", "flood", "--full").stdout
    assert message in daemon.lines[-1]


def test_the_daemons_own_limit_of_output_is_taken_up_by_a_reload(daemon: Daemon) -> None:
    daemon.write("rocketd.toml", '[rocketd]\noutput_limit = "1 KiB"\n')
    lines, noted = waited_for(daemon, "many")
    assert lines[-2] == "… more than 1 KiB within a minute (output_limit): the rest is omitted here"
    assert "of its output, beyond output_limit" in noted


def test_a_run_shows_in_history_and_by_its_names(daemon: Daemon) -> None:
    rocketctl(daemon, "run", "hello", "--wait")
    runs = told(daemon, "history", "hello")
    assert isinstance(runs, list)
    (run,) = runs
    assert (run["number"], run["action"], run["trigger"], run["exit_code"]) == (1, "fail", "hand", 3)
    assert told(daemon, "show", "hello/1") == told(daemon, "show", run["run_id"]) == run
    assert told(daemon, "history", "--since", "1h ago", "--action", "fail,crash") == runs
    assert told(daemon, "history", "--until", "1h ago") == []


def test_show_tells_a_task_with_its_runs(daemon: Daemon) -> None:
    rocketctl(daemon, "run", "good", "--wait")
    task = told(daemon, "show", "good")
    assert isinstance(task, dict)
    assert task["command"] == ["/bin/echo", "fine"]
    assert [run["number"] for run in task["runs"]] == [1]
    assert "Says hello" in rocketctl(daemon, "show", "hello").stdout


def test_stop_wait_returns_when_the_run_has_ended(daemon: Daemon) -> None:
    with subprocess.Popen(command(daemon, "run", "sleeper", "--wait"), stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "asleep\n"
        assert rocketctl(daemon, "run", "sleeper").returncode == 1  # it is running already
        stopped = rocketctl(daemon, "stop", "sleeper", "--wait")
        assert (stopped.returncode, stopped.stdout) == (0, "Stopped sleeper/1.\n")
        assert waiting.wait() == 1
    run = told(daemon, "show", "sleeper/1")
    assert isinstance(run, dict)
    assert (run["action"], run["cause"]) == ("terminate", "operator")
    assert rocketctl(daemon, "stop", "sleeper").returncode == 4


def test_a_pause_says_until_when_by_whom_and_why_and_survives_a_restart(daemon: Daemon) -> None:
    paused = rocketctl(daemon, "pause", "later", "--until", "2126-01-02 03:04", "--reason", "repair")
    assert (paused.returncode, paused.stderr) == (0, "")
    daemon.stop()
    daemon.start()
    task = told(daemon, "show", "later")
    assert isinstance(task, dict)
    assert (task["paused"], task["paused_until"]) == (True, "2126-01-02T03:04:00.000000+00:00")
    assert (task["paused_by"], task["paused_reason"]) == (ME, "repair")
    assert rocketctl(daemon, "resume", "later").returncode == 0
    assert rocketctl(daemon, "resume", "later").returncode == 1  # it is not paused


def test_reload_loads_what_is_good_and_tells_what_is_not(daemon: Daemon) -> None:
    daemon.write("more.toml", '[task.more]\ncommand = ["/bin/true"]\n')
    done = rocketctl(daemon, "reload")
    assert (done.returncode, done.stdout) == (0, "5 tasks loaded\n")
    daemon.write("bad.toml", '[task.bad]\ncomand = ["/bin/true"]\n')
    done = rocketctl(daemon, "reload")
    assert done.returncode == 1
    assert "bad.toml:2:1: error: task 'bad': " in done.stdout
    assert done.stdout.endswith("5 tasks loaded\n")


def test_what_is_not_there_is_exit_4(daemon: Daemon) -> None:
    for words in (["show", "heloo"], ["run", "heloo"], ["pause", "heloo"], ["history", "heloo"]):
        done = rocketctl(daemon, *words)
        assert (done.returncode, done.stdout) == (4, "")
        assert "did you mean hello?" in done.stderr
    assert rocketctl(daemon, "show", "hello/99").returncode == 4


def test_with_and_without_the_daemon_the_same_keys_are_told(daemon: Daemon) -> None:
    rocketctl(daemon, "run", "hello", "--wait")
    asked = (["list"], ["show", "hello"], ["show", "hello/1"], ["history"])
    with_daemon = [told(daemon, *words) for words in asked]
    daemon.stop()
    without = [told(daemon, *words) for words in asked]
    assert [_keys(one) for one in without] == [_keys(one) for one in with_daemon]
    assert without[2:] == with_daemon[2:]


def _keys(answer: object) -> list[str]:
    return list(answer[0]) if isinstance(answer, list) else list(answer) if isinstance(answer, dict) else []


def explained(daemon: Daemon, *words: str) -> list[Any]:
    answer = told(daemon, *words)
    assert isinstance(answer, list)
    return answer


def test_why_tells_what_a_task_waits_for_now_and_what_held_it_before(daemon: Daemon) -> None:
    (later,) = explained(daemon, "why", "later")
    assert later.keys() >= {"task", "holds", "since", "until", "waiting_for", "parts"}
    assert (later["task"], later["holds"]) == ("later", False)
    assert later["waiting_for"].startswith('later is waiting for cron("0 0 1 1 *") (on ')
    assert later["because"].count("came before the task was armed") == 1
    (then,) = explained(daemon, "why", "later", "--at", "1d ago")
    assert then["holds"] is False
    assert rocketctl(daemon, "pause", "later", "--reason", "a new disk").returncode == 0
    (paused,) = explained(daemon, "why", "later")
    assert paused["waiting_for"] == f"later is paused by {ME} until someone resumes it: a new disk"


def test_why_of_all_is_that_of_each(daemon: Daemon) -> None:
    answers = explained(daemon, "why", "--all")
    assert {one["task"] for one in answers} == {"hello", "good", "sleeper", "later"}
    drawn = rocketctl(daemon, "why", "good").stdout.split("\n")
    assert drawn[:3] == ["good never starts on its own: its condition can never be true", "✗ false", "     never"]


def test_a_run_is_found_by_the_beginning_of_its_id_with_and_without_a_daemon(daemon: Daemon) -> None:
    rocketctl(daemon, "run", "good", "--wait")
    (good,) = explained(daemon, "history")
    beginnings = (
        good["run_id"][:8],
        good["run_id"][:8].upper(),
        good["run_id"][:13].replace("-", ""),
        good["run_id"][:9],
    )
    assert [told(daemon, "show", one) for one in beginnings] == [good] * 4
    assert rocketctl(daemon, "show", good["run_id"][:7]).returncode == 4
    daemon.stop()
    assert [told(daemon, "show", one) for one in beginnings] == [good] * 4


def test_a_run_tells_whose_process_it_was(daemon: Daemon) -> None:
    rocketctl(daemon, "run", "good", "--wait")
    run = told(daemon, "show", "good/1")
    assert isinstance(run, dict)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert (run["host"], run["boot_id"]) == (os.uname().nodename, boot)
    assert run["pid"] > 1
    assert run["pid_start"] > 0


def test_a_pause_until_a_time_that_has_passed_is_refused_whoever_asks(daemon: Daemon) -> None:
    client = Client(str(daemon.runtime / "control.sock"))
    with pytest.raises(Failure, match="must end in the future"):
        client.post("/v1/tasks/later/pause", {"until": "2020-01-01T00:00:00+00:00"})
    assert not explained(daemon, "list")[0]["paused"]


def test_usr1_writes_to_the_journal_what_is_paused(daemon: Daemon) -> None:
    rocketctl(daemon, "pause", "later", "--reason", "a new disk")
    daemon.signal(signal.SIGUSR1)
    daemon.until_line(f"later is paused by {ME}: a new disk")


def test_status_says_that_it_is_stopping_while_it_waits_for_runs(daemon: Daemon) -> None:
    assert explained_status(daemon)["stopping"] is False
    rocketctl(daemon, "run", "sleeper")
    daemon.until_line("sleeper | asleep")
    daemon.signal(signal.SIGTERM)
    daemon.until_notice("STOPPING=1")
    assert explained_status(daemon)["stopping"] is True
    assert "State: shutting down" in rocketctl(daemon, "status").stdout
    assert rocketctl(daemon, "stop", "sleeper").returncode == 0
    assert daemon.wait() == 0


def explained_status(daemon: Daemon) -> dict[str, Any]:
    answer = told(daemon, "status")
    assert isinstance(answer, dict)
    return answer


OFF = '\n[task.off]\ncommand = ["/bin/true"]\nenabled = false\n'


def test_a_disabled_task_is_shown_and_nothing_else_can_be_done_with_it(daemon: Daemon) -> None:
    daemon.write("off.toml", OFF)
    done = rocketctl(daemon, "reload")
    assert (done.returncode, done.stdout) == (0, "4 tasks loaded, 1 disabled\n")
    assert [one["disabled"] for one in explained(daemon, "list")] == [False] * 4 + [True]
    assert explained_status(daemon)["disabled"] == 1
    assert "Tasks: 4 (plus 1 disabled)" in rocketctl(daemon, "status").stdout
    task = told(daemon, "show", "off")
    assert isinstance(task, dict)
    assert (task["disabled"], task["file"], task["line"]) == (True, str(daemon.config / "off.toml"), 2)
    for verb in ("run", "pause", "resume", "why", "stop"):
        refused = rocketctl(daemon, verb, "off")
        assert (refused.returncode, refused.stdout) == (4, "")
        assert "task 'off' is disabled" in refused.stderr
        assert f"hint: it has enabled = false in {daemon.config}/off.toml:2" in refused.stderr


def test_a_run_of_a_task_that_was_disabled_meanwhile_is_stopped_by_the_name_of_its_task(daemon: Daemon) -> None:
    rocketctl(daemon, "run", "sleeper")
    daemon.until_line("sleeper | asleep")
    daemon.write("tasks.toml", TASKS.replace("[task.sleeper]", "[task.sleeper]\nenabled = false"))
    assert rocketctl(daemon, "reload").returncode == 0
    stopped = rocketctl(daemon, "stop", "sleeper", "--wait")
    assert (stopped.returncode, stopped.stdout) == (0, "Stopped sleeper/1.\n")


def test_an_export_is_the_same_with_and_without_the_daemon(daemon: Daemon) -> None:
    for name in ("good", "hello", "good"):
        rocketctl(daemon, "run", name, "--wait")
    asked = (["export"], ["export", "good"], ["export", "--action", "fail", "--csv"])
    with_daemon = [rocketctl(daemon, *words).stdout for words in asked]
    assert [text.count("\n") for text in with_daemon[:2]] == [3, 2]
    assert [json.loads(line) for line in with_daemon[0].splitlines()] == explained(daemon, "history")[::-1]
    assert rocketctl(daemon, "export", "helo").returncode == 4
    daemon.stop()
    assert [rocketctl(daemon, *words).stdout for words in asked] == with_daemon


def test_the_daemon_prunes_when_it_is_asked_to_and_tells_the_journal_who_asked(daemon: Daemon) -> None:
    for _ in range(3):
        rocketctl(daemon, "run", "good", "--wait")
    told_first = told(daemon, "prune", "--dry-run", "--before", "now")
    assert isinstance(told_first, dict)
    assert (told_first["records"], len(explained(daemon, "history"))) == (4, 3)
    assert "4 records older than " in rocketctl(daemon, "prune", "--before", "now").stdout
    daemon.until_line(f"{ME} deleted ")
    assert [run["number"] for run in explained(daemon, "history")] == [3]
    assert rocketctl(daemon, "prune").stdout.startswith("Nothing to delete")


def test_what_keep_says_counts_from_the_reload_on(daemon: Daemon) -> None:
    for _ in range(2):
        rocketctl(daemon, "run", "good", "--wait")
    daemon.write("rocketd.toml", '[store]\nkeep = "infinity"\n')
    rocketctl(daemon, "reload")
    refused = rocketctl(daemon, "prune")
    assert (refused.returncode, refused.stdout) == (1, "")
    daemon.write("rocketd.toml", '[store]\nkeep = "1 ms"\n')
    rocketctl(daemon, "reload")
    assert rocketctl(daemon, "prune").returncode == 0
    assert [run["number"] for run in explained(daemon, "history")] == [2]


BROKEN = """
[task.restic]
command = ["/bin/true"]
when = "daily"

[task.pgdump]
command = ["/bin/true"]
when = "dayly"
"""
WHERE = "which is not loaded: line 8: dayly is not a condition; did you mean daily?"


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Daemon]:
    """One that ran a task whose file has a mistake by now."""
    with Daemon(tmp_path) as made:
        made.write("30-backup.toml", BROKEN.replace("dayly", "daily"))
        made.start()
        made.until(lambda: sum("succeeded" in line for line in made.lines) == 2)
        made.stop()
        made.write("30-backup.toml", BROKEN)
        made.write("tasks.toml", TASKS)
        made.start()
        yield made


@pytest.mark.parametrize("running", [True, False])
def test_a_task_that_is_missing_is_told_wherever_one_looks(broken: Daemon, running: bool) -> None:  # noqa: FBT001 - of pytest
    if not running:
        broken.stop()
    file = broken.config / "30-backup.toml"
    told = f"restic is in {file}, {WHERE}"
    for words in (["why", "restic"], ["show", "restic"], ["why", "restic", "--json"]):
        done = rocketctl(broken, *words)
        assert (done.returncode, told in done.stderr) == (4, True)
    shown = rocketctl(broken, "list").stdout
    assert "4 tasks." in shown
    assert f"{file} is not loaded, and its 2 tasks are missing: line 8: dayly" in shown
    for words in (["run", "restic"], ["stop", "restic"], ["pause", "restic"], ["resume", "restic"]):
        done = rocketctl(broken, *words)
        assert (done.returncode, told in done.stderr) == ((4, True) if running else (3, False))
    for words in (["history", "restic"], ["log", "restic"]):
        assert (told in rocketctl(broken, *words).stderr) is (running or words[0] == "log")


def test_status_counts_by_what_comes_of_it_and_names_the_file(broken: Daemon) -> None:
    assert "Problems: 1 file not loaded (2 tasks missing); see rocketctl check" in rocketctl(broken, "status").stdout
    status = told(broken, "status")
    assert isinstance(status, dict)
    assert status["directories"] == [str(broken.config)]
    assert status["file_problems"] == {"files": 1, "missing": 2, "kept": 0, "tasks": 0, "errors": 0, "warnings": 0}
    (entry,) = status["not_loaded"]
    assert (entry["tasks"], entry["line"]) == (["restic", "pgdump"], 8)
    broken.until_notice("1 problem in task files: 1 file not loaded (2 tasks missing) (rocketctl check)")
    broken.write("30-backup.toml", BROKEN.replace("dayly", "daily"))
    assert rocketctl(broken, "reload").returncode == 0
    assert "none" in rocketctl(broken, "status").stdout
    assert "not loaded" not in rocketctl(broken, "list").stdout


def test_an_empty_list_says_that_a_file_has_errors_and_where_files_are_read(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.write("30-backup.toml", BROKEN)
        daemon.start()
        for running in (True, False):
            lines = rocketctl(daemon, "list").stdout.splitlines()
            assert lines[:2] == [
                "No tasks are loaded. 1 file has errors: rocketctl check.",
                f"Task files are read in {daemon.config}.",
            ]
            if running:
                daemon.stop()


def test_a_file_that_may_not_be_read_may_hold_the_task(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.write("30-backup.toml", BROKEN)
        (daemon.config / "30-backup.toml").chmod(0o666)
        daemon.start()
        done = rocketctl(daemon, "why", "restic")
        assert done.returncode == 4
        assert f"hint: it may be in {daemon.config}/30-backup.toml, which is not loaded: " in done.stderr


def test_what_runs_at_boot_is_told(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.write("boot.toml", '[task.warmup]\ncommand = ["/bin/true"]\non = "boot"\n')
        daemon.start()
        daemon.until(lambda: any("warmup succeeded" in line for line in daemon.lines))
        for running in (True, False):
            assert rocketctl(daemon, "why", "warmup").stdout == "warmup starts at the next boot\n"
            row = rocketctl(daemon, "list").stdout.splitlines()[1]
            assert "  next boot  " in row
            assert row.startswith("warmup  ")
            assert row.endswith("  on boot")
            if running:
                daemon.stop()


@pytest.mark.parametrize(("planned", "shown"), [(True, "interrupted"), (False, "crash")])
def test_an_interrupted_run_and_its_rerun_are_called_what_they_are(
    daemon: Daemon, *, planned: bool, shown: str
) -> None:
    """Neither did the task fail, nor is it retried: it runs again because it could not end."""
    daemon.write("a.toml", '[task.long]\ncommand = ["/bin/sleep", "1000"]\nwhen = "daily"\n')
    daemon.signal(signal.SIGHUP)
    daemon.until_line("long started")
    daemon.until_notice("1 running")
    if planned:
        daemon.stop_at_once()
    else:
        daemon.kill()
    assert f" {shown} " in rocketctl(daemon, "list", "--full").stdout
    daemon.start()
    daemon.until_line("long started (attempt 2)")
    history = rocketctl(daemon, "history", "long").stdout.splitlines()
    assert "  rerun #2" in history[1]
    assert f"  {shown}  " in history[2]
    assert "retry" not in "".join(history)
    daemon.stop_at_once()
    assert " interrupted " in rocketctl(daemon, "list", "--full").stdout


SSH = """#!/bin/sh
# What ssh does, on this host: the options and the host are told, the last word goes to a shell.
printf '%s\\n' "$@" >"$SSH_TOLD"
for last; do :; done
exec /bin/sh -c "$last"
"""


def test_another_host_is_asked_over_ssh(daemon: Daemon, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (
        ("ssh", SSH),
        ("rocketctl", f'#!/bin/sh\nexec {sys.executable} -m rocketd.cli.rocketctl "$@"\n'),
    ):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "SSH_TOLD": str(tmp_path / "told")}
    words = [*command(daemon, "-H", "admin@web2", "run", "hello", "--wait", "--exit-code")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert (done.returncode, done.stdout) == (3, "one\n")
    assert (tmp_path / "told").read_text().splitlines()[:3] == ["-T", "--", "admin@web2"]
