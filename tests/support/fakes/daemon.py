"""A daemon of a few lines behind a real unix socket: it answers what it was given, and notes what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import Condition, Thread
from typing import TypeAlias, cast
from urllib.parse import unquote

from rocketd.daemon.json_format import Json, JsonObject

Answer: TypeAlias = tuple[int, Json | bytes]


class FakeDaemon(ThreadingMixIn, UnixStreamServer):
    """Answers requests by their target, `GET /v1/tasks`; anything else is not found."""

    daemon_threads = True

    def __init__(self, socket: Path) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.bodies: list[Json] = []
        self.happenings: list[JsonObject | None] = []
        """What the stream of events tells each subscriber; None closes it."""
        self.happened = Condition()
        super().__init__(str(socket), _Handler)

    def will(self, target: str, answer: Json | bytes, *, status: int = 200) -> None:
        """From now on answer so."""
        self.answers[target] = (status, answer)

    def tell(self, *events: JsonObject | None) -> None:
        """Put events into the stream, for those who listen and for those who will."""
        with self.happened:
            self.happenings += events
            self.happened.notify_all()

    def forget(self) -> None:
        """Close the streams that are open, and begin a new story."""
        self.tell(None)
        with self.happened:
            self.happenings = []

    def story(self) -> Iterator[JsonObject]:
        """Everything that was told and will be, until None."""
        with self.happened:
            happenings = self.happenings
        for number in count():
            with self.happened:
                self.happened.wait_for(lambda: len(happenings) > number)  # noqa: B023 - called before number moves on
            event = happenings[number]
            if event is None:
                return
            yield event


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        daemon = cast("FakeDaemon", self.server)
        if self.path.startswith("/v1/events"):
            self._stream(daemon)
        else:
            self._answer(daemon)

    def do_POST(self) -> None:
        daemon = cast("FakeDaemon", self.server)
        daemon.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(daemon)

    def _answer(self, daemon: FakeDaemon) -> None:
        target = f"{self.command} {unquote(self.path)}"
        daemon.asked.append(target)
        missing: Answer = (404, {"error": f"there is no {self.path}"})
        status, answer = daemon.answers.get(target) or daemon.answers.get(target.partition("?")[0]) or missing
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, daemon: FakeDaemon) -> None:
        daemon.asked.append(f"GET {unquote(self.path)}")
        self.send_response(200)
        self.end_headers()
        with suppress(BrokenPipeError):  # it has heard enough
            for event in daemon.story():
                self.wfile.write(json.dumps(event).encode() + b"\n")
        self.close_connection = True

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@contextmanager
def fake_daemon(socket: Path) -> Iterator[FakeDaemon]:
    """Run one in a thread, listening there."""
    with FakeDaemon(socket) as daemon:
        thread = Thread(target=daemon.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield daemon
        finally:
            daemon.forget()
            daemon.shutdown()
            thread.join()
