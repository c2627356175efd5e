"""Operators and viewers on the socket of their own: what they can do, what they see, and whom they can hinder."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rocketd.web.api import ROUTES
from rocketd.web.limits import MAX_CONNECTIONS_PER_VIEWER
from support.daemon_process import Daemon

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")

DBA, BACKUP_GROUP, STRANGER = 64_001, 64_002, 64_003
CANARY = "hidden-treasure"

TASKS = f"""
[task.mine]
command = ["echo", "mine-to-see"]
operators = ["{DBA}"]

[task.ours]
command = ["sleep", "1000"]
operators = ["@{BACKUP_GROUP}"]

[task.{CANARY}]
command = "echo {CANARY}; sleep 1000"
shell = true
"""

CLIENT = """
import os, socket, sys, json
path, uid, groups, requests = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]), json.loads(sys.argv[4])
os.setgroups(groups)
os.setgid(61000)
os.setuid(uid)
answers = []
for request in requests:
    plain = socket.socket(socket.AF_UNIX)
    plain.settimeout(30)
    try:
        plain.connect(path)
    except PermissionError:
        answers.append("refused")
        continue
    plain.sendall((request + " HTTP/1.0\\r\\n\\r\\n").encode())
    if "/events" in request:
        answers.append(plain.makefile().readline().strip())
        continue
    answers.append(plain.makefile().read())
