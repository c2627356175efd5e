"""The daemon's control socket, from the other side: HTTP and JSON.

It speaks HTTP/1.0 on purpose: the body then ends with the connection, without chunks, so that these few lines are
a whole client. `http.client` or h11 would cost more time to import than everything else that `rocketctl list` does.
"""

import json
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO, Final, NamedTuple, Self

from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.daemon.json_format import Json, JsonObject

TIMEOUT: Final = 30.0
"""Seconds until a silent daemon counts as stuck; its watchdog restarts it at about the same time."""
CONTROL_SOCKET: Final = "control.sock"
VIEW_SOCKET: Final = "view.sock"
"""Beside the other one: for those who may look, and for operators."""
LONGEST_LINE: Final = 64 * 1024

_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")

Query = Iterable[tuple[str, str]]


class Client:
    """Sends requests to the daemon behind one socket. Every method raises Failure."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.not_loaded = False
        """Whether the last answer said that some task files are not loaded."""

    def get(self, path: str, query: Query = ()) -> Json:
        """Send a GET request, and return its JSON."""
        return self._ask("GET", _target(path, query), b"")

    def text(self, path: str, query: Query = ()) -> str:
        """Send a GET request, and return what is not JSON."""
        with self.connect() as connection:
            reply = _send(connection, "GET", _target(path, query), b"")
            _expect_success(reply)
            return _whole(reply).decode()

    def post(self, path: str, body: JsonObject | None = None, *, timeout: float | None = TIMEOUT) -> Json:
        """Send a POST request, and return its JSON; `timeout`: seconds to wait, None: without limit."""
        return self._ask("POST", _target(path, ()), json.dumps(body or {}).encode(), timeout)

    def events(self, query: Query = ()) -> "Events":
        """Subscribe to events; from the return on, no event is missed."""
        return self.stream("/v1/events", query)

    def stream(self, path: str, query: Query = ()) -> "Events":
        """Send a GET request, and return the objects of its answer as they come."""
        connection = self.connect()
        try:
            reply = _send(connection, "GET", _target(path, query), b"")
            _expect_success(reply)
            connection.settimeout(None)  # there may be no event for days
        except BaseException:
            connection.close()
            raise
        return Events(connection, reply.body)

    def _ask(self, method: str, target: str, body: bytes, timeout: float | None = TIMEOUT) -> Json:
        with self.connect() as connection:
            connection.settimeout(timeout)
            reply = _send(connection, method, target, body)
            self.not_loaded = reply.not_loaded
            _expect_success(reply)
            return _value(_whole(reply))

    def connect(self) -> socket.socket:
        """Open a connection for one request; succeeds only if a daemon runs."""
        try:
            return _connected(self._path)
        except PermissionError as error:
            with suppress(OSError):
                return _connected(f"{self._path.removesuffix(CONTROL_SOCKET)}{VIEW_SOCKET}")
            raise _unreachable(self._path, error) from None
        except OSError as error:
            raise _unreachable(self._path, error) from None


def _connected(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(TIMEOUT)
    try:
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return connection


class Events:
    """The stream of events, one object each. A context manager; iterating ends when the daemon closes it."""

    def __init__(self, connection: socket.socket, lines: BinaryIO) -> None:
        self._connection = connection
        self._lines = lines

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._connection.close()

    def __iter__(self) -> Iterator[JsonObject]:
        for line in self._lines:
            value = _value(line) if line.strip() else None
            if isinstance(value, dict):
                yield value


class _Reply(NamedTuple):
    status: int
    length: int | None
    not_loaded: bool
    body: BinaryIO


def _send(connection: socket.socket, method: str, target: str, body: bytes) -> _Reply:
    head = f"{method} {target} HTTP/1.0\r\nHost: rocketd\r\nAccept: application/json\r\n"
    if method == "POST":
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    try:
        connection.sendall(head.encode() + b"\r\n" + body)
        stream = connection.makefile("rb")
        return _head(stream)
    except TimeoutError:
        msg = f"rocketd has not answered for {TIMEOUT:.0f} s"
        raise Failure(msg, hint="see systemctl status rocketd") from None
    except OSError as error:
        raise _broken(error.strerror or str(error)) from None


def _head(stream: BinaryIO) -> _Reply:
    protocol, _, rest = stream.readline(LONGEST_LINE).partition(b" ")
    if not protocol.startswith(b"HTTP/") or not rest[:3].isdigit():
        raise _broken("its answer is not HTTP" if protocol else "it closed the connection")
    length, not_loaded = None, False
    while line := stream.readline(LONGEST_LINE).strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
        not_loaded = not_loaded or name.lower() == b"rocketd-not-loaded"
    return _Reply(int(rest[:3]), length, not_loaded, stream)


def _whole(reply: _Reply) -> bytes:
    try:
        with reply.body:
            body = reply.body.read() if reply.length is None else reply.body.read(reply.length)
    except OSError as error:
        raise _broken(error.strerror or str(error)) from None
    if reply.length is not None and len(body) < reply.length:
        raise _broken("it closed the connection")
    return body


def _expect_success(reply: _Reply) -> None:
    """Raise Failure for any other status, with the sentence of the answer."""
    if reply.status // 100 == 2:  # noqa: PLR2004 - 2xx of RFC 9110
        return
    try:
        content = _value(_whole(reply))
    except Failure:
        content = None
    message, hint = (content.get("error"), content.get("hint")) if isinstance(content, dict) else (None, None)
    raise Failure(
        message if isinstance(message, str) else f"rocketd answered with status {reply.status}",
        hint=hint if isinstance(hint, str) else "",
        code=_CODES.get(reply.status, ExitCode.FAILED),
    )


_CODES: Final = {401: ExitCode.NOT_ALLOWED, 403: ExitCode.NOT_ALLOWED, 404: ExitCode.NOT_FOUND}


def _value(body: bytes) -> Json:
    try:
        value: Json = json.loads(body)
    except ValueError:
        raise _broken("it closed the connection in the middle of its answer") from None
    return value


def _broken(why: str) -> Failure:
    return Failure(f"rocketd did not answer: {why}", hint="see systemctl status rocketd")


def _unreachable(path: str, error: OSError) -> Failure:
    match error:
        case FileNotFoundError() | ConnectionRefusedError() | NotADirectoryError():
            return Failure(f"no daemon is running at {path}", hint="systemctl start rocketd", code=ExitCode.NO_DAEMON)
        case PermissionError():
            hint = (
                "root and members of group rocketd may do everything, those of rocketd-view may look, operators of a "
                "task (operators in its file) may run and stop it; new groups count from the next login on"
            )
            return Failure(f"no permission to connect to the daemon at {path}", hint=hint, code=ExitCode.NOT_ALLOWED)
    return Failure(f"cannot connect to {path}: {error.strerror or error}")


def _target(path: str, query: Query) -> str:
    pairs = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in query)
    return f"{quoted(path)}?{pairs}" if pairs else quoted(path)


def quoted(text: str) -> str:
    """Percent-encode all but unreserved characters and the slash (RFC 3986 §2.3)."""
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in raw)
