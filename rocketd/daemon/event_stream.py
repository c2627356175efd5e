"""A stream of events for one listener, who may be slow."""

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
    """The events that one listener has not received yet: bounded, whatever tasks print."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._queue: deque[StreamItem | int] = deque()
        """A number: so many were left out here."""
        self._used = 0
        self._lost = 0
        self._available = asyncio.Event()

    def add(self, item: StreamItem) -> None:
        """Add an item, or count it as lost."""
        size = _size(item)
        if self._used + size > (self._capacity // 2 if isinstance(item, tuple) else self._capacity):
            self._lost += 1
            return
        if self._lost:
            self._queue.append(self._lost)
            self._lost = 0
        self._queue.append(item)
        self._used += size
        self._available.set()

    async def listen(self) -> AsyncIterator[JsonObject]:
        """Yield the items in order, and wait for more, without end."""
        while True:
            while self._queue:
                item = self._queue.popleft()
                self._used -= _size(item)
                yield _object(item)
            if self._lost:
                lost, self._lost = self._lost, 0
                yield _object(lost)
            self._available.clear()
            if not self._queue:
                await self._available.wait()


def _size(item: StreamItem | int) -> int:
    if isinstance(item, int):
        return 0
    return EVENT_OVERHEAD + (len(item[2]) if isinstance(item, tuple) else 0)


def _object(item: StreamItem | int) -> JsonObject:
    if isinstance(item, int):
        return {"event": "lost", "count": item}
    return output_object(*item) if isinstance(item, tuple) else event_object(item)
