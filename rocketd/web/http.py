"""HTTP/1.1 on one connection: h11 reads and writes the protocol, this moves the bytes.

Whoever is at the other end may be slow, silent, half gone or hostile. So everything is bounded: the head and the body
of a request, how long one may take to come, how long an answer may take to be fetched.
"""

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import h11

from rocketd.web.api import Request

HEAD_BYTES: Final = 16 * 1024
BODY_BYTES: Final = 64 * 1024
CHUNK: Final = 64 * 1024

PATIENCE: Final = 10.0
"""Seconds for a request to come, from the connection or from the answer before it."""

NONE: Final[Mapping[str, str]] = {}

STALL: Final = 300.0
"""Seconds for which a reader may take nothing of what waits for it: a person may have stopped a pager."""


class UnreadableRequest(Exception):
    """What came is no request."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class HttpConnection:
    """One connection. Everything but reading raises ConnectionError or TimeoutError if the other end is gone."""

    def __init__(self, reader: StreamReader, writer: StreamWriter, by: str, *, patience: float = PATIENCE) -> None:
        self._reader = reader
        self._writer = writer
        self._by = by
        self._patience = patience
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        self._head_only = False
        """Whether the request at hand is a HEAD, whose answer has no body (RFC 9110, section 9.3.2)."""

    async def request(self) -> Request | None:
        """Wait for the next request; None if the other end has no more. Raises Unreadable."""
        if self._http.our_state is h11.DONE:
            try:
                self._http.start_next_cycle()
            except h11.LocalProtocolError:  # it said that it was the last one
                return None
        if self._http.our_state is not h11.IDLE:
            return None
        try:
            async with asyncio.timeout(self._patience):
                return await self._whole_request()
        except h11.RemoteProtocolError as error:
            raise UnreadableRequest(_told(error), error.error_status_hint) from None

    async def _whole_request(self) -> Request | None:
        head = await self._event()
        if not isinstance(head, h11.Request):
            return None
        self._head_only = head.method == b"HEAD"
        if _announced(head) > BODY_BYTES:
            raise _too_large()
        body = b""
        while isinstance(data := await self._event(), h11.Data):
            body += data.data
            if len(body) > BODY_BYTES:
                raise _too_large()
        return Request(head.method.decode(), head.target.decode(), body, self._by)

    async def _event(self) -> object:
        """The next event of h11, or PAUSED; reads as long as there is none."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(await self._reader.read(CHUNK))
        return event

    async def answer(self, status: int, body: bytes, *, more: Mapping[str, str] = NONE) -> None:
        """Answer with a JSON text; `more` are headers."""
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *more.items()]
        await self._send(h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase))
        for start in range(0, 0 if self._head_only else len(body), CHUNK):
            await self._send(h11.Data(data=body[start : start + CHUNK]))
        await self._send(h11.EndOfMessage())

    async def stream(self, parts: AsyncIterator[bytes]) -> None:
        """Answer with JSON texts, one a line, until there are no more or the other end hangs up."""
        headers = [("Content-Type", "application/x-ndjson")]
        await self._send(h11.Response(status_code=200, headers=headers, reason=HTTPStatus.OK.phrase))
        sending = asyncio.create_task(self._send_all(parts))
        hung_up = asyncio.create_task(self._end_of_input())
        try:
            await asyncio.wait((sending, hung_up), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (sending, hung_up):
                task.cancel()
            await asyncio.gather(sending, hung_up, return_exceptions=True)

    async def _send_all(self, parts: AsyncIterator[bytes]) -> None:
        async for part in parts:
            await self._send(h11.Data(data=part))
        await self._send(h11.EndOfMessage())

    async def _end_of_input(self) -> None:
        while await self._reader.read(CHUNK):
            pass  # more requests would have to wait for the end of the stream, which has none

    async def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)
            async with asyncio.timeout(STALL):
                await self._writer.drain()

    async def close(self) -> None:
        """Let the other end fetch what was sent, for a while, and hang up."""
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(self._patience):
                self._writer.close()
                await self._writer.wait_closed()
        hang_up(self._writer)


def _announced(head: h11.Request) -> int:
    """How long the body will be, as far as the head says; h11 has looked whether it is a number."""
    return max((int(value) for name, value in head.headers if name == b"content-length"), default=0)


def _too_large() -> UnreadableRequest:
    return UnreadableRequest(f"the body may have {BODY_BYTES} bytes", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def _told(error: h11.RemoteProtocolError) -> str:
    """Say what came instead of a request, without the bytes, which h11 shows as Python writes them."""
    if error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        return f"the head of the request may have {HEAD_BYTES} bytes"
    return f"not an HTTP request: {_BYTES.sub('', str(error))}"


_BYTES: Final = re.compile(r":? *(bytearray\()?b['\"].*", re.DOTALL)


def hang_up(writer: StreamWriter) -> None:
    """Cut the connection, if it is still there."""
    with suppress(AttributeError):  # a close that had to wait for its buffer leaves asyncio's transport without a loop
        writer.transport.abort()
