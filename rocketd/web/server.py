"""The HTTP server on a control socket: access control, limits of connections, responses.

What a client may do is decided for each request, by the ids that its process had when it connected; who may do nothing
is refused. Records show who it was, as in `by hand, bob (uid 1000)`.
"""

import asyncio
import json
import os
import resource
import socket
import traceback
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import h11

from rocketd.core.errors import RocketdError
from rocketd.core.messages.message import Message, Priority
from rocketd.core.model.access import Access
from rocketd.core.model.operators import Operators
from rocketd.daemon.json_format import EncodedItems, Json
from rocketd.daemon.ports import Journal
from rocketd.web.access_gate import WHO_MAY, AccessGate
from rocketd.web.api import Request, Response, allowed_methods, handle
from rocketd.web.control_group import ControlGroup
from rocketd.web.control_verbs import ControlVerbs
from rocketd.web.errors import WrongMethod, status_of
from rocketd.web.http import REQUEST_TIMEOUT, HttpConnection, UnreadableRequest, abort
from rocketd.web.limits import (
    MAX_CONNECTIONS,
    MAX_CONNECTIONS_PER_USER,
    MAX_CONNECTIONS_PER_VIEWER,
    MAX_VIEWERS,
)
from rocketd.web.login_user import login_uid
from rocketd.web.peer_names import PeerAccounts
from rocketd.web.request_handlers import StreamedResponse, TextResponse
from rocketd.web.socket_guard import SocketGuard
from rocketd.web.unix_socket import BACKLOG, Peer, listening, peer_of, with_descriptor

GROUP: Final = "rocketd"
VIEW_GROUP: Final = "rocketd-view"

NOT_LOADED: Final = "Rocketd-Not-Loaded"
"""The header with the number of entries in `not_loaded` of `status`; absent if there are none."""

TELLS_WHO_ASKS: Final = ("/v1/me", "/v1/overview")
"""Answers with the name of the client, which is looked up for them and for what is recorded."""

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
    allowed = ControlGroup(group, journal, "only root can use rocketctl")
    await allowed.start()

    def access_of(peer: Peer) -> Access | None:
        full = _is_daemon_user(peer) or allowed.gid in peer.groups
        return Access(peer.uid, peer.groups, full=True) if full else None

    server = ControlServer(verbs, journal, access_of, request_timeout, not_loaded)
    try:
        with listening(path, partial(_give_to, allowed.gid)) as listener:
            allowed.found = partial(_admit, path, group, journal)
            async with server.serving(listener):
                yield allowed.look
    finally:
        allowed.close()


def _is_daemon_user(peer: Peer) -> bool:
    return peer.uid in (0, os.geteuid())


def _give_to(gid: int | None, path: Path) -> None:
    if gid is None:
        path.chmod(0o600)
        return
    os.chown(path, -1, gid)
    path.chmod(0o660)


def _admit(path: Path, group: str, journal: Journal, gid: int | None) -> None:
    """Open the socket to a group that has become known while the daemon runs, or close it to one that is gone."""
    try:
        with_descriptor(path, partial(_give_to, gid))
    except OSError as error:
        journal.write(Message(f"{path} cannot be given to group {group}: {error.strerror}", Priority.WARNING))
    else:
        now = "exists no longer: only root" if gid is None else "exists now: its members"
        journal.write(Message(f"group {group} {now} can use rocketctl", Priority.NOTICE))


@asynccontextmanager
async def serve_viewers(  # noqa: PLR0913 - its collaborators, and what tests set
    verbs: ControlVerbs,
    path: Path,
    journal: Journal,
    operators: Callable[[], Operators],
    *,
    group: str = VIEW_GROUP,
    request_timeout: float = REQUEST_TIMEOUT,
    not_loaded: Callable[[], int] = int,
) -> AsyncIterator[Callable[[], None]]:
    """Serve the API, as far as they may use it, to the members of a group and to operators; raises CannotListen.

    `operators` returns those of all tasks. Yields what is to be called when they may be others, and at each heartbeat.
    """
    viewers = ControlGroup(group, journal)
    await viewers.start()

    def access_of(peer: Peer) -> Access | None:
        access = Access(peer.uid, peer.groups, full=_is_daemon_user(peer), view=viewers.gid in peer.groups)
        return access if access.full or access.view or access.is_among(operators()) else None

    limits = MAX_VIEWERS, MAX_CONNECTIONS_PER_VIEWER
    server = ControlServer(verbs, journal, access_of, request_timeout, not_loaded, limits=limits)
    guard = SocketGuard(path, journal, operators, viewers)
    try:
        with listening(path, guard.open_to) as listener:
            viewers.found = guard.update
            async with server.serving(listener):
                yield guard.check
    finally:
        viewers.close()


