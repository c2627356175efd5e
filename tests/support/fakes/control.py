"""The administrator's verbs without a daemon, and the control socket in front of them."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self, TypeVar

from rocketd.core.instant import SECOND, Instant
from rocketd.core.model.events import NoSuchRun, NoSuchTask, Refusal
from rocketd.core.model.records import RunFilter, RunPlace
from rocketd.core.model.task import Task
from rocketd.daemon.event_stream import EventStream, StreamFilter, StreamItem
from rocketd.daemon.fleet_view import FleetView, NoFleet
from rocketd.daemon.json_format import EncodedItems, Json, JsonObject
from rocketd.web.server import serve
from support.fakes.journal import ListJournal

T = TypeVar("T")


class FakeFeed:
    """Events, as they are told."""

    def __init__(self) -> None:
        self.listeners: set[EventStream] = set()
        self.asked: list[tuple[StreamFilter, int | None]] = []
        self.newest = 0
        self.left = Event()
        """Set whenever a listener has gone."""

    @contextmanager
    def listen(self, wanted: StreamFilter, after: int | None = None) -> Iterator[EventStream]:
        self.asked.append((wanted, after))
        stream = EventStream()
        self.listeners.add(stream)
        try:
            yield stream
        finally:
            self.listeners.discard(stream)
            self.left.set()

    def end(self) -> None:
        for stream in self.listeners:
            stream.end()


class FakeOutput:
    """The run 7 of `backup` has printed a line, and prints another one."""

    async def lines(self, reference: str, *, follow: bool) -> AbstractContextManager[AsyncIterator[bytes]]:
        _known(reference.partition("/")[0])
        return self._lines(follow=follow)

    @contextmanager
    def _lines(self, *, follow: bool) -> Iterator[AsyncIterator[bytes]]:
        async def lines() -> AsyncIterator[bytes]:
            yield b'{"n": 1}\n'
            if follow:
                yield b'{"n": 2}\n'

        yield lines()


class FakePages:
    """Answers with what it was asked for, and with `many` tasks."""

    def __init__(self) -> None:
        self.many: list[Json] = [{"task": "backup"}]

    async def all_rows(self) -> EncodedItems:
        return EncodedItems([json.dumps(one) for one in self.many])

    async def page(self, *query: object) -> JsonObject:
        return {"asked": [str(one) for one in query]}

    async def stats(self, *query: object) -> JsonObject:
        return {"asked": [str(one) for one in query]}

    async def timeline(self, *query: object) -> JsonObject:
        return {"asked": [str(one) for one in query]}


class FakeExplanations:
    """Explains one task, a page long."""

    async def page(self, after: str, at: Instant | None = None) -> JsonObject:
        return {"answers": EncodedItems([json.dumps({"task": "backup", "at": at})]), "next": after or None}


class FakeVerbs:
    """Knows the task `backup` and its run 7, and notes what it is asked to do."""

    def __init__(self) -> None:
        self.fleet: FleetView = NoFleet()
        self.done: list[tuple[object, ...]] = []
        self.wanted: list[RunFilter] = []
        self.fails: Exception | None = None
        """What `status` raises."""
        self.written_tasks: list[Task] = []
        self.feed = FakeFeed()
        self.output = FakeOutput()
        self.explained = FakeExplanations()
        self.listed = self.charts = self.planned = FakePages()

    def now(self) -> Instant:
        return 1_000_000 * SECOND

    def written(self, name: str) -> Task | None:
        return next((task for known, task in self.all_written() if known == name), None)

    def all_written(self) -> Iterable[tuple[str, Task]]:
        return [(task.name, task) for task in self.written_tasks]

    def status(self) -> JsonObject:
        if self.fails:
            raise self.fails
        return {"version": "0.1.0"}

    async def task(self, name: str) -> JsonObject:
        return {"task": _known(name)}

    async def why(self, name: str, at: Instant | None = None) -> JsonObject:
        return {"task": _known(name), "at": at}

    async def runs(self, wanted: RunFilter) -> list[Json]:
        self.wanted.append(wanted)
        return []

    async def page(self, wanted: RunFilter, after: int) -> JsonObject:
        self.wanted.append(wanted)
        return {"runs": [{"run_id": "0193-run"}], "next": after + 1}

    async def place(self, reference: str) -> RunPlace:
        await self.run(reference)
        return RunPlace(1, "backup", 7, "0193-run")

    async def run(self, which: str) -> JsonObject:
        if which not in ("backup/7", "0193-run"):
            raise NoSuchRun(f"no run {which!r} is recorded", hint="rocketctl history shows the runs")
        return {"run_id": "0193-run"}

    async def start(self, name: str, *, by: str, as_scheduled: bool = False) -> JsonObject:
        self.done.append(("start", _known(name), by, as_scheduled))
        return {"number": 8}

    def stop_task(self, name: str, *, by: str) -> JsonObject:
        self.done.append(("stop_task", _known(name), by))
        return {"stopping": [7]}

    async def stop_run(self, which: str, *, by: str) -> JsonObject:
        self.done.append(("stop_run", which, by))
        return {"stopping": [7]}

    def pause(self, name: str, *, by: str, until: Instant | None = None, reason: str = "") -> JsonObject:
        self.done.append(("pause", _known(name), by, until, reason))
        return {"paused": True}

    def resume(self, name: str, *, by: str) -> JsonObject:
        raise Refusal(f"task {_known(name)!r} is not paused by {by}")

    async def prune(self, *, by: str, before: Instant | None = None, dry_run: bool = False) -> JsonObject:
        self.done.append(("prune", by, before, dry_run))
        return {"records": 7}

    async def metrics(self, written: str) -> str:
        return f"# {written}\n"

    async def reload(self, *, by: str) -> JsonObject:
        self.done.append(("reload", by))
        return {"tasks": 1, "problems": []}


def _known(name: str) -> str:
    if name != "backup":
        raise NoSuchTask(f"no task {name!r} is loaded")
    return name


class Served:
    """The control socket, answered by fake verbs on a loop in a thread of its own."""

    def __init__(self, path: Path, group: str, timeout: float) -> None:
        self.path = path
        self.verbs = FakeVerbs()
        self.journal = ListJournal()
        self.defects: list[str] = []
        """Errors that nobody caught."""
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _, context: self.defects.append(str(context)))
        self._server = serve(self.verbs, path, self.journal, group=group, request_timeout=timeout)

    def tell(self, event: JsonObject) -> None:
        """Let something happen, which everybody who listens now hears."""

        def put() -> None:
            for stream in self.verbs.feed.listeners:
                stream.add(StreamItem(event))

        self._loop.call_soon_threadsafe(put)

    @contextmanager
    def serving(self) -> Iterator[Self]:
        """Serve on a thread, which is not the one that asks."""
        thread = Thread(target=self._loop.run_forever)
        thread.start()
        try:
            self._wait(self._server.__aenter__())
            try:
                yield self
            finally:
                self._wait(self._server.__aexit__(None, None, None))
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            gc.collect()  # with a task goes the error that it ended in, and is told
            self._loop.close()
        assert not self.defects

    def _wait(self, doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(60)


def served(path: Path, *, group: str = "rocketd", timeout: float = 60.0) -> AbstractContextManager[Served]:
    """Serve fake verbs at that path; raises CannotListen when entered."""
    return Served(path, group, timeout).serving()
