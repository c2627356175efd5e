"""The server of `rocketctl web`: the page and the control socket, on loopback, for one user.

Every user of the host can connect to the port, and a website can make a browser do so. So each request for data needs
the session (no cookie: those of 127.0.0.1 are shared by all ports), and the name of the host must be that of loopback
(a name of the attacker's may resolve to it). What the page may do is what its user may do on the control socket.
"""

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Lock
from typing import Any, Final, NamedTuple

from rocketd.page.access import PageAccess
from rocketd.page.connections import OpenConnections
from rocketd.page.relay import RelayedAnswer, UnansweredRequest
from rocketd.page.static_files import StaticFile

LOOPBACK: Final = "127.0.0.1"
HOSTS: Final = frozenset({LOOPBACK, "localhost", "[::1]"})
"""Any port: with `ssh -L`, that of the browser is another one."""

REQUEST_TIMEOUT: Final = 10.0
"""Seconds until a request is complete, and for which a browser may read nothing of an answer."""
GUESS_DELAY: Final = 0.5
"""Seconds until a wrong token that counts as a guess is answered."""
MAX_CONNECTIONS: Final = 48
"""Open at the same time; fewer than the daemon accepts of one user."""
MAX_THREADS: Final = 2 * MAX_CONNECTIONS
"""With those of connections that have been shut down, and notice it."""
BODY_BYTES: Final = 64 * 1024

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Site(NamedTuple):
    """What a server serves, and to whom."""

    control: str
    """The path of the control socket."""
    files: Mapping[str, StaticFile]
    access: PageAccess
    may_write: bool = False
    guess_delay: float = GUESS_DELAY


class PageServer(ThreadingHTTPServer):
    """Listens on loopback. Whoever waits for `fileno()` to be readable calls `handle_request`, which does not block."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = MAX_CONNECTIONS

    def __init__(self, port: int, site: Site) -> None:
        """Listen on `port`, any free one if it is 0; raises OSError."""
        self.site = site
        self.guessing = Lock()
        self.connections = OpenConnections(MAX_CONNECTIONS)
        self._free_threads = BoundedSemaphore(MAX_THREADS)
        super().__init__((LOOPBACK, port), PageHandler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in socketserver
        """Handle a connection in a thread of its own; one too many is closed."""
        if not self._free_threads.acquire(blocking=False):
            self.shutdown_request(request)
        elif not self.connections.add(request):
            self._free_threads.release()
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in socketserver
        """Handle a connection, in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free_threads.release()

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as in socketserver
        """Close a connection."""
        self.connections.remove(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in socketserver
        """Say nothing about browsers that hang up."""


class PageHandler(BaseHTTPRequestHandler):
    """One connection of a browser."""

    server: PageServer
    protocol_version = "HTTP/1.1"
    server_version = "rocketd"
    sys_version = ""
    timeout = REQUEST_TIMEOUT
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Handle a GET request."""
        self._handle()

    def do_POST(self) -> None:
        """Handle a POST request."""
        self._handle()

    def log_message(self, *_: object) -> None:
        """Write no log: the terminal is the user's."""

    def _handle(self) -> None:
        if not self._is_of_loopback():
            self._refuse(
                421,
                "this server is not the one that the browser asked for",
                "open the address that rocketctl web printed",
            )
            return
        body = self._body()
        if body is None:
            self._refuse(413, f"the body must have a length, of at most {BODY_BYTES} bytes", "")
        elif self.path == "/session":
            self._exchange(body)
        elif self.path.startswith("/v1/"):
            self._ask_daemon(body)
        else:
            self._send_file()

    def _is_of_loopback(self) -> bool:
        hosts = self.headers.get_all("Host", [])
        return len(hosts) == 1 and _without_port(hosts[0].strip().lower()) in HOSTS

    def _body(self) -> bytes | None:
        """Read the body; None if it is too long, or its length is not known."""
        length = self.headers.get("Content-Length", "0")
        is_number = length.isascii() and length.isdigit() and len(length) <= len(str(BODY_BYTES))
        if "Transfer-Encoding" in self.headers or not is_number or int(length) > BODY_BYTES:
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def _exchange(self, body: bytes) -> None:
        """Exchange the token for the session."""
        if self.command != "POST":
            self._refuse(405, "/session accepts POST", "")
            return
        session = self.server.site.access.exchange(body.decode("ascii", "replace"))
        if session is None:
            self._delay_guess()
            self._refuse(403, "this address has been used, or is wrong", "start rocketctl web again for a new one")
        else:
            self.server.connections.keep(self.connection)
            self._send_json(200, {"session": session, "may_write": self.server.site.may_write})

    def _delay_guess(self) -> None:
        """Count a wrong token, and let it take a while; nobody waits for that, least of all who has the right one."""
        if self.server.guessing.acquire(blocking=False):
            try:
                self.server.site.access.count_guess()
                time.sleep(self.server.site.guess_delay)
            finally:
                self.server.guessing.release()

    def _send_file(self) -> None:
        file = self.server.site.files.get(self.path.partition("?")[0])
        if file is None:
            self._refuse(404, "there is no such file", "")
        elif self.command != "GET":
            self._refuse(405, "files can only be read", "")
        else:
            self._send(200, file.content_type, file.content)

    def _ask_daemon(self, body: bytes) -> None:
        if not self.server.site.access.allows(self.headers.get("Authorization", "")):
            self._refuse(401, "this browser has no session", _OPEN_ADDRESS)
            return
        self.server.connections.keep(self.connection)
        if self.command != "GET" and not self.server.site.may_write:
            self._refuse(403, "this page can only look", "start it with rocketctl web --write to use the buttons")
            return
        if not self.path.isascii():
            self._refuse(400, "the path must be percent-encoded", "")
            return
        try:
            answer = RelayedAnswer(self.server.site.control, self.command, self.path, body)
        except UnansweredRequest as error:
            self._refuse(502, error.message, error.hint)
            return
        with answer:
            self._pass_on(answer)

    def _pass_on(self, answer: RelayedAnswer) -> None:
        status, content_type, length = answer.head
        self.close_connection = self.close_connection or length is None
        self._send_head(status, content_type, length)
        answer.copy(self.wfile.write, self.connection)

    def _refuse(self, status: int, message: str, hint: str) -> None:
        """Answer with an error, as the daemon writes them."""
        self._send_json(status, {"error": message, "hint": hint})

    def _send_json(self, status: int, value: object) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self._send_head(status, content_type, len(body))
        self.wfile.write(body)

    def _send_head(self, status: int, content_type: str, length: int | None) -> None:
        self.send_response(status, HTTPStatus(status).phrase)
        self.send_header("Content-Type", content_type)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in SECURITY_HEADERS.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()


_OPEN_ADDRESS: Final = "open the address that rocketctl web printed"


def _without_port(host: str) -> str:
    """Return the name of a Host header: `[::1]` of `[::1]:80`."""
    name, colon, port = host.rpartition(":")
    return name if colon and (port.isdigit() or not port) and not port.endswith("]") else host
