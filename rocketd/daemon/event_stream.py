"""A stream of events for one listener, who may be slow.

What happens is encoded once, however many listen. A listener gets as many lines at a time as there are, and then lets
the others have their turn.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

from rocketd.core.messages.output_line import OutputLine
from rocketd.core.model.events import Event, Finished, Missed, task_of
from rocketd.daemon.json_format import Json, JsonObject
from rocketd.daemon.serializers import event_object, output_object

CAPACITY: Final = 32 * 1024 * 1024
"""Roughly how many bytes a slow listener may be behind before something is left out; output may use half of them."""
EVENT_OVERHEAD: Final = 150
"""What is kept of an event costs this beside its text."""
BATCH_LINES: Final = 64
"""Lines that are passed on before others have their turn: about a millisecond."""
SIGN_OF_LIFE: Final = 30.0
"""Seconds after which a listener hears that the daemon is still there, if it has heard nothing else."""

KINDS: Final = ("started", "spawned", "finished", "withdrawn", "missed", "output", "task", "tasks", "counts", "status")
"""What a listener can ask for; `lost` and `alive` it gets in any case."""

Happening: TypeAlias = Event | OutputLine | JsonObject


class StreamItem:
    """One event for all listeners."""

    __slots__ = ("_line", "happening", "id", "size")

    def __init__(self, happening: Happening, number: int | None = None) -> None:
        """`number` counts the events, None: it is not counted."""
        self.happening = happening
        self._line: bytes | None = None
        self.id = number
        self.size = _size(happening)
        """Roughly how many bytes it takes up."""

    @property
    def kind(self) -> str:
        """What it is, as a listener can ask for it."""
        return _kind(self.happening)

    @property
    def task(self) -> str:
        """Which task it is about; empty: all."""
        return _task(self.happening)

    @property
    def run_id(self) -> str:
        """Which run it is about; empty: none, or all."""
        return "" if isinstance(self.happening, dict) else _run_id(self.happening)

    @property
    def is_output(self) -> bool:
        """Whether it is a line that a run has printed."""
        return self.kind == "output"

    @property
    def line(self) -> bytes:
        """The event as a line of JSON."""
        if self._line is None:
            self._line = encoded(_object(self.happening), self.id)
        return self._line


class StreamFilter(NamedTuple):
    """Which events a listener wants."""

    task: str = ""
    """Those of this task, and those that concern all; empty: of all tasks."""
    kinds: frozenset[str] = frozenset()
    """Of these kinds; empty: of all."""
    run_id: str = ""
    """Those of this run; empty: of all runs."""

    def matches(self, item: StreamItem) -> bool:
        """Whether an event is one of those."""
        mine = (not self.task or item.task in {self.task, ""}) and (not self.run_id or item.run_id == self.run_id)
        return mine and self.wants(item.kind)

    def wants(self, kind: str) -> bool:
        """Whether events of that kind are among those."""
        return not self.kinds or kind in self.kinds


ALL: Final = StreamFilter()


class EventStream:
    """The events that one listener has not received yet: bounded, whatever tasks print."""

    def __init__(
        self,
        capacity: int = CAPACITY,
        wanted: StreamFilter = ALL,
        alive: Callable[[], JsonObject] = lambda: {"event": "alive"},
        sign_of_life: float = SIGN_OF_LIFE,
    ) -> None:
        """`alive` makes the sign of life, which is sent after so many seconds without anything else."""
        self.wanted = wanted
        self._alive = alive
        self._sign_of_life = sign_of_life
        self._capacity = capacity
        self._queue: deque[StreamItem | int] = deque()
        """A number: so many were left out here."""
        self._used = 0
        self._lost = 0
        self._available = asyncio.Event()
        self._ended = False

    def add(self, item: StreamItem) -> None:
        """Add an event, if it is wanted, or count it as lost."""
        if self._ended or not self.wanted.matches(item):
            return
        if self._used + item.size > (self._capacity // 2 if item.is_output else self._capacity):
            self._lost += 1
            return
        if self._lost:
            self._queue.append(self._lost)
            self._lost = 0
        self._queue.append(item)
        self._used += item.size
        self._available.set()

    def add_lost(self) -> None:
        """Note that events are missing here, and nobody knows how many."""
        self._queue.append(0)
        self._available.set()

    def end(self) -> None:
        """Let the stream end after what is in it."""
        self._ended = True
        self._available.set()

    async def listen(self) -> AsyncIterator[bytes]:
        """Yield the events in order, as JSON lines, some at a time; wait for more, until `end`."""
        async for items in self.items():
            yield b"".join([item.line for item in items])

    async def items(self) -> AsyncIterator[Sequence[StreamItem]]:
        """Yield the events in order, some at a time; wait for more, until `end`."""
        while True:
            if items := self._take():
                yield items
                await asyncio.sleep(0)
            elif self._ended:
                return
            else:
                self._available.clear()
                try:
                    async with asyncio.timeout(self._sign_of_life):
                        await self._available.wait()
                except TimeoutError:
                    yield [StreamItem(self._alive())]

    def _take(self) -> list[StreamItem]:
        items: list[StreamItem] = []
        while self._queue and len(items) < BATCH_LINES:
            item = self._queue.popleft()
            if isinstance(item, int):
                items.append(_lost(item))
            else:
                self._used -= item.size
                items.append(item)
        if not self._queue and self._lost:
            items.append(_lost(self._lost))
            self._lost = 0
        return items


def _lost(count: int) -> StreamItem:
    return StreamItem({"event": "lost", "count": count or None})


def encoded(value: JsonObject, number: int | None = None) -> bytes:
    """Write an object as a line of JSON, with its number."""
    return json.dumps(value if number is None else {**value, "id": number}).encode() + b"\n"


def _size(happening: Happening) -> int:
    if isinstance(happening, OutputLine):
        return EVENT_OVERHEAD + len(happening.line)
    if isinstance(happening, Finished):
        return EVENT_OVERHEAD + len(happening.end.output) + len(happening.end.exc_text)
    return EVENT_OVERHEAD


def _kind(happening: Happening) -> str:
    if isinstance(happening, dict):
        return str(happening["event"])
    return "output" if isinstance(happening, OutputLine) else type(happening).__name__.lower()


def _task(happening: Happening) -> str:
    if isinstance(happening, dict):
        task: Json = happening.get("task") if happening["event"] == "task" else ""
        return str(task or "")
    return happening.run.task if isinstance(happening, OutputLine) else task_of(happening)


def _run_id(happening: Event | OutputLine) -> str:
    return happening.run_id if isinstance(happening, Missed) else happening.run.run_id


def _object(happening: Happening) -> JsonObject:
    if isinstance(happening, dict):
        return happening
    if isinstance(happening, OutputLine):
        return output_object(happening.run, happening.stream, happening.line)
    return event_object(happening)
