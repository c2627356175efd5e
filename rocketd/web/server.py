"""The HTTP server on the control socket: access control, limits of connections, responses.

Root, the daemon's own user and the members of the group rocketd have full access. The mode of the socket keeps other
users out; one who connects nevertheless is refused. Records show who it was, as in `by hand, bob (uid 1000)`.
"""

import asyncio
import json
import os
import resource
import traceback
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import h11

from rocketd.core.errors import RocketdError
from rocketd.core.messages.message import Message, Priority
from rocketd.daemon.json_format import Json
from rocketd.daemon.ports import Journal
from rocketd.web.api import Request, Response, allowed_methods, handle
from rocketd.web.control_group import ControlGroup
from rocketd.web.control_verbs import ControlVerbs
from rocketd.web.errors import WrongMethod, status_of
from rocketd.web.http import REQUEST_TIMEOUT, HttpConnection, UnreadableRequest, abort
from rocketd.web.peer_names import PeerAccounts
from rocketd.web.request_handlers import StreamedResponse, TextResponse
from rocketd.web.unix_socket import BACKLOG, Peer, give_to_group, listening, peer_of

GROUP: Final = "rocketd"

NOT_LOADED: Final = "Rocketd-Not-Loaded"
"""The header with the number of entries in `not_loaded` of `status`; absent if there are none."""

MAX_CONNECTIONS: Final = 256
"""Open at the same time, in total, and at most a quarter of the open files; further ones are refused."""
MAX_CONNECTIONS_PER_USER: Final = 64
"""Open at the same time, of one uid: no user can keep the others out."""

ACCEPTED_AT_ONCE: Final = 16
"""Connections that one iteration of the loop accepts: those that are refused are closed before many more are open."""

LAST_LINES: Final = 1.0
"""Seconds in which the clients of a stream can read the end of it when the daemon stops."""

JSON_SLICE: Final = 256
"""Objects of a list that are encoded in one iteration of the loop; about 3 ms."""


@asynccontextmanager
async def serve(  # noqa: PLR0913 - its collaborators, and what tests set
    verbs: ControlVerbs,
    path: Path,
    journal: Journal,
    *,
    group: str = GROUP,
    request_timeout: float = REQUEST_TIMEOUT,
    not_loaded: Callable[[], int] = int,
) -> AsyncIterator[Callable[[], None]]:
    """Serve the API on the socket at `path`; raises CannotListen. At the end, all connections are closed.

    Yields what is to be called at each heartbeat. `request_timeout`: seconds until a request is complete. `not_loaded`:
    returns the number of entries in `not_loaded` of `status`.
    """
    allowed = ControlGroup(group, journal)
    await allowed.start()
    server = ControlServer(verbs, journal, allowed, request_timeout, not_loaded)
    try:
        with listening(path, allowed.gid) as listener:
            allowed.found = partial(_admit, path, group, journal)
            server_socket = await asyncio.start_unix_server(
                server.handle_connection, sock=listener, backlog=ACCEPTED_AT_ONCE
            )
            listener.listen(BACKLOG)  # that of the kernel is not that of asyncio
            try:
                yield allowed.look
            finally:
                server_socket.close()
                await server.close()
    finally:
        allowed.close()


def _admit(path: Path, group: str, journal: Journal, gid: int) -> None:
    """Open the socket to a group that has become known while the daemon runs."""
    try:
        give_to_group(path, gid)
    except OSError as error:
        journal.write(Message(f"{path} cannot be given to group {group}: {error.strerror}", Priority.WARNING))
    else:
        journal.write(Message(f"group {group} exists now: its members can use rocketctl", Priority.NOTICE))


