"""A real HTTP or HTTPS server on loopback that keeps what it is sent: as healthchecks and chat systems would."""

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from support.servers.mail_server import Certificate

PATIENCE = 30.0
"""Seconds after which a request that should have come has not."""


class Received(NamedTuple):
    """A request."""

    method: str
    target: str
    """The path with its parameters; at a proxy, the whole URL."""
    body: str
    headers: dict[str, str]
    """By their names in lower case."""

    @property
    def path(self) -> str:
        """The path alone."""
        return urlsplit(self.target).path

    @property
    def parameters(self) -> str:
        """The part after the question mark."""
        return urlsplit(self.target).query


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that distrusts the certificate, or dies, is no news."""


class WebServer:
    """Takes requests between `start` and its end; before, its port refuses."""

    def __init__(self, certificate: Certificate | None = None) -> None:
        self.received: Queue[Received] = Queue()
        self.answers: list[tuple[int, dict[str, str]]] = []
        """What it says to the next requests; then 200."""
        self.scheme = "https" if certificate else "http"
        self._certificate = certificate
        self._bound = socket.socket()
        self._bound.bind(("127.0.0.1", 0))
        self.port: int = self._bound.getsockname()[1]
        self._server: _Server | None = None
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Take requests from now on."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                status, headers = server.answers.pop(0) if server.answers else (200, {})
                if status < 300:
                    server.received.put(
                        Received(
                            self.command, self.path, body, {name.lower(): value for name, value in self.headers.items()}
                        )
                    )
                self.send_response(status)
                for name, value in {**headers, "Content-Length": "2"}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"OK")

            do_GET = do_POST  # noqa: N815 - a method of http.server

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = self._bound
        self._bound.listen(64)
        if self._certificate is not None:
            # The handshake is done by the thread of the connection: one that stalls there holds up no other.
            self._server.socket = self._certificate.context.wrap_socket(
                self._bound, server_side=True, do_handshake_on_connect=False
            )
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def next(self) -> Received:
        """Wait for the next request that it answered with 200."""
        return self.received.get(timeout=PATIENCE)

    def all(self) -> list[Received]:
        """Return what it has by now."""
        return [self.received.get_nowait() for _ in range(self.received.qsize())]

    def close(self) -> None:
        """Take no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        else:
            self._bound.close()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
