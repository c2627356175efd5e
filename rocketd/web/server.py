"""HTTP on the control socket: who may speak, how many at once, and what they are answered.

Root, the daemon's own user and the members of the group rocketd may look and act. The mode of the socket keeps the
others out; who comes through all the same is refused. The uid is what a record shows as `by hand, uid 1000`.
"""

import asyncio
import json
import os
import traceback
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from grp import getgrnam
from pathlib import Path
from typing import Final

import h11

from rocketd.background_threads import WorkTimeout, in_thread
from rocketd.core.errors import RocketdError
from rocketd.core.messages.message import Message, Priority
from rocketd.daemon.json_format import Json, JsonObject
from rocketd.daemon.ports import Journal
from rocketd.web.api import ControlVerbs, Request, StreamedAnswer, WrongMethod, allowed_methods, answer, status_of
from rocketd.web.http import PATIENCE, HttpConnection, UnreadableRequest, hang_up
from rocketd.web.unix_socket import Peer, listening, peer_of

GROUP: Final = "rocketd"

NOT_LOADED: Final = "Rocketd-Not-Loaded"
"""The header that says how many entries `not_loaded` of `status` has; absent if none."""

CONNECTIONS: Final = 256
"""Open at once, all in all; more are turned away."""
CONNECTIONS_OF_ONE: Final = 64
"""Open at once, of one uid: nobody can keep the others out."""

NAMES: Final = 10.0
"""Seconds that the name service may take to know the group."""

SLICE: Final = 256
"""Objects of a list that are written between two turns of the loop; about 3 ms."""


@asynccontextmanager
async def serve(  # noqa: PLR0913 - what it connects, and what tests set
    verbs: ControlVerbs,
    path: Path,
    journal: Journal,
    *,
    group: str = GROUP,
    patience: float = PATIENCE,
    not_loaded: Callable[[], int] = int,
) -> AsyncIterator[None]:
    """Answer on the socket at that path; raises CannotListen. At the end, whoever still listens is hung up on.

    `patience`: seconds for a request to come. `not_loaded`: how many entries of that name `status` has.
    """
    gid = await _gid(group, journal)
    server = ControlServer(verbs, journal, gid, patience, not_loaded)
    with listening(path, gid) as listener:
        accepting = await asyncio.start_unix_server(server.connected, sock=listener)
        try:
            yield
        finally:
            accepting.close()
            await server.close()


async def _gid(group: str, journal: Journal) -> int | None:
    """The group that may use the socket; only root can give it away."""
    if os.geteuid() != 0:
        return None
    try:
        return (await in_thread(lambda: getgrnam(group), patience=NAMES)).gr_gid
    except KeyError:
        why = f"group {group} does not exist"
    except WorkTimeout:
        why = f"the name service does not answer who the group {group} is"
    journal.write(Message(f"{why}; only root can use rocketctl", Priority.NOTICE))
    return None


class ControlServer:
    """Answers everybody who connects."""

    def __init__(
        self,
        verbs: ControlVerbs,
        journal: Journal,
        group: int | None,
        patience: float,
        not_loaded: Callable[[], int] = int,
    ) -> None:
        self._verbs = verbs
        self._not_loaded = not_loaded
        self._journal = journal
        self._group = group
        self._patience = patience
        self._tasks: set[asyncio.Task[None]] = set()
        self._of_uid: Counter[int] = Counter()

    def connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection to its end."""
        task = asyncio.create_task(self._connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Hang up on everybody."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            peer = peer_of(writer.get_extra_info("socket"))
        except OSError:
            hang_up(writer)
            return
        connection = HttpConnection(reader, writer, f"uid {peer.uid}", patience=self._patience)
        self._of_uid[peer.uid] += 1
        try:
            with suppress(ConnectionError, TimeoutError):  # the other end is gone, or might as well be
                await self._converse(connection, peer)
                await connection.close()
        finally:
            self._of_uid[peer.uid] -= 1
            hang_up(writer)

    async def _converse(self, connection: HttpConnection, peer: Peer) -> None:
        if self._of_uid[peer.uid] > CONNECTIONS_OF_ONE or self._of_uid.total() > CONNECTIONS:
            await connection.answer(503, _refusal("too many connections are open", "close some of them"))
            return
        try:
            while (request := await connection.request()) is not None:
                if self._may(peer):
                    await self._answer(connection, request)
                else:
                    await connection.answer(403, _refusal(f"uid {peer.uid} may not talk to rocketd", _WHO_MAY))
        except UnreadableRequest as error:
            with suppress(h11.LocalProtocolError):  # it is too late for an answer
                await connection.answer(error.status, _refusal(error.message))

    def _may(self, peer: Peer) -> bool:
        return peer.uid in (0, os.geteuid()) or self._group in peer.groups

    async def _answer(self, connection: HttpConnection, request: Request) -> None:
        try:
            found = await answer(self._verbs, request)
        except RocketdError as error:
            more = {"Allow": allowed_methods(request)} if isinstance(error, WrongMethod) else self._marks()
            await connection.answer(status_of(error), _refusal(error.message, error.hint), more=more)
        except Exception:  # noqa: BLE001 - a defect of ours must not end the conversation, let alone the daemon
            self._journal.write(Message(f"the control socket met a defect\n{traceback.format_exc()}", Priority.ERROR))
            await connection.answer(500, _refusal("rocketd met a defect of its own", "see journalctl -u rocketd"))
        else:
            await self._give(connection, found)

    async def _give(self, connection: HttpConnection, found: Json | StreamedAnswer) -> None:
        if not isinstance(found, StreamedAnswer):
            await connection.answer(200, await _encoded(found), more=self._marks())
            return
        with found.events as events:
            await connection.stream(_lines(events, found.task))

    def _marks(self) -> dict[str, str]:
        """Say with each answer whether `status` has something to say about who looks for a task."""
        count = self._not_loaded()
        return {NOT_LOADED: str(count)} if count else {}


_WHO_MAY: Final = f"root and the members of the group {GROUP} may"


def _refusal(message: str, hint: str = "") -> bytes:
    return json.dumps({"error": message, "hint": hint}).encode()


async def _encoded(value: Json) -> bytes:
    """Write JSON; a long list piece by piece, so that the loop has its turns."""
    if not isinstance(value, list):
        return json.dumps(value).encode()
    pieces = []
    for start in range(0, len(value), SLICE):
        pieces.append(json.dumps(value[start : start + SLICE])[1:-1])
        await asyncio.sleep(0)
    return f"[{', '.join(pieces)}]".encode()


async def _lines(events: AsyncIterator[JsonObject], task: str) -> AsyncIterator[bytes]:
    """Write events one a line, those of one task if it is named, and what concerns every listener."""
    async for event in events:
        if not task or event.get("task") in (task, None):
            yield json.dumps(event).encode() + b"\n"