class ControlServer:
    """Handles all connections."""

    def __init__(
        self,
        verbs: ControlVerbs,
        journal: Journal,
        group: ControlGroup,
        request_timeout: float,
        not_loaded: Callable[[], int] = int,
    ) -> None:
        self._verbs = verbs
        self._not_loaded = not_loaded
        self._journal = journal
        self._group = group
        self._request_timeout = request_timeout
        self._names = PeerAccounts()
        self._tasks: set[asyncio.Task[None]] = set()
        self._streaming: set[asyncio.Future[None]] = set()
        """Answers that go on until they are ended."""
        self._connections_by_uid: Counter[int] = Counter()
        self._max_connections = min(MAX_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)

    def handle_connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Handle one connection until it is closed."""
        task = asyncio.create_task(self._connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Close all connections; streams end as they should, if their clients read."""
        self._verbs.feed.end()
        if self._streaming:
            await asyncio.wait(self._streaming, timeout=LAST_LINES)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            peer = peer_of(writer.get_extra_info("socket"))
        except OSError:
            abort(writer)
            return
        connection = HttpConnection(reader, writer, f"uid {peer.uid}", timeout=self._request_timeout)
        self._connections_by_uid[peer.uid] += 1
        try:
            with suppress(ConnectionError, TimeoutError):  # the client is gone, or does not read
                await self._serve_requests(connection, peer)
                await connection.close()
        finally:
            self._connections_by_uid[peer.uid] -= 1
            abort(writer)

    async def _serve_requests(self, connection: HttpConnection, peer: Peer) -> None:
        if (
            self._connections_by_uid[peer.uid] > MAX_CONNECTIONS_PER_USER
            or self._connections_by_uid.total() > self._max_connections
        ):
            await connection.respond(503, _error_body("too many connections are open", "close some of them"))
            return
        try:
            while (request := await connection.request()) is not None:
                if self._is_allowed(peer):
                    await self._handle(connection, request, peer.uid)
                else:
                    await connection.respond(403, _error_body(f"uid {peer.uid} may not use rocketctl", _WHO_MAY))
        except UnreadableRequest as error:
            with suppress(h11.LocalProtocolError):  # it is too late for an answer
                await connection.respond(error.status, _error_body(error.message))

    def _is_allowed(self, peer: Peer) -> bool:
        return peer.uid in (0, os.geteuid()) or self._group.gid in peer.groups

    async def _handle(self, connection: HttpConnection, request: Request, uid: int) -> None:
        if request.method == "POST":
            request = request._replace(by=await self._names.shown(uid))
        try:
            result = await handle(self._verbs, request)
        except RocketdError as error:
            extra = {"Allow": allowed_methods(request)} if isinstance(error, WrongMethod) else self._status_headers()
            await connection.respond(status_of(error), _error_body(error.message, error.hint), extra=extra)
        except Exception:  # noqa: BLE001 - a bug must not end the connection, let alone the daemon
            self._journal.write(
                Message(f"a request failed because of a bug in rocketd\n{traceback.format_exc()}", Priority.ERROR)
            )
            await connection.respond(
                500, _error_body("the request failed because of a bug in rocketd", "see journalctl -u rocketd")
            )
        else:
            await self._send_result(connection, result)

    async def _send_result(self, connection: HttpConnection, result: Response) -> None:
        if isinstance(result, TextResponse):
            await connection.respond(
                200, result.text.encode(), content_type=result.content_type, extra=self._status_headers()
            )
            return
        if not isinstance(result, StreamedResponse):
            await connection.respond(200, await _encoded(result), extra=self._status_headers())
            return
        with result.lines as lines:
            sending = asyncio.ensure_future(connection.stream(lines))
            self._streaming.add(sending)
            try:
                await sending
            finally:
                self._streaming.discard(sending)

    def _status_headers(self) -> dict[str, str]:
        """Return the headers of each response that refer to `status`."""
        count = self._not_loaded()
        return {NOT_LOADED: str(count)} if count else {}


_WHO_MAY: Final = f"only root and members of group {GROUP} may"


def _error_body(message: str, hint: str = "") -> bytes:
    return json.dumps({"error": message, "hint": hint}).encode()


async def _encoded(value: Json) -> bytes:
    """Encode a value as JSON; a long list in slices, so that the loop is not blocked."""
    if not isinstance(value, list):
        return json.dumps(value).encode()
    pieces = []
    for start in range(0, len(value), JSON_SLICE):
        pieces.append(json.dumps(value[start : start + JSON_SLICE])[1:-1])
        await asyncio.sleep(0)
    return f"[{', '.join(pieces)}]".encode()
