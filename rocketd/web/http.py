"""HTTP/1.1 on one connection: h11 implements the protocol, this module transfers the bytes.

A client may be slow, silent, half closed or hostile. So everything is bounded: the head and the body of a request, the
time until a request is complete, the time until a response has been read.
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
from rocketd.web.limits import BODY_BYTES, HEAD_BYTES

CHUNK: Final = 64 * 1024

REQUEST_TIMEOUT: Final = 10.0
"""Seconds until a request is complete, from the connection or from the previous response."""

JSON: Final = "application/json"
NO_HEADERS: Final[Mapping[str, str]] = {}

STALL_TIMEOUT: Final = 300.0
"""Seconds for which a client may read nothing of a response: a person may have stopped a pager."""


class UnreadableRequest(Exception):
    """The data is not a valid request; `status` is that of the response."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class HttpConnection:
    """One connection. Everything but reading raises ConnectionError or TimeoutError if the client is gone."""

    def __init__(
        self, reader: StreamReader, writer: StreamWriter, peer: str, *, timeout: float = REQUEST_TIMEOUT
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._peer = peer
        self._timeout = timeout
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        self._head_only = False
        """Whether the current request is a HEAD, whose response has no body (RFC 9110, section 9.3.2)."""

    async def request(self) -> Request | None:
        """Wait for the next request; None if the client sends no more. Raises UnreadableRequest."""
        if self._http.our_state is h11.DONE:
            try:
                self._http.start_next_cycle()
            except h11.LocalProtocolError:  # it was the last one (Connection: close)
                return None
        if self._http.our_state is not h11.IDLE:
            return None
        try:
            async with asyncio.timeout(self._timeout):
                return await self._read_request()
        except h11.RemoteProtocolError as error:
            raise UnreadableRequest(_describe(error), error.error_status_hint) from None

    async def _read_request(self) -> Request | None:
        head = await self._next_event()
        if not isinstance(head, h11.Request):
            return None
        self._head_only = head.method == b"HEAD"
        if _content_length(head) > BODY_BYTES:
            raise _too_large()
        body = b""
        while isinstance(data := await self._next_event(), h11.Data):
            body += data.data
            if len(body) > BODY_BYTES:
                raise _too_large()
        return Request(head.method.decode(), head.target.decode(), body, self._peer)

    async def _next_event(self) -> object:
        """Return the next event of h11, or PAUSED; reads until there is one."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(await self._reader.read(CHUNK))
        return event

    async def respond(
        self, status: int, body: bytes, *, extra: Mapping[str, str] = NO_HEADERS, content_type: str = JSON
    ) -> None:
        """Send a response with a body; `extra` are further headers."""
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body))), *extra.items()]
        await self._send(h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase))
        for start in range(0, 0 if self._head_only else len(body), CHUNK):
            await self._send(h11.Data(data=body[start : start + CHUNK]))
        await self._send(h11.EndOfMessage())

    async def stream(self, parts: AsyncIterator[bytes]) -> None:
        """Send a response of JSON lines, until there are no more or the client disconnects."""
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
            pass  # further requests would wait for the end of the stream, which has none

    async def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)
            async with asyncio.timeout(STALL_TIMEOUT):
                await self._writer.drain()

    async def close(self) -> None:
        """Let the client read what was sent, for a while, and close the connection."""
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(self._timeout):
                self._writer.close()
                await self._writer.wait_closed()
        abort(self._writer)


def _content_length(head: h11.Request) -> int:
    """Return the length of the body according to the head; h11 has checked that it is a number."""
    return max((int(value) for name, value in head.headers if name == b"content-length"), default=0)


def _too_large() -> UnreadableRequest:
    return UnreadableRequest(f"the body may have at most {BODY_BYTES} bytes", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def _describe(error: h11.RemoteProtocolError) -> str:
    """Return what is wrong with a request, without its bytes, which h11 adds as a Python literal."""
    if error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        return f"the head of the request may have at most {HEAD_BYTES} bytes"
    return f"not an HTTP request: {_BYTES.sub('', str(error))}"


_BYTES: Final = re.compile(r":? *(bytearray\()?b['\"].*", re.DOTALL)


def abort(writer: StreamWriter) -> None:
    """Close the connection at once, if it is still open."""
    with suppress(AttributeError):  # a close that waited for its buffer leaves asyncio's transport without a loop
        writer.transport.abort()