class ControlServer:
    """Handles all connections of one socket."""

    def __init__(  # noqa: PLR0913 - its collaborators, and what tests set
        self,
        verbs: ControlVerbs,
        journal: Journal,
        access_of: Callable[[Peer], Access | None],
        request_timeout: float,
        not_loaded: Callable[[], int] = int,
        *,
        limits: tuple[int, int] = (MAX_CONNECTIONS, MAX_CONNECTIONS_PER_USER),
    ) -> None:
        """`access_of` returns None for who may do nothing; `limits` are those of connections: in total, of one user."""
        self._verbs = verbs
        self._not_loaded = not_loaded
        self._journal = journal
        self._access_of = access_of
        self._request_timeout = request_timeout
        self._names = PeerAccounts()
        self._tasks: set[asyncio.Task[None]] = set()
        self._streaming: set[asyncio.Future[None]] = set()
        """Answers that go on until they are ended."""
        self._connections_by_uid: Counter[int] = Counter()
        self._max_connections = min(limits[0], resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
        self._max_of_user = limits[1]

    @asynccontextmanager
    async def serving(self, listener: socket.socket) -> AsyncIterator[None]:
        """Accept connections until the end of the block; then all are closed."""
        accepting = await asyncio.start_unix_server(self.handle_connection, sock=listener, backlog=ACCEPTED_AT_ONCE)
        listener.listen(BACKLOG)  # that of the kernel is not that of asyncio
        try:
            yield
        finally:
            accepting.close()
            await self.close()

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
            opened = writer.get_extra_info("socket")
            peer = peer_of(opened)
        except OSError:
            abort(writer)
            return
        connection = HttpConnection(reader, writer, f"uid {peer.uid}", timeout=self._request_timeout)
        self._connections_by_uid[peer.uid] += 1
        try:
            with suppress(ConnectionError, TimeoutError):  # the client is gone, or does not read
                await self._serve_requests(connection, peer, opened)
                await connection.close()
        finally:
            self._connections_by_uid[peer.uid] -= 1
            abort(writer)

    async def _serve_requests(self, connection: HttpConnection, peer: Peer, opened: socket.socket) -> None:
        if (
            self._connections_by_uid[peer.uid] > self._max_of_user
            or self._connections_by_uid.total() > self._max_connections
        ):
            await connection.respond(503, _error_body("too many connections are open", "close some of them"))
            return
        try:
            while (request := await connection.request()) is not None:
                if (access := self._access_of(peer)) is None:
                    await connection.respond(403, _error_body(f"uid {peer.uid} may not use rocketctl", WHO_MAY))
                    continue
                if request.method == "POST" or request.target in TELLS_WHO_ASKS:
                    request = request._replace(by=await self._names.shown(peer.uid, login_uid(opened, peer)))
                await self._handle(connection, request, access)
        except UnreadableRequest as error:
            with suppress(h11.LocalProtocolError):  # it is too late for an answer
                await connection.respond(error.status, _error_body(error.message))

    async def _handle(self, connection: HttpConnection, request: Request, access: Access) -> None:
        headers = self._status_headers() if access.full or access.view else {}
        try:
            result = await handle(self._verbs, request, AccessGate(access, self._verbs))
        except RocketdError as error:
            extra = {"Allow": allowed_methods(request)} if isinstance(error, WrongMethod) else headers
            await connection.respond(status_of(error), _error_body(error.message, error.hint), extra=extra)
        except Exception:  # noqa: BLE001 - a bug must not end the connection, let alone the daemon
            self._journal.write(
                Message(f"a request failed because of a bug in rocketd\n{traceback.format_exc()}", Priority.ERROR)
            )
            await connection.respond(
                500, _error_body("the request failed because of a bug in rocketd", "see journalctl -u rocketd")
            )
        else:
            await self._send_result(connection, result, headers)

    async def _send_result(self, connection: HttpConnection, result: Response, headers: Mapping[str, str]) -> None:
        if isinstance(result, TextResponse):
            await connection.respond(200, result.text.encode(), content_type=result.content_type, extra=headers)
            return
        if not isinstance(result, StreamedResponse):
            await connection.respond(200, (await _encoded(result)).encode(), extra=headers)
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


def _error_body(message: str, hint: str = "") -> bytes:
    return json.dumps({"error": message, "hint": hint}).encode()


async def _encoded(value: Json) -> str:
    """Encode a value as JSON; a long list in slices, so that the loop is not blocked."""
    if isinstance(value, EncodedItems):
        return f"[{', '.join(value.texts)}]"
    if isinstance(value, dict):
        return f"{{{', '.join([f'{json.dumps(key)}: {await _encoded(item)}' for key, item in value.items()])}}}"
    if not isinstance(value, list):
        return json.dumps(value)
    pieces = []
    for start in range(0, len(value), JSON_SLICE):
        pieces.append(json.dumps(value[start : start + JSON_SLICE])[1:-1])
        await asyncio.sleep(0)
    return f"[{', '.join(pieces)}]"
