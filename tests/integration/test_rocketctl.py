"""`rocketctl` as it is called: a real process against a real socket, its exit codes, its streams, its terminal."""

import fcntl
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketd.daemon.json_format import JsonObject
from support.fakes.daemon import FakeDaemon, fake_daemon

ROCKETCTL = [sys.executable, "-m", "rocketd.cli.rocketctl"]

TASK: JsonObject = {
    "task": "backup",
    "next": "2126-11-24T11:00:00.000000+00:00",
    "last_start": None,
    "last_action": None,
    "last_run_id": None,
    "running": False,
    "paused": False,
    "when": "daily & " * 60 + "daily",
    "file": "/etc/rocketd/backup.toml",
}
WAITING: JsonObject = {"task": "backup", "condition": "daily", "holds": False, "waiting_for": "backup waits"}
RUN: JsonObject = {
    "task": "backup",
    "run_id": "01960000-0000-7000-8000-000000000000",
    "number": 12,
    "attempt": 1,
    "start": "2026-11-24T11:00:00.000000+00:00",
    "action": "fail",
    "trigger": "schedule",
    "cause": "exit",
    "exit_code": 3,
    "output": "no space\n\x1b[31mleft\n",
}
STARTED: JsonObject = {"task": "backup", "run_id": RUN["run_id"], "number": 12}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeDaemon]:
    with fake_daemon(tmp_path / "control.sock") as one:
        one.will("GET /v1/tasks", [TASK])
        one.will("GET /v1/tasks/backup", TASK)
        one.will("GET /v1/runs", [RUN])
        one.will("GET /v1/runs/backup/12", RUN)
        one.will("POST /v1/tasks/backup/run", STARTED)
        yield one


def environment(**more: str) -> dict[str, str]:
    left_out = {"STATE_DIRECTORY", "RUNTIME_DIRECTORY", "COLUMNS", "NO_COLOR", "PAGER", "SYSTEMD_PAGER"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, "TZ": "UTC", "TERM": "xterm", **more}


def command(where: Path, *words: str) -> list[str]:
    directories = ["--runtime-dir", str(where), "--state-dir", str(where / "state")]
    return [*ROCKETCTL, *directories, "--config-dir", str(where / "etc"), *words]


def rocketctl(where: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(where, *words), capture_output=True, text=True, check=False, env=environment(**more))


def finished(**more: object) -> JsonObject:
    end: JsonObject = {**STARTED, "event": "finished", "action": "success", "cause": "exit", "exit_code": 0}
    return {**end, **more}  # type: ignore[dict-item]  # what a test puts in is JSON


def output(line: str, stream: str = "stdout") -> JsonObject:
    return {**STARTED, "event": "output", "stream": stream, "line": line}


# -- looking ---------------------------------------------------------------------------------------------------------


