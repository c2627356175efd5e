"""The server of `rocketctl web`, over real sockets: who gets what, and that a stream is passed on as it comes."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest

from rocketd.page.access import GUESSES, PageAccess
from rocketd.page.connections import OpenConnections
from rocketd.page.server import MAX_CONNECTIONS, SECURITY_HEADERS, PageServer, Site
from rocketd.page.static_files import static_files
from support.fakes.daemon import FakeDaemon, fake_daemon

TIMEOUT = 10.0


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        value: dict[str, object] = json.loads(self.body)
        return value


class Page:
    """A server in a thread, and a browser that asks it."""

    def __init__(self, control: Path, *, may_write: bool) -> None:
        self.new_tokens: list[str] = []
        self.access = PageAccess(self.new_tokens.append)
        self.server = PageServer(0, Site(str(control), static_files(), self.access, may_write, guess_delay=0.0))
        self.session = ""
        self._thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def log_in(self) -> None:
        assert self.access.token
        self.session = str(self.exchange(self.access.token).json["session"])

    def exchange(self, token: str) -> Answer:
        return self.ask("POST", "/session", token.encode())

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=TIMEOUT)
        authorization = {"Authorization": f"Bearer {self.session}"} if self.session else {}
        try:
            connection.request(method, path, body, {**authorization, **headers})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()

    def raw(self, text: bytes) -> bytes:
        """Send bytes; returns all that comes back until the server closes, or the first line if it does not."""
        with socket.create_connection(("127.0.0.1", self.server.server_port), timeout=TIMEOUT) as connection:
            connection.sendall(text)
            return connection.recv(65536).split(b"\r\n")[0]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeDaemon]:
    with fake_daemon(tmp_path / "control.sock") as one:
        one.will("GET /v1/status", {"version": "1"})
        one.will("POST /v1/tasks/backup/run", {"task": "backup", "number": 1})
        yield one


@pytest.fixture
def page(daemon: FakeDaemon) -> Iterator[Page]:
    one = Page(Path(str(daemon.server_address)), may_write=False)
    yield one
    one.close()


@pytest.fixture
def writing(daemon: FakeDaemon) -> Iterator[Page]:
    one = Page(Path(str(daemon.server_address)), may_write=True)
    one.log_in()
    yield one
    one.close()


# -- files


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html?x=1", "text/html; charset=utf-8"),
        ("/main.js", "text/javascript; charset=utf-8"),
        ("/views/day.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ],
)
def test_files_are_for_everybody_and_safe(page: Page, path: str, content_type: str) -> None:
    answer = page.ask("GET", path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.headers.items() >= SECURITY_HEADERS.items()


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/%2e%2e/etc/passwd", "/views/", "/views", "/server.py", "/v2", "/x%00"]
)
def test_nothing_else_is_there(page: Page, path: str) -> None:
    assert page.ask("GET", path).status == 404


def test_files_cannot_be_posted_to(page: Page) -> None:
    assert page.ask("POST", "/", b"x").status == 405


# -- the name of the host: a name of an attacker's may lead to this address as well


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9", "LOCALHOST", "[::1]:80", "[::1]", "127.0.0.1:8377"])
def test_names_of_loopback_are_served_with_any_port(page: Page, host: str) -> None:
    assert page.ask("GET", "/", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "",
        "evil@localhost",
        "127.1",
        "[::2]",
        "localhost:80:80",
    ],
)
@pytest.mark.parametrize("path", ["/", "/v1/status", "/session"])
def test_other_names_are_not(page: Page, host: str, path: str) -> None:
    page.log_in()
    assert page.ask("GET", path, headers={"Host": host}).status == 421


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: localhost\r\n"])
def test_a_request_names_its_host_once(page: Page, hosts: bytes) -> None:
    assert page.raw(b"GET / HTTP/1.1\r\n" + hosts + b"\r\n") == b"HTTP/1.1 421 Misdirected Request"


# -- the session


def test_the_token_is_good_for_one_browser(page: Page) -> None:
    token = page.access.token
    assert token
    first = page.exchange(token)
    assert first.status == 200
    assert first.json["may_write"] is False
    assert page.exchange(token).status == 403
    page.session = str(first.json["session"])
    assert page.ask("GET", "/v1/status").json == {"version": "1"}


def test_a_wrong_guess_does_not_use_the_token_up(page: Page) -> None:
    token = page.access.token
    assert token
    assert page.exchange("wrong").status == 403
    assert page.exchange(token).status == 200


def test_after_some_wrong_guesses_there_is_another_token_and_its_owner_learns_it(page: Page) -> None:
    first = page.access.token
    assert first
    for n in range(GUESSES):
        assert page.exchange(f"wrong {n}").status == 403
    assert page.exchange(first).status == 403
    assert page.exchange(page.new_tokens[-1]).status == 200


def test_guesses_after_the_exchange_change_nothing(page: Page) -> None:
    page.log_in()
    for n in range(GUESSES + 1):
        page.exchange(f"wrong {n}")
    assert page.ask("GET", "/v1/status").status == 200
    assert page.new_tokens == []


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer x", "Basic x", "Bearer é"])
def test_without_the_session_the_daemon_is_not_asked(page: Page, daemon: FakeDaemon, authorization: str) -> None:
    page.log_in()
    headers = {"Authorization": authorization.encode().decode("latin-1")}
    assert page.ask("GET", "/v1/status", headers=headers).status == 401
    assert page.ask("GET", "/v1/status", headers={"Cookie": f"session={page.session}", **headers}).status == 401
    assert daemon.asked == []


def test_the_token_is_no_session(page: Page) -> None:
    page.session = page.access.token or ""
    assert page.ask("GET", "/v1/status").status == 401


def test_the_right_token_does_not_wait_for_wrong_ones(page: Page) -> None:
    with page.server.guessing:  # as while somebody guesses
        assert page.exchange("wrong").status == 403
        page.log_in()


# -- other users of the host: they can connect, but keep nobody out


def strangers(page: Page, count: int, text: bytes = b"") -> list[socket.socket]:
    """Connections that say as much, and nothing more; the server has taken each of them."""
    made = []
    for _ in range(count):
        made.append(socket.create_connection(("127.0.0.1", page.server.server_port), timeout=TIMEOUT))
        made[-1].sendall(text)
    return made


@pytest.mark.parametrize("text", [b"", b"GET / HTTP/1.1\r\nHost: loc", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_who_has_shown_no_session_gives_way(page: Page, text: bytes) -> None:
    silent = strangers(page, MAX_CONNECTIONS, text)
    page.log_in()
    assert page.ask("GET", "/v1/status").status == 200
    while silent[0].recv(65536):  # to the end: it has been closed
        pass
    for one in silent:
        one.close()


def test_a_stream_with_the_session_stays_whoever_connects(page: Page, daemon: FakeDaemon) -> None:
    page.log_in()
    connection = http.client.HTTPConnection("127.0.0.1", page.server.server_port, timeout=TIMEOUT)
    connection.request("GET", "/v1/events", headers={"Authorization": f"Bearer {page.session}"})
    answer = connection.getresponse()
    silent = strangers(page, 3 * MAX_CONNECTIONS)
    assert page.ask("GET", "/v1/status").status == 200
    daemon.tell({"event": "started", "task": "one"})
    assert json.loads(answer.readline()) == {"event": "started", "task": "one"}
    connection.close()
    for one in silent:
        one.close()


def test_one_too_many_of_the_page_itself_is_closed() -> None:
    connections, pairs = OpenConnections(2), [socket.socketpair() for _ in range(4)]
    mine, other, third, last = (ours for ours, _ in pairs)
    assert connections.add(mine)
    assert connections.add(other)
    connections.keep(mine)
    assert connections.add(third)
    assert pairs[1][1].recv(1) == b""
    connections.keep(other)  # too late
    connections.keep(third)
    assert not connections.add(last)
    connections.remove(mine)
    assert connections.add(last)
    for pair in pairs:
        for one in pair:
            one.close()


# -- the daemon


def test_without_write_nothing_is_posted(page: Page, daemon: FakeDaemon) -> None:
    page.log_in()
    answer = page.ask("POST", "/v1/tasks/backup/run", b"{}")
    assert (answer.status, answer.json["hint"]) == (403, "start it with rocketctl web --write to use the buttons")
    assert daemon.asked == []


def test_with_write_a_post_goes_through(writing: Page, daemon: FakeDaemon) -> None:
    answer = writing.ask("POST", "/v1/tasks/backup/run", b'{"as_scheduled": true}')
    assert answer.json == {"task": "backup", "number": 1}
    assert daemon.bodies == [{"as_scheduled": True}]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "HEAD"])
def test_other_methods_are_not_known(writing: Page, daemon: FakeDaemon, method: str) -> None:
    assert writing.ask(method, "/v1/status").status == 501
    assert daemon.asked == []


def test_errors_of_the_daemon_are_passed_on(page: Page) -> None:
    page.log_in()
    answer = page.ask("GET", "/v1/tasks/none")
    assert (answer.status, answer.json["error"]) == (404, "there is no /v1/tasks/none")
    assert answer.headers.items() >= SECURITY_HEADERS.items()


def test_a_large_answer_is_whole(page: Page, daemon: FakeDaemon) -> None:
    daemon.will("GET /v1/tasks", ["x" * 1000] * 3000)
    page.log_in()
    assert page.ask("GET", "/v1/tasks").body == json.dumps(["x" * 1000] * 3000).encode()


@pytest.mark.parametrize("length", [b"65537", b"-1", b"1e3", b"0x10", b"9" * 30, "٣".encode()])
def test_a_body_has_a_length_and_is_not_too_long(writing: Page, daemon: FakeDaemon, length: bytes) -> None:
    head = b"POST /v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + b"\r\n\r\n"
    assert writing.raw(head).split()[1] == b"413"
    assert daemon.asked == []


def test_a_body_in_chunks_is_refused(writing: Page) -> None:
    head = b"POST /v1/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert writing.raw(head).split()[1] == b"413"


def test_a_path_cannot_bring_a_second_request_along(page: Page, daemon: FakeDaemon) -> None:
    page.log_in()
    head = f"GET /v1/status\rX HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {page.session}\r\n\r\n"
    assert page.raw(head.encode()).split()[1] == b"400"
    head = head.replace("\rX", "\x85é")
    assert page.raw(head.encode("latin-1")).split()[1] == b"400"
    assert daemon.asked == []


def test_events_come_as_they_happen_and_end_with_the_daemon(page: Page, daemon: FakeDaemon) -> None:
    page.log_in()
    connection = http.client.HTTPConnection("127.0.0.1", page.server.server_port, timeout=TIMEOUT)
    connection.request("GET", "/v1/events?kinds=started", headers={"Authorization": f"Bearer {page.session}"})
    answer = connection.getresponse()
    daemon.tell({"event": "started", "task": "one"})
    assert json.loads(answer.readline()) == {"event": "started", "task": "one"}
    daemon.tell({"event": "started", "task": "two"})
    assert json.loads(answer.readline()) == {"event": "started", "task": "two"}
    daemon.tell(None)
    assert answer.readline() == b""
    assert daemon.asked == ["GET /v1/events?kinds=started"]
    connection.close()


def test_a_browser_that_hangs_up_leaves_no_connection_to_the_daemon(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(str(tmp_path / "control.sock"))
        control.listen()
        page = Page(tmp_path / "control.sock", may_write=False)
        try:
            page.log_in()
            browser = socket.create_connection(("127.0.0.1", page.server.server_port), timeout=TIMEOUT)
            browser.sendall(
                f"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {page.session}\r\n\r\n".encode()
            )
            upstream, _ = control.accept()
            upstream.settimeout(TIMEOUT)
            assert upstream.recv(65536).startswith(b"GET /v1/events HTTP/1.0\r\n")
            upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n")
            assert browser.recv(65536).startswith(b"HTTP/1.1 200 OK")
            browser.close()
            assert upstream.recv(65536) == b""
            upstream.close()
        finally:
            page.close()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"", "rocketd did not answer"),
        (b"SSH-2.0\r\n\r\n", "rocketd did not answer in HTTP"),
        (b"x" * 20_000, "rocketd did not answer"),
    ],
)
def test_what_is_not_http_is_an_error(tmp_path: Path, said: bytes, message: str) -> None:
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(str(tmp_path / "control.sock"))
        control.listen()
        page = Page(tmp_path / "control.sock", may_write=False)
        page.log_in()

        def answer() -> None:
            upstream, _ = control.accept()
            upstream.recv(65536)
            upstream.sendall(said)
            upstream.close()

        thread = Thread(target=answer)
        thread.start()
        try:
            answered = page.ask("GET", "/v1/status")
            assert (answered.status, answered.json["error"]) == (502, message)
        finally:
            thread.join()
            page.close()


def test_a_daemon_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    page = Page(tmp_path / "control.sock", may_write=False)
    try:
        page.log_in()
        answer = page.ask("GET", "/v1/status")
        assert (answer.status, answer.json) == (
            502,
            {"error": "rocketd is not running", "hint": "systemctl start rocketd"},
        )
    finally:
        page.close()
