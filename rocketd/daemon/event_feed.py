"""What happens, numbered, for whoever listens: runs, what they print, and what changes in the list of tasks.

The newest events are kept, so that a listener whose connection broke asks for those that it has missed. Of a task that
has changed only that is kept, not how: it is sent as it is now.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rocketd.core.instant import FOREVER, SECOND, Instant
from rocketd.core.messages.output_line import OutputLine
from rocketd.core.model.events import Event, task_of
from rocketd.daemon.event_stream import ALL, CAPACITY, EventStream, StreamFilter, StreamItem
from rocketd.daemon.json_format import JsonObject, rfc3339
from rocketd.daemon.loop import Loop

KEPT_EVENTS: Final = 1_000
KEPT_BYTES: Final = 4 * 1024 * 1024
"""What the kept events take up at most, roughly: those of failed runs have the end of their output."""
MOST_ROWS: Final = 256
"""Tasks that may change in one pass and are still sent one by one: about 4 ms; for more there is one event `tasks`."""

COUNTS_INTERVAL: Final = 0.2
"""Seconds between two events `counts`, however much happens."""


class OutputFollower(Protocol):
    """Has lines shown at once that reach the journal by themselves, or no longer."""

    def __call__(self, *, wanted: bool) -> None: ...


def _ignore(*, wanted: bool) -> None:
    """All lines come by themselves."""


async def _no_counts() -> JsonObject:
    return {}


class EventFeed:
    """Passes events on to its listeners. On the loop's thread."""

    def __init__(
        self,
        loop: Loop,
        status: Callable[[], JsonObject],
        row: Callable[[str], JsonObject | None],
        counts: Callable[[], Awaitable[JsonObject]] = _no_counts,
    ) -> None:
        """`status` and `counts` return what these events have, `row` a task as it is in the list."""
        self.on_changes: list[Callable[[set[str]], None]] = []
        """Called with the tasks to which something has happened."""
        self._row_of = row
        self._counts_of = counts
        self.follow_output: OutputFollower = _ignore
        """Called when somebody begins to watch output, and when nobody does any more."""
        self._loop = loop
        self._status = status
        self._newest = loop.clock.now() // SECOND * 1_000_000
        """The number of the newest event; it grows over restarts, and JavaScript can count so far."""
        self._oldest = self._newest
        """Events after this number are known."""
        self._kept: deque[StreamItem] = deque()
        self._kept_bytes = 0
        self._changed: dict[str, int] = {}
        """The tasks that have changed, each with the number of that event."""
        self._shown: dict[str, int] = {}
        """A hash of what was sent of each task last."""
        self._streams: set[EventStream] = set()
        self._reloads = 0
        self._touched: set[str] = set()
        """The tasks about which there was an event since the last look at what has changed."""
        self._look: asyncio.Handle | None = None
        self._condition = self._current_condition()
        self._counts: JsonObject = {}
        """Those that were sent last."""
        self._counting: asyncio.TimerHandle | asyncio.Task[None] | None = None
        loop.watchers.add(self._on_event)
        loop.pass_hooks.append(self._after_pass)
        loop.health.on_change = self._look_soon

    # -- listeners --------------------------------------------------------------------------------------------------

    @contextmanager
    def listen(
        self,
        wanted: StreamFilter = ALL,
        after: int | None = None,
    ) -> Iterator[EventStream]:
        """Listen to events: from now on, or to those after that number as well, as far as they are known."""
        stream = EventStream(CAPACITY, wanted, self._sign_of_life)
        if after is not None:
            self._replay(stream, after)
        self._streams.add(stream)
        self._follow_output()
        self._counts = {}
        self._count_soon()
        try:
            yield stream
        finally:
            self._streams.discard(stream)
            self._follow_output()
            if not self._has_listeners("task"):
                self._shown.clear()

    @property
    def newest(self) -> int:
        """The number of the newest event."""
        return self._newest

    def end(self) -> None:
        """Let all streams end: the daemon stops."""
        for stream in self._streams:
            stream.end()

    def _follow_output(self) -> None:
        wanted, watchers = self._has_listeners("output"), self._loop.events.line_watchers
        (watchers.add if wanted else watchers.discard)(self._on_event)
        self.follow_output(wanted=wanted)

    def _has_listeners(self, kind: str) -> bool:
        return any(stream.wanted.wants(kind) for stream in self._streams)

    def _sign_of_life(self) -> JsonObject:
        return {"event": "alive", "at": rfc3339(self._loop.clock.now()), "id": self._newest}

    def _replay(self, stream: EventStream, after: int) -> None:
        if not self._oldest <= after <= self._newest:
            stream.add_lost()
        changed = {name: number for name, number in self._changed.items() if number > after}
        if len(changed) > MOST_ROWS:
            stream.add(StreamItem({"event": "tasks"}, max(changed.values())))
            changed = {}
        rows = [item for name, number in changed.items() if (item := self._row(name, number))]
        for item in sorted((*self._kept, *rows), key=lambda item: item.id or 0):
            if (item.id or 0) > after:
                stream.add(item)

    # -- what happens -----------------------------------------------------------------------------------------------

    def _on_event(self, event: Event | OutputLine) -> None:
        if not isinstance(event, OutputLine):
            self._publish(StreamItem(event, self._next()))
            self._touched.add(task_of(event))
            self._look_soon()
        elif self._streams:
            self._send(StreamItem(event))

    def _next(self) -> int:
        self._newest += 1
        return self._newest

    def _publish(self, item: StreamItem) -> None:
        self._kept.append(item)
        self._kept_bytes += item.size
        while len(self._kept) > KEPT_EVENTS or self._kept_bytes > KEPT_BYTES:
            oldest = self._kept.popleft()
            self._kept_bytes -= oldest.size
            self._oldest = oldest.id or self._oldest
        self._send(item)

    def _send(self, item: StreamItem) -> None:
        for stream in self._streams:
            stream.add(item)

    def _after_pass(self, _: Instant) -> Instant:
        """Look at what has changed; no pass is needed for that."""
        self._look_now()
        return FOREVER

    def _look_soon(self) -> None:
        if self._look is None:
            self._look = asyncio.get_running_loop().call_soon(self._look_now)

    def _look_now(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        tasks, touched = self._loop.scheduler.tasks, self._touched
        self._touched = set()
        if self._loop.events.reloads != self._reloads:
            self._reloads = self._loop.events.reloads
            self._changed = {name: number for name, number in self._changed.items() if name in tasks}
            self._publish(StreamItem({"event": "tasks"}, self._next()))
        self._note_changes((self._loop.scheduler.take_judged() | touched) & tasks.keys())
        if (condition := self._current_condition()) != self._condition:
            self._condition = condition
            self._publish(StreamItem({"event": "status", **self._status()}, self._next()))
        self._count_soon()

    def _count_soon(self) -> None:
        """Send the counts in a moment, so that a burst of runs makes few events of them."""
        if self._counting is None and self._has_listeners("counts"):
            self._counting = asyncio.get_running_loop().call_later(COUNTS_INTERVAL, self._count_now)

    def _count_now(self) -> None:
        self._counting = asyncio.ensure_future(self._send_counts())

    async def _send_counts(self) -> None:
        try:
            counts = await self._counts_of()
        finally:
            self._counting = None
        if counts != self._counts:
            self._counts = counts
            self._send(StreamItem({"event": "counts", **counts}, self._newest))

    def _current_condition(self) -> tuple[str, int, bool]:
        health = self._loop.health
        return health.degraded, health.problems, self._loop.scheduler.draining

    def _note_changes(self, judged: set[str]) -> None:
        for on_change in self.on_changes:
            on_change(judged)
        for name in sorted(judged):
            self._changed.pop(name, None)  # in order of their numbers
            self._changed[name] = self._next()
        if not judged or not self._has_listeners("task"):
            return
        if len(judged) > MOST_ROWS:
            self._send(StreamItem({"event": "tasks"}, self._newest))
            return
        for name in sorted(judged):
            if item := self._row(name, self._changed[name]):
                shown = hash(item.line.rpartition(b', "id": ')[0])
                if self._shown.get(name) != shown:
                    self._shown[name] = shown
                    self._send(item)

    def _row(self, name: str, number: int) -> StreamItem | None:
        row = self._row_of(name)
        return None if row is None else StreamItem({"event": "task", **row}, number)