print(json.dumps(answers))
"""


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with TemporaryDirectory() as directory, Daemon(Path(directory)) as made:  # not pytest's, which is for one user only
        Path(directory).chmod(0o755)
        made.write("tasks.toml", TASKS)
        made.start()
        yield made


def asked(daemon: Daemon, uid: int, *requests: str, groups: tuple[int, ...] = (), name: str = "view.sock") -> list[str]:
    command = [sys.executable, "-c", CLIENT, str(daemon.runtime / name), str(uid), json.dumps(groups)]
    done = subprocess.run([*command, json.dumps(requests)], capture_output=True, text=True, check=True, timeout=60)
    answers: list[str] = json.loads(done.stdout)
    return answers


def codes(answers: list[str]) -> list[str]:
    return [answer.split(" ")[1] if answer.startswith("HTTP/") else answer for answer in answers]


def body(answer: str) -> object:
    return json.loads(answer.partition("\r\n\r\n")[2] or answer.partition("\n\n")[2])


def as_root(daemon: Daemon, *words: str) -> str:
    places = [f"--runtime-dir={daemon.runtime}", f"--state-dir={daemon.state}", f"--config-dir={daemon.config}"]
    command = [sys.executable, "-m", "rocketd.cli.rocketctl", *places, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_kernel_lets_nobody_but_operators_connect(daemon: Daemon) -> None:
    assert codes(asked(daemon, DBA, "GET /v1/tasks")) == ["200"]
    assert codes(asked(daemon, STRANGER, "GET /v1/tasks", groups=(BACKUP_GROUP,))) == ["200"]
    assert asked(daemon, STRANGER, "GET /v1/tasks") == ["refused"]
    assert asked(daemon, BACKUP_GROUP, "GET /v1/tasks", groups=(DBA,)) == ["refused"]  # numbers of the other kind
    assert asked(daemon, DBA, "GET /v1/tasks", name="control.sock") == ["refused"]


def test_an_operator_does_with_his_tasks_what_he_may_and_nothing_else(daemon: Daemon) -> None:
    (me,) = asked(daemon, STRANGER, "GET /v1/me", groups=(BACKUP_GROUP,))
    assert body(me) == {"by": f"uid {STRANGER}", "uid": STRANGER, "may": ["operate"], "operates": ["ours"]}
    for number, stop in ((1, "tasks/ours"), (2, "runs/ours/2")):
        may = [f"POST /v1/{one}" for one in ("tasks/ours/run", "tasks/ours/pause", "tasks/ours/resume", f"{stop}/stop")]
        assert codes(asked(daemon, STRANGER, *may, groups=(BACKUP_GROUP,))) == ["200"] * 4
        daemon.until_line("ours was stopped by an operator", number)
    others = [
        f"POST /v1/tasks/{task}/{verb}" for task in (CANARY, "mine") for verb in ("run", "stop", "pause", "resume")
    ]
    others += [
        f"POST /v1/runs/{CANARY}/1/stop",
        "POST /v1/prune",
        "POST /v1/reload",
        "GET /v1/status",
        "GET /v1/metrics",
    ]
    others += ["GET /v1/tasks/mine", f"GET /v1/tasks/{CANARY}/why", "GET /v1/fleet", f"GET /v1/runs?task={CANARY}"]
    assert set(codes(asked(daemon, STRANGER, *others, groups=(BACKUP_GROUP,)))) == {"403"}
    assert json.loads(as_root(daemon, "show", "ours/1", "--json"))["reason"] == f"by hand, uid {STRANGER}"
    daemon.until_line(f"ours was paused by uid {STRANGER}")
    daemon.until_line(f"ours was resumed by uid {STRANGER}")


def test_nothing_of_other_tasks_is_in_any_answer(daemon: Daemon) -> None:
    as_root(daemon, "run", CANARY)
    daemon.until_line(CANARY)
    as_root(daemon, "stop", CANARY, "--wait")
    as_root(daemon, "run", "mine", "--wait")
    run_id = json.loads(as_root(daemon, "show", f"{CANARY}/1", "--json"))["run_id"]
    names = {"TASK": [CANARY, "mine"], "RUN": [f"{CANARY}/1", run_id, run_id[:8], "mine/1"]}
    paths = [route.path for route in ROUTES if route.method == "GET" and not route.path.endswith("/events")]
    filled = [
        path.replace(word, name) for path in paths for word in ("TASK", "RUN") if word in path for name in names[word]
    ] + [path for path in paths if "TASK" not in path and "RUN" not in path]
    answers = asked(daemon, DBA, *(f"GET {path}" for path in filled))
    for path, answer in zip(filled, answers, strict=True):
        refused = codes([answer]) == ["403"]  # which says what was asked for
        assert refused or CANARY not in answer, path
    seen = dict(zip(filled, answers, strict=True))
    assert [task["task"] for task in body(seen["/v1/tasks"])] == ["mine"]  # type: ignore[attr-defined]
    assert "mine-to-see" in seen["/v1/runs/mine/1"]
    assert "mine-to-see" in seen["/v1/runs"]


def test_events_of_other_tasks_are_not_heard(daemon: Daemon) -> None:
    listener = subprocess.Popen(
        [sys.executable, "-c", LISTENER, str(daemon.runtime / "view.sock"), str(DBA)], stdout=subprocess.PIPE, text=True
    )
    assert listener.stdout is not None
    try:
        assert listener.stdout.readline().strip() == "listening"
        as_root(daemon, "run", CANARY)
        daemon.until_line(CANARY)
        as_root(daemon, "run", "mine", "--wait")
        heard = list(listener.stdout)
    finally:
        listener.kill()
        listener.wait(30)
        listener.stdout.close()
    assert "mine-to-see" in "".join(heard)
    assert CANARY not in "".join(heard)


LISTENER = """
import os, sys, socket
os.setgroups([]); os.setgid(61000); os.setuid(int(sys.argv[2]))
plain = socket.socket(socket.AF_UNIX)
plain.settimeout(30)
plain.connect(sys.argv[1])
plain.sendall(b"GET /v1/events HTTP/1.0\\r\\n\\r\\n")
lines = plain.makefile()
while lines.readline().strip():
    pass
print("listening", flush=True)
for line in lines:
    print(line, end="")
    if '"finished"' in line and '"mine"' in line:
        break
