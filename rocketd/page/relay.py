"""One request of the page, passed on to the daemon's control socket; its answer is passed back as it comes."""

import re
import select
import socket
from collections.abc import Callable
from typing import Final, NamedTuple, Self

TIMEOUT: Final = 30.0
"""Seconds until a silent daemon counts as stuck."""
CONTROL_SOCKET: Final = "control.sock"
VIEW_SOCKET: Final = "view.sock"
HEAD_BYTES: Final = 16 * 1024
PART: Final = 64 * 1024


class UnansweredRequest(Exception):
    """The daemon cannot be reached, or what it says is not HTTP."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class AnswerHead(NamedTuple):
    """The head of the daemon's answer; `length` is that of the body, None: it ends with the connection."""

    status: int
    content_type: str
    length: int | None


class RelayedAnswer:
    """The answer to one request. A context manager."""

    def __init__(self, path: str, method: str, target: str, body: bytes) -> None:
        """Send the request to the socket at `path`, and read the head of the answer. Raises UnansweredRequest."""
        try:
            self._connection = _connected(path)
        except PermissionError as error:
            self._connection = _to_view_socket(path, error)
        except OSError as error:
            raise _no_answer(error) from None
        try:
            self._connection.sendall(_request(method, target, body))
            self.head, self._received = _read_head(self._connection)
        except OSError as error:
            self._connection.close()
            raise _no_answer(error) from None
        except UnansweredRequest:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def copy(self, write: Callable[[bytes], object], client: socket.socket) -> None:
        """Pass the body on until it ends or the client hangs up; raises OSError if the client is gone."""
        left = self.head.length
        part = self._received
        while left is None or left > 0:
            write(part[:left])
            left = None if left is None else left - len(part)
            if left == 0 or not (part := self._next_part(client)):
                return

    def _next_part(self, client: socket.socket) -> bytes:
        """Wait for more of the body, for days if need be; empty at its end, or if the client hangs up first."""
        waiting = select.poll()
        waiting.register(self._connection, select.POLLIN)
        waiting.register(client, select.POLLRDHUP)
        if any(descriptor == client.fileno() for descriptor, _ in waiting.poll()):
            return b""
        try:
            return self._connection.recv(PART)
        except OSError:  # the daemon was killed: for the client, the answer ends here
            return b""


def _connected(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(TIMEOUT)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _to_view_socket(path: str, refused: PermissionError) -> socket.socket:
    """Connect to the socket for those who may look, and for operators; raises UnansweredRequest."""
    try:
        return _connected(f"{path.removesuffix(CONTROL_SOCKET)}{VIEW_SOCKET}")
    except OSError:
        raise _no_answer(refused) from None


def _request(method: str, target: str, body: bytes) -> bytes:
    """Write a request in HTTP/1.0: the body of its answer comes without chunks."""
    head = f"{method} {target} HTTP/1.0\r\nHost: rocketd\r\n"
    if method == "POST":
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode("ascii") + b"\r\n" + body


def _read_head(connection: socket.socket) -> tuple[AnswerHead, bytes]:
    """Read up to the empty line; returns also what came after it."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(PART)
        if not part or len(received) > HEAD_BYTES:
            raise UnansweredRequest("rocketd did not answer", _SEE_STATUS)
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    status = re.match(rb"HTTP/1\.[01] ([0-9]{3})", first)
    if status is None:
        raise UnansweredRequest("rocketd did not answer in HTTP", _SEE_STATUS)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in rest.split(b"\r\n"))
    }
    length = headers.get(b"content-length", b"")
    content_type = headers.get(b"content-type", b"application/json").decode("latin-1")
    return AnswerHead(int(status[1]), content_type, int(length) if length.isdigit() else None), body


def _no_answer(error: OSError) -> UnansweredRequest:
    match error:
        case TimeoutError():
            return UnansweredRequest(f"rocketd has not answered for {TIMEOUT:.0f} s", _SEE_STATUS)
        case FileNotFoundError() | ConnectionRefusedError() | NotADirectoryError():
            return UnansweredRequest("rocketd is not running", "systemctl start rocketd")
        case PermissionError():
            return UnansweredRequest("no permission to connect to rocketd", _WHO_MAY)
    return UnansweredRequest(f"cannot connect to rocketd: {error.strerror or error}", _SEE_STATUS)


_WHO_MAY: Final = "root and members of group rocketd may do everything, those of rocketd-view may look"
_SEE_STATUS: Final = "see systemctl status rocketd"
