"""The control socket against those who mean it no good, and the file it is reached by."""

import grp
import json
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rocketd.web.unix_socket import CannotListen
from support.fakes.control import Served, served

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
NOBODY = 65534


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path / "control.sock") as daemon:
        yield daemon


def connected(path: Path) -> socket.socket:
    plain = socket.socket(socket.AF_UNIX)
    plain.settimeout(60)
    plain.connect(str(path))
    return plain


def said(path: Path, raw: bytes) -> bytes:
    """What is answered to these bytes, and to the end of them."""
    with connected(path) as plain:
        try:
            plain.sendall(raw)
            plain.shutdown(socket.SHUT_WR)
        except BrokenPipeError:
            pass  # it has heard enough
        return everything(plain)


def everything(plain: socket.socket) -> bytes:
    answer = b""
    try:
        while part := plain.recv(1 << 16):
            answer += part
    except ConnectionResetError:
        pass
    return answer


def status(path: Path) -> bytes:
    return said(path, b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").partition(b"\r\n")[0]


# -- bytes


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (b"", b""),
        (b"\x16\x03\x01\x02\x00\x01", b"HTTP/1.1 400"),
        (b"hello\r\n\r\n", b"HTTP/1.1 400"),
        (b"\x00\xff\r\n\r\n", b"HTTP/1.1 400"),
        (b"GET /v1/status HTTP/1.1\r\n\r\n", b"HTTP/1.1 400"),
        (b"GET /v1/status HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000, b"HTTP/1.1 431"),
        (b"GET /" + b"x" * 100_000, b"HTTP/1.1 431"),
        (
            b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n" + b" " * 99_999,
            b"HTTP/1.1 413",
        ),
        (b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 400"),
        (
            b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 200",
        ),
        (b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}", b"HTTP/1.1 400"),
        (
            b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
            b"HTTP/1.1 200",
        ),
    ],
)
def test_bad_bytes_get_a_good_answer_and_hurt_nobody(daemon: Served, raw: bytes, answer: bytes) -> None:
    assert said(daemon.path, raw)[:12] == answer
    assert status(daemon.path) == b"HTTP/1.1 200 OK"


def test_what_is_no_request_is_told_so_without_its_bytes(daemon: Served) -> None:
    for raw in (b"hello\r\n\r\n", b"\x00\xff\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\xff\x00: x\r\n\r\n"):
        told = json.loads(said(daemon.path, raw).partition(b"\r\n\r\n")[2])
        assert told["error"].startswith("not an HTTP request: "), told
        assert not re.search(r"bytearray|b'|\\x", told["error"]), told


def test_a_body_that_will_be_too_long_is_refused_before_it_comes(daemon: Served) -> None:
    """The client keeps its end open, and sends none of the body."""
    with connected(daemon.path) as plain:
        plain.sendall(b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert plain.recv(12) == b"HTTP/1.1 413"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(st.binary(max_size=2000), st.text(max_size=500).map(str.encode)))
@example(b"GET /v1/runs?limit=%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n")
@example(b"GET /v1/tasks/%ff%2e%2e%2f HTTP/1.1\r\nHost: x\r\n\r\n")
@example(b"GET http://x/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
@example(b"GET * HTTP/1.1\r\nHost: x\r\n\r\n")
@example(b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\nxxxx")
@example(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nPRI * HTTP/2.0")
@example(b"HEAD /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
@example(b'POST /v1/tasks/backup/pause HTTP/1.0\r\nContent-Length: 16\r\n\r\n{"reason":"\\ud800"}')
def test_whatever_comes_it_is_an_answer_or_silence_and_never_a_defect(daemon: Served, raw: bytes) -> None:
    answer = said(daemon.path, raw)
    assert not answer or answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4", b"HTTP/1.1 100"))
    assert not [text for text in daemon.journal.messages if "defect" in text]


def test_requests_that_come_all_at_once_are_answered_one_after_the_other(daemon: Served) -> None:
    asked = b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n" * 3
    assert said(daemon.path, asked).count(b'{"version": "0.1.0"}') == 3


def test_a_head_is_answered_without_a_body_and_what_follows_is_answered_too(daemon: Served) -> None:
    """What it asks for can only be had by GET, so the answer says so; a body after it would be taken for an answer."""
    head = b"HEAD /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
    answers = said(daemon.path, head + head.replace(b"HEAD", b"GET"))
    assert answers.startswith(b"HTTP/1.1 405 ")
    assert answers.partition(b"\r\n\r\n")[2].startswith(b"HTTP/1.1 200 ")


def test_a_request_that_comes_byte_by_byte_is_answered(daemon: Served) -> None:
    with connected(daemon.path) as plain:
        for byte in b"GET /v1/status HTTP/1.0\r\n\r\n":
            plain.send(bytes([byte]))
        assert everything(plain).endswith(b'{"version": "0.1.0"}')


@pytest.mark.parametrize(
    "begun", [b"", b"GET /v1/sta", b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"]
)
def test_who_says_nothing_more_is_hung_up_on(tmp_path: Path, begun: bytes) -> None:
    with served(tmp_path / "control.sock", timeout=0.05) as daemon, connected(daemon.path) as slow:
        slow.sendall(begun)
        assert everything(slow) == b""
        assert status(daemon.path) == b"HTTP/1.1 200 OK"


def test_who_does_not_fetch_a_long_answer_holds_nobody_up(daemon: Served) -> None:
    daemon.verbs.listed.many = [{"task": "x" * 1000} for _ in range(10_000)]
    with connected(daemon.path) as slow:
        slow.sendall(b"GET /v1/tasks HTTP/1.0\r\n\r\n")
        assert slow.recv(1)
        assert status(daemon.path) == b"HTTP/1.1 200 OK"


def test_the_daemon_stops_although_somebody_does_not_fetch_his_answer(tmp_path: Path) -> None:
    with served(tmp_path / "control.sock") as daemon:
        daemon.verbs.listed.many = [{"task": "x" * 1000} for _ in range(10_000)]
        slow = connected(daemon.path)
        slow.sendall(b"GET /v1/tasks HTTP/1.0\r\n\r\n")
        assert slow.recv(1)
    slow.close()


# -- who


CLIENT = """
import os, socket, sys
path, uid, groups = sys.argv[1], int(sys.argv[2]), [int(group) for group in sys.argv[3:]]
os.setgroups(groups)
os.setgid(uid)
os.setuid(uid)
plain = socket.socket(socket.AF_UNIX)
try:
    plain.connect(path)
except PermissionError:
    print("the kernel refuses")
else:
    plain.sendall(b"POST /v1/tasks/backup/run HTTP/1.0\\r\\n\\r\\n")
    print(plain.makefile().readline().strip())
"""


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A path that everybody can reach."""
    for directory in (tmp_path, *tmp_path.parents[:-2]):
        directory.chmod(directory.stat().st_mode | 0o011)
    return tmp_path / "control.sock"


def asked_as(path: Path, *, groups: list[int]) -> str:
    """Ask as nobody, who may not even start the Python of this test."""
    command = [sys.executable, "-c", CLIENT, str(path), str(NOBODY), *map(str, groups)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@AS_ROOT
def test_members_of_the_group_may_and_others_may_not(open_path: Path) -> None:
    group = grp.getgrgid(1)
    with served(open_path, group=group.gr_name) as daemon:
        found = open_path.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o660, 0, group.gr_gid)
        assert asked_as(open_path, groups=[group.gr_gid]) == "HTTP/1.1 200 OK"
        assert asked_as(open_path, groups=[]) == "the kernel refuses"
        assert daemon.verbs.done == [("start", "backup", f"nobody (uid {NOBODY})", False)]


@AS_ROOT
def test_who_gets_past_the_mode_is_refused_by_his_credentials(open_path: Path) -> None:
    group = grp.getgrgid(1)
    with served(open_path, group=group.gr_name) as daemon:
        open_path.chmod(0o666)
        assert asked_as(open_path, groups=[]) == "HTTP/1.1 403 Forbidden"
        assert daemon.verbs.done == []


def test_without_the_group_it_is_for_the_owner_alone_and_that_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with served(path, group="no-such-group") as daemon:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert status(path) == b"HTTP/1.1 200 OK"
        said_once = ["group no-such-group does not exist; only root can use rocketctl"] if os.getuid() == 0 else []
        assert daemon.journal.messages == said_once


# -- the file


def test_a_socket_that_a_killed_daemon_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    for leftover in (path, tmp_path / "control.sock.new"):
        with socket.socket(socket.AF_UNIX) as killed:
            killed.bind(str(leftover))
    with served(path):
        assert status(path) == b"HTTP/1.1 200 OK"
    assert list(tmp_path.iterdir()) == []


def test_a_daemon_that_still_answers_is_not_robbed_of_its_socket(daemon: Served) -> None:
    with pytest.raises(CannotListen, match="another daemon listens at"), served(daemon.path):
        pass
    assert status(daemon.path) == b"HTTP/1.1 200 OK"


def test_a_daemon_that_is_too_busy_to_answer_is_not_robbed_either(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))
        with pytest.raises(CannotListen, match="another daemon listens at"), served(path):
            pass
    assert path.is_socket()


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_what_is_not_a_socket_is_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "control.sock"
    match kind:
        case "file":
            path.touch()
        case "directory":
            path.mkdir()
        case _:
            path.symlink_to("elsewhere")
    with pytest.raises(CannotListen, match=r"control\.sock is not a socket"), served(path):
        pass
    assert path.lstat()


def test_a_place_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 120) / "control.sock"
    with pytest.raises(CannotListen, match="cannot listen at") as error, served(path):
        pass
    assert error.value.hint == "--runtime-dir chooses another directory"
    assert not error.value.temporary


def test_a_directory_that_is_missing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "missing/below/control.sock"
    with served(path):
        assert path.is_socket()


def test_the_file_is_removed_at_the_end_unless_it_is_somebody_elses_by_then(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with served(path):
        assert path.is_socket()
    assert not path.exists()
    with served(path):
        path.unlink()
        path.touch()
    assert path.exists()
