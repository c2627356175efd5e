"""Whoever listens to what happens, and may be slower than that."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final, TypeAlias

from rocketd.core.messages.message import Stream
from rocketd.core.model.events import Event
from rocketd.core.model.run import Run
from rocketd.daemon.json_format import JsonObject
from rocketd.daemon.serializers import event_object, output_object

CAPACITY: Final = 32 * 1024 * 1024
"""Roughly how many bytes a slow listener may be behind before something is left out; output may use half of them."""
EVENT_OVERHEAD: Final = 150
"""What is kept of an event costs this beside its text."""

StreamItem: TypeAlias = Event | tuple[Run, Stream, str]


class EventStream:
    """What happened and one listener has not heard yet: bounded, whatever tasks print."""

    def __init__(self, room: int = CAPACITY) -> None:
        self._room = room
        self._waiting: deque[StreamItem | int] = deque()
        """A number: so many were left out here."""
        self._taken = 0
        self._lost = 0
        self._news = asyncio.Event()

    def add(self, what: StreamItem) -> None:
        """Keep it for the listener, or count it as lost."""
        size = _size(what)
        if self._taken + size > (self._room // 2 if isinstance(what, tuple) else self._room):
            self._lost += 1
            return
        if self._lost:
            self._waiting.append(self._lost)
            self._lost = 0
        self._waiting.append(what)
        self._taken += size
        self._news.set()

    async def listen(self) -> AsyncIterator[JsonObject]:
        """Give them in order, and wait for more, for ever."""
        while True:
            while self._waiting:
                what = self._waiting.popleft()
                self._taken -= _size(what)
                yield _object(what)
            if self._lost:
                lost, self._lost = self._lost, 0
                yield _object(lost)
            self._news.clear()
            if not self._waiting:
                await self._news.wait()


def _size(what: StreamItem | int) -> int:
    if isinstance(what, int):
        return 0
    return EVENT_OVERHEAD + (len(what[2]) if isinstance(what, tuple) else 0)


def _object(what: StreamItem | int) -> JsonObject:
    if isinstance(what, int):
        return {"event": "lost", "count": what}
    return output_object(*what) if isinstance(what, tuple) else event_object(what)
