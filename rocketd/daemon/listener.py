"""Whoever listens to what happens, and may be slower than that."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from rocketd.core.entries import Stream
from rocketd.core.events import Event
from rocketd.core.run import Run
from rocketd.daemon.views import event_object, output_object
from rocketd.daemon.wire import JsonObject

EVENTS_WAITING: Final = 10_000
OUTPUT_WAITING: Final = 8 * 1024 * 1024
"""How many events, and characters of output in them, a slow listener may be behind before some are left out."""


class Backlog:
    """What happened and one listener has not heard yet: bounded, whatever tasks print."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[tuple[JsonObject, int]] = asyncio.Queue()
        self._output = 0
        self._lost = 0

    def put(self, what: Event | tuple[Run, Stream, str]) -> None:
        """Keep it for the listener, or count it as lost."""
        size = len(what[2]) if isinstance(what, tuple) else 0
        if self._waiting.qsize() >= EVENTS_WAITING or self._output + size > OUTPUT_WAITING:
            self._lost += 1
            return
        if self._lost:
            self._waiting.put_nowait(({"event": "lost", "count": self._lost}, 0))
            self._lost = 0
        self._waiting.put_nowait((_object(what), size))
        self._output += size

    async def listen(self) -> AsyncIterator[JsonObject]:
        """Give them in order, and wait for more, for ever."""
        while True:
            event, size = await self._waiting.get()
            self._output -= size
            yield event


def _object(what: Event | tuple[Run, Stream, str]) -> JsonObject:
    return output_object(*what) if isinstance(what, tuple) else event_object(what)