def test_list_shows_tasks_in_full_where_there_is_no_terminal(tmp_path: Path, daemon: FakeDaemon) -> None:
    done = rocketctl(tmp_path, "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert "backup" in done.stdout
    assert str(TASK["when"]) in done.stdout
    assert daemon.asked == ["GET /v1/tasks"]


def test_json_is_what_the_daemon_tells(tmp_path: Path, daemon: FakeDaemon) -> None:
    assert json.loads(rocketctl(tmp_path, "list", "--json").stdout) == [TASK]
    assert json.loads(rocketctl(tmp_path, "--json", "show", "backup").stdout) == TASK
    assert json.loads(rocketctl(tmp_path, "history", "--json").stdout) == [RUN]
    assert daemon.asked


def test_history_asks_for_what_was_wanted_and_for_one_more(tmp_path: Path, daemon: FakeDaemon) -> None:
    words = ["history", "backup", "--since", "2026-11-24 10:00", "--action", "fail,crash", "--limit", "1"]
    assert rocketctl(tmp_path, *words).returncode == 0
    assert daemon.asked == ["GET /v1/runs?task=backup&since=2026-11-24T10:00:00.000000+00:00&action=fail,crash&limit=2"]


def test_a_history_that_was_cut_says_so_beside_the_result(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/runs", [RUN, {**RUN, "run_id": "older"}])
    done = rocketctl(tmp_path, "history", "--limit", "1", "--json")
    assert json.loads(done.stdout) == [RUN]
    assert done.stderr == "rocketctl: there are more runs than the 1 shown; see --limit\n"


def test_history_of_a_task_that_is_not_there_is_not_an_empty_one(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/runs", [])
    assert rocketctl(tmp_path, "history", "bakcup").returncode == 4
    assert rocketctl(tmp_path, "history", "backup").stdout == "No runs match.\n"
    assert rocketctl(tmp_path, "history").stdout == "No runs are recorded.\n"


def test_show_finds_a_run_by_task_and_number_and_by_id(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will(f"GET /v1/runs/{RUN['run_id']}", RUN)
    for name in ("backup/12", str(RUN["run_id"])):
        shown = rocketctl(tmp_path, "show", name)
        assert shown.returncode == 0
        assert "no space\n\\x1b[31mleft\n" in shown.stdout


def test_a_task_that_is_not_there_is_exit_4_with_what_was_probably_meant(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/tasks/bakcup", {"error": "no task 'bakcup' is loaded"}, status=404)
    done = rocketctl(tmp_path, "show", "bakcup")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "rocketctl: no task 'bakcup' is loaded\nhint: did you mean backup?\n"


def test_a_long_history_is_asked_for_in_parts(tmp_path: Path, daemon: FakeDaemon) -> None:
    start = "2026-11-24T11:00:00.000000+00:00"
    many: list[JsonObject] = [{**RUN, "run_id": f"{number:032x}", "start": start} for number in range(10_004)]
    daemon.will("GET /v1/runs", [*many[:10_000]])
    daemon.will("GET /v1/runs?until=2026-11-24T11:00:00.000001+00:00&limit=6", [*many[9_999:]])
    done = rocketctl(tmp_path, "history", "--json", "--limit", "10004")
    assert [run["run_id"] for run in json.loads(done.stdout)] == [run["run_id"] for run in many]
    assert len(daemon.asked) == 2


@pytest.mark.parametrize("name", ["a/b", "/1", "backup/", "backup/1/2", "backup/" + "9" * 40])
def test_what_is_neither_a_task_nor_a_run_is_exit_4(tmp_path: Path, daemon: FakeDaemon, name: str) -> None:
    done = rocketctl(tmp_path, "show", name)
    assert (done.returncode, daemon.asked) == (4, [])
    assert "a run is a run id, or TASK/NUMBER" in done.stderr


def test_a_task_that_is_there_is_not_suggested(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("POST /v1/tasks/backup/stop", {"error": "no run of backup is going on"}, status=404)
    done = rocketctl(tmp_path, "stop", "backup")
    assert (done.returncode, done.stderr) == (4, "rocketctl: no run of backup is going on\n")


def test_status_shows_the_daemon(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/status", {"version": "9.9", "pid": 7, "tasks": 3, "running": 1, "problems": 0})
    done = rocketctl(tmp_path, "status")
    assert done.returncode == 0
    assert "rocketd 9.9" in done.stdout


SLOW = {"shutil", "subprocess", "pathlib", "dataclasses", "inspect", "asyncio", "logging", "sqlite3", "zoneinfo", "csv"}
"""What takes longer to import than all of an answer: few verbs are worth it."""


@pytest.mark.parametrize("words", [["list"], ["status"], ["history"], ["why", "backup"], ["timeline"]])
def test_what_an_answer_does_not_need_is_not_imported(tmp_path: Path, daemon: FakeDaemon, words: list[str]) -> None:
    # No asterisk stands for a task.
    task: JsonObject = {**TASK, "when": 'cron("*/5 * * * *") & calendar("*-*-* *:00:00")'}
    daemon.will("GET /v1/tasks", [task])
    daemon.will("GET /v1/runs", [])
    daemon.will("GET /v1/status", {})
    daemon.will("GET /v1/tasks/backup/why", {})
    daemon.will("GET /v1/log", {"runs": [], "next": None})
    daemon.will("GET /v1/planned", {"starts": [], "next": None, "complete": True})
    program = "import sys; from rocketd.cli.rocketctl import main; main(); print(*sys.modules, file=sys.stderr)"
    asked = [sys.executable, "-c", program, *command(tmp_path, *words)[len(ROCKETCTL) :]]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, env=environment())
    assert daemon.asked
    imported = {*done.stderr.split()}
    assert not (SLOW - ({"pathlib", "dataclasses", "inspect"} if words == ["timeline"] else set())) & imported
    assert not {"rocketd.config", "rocketd.core.language", "rocketd.core.scheduler"} & imported
    if words[0] != "why":
        assert "rocketd.core.explain.tree" not in imported


def test_the_timeline_has_the_starts_that_the_daemon_expects(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/log", {"runs": [], "next": None})
    start: JsonObject = {"task": "backup", "at": "2126-11-24T11:00:00.000000+00:00", "reason": "daily"}
    daemon.will("GET /v1/planned", {"starts": [start], "next": None, "complete": True})
    (row,) = json.loads(rocketctl(tmp_path, "timeline", "--day", "2126-11-24", "--json").stdout)["tasks"]
    assert [(mark["what"], mark["begin"]) for mark in row["marks"]] == [("planned", start["at"])]


def test_the_timeline_says_from_when_on_starts_are_left_out(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/log", {"runs": [], "next": None})
    start: JsonObject = {"task": "backup", "at": "2126-11-24T11:00:00.000000+00:00", "reason": "daily"}
    daemon.will("GET /v1/planned", {"starts": [start], "next": None, "complete": False})
    done = rocketctl(tmp_path, "timeline", "--day", "2126-11-24")
    assert "starts after Sun 2126-11-24 11:00:00 are left out: there are too many to foresee" in done.stderr


def test_the_timeline_has_the_next_starts_if_the_daemon_does_not_tell_this_user_all(
    tmp_path: Path, daemon: FakeDaemon
) -> None:
    daemon.will("GET /v1/log", {"runs": [], "next": None})
    daemon.will("GET /v1/planned", {"error": "you may not"}, status=403)
    (row,) = json.loads(rocketctl(tmp_path, "timeline", "--day", "2126-11-24", "--json").stdout)["tasks"]
    assert [(mark["what"], mark["begin"]) for mark in row["marks"]] == [("planned", TASK["next"])]


# -- acting ----------------------------------------------------------------------------------------------------------


def test_run_starts_and_says_which(tmp_path: Path, daemon: FakeDaemon) -> None:
    done = rocketctl(tmp_path, "run", "backup", "--as-scheduled")
    assert (done.returncode, done.stdout) == (0, "Started backup/12.\n")
    assert daemon.bodies == [{"as_scheduled": True}]


def test_run_wait_shows_the_output_and_waits_for_the_end(tmp_path: Path, daemon: FakeDaemon) -> None:
    other: JsonObject = {**finished(action="fail"), "run_id": "another"}
    daemon.tell(other, output("one"), output("\x1b[2Jtwo", "stderr"), finished())
    done = rocketctl(tmp_path, "run", "backup", "--wait")
    assert (done.returncode, done.stdout, done.stderr) == (0, "one\n", "\\x1b[2Jtwo\n")
    assert daemon.asked == ["GET /v1/events?task=backup", "POST /v1/tasks/backup/run"]


@pytest.mark.parametrize(
    ("end", "plain", "own"),
    [
        ({"action": "success", "exit_code": 0}, 0, 0),
        ({"action": "fail", "exit_code": 7}, 1, 7),
        ({"action": "inaction", "exit_code": 9}, 1, 9),
        ({"action": "fail", "exit_code": None, "signal": 9}, 1, 137),
        ({"action": "fail", "exit_code": None, "message": "cannot start"}, 1, 1),
    ],
)
def test_run_wait_exits_as_the_run_ended(
    tmp_path: Path, daemon: FakeDaemon, end: dict[str, object], plain: int, own: int
) -> None:
    daemon.tell(finished(**end))
    assert rocketctl(tmp_path, "run", "backup", "--wait").returncode == plain
    assert rocketctl(tmp_path, "run", "backup", "--wait", "--exit-code").returncode == own


def test_run_wait_finds_the_end_even_if_its_event_was_left_out(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.tell({"event": "lost", "count": 4})
    daemon.will(f"GET /v1/runs/{RUN['run_id']}", RUN)
    done = rocketctl(tmp_path, "run", "backup", "--wait", "--exit-code")
    assert done.returncode == 3
    assert "4 lines or events were dropped" in done.stderr


def test_run_wait_says_so_when_the_daemon_goes_away(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.tell(output("one"), None)
    done = rocketctl(tmp_path, "run", "backup", "--wait")
    assert (done.returncode, done.stdout) == (1, "one\n")
    assert f"rocketctl show {RUN['run_id']}" in done.stderr


def test_run_wait_goes_on_to_the_end_though_nobody_reads_its_output(tmp_path: Path, daemon: FakeDaemon) -> None:
    words = command(tmp_path, "run", "backup", "--wait", "--exit-code")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        daemon.tell(output("one"))
        assert process.stdout.readline() == b"one\n"
        process.stdout.close()
        daemon.tell(output("two"), output("three"), finished(action="fail", exit_code=5))
        assert process.wait() == 5


def test_ctrl_c_leaves_the_run_alone_and_says_how_to_stop_it(tmp_path: Path, daemon: FakeDaemon) -> None:
    words = command(tmp_path, "run", "backup", "--wait")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        daemon.tell(output("one"))
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
    assert process.returncode == 130
    assert told == b"rocketctl: backup/12 keeps running; stop it with: rocketctl stop backup/12\n"
    assert not [target for target in daemon.asked if target.endswith("/stop")]


def test_stop_wait_returns_when_the_runs_have_ended(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("POST /v1/tasks/backup/stop", {"task": "backup", "stopping": [11, 12]})
    daemon.tell({**finished(), "number": 11}, finished())
    done = rocketctl(tmp_path, "stop", "backup", "--wait")
    assert (done.returncode, done.stdout) == (0, "Stopped backup/11, backup/12.\n")


def test_stop_of_a_run(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("POST /v1/runs/backup/12/stop", {"task": "backup", "stopping": [12]})
    assert rocketctl(tmp_path, "stop", "backup/12").stdout == "Stopping backup/12.\n"


def test_pause_sends_until_when_and_why(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("POST /v1/tasks/backup/pause", {"task": "backup", "paused": True})
    words = ["pause", "backup", "--until", "2126-01-02 03:04", "--reason", "repair"]
    assert rocketctl(tmp_path, *words).stdout == "Paused backup until Wed 2126-01-02 03:04:00.\n"
    assert daemon.bodies == [{"until": "2126-01-02T03:04:00.000000+00:00", "reason": "repair"}]


def test_a_pause_until_a_time_that_has_passed_is_refused_here(tmp_path: Path, daemon: FakeDaemon) -> None:
    assert rocketctl(tmp_path, "pause", "backup", "--until", "yesterday").returncode == 2
    assert daemon.asked == []


def test_reload_shows_problems_and_fails_for_errors_only(tmp_path: Path, daemon: FakeDaemon) -> None:
    problem: JsonObject = {"file": "a.toml", "line": 2, "column": 3, "task": "t", "message": "no", "hint": "yes"}
    daemon.will("POST /v1/reload", {"tasks": 1, "problems": [{**problem, "severity": "error"}]})
    done = rocketctl(tmp_path, "reload")
    assert (done.returncode, done.stdout) == (1, "a.toml:2:3: error: task 't': no\nhint: yes\n1 task loaded\n")
    daemon.will("POST /v1/reload", {"tasks": 1, "problems": [{**problem, "severity": "warning"}]})
    assert rocketctl(tmp_path, "reload").returncode == 0


# -- when the daemon is not as it should be --------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["status"], ["run", "backup"], ["stop", "backup"], ["reload"], ["resume", "backup"]])
def test_without_a_daemon_a_verb_that_needs_one_is_exit_3(tmp_path: Path, words: list[str]) -> None:
    done = rocketctl(tmp_path, *words)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"rocketctl: no daemon is running at {tmp_path}/control.sock\nhint: systemctl start rocketd\n"


def test_a_socket_that_a_dead_daemon_left_is_no_daemon(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "control.sock"))
    assert rocketctl(tmp_path, "status").returncode == 3


@pytest.mark.parametrize(("status", "code"), [(403, 5), (404, 4), (409, 1), (500, 1)])
def test_a_refusal_is_told_in_the_daemons_words(tmp_path: Path, daemon: FakeDaemon, status: int, code: int) -> None:
    daemon.will("POST /v1/tasks/backup/run", {"error": "not now", "hint": "later\x1b[2J"}, status=status)
    done = rocketctl(tmp_path, "run", "backup")
    assert (done.returncode, done.stderr) == (code, "rocketctl: not now\nhint: later\\x1b[2J\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give its rights away")
def test_who_may_not_talk_to_the_daemon_is_told_who_may(tmp_path: Path, daemon: FakeDaemon) -> None:
    socket_of_another = tmp_path / "control.sock"
    socket_of_another.chmod(0o600)
    os.chown(socket_of_another, 65534, 65534)
    words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command(tmp_path, "status")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment())
    assert (done.returncode, done.stdout) == (5, "")
    assert "root and members of group rocketd may do everything" in done.stderr
    assert daemon.asked == []


@pytest.mark.parametrize("answer", [b"", b'{"version": "0.', b"\xff\xfe", b"[1, 2"])
def test_an_answer_that_breaks_off_is_an_error_and_no_traceback(
    tmp_path: Path, daemon: FakeDaemon, answer: bytes
) -> None:
    daemon.will("GET /v1/status", answer)
    done = rocketctl(tmp_path, "status")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("rocketctl: rocketd did not answer: ")


@pytest.mark.parametrize("answer", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"])
def test_what_does_not_speak_http_is_an_error_and_no_traceback(tmp_path: Path, answer: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "control.sock"))
        listener.listen()
        with subprocess.Popen(command(tmp_path, "status"), stderr=subprocess.PIPE, env=environment()) as process:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)
            _, told = process.communicate()
    assert process.returncode == 1
    assert told.startswith(b"rocketctl: rocketd did not answer: ")


def test_a_mistake_on_the_command_line_is_exit_2(tmp_path: Path) -> None:
    done = rocketctl(tmp_path, "lsit")
    assert (done.returncode, done.stderr) == (2, "rocketctl: 'lsit' is not a verb\nhint: did you mean list?\n")
    assert rocketctl(tmp_path, "history", "--since", "soon").returncode == 2


# -- terminals and pipes ---------------------------------------------------------------------------------------------


def on_a_terminal(where: Path, *words: str, columns: int = 100, rows: int = 50, **more: str) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    settings = termios.tcgetattr(theirs)
    settings[1] &= ~termios.OPOST  # line feeds stay line feeds
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    process = subprocess.Popen(command(where, *words), stdout=theirs, stdin=theirs, env=environment(**more))
    os.close(theirs)
    seen = b""
    while chunk := _read(ours):
        seen += chunk
    os.close(ours)
    return process.wait(), seen.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other side of a pty has closed
        return b""


def test_a_terminal_gets_colours_and_lines_that_fit(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/tasks", [{**TASK, "last_action": "fail"}])
    _, seen = on_a_terminal(tmp_path, "list")
    assert "\x1b[1;31mfail\x1b[0m" in seen
    plain = seen.replace("\x1b[1;31m", "").replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert max(map(len, plain.split("\n"))) <= 100


def test_full_cuts_nothing_and_no_color_is_obeyed(tmp_path: Path, daemon: FakeDaemon) -> None:
    _, seen = on_a_terminal(tmp_path, "list", "--full", NO_COLOR="1")
    assert str(TASK["when"]) in seen
    assert "\x1b" not in seen
    assert daemon.asked


def test_what_does_not_fit_the_screen_goes_through_the_pager(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/tasks", [TASK] * 20)
    paged = {"rows": 10, "SYSTEMD_PAGER": "sed 's/^/paged: /'", "PAGER": "false"}
    code, seen = on_a_terminal(tmp_path, "list", **paged)  # type: ignore[arg-type]  # rows is a number
    assert code == 0
    assert seen.count("paged: ") == 23
    _, direct = on_a_terminal(tmp_path, "list", "--no-pager", **paged)  # type: ignore[arg-type]  # as above
    assert "paged" not in direct


def test_what_comes_in_parts_goes_through_one_pager(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/why?after=", {"answers": [WAITING] * 5, "next": "m"})
    daemon.will("GET /v1/why?after=m", {"answers": [WAITING] * 5, "next": "z"})
    daemon.will("GET /v1/why?after=z", {"answers": [], "next": None})
    for pager in ("sed 's/^/paged: /'", "/no/such/pager"):
        code, seen = on_a_terminal(tmp_path, "why", "--all", rows=12, SYSTEMD_PAGER=pager, NO_COLOR="1")
        assert code == 0
        assert seen.count("backup waits\n") == 10
        assert seen.count("paged: ") == (39 if pager[0] == "s" else 0)


def test_a_pager_that_leaves_early_is_no_error(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/why", {"answers": [WAITING] * 5000, "next": None})
    code, seen = on_a_terminal(tmp_path, "why", "--all", rows=12, SYSTEMD_PAGER="head -n 1", NO_COLOR="1")
    assert (code, seen) == (0, "backup waits\n")


def test_a_pager_that_is_not_there_hides_nothing(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/tasks", [TASK] * 20)
    code, seen = on_a_terminal(tmp_path, "list", rows=10, PAGER="/no/such/pager")
    assert code == 0
    assert seen.count("backup") == 20


def test_json_for_a_terminal_is_indented_and_harmless(tmp_path: Path, daemon: FakeDaemon) -> None:
    _, seen = on_a_terminal(tmp_path, "show", "backup/12", "--json")
    assert '\n  "task": "backup"' in seen
    assert "\x1b" not in seen
    assert json.loads(seen) == RUN
    assert daemon.asked


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/tasks", [TASK] * 2000)
    with subprocess.Popen(
        command(tmp_path, "list"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_output_that_cannot_be_written_is_a_failure_and_no_traceback(tmp_path: Path, daemon: FakeDaemon) -> None:
    with Path("/dev/full").open("w") as full:
        words = command(tmp_path, "list")
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment())
    assert daemon.asked
    assert (done.returncode, done.stderr) == (1, "rocketctl: cannot write the output: No space left on device\n")


def test_closed_streams_do_not_keep_a_verb_from_being_done(tmp_path: Path, daemon: FakeDaemon) -> None:
    closed = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *command(tmp_path, "run", "backup")]
    assert subprocess.run(closed, check=False, env=environment()).returncode == 0
    assert daemon.asked == ["POST /v1/tasks/backup/run"]


def test_text_that_the_locale_cannot_show_is_shown_as_well_as_it_can(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/tasks", [{**TASK, "when": "日"}])
    done = rocketctl(tmp_path, "list", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "\\u65e5" in done.stdout