"""


def test_a_limit_counts_the_runs_that_may_be_seen(daemon: Daemon) -> None:
    as_root(daemon, "run", "mine", "--wait")
    for _ in range(3):
        as_root(daemon, "run", CANARY)
        as_root(daemon, "stop", CANARY, "--wait")
    (answer,) = asked(daemon, DBA, "GET /v1/runs?limit=2")
    assert [run["task"] for run in body(answer)] == ["mine"]  # type: ignore[attr-defined]


def test_where_a_page_begins_tells_nothing_of_runs_that_may_not_be_seen(daemon: Daemon) -> None:
    """Neither that there is such a run, nor which ones are called alike."""
    for _ in range(2):
        as_root(daemon, "run", CANARY)
        as_root(daemon, "stop", CANARY, "--wait")
    run_id = json.loads(as_root(daemon, "show", f"{CANARY}/1", "--json"))["run_id"]
    places = [f"{CANARY}/1", run_id, run_id[:8], f"{CANARY}/99", "ffffffff"]
    answers = asked(daemon, DBA, *(f"GET /v1/runs?after={place}" for place in places))
    assert set(codes(answers)) == {"404"}
    told = [str(body(answer)).replace(place, "PLACE") for place, answer in zip(places, answers, strict=True)]
    assert len(set(told)) == 1, told


def test_who_is_no_operator_any_longer_is_refused_on_the_connection_that_is_open(daemon: Daemon) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", OPEN_CLIENT, str(daemon.runtime / "view.sock"), str(DBA)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        assert child.stdout.readline().strip() == "200"
        daemon.write("tasks.toml", TASKS.replace(f'"{DBA}"', f'"{STRANGER}"'))
        as_root(daemon, "reload")
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline().strip() == "403"
    finally:
        child.stdin.close()
        child.wait(30)
        child.stdout.close()
    assert asked(daemon, DBA, "GET /v1/tasks") == ["refused"]
    assert codes(asked(daemon, STRANGER, "GET /v1/tasks")) == ["200"]


OPEN_CLIENT = """
import os, sys
from http.client import HTTPConnection
import socket
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
http = HTTPConnection("x", timeout=30)
http.sock = socket.socket(socket.AF_UNIX)
http.sock.settimeout(30)
http.sock.connect(sys.argv[1])
for _ in range(2):
    http.request("GET", "/v1/tasks")
    answer = http.getresponse()
    answer.read()
    print(answer.status, flush=True)
    sys.stdin.readline()
"""


def test_an_operator_who_opens_all_he_can_keeps_nobody_else_away(daemon: Daemon) -> None:
    with ExitStack() as stack:
        opened = []
        os.seteuid(DBA)  # what connects is asked for the ids that count, and those are the effective ones
        try:
            for _ in range(MAX_CONNECTIONS_PER_VIEWER + 1):
                plain = stack.enter_context(socket.socket(socket.AF_UNIX))
                plain.settimeout(30)
                plain.connect(str(daemon.runtime / "view.sock"))
                opened.append(plain)
        finally:
            os.seteuid(0)
        assert b" 503 " in opened[-1].makefile("rb").readline()
        assert codes(asked(daemon, STRANGER, "GET /v1/tasks", groups=(BACKUP_GROUP,))) == ["200"]
        assert "mine" in as_root(daemon, "list")


def test_operators_who_do_not_exist_are_a_warning_and_the_task_runs(daemon: Daemon) -> None:
    daemon.write(
        "more.toml", '[task.more]\ncommand = ["true"]\noperators = ["nobody-of-that-name", "@none-of-these"]\n'
    )
    as_root(daemon, "reload")
    assert "2 warnings" in as_root(daemon, "status")
    as_root(daemon, "run", "more", "--wait")


def test_a_socket_without_operators_and_viewers_is_for_root_alone(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.start()
        assert stat.S_IMODE((daemon.runtime / "view.sock").stat().st_mode) & 0o007 == 0
        assert asked(daemon, 0, "GET /v1/tasks")[0].startswith("HTTP/1.1 200")
