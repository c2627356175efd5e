"""What a run has printed: the tail that is kept of it and, while it is active, each further line."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from rocketd.core.messages.output_line import OutputLine
from rocketd.core.model.events import Finished, Withdrawn
from rocketd.core.model.recent_output import RecentOutput
from rocketd.core.model.records import RunView
from rocketd.core.model.run import Action, Run
from rocketd.daemon.event_feed import EventFeed
from rocketd.daemon.event_stream import EventStream, StreamFilter, StreamItem, encoded
from rocketd.daemon.json_format import JsonObject
from rocketd.daemon.loop import Loop

_FOLLOWED: Final = frozenset({"output", "finished", "withdrawn"})


async def _no_output(_: Run) -> RecentOutput:
    return RecentOutput("")


class RunOutput:
    """Reads the output of runs. On the loop's thread."""

    def __init__(self, loop: Loop, feed: EventFeed, find: Callable[[str], Awaitable[RunView]]) -> None:
        """`find` reads the record of a run; raises NoSuchRun and others."""
        self._loop = loop
        self._feed = feed
        self._find = find
        self.recent: Callable[[Run], Awaitable[RecentOutput]] = _no_output
        """Returns what an active run has printed: set by whoever has an executor."""

    async def so_far(self, view: RunView) -> str:
        """Return the tail of what an active run has printed; of another one, what is recorded."""
        if self._is_active(view.run):
            return (await self.recent(view.run)).text
        return view.end.output if view.end else ""

    async def lines(self, reference: str, *, follow: bool) -> AbstractContextManager[AsyncIterator[bytes]]:
        """Return the stream of its lines, as a context manager; raises NoSuchRun, Refusal."""
        return self._stream(await self._find(reference), follow=follow)

    @contextmanager
    def _stream(self, view: RunView, *, follow: bool) -> Iterator[AsyncIterator[bytes]]:
        if not follow or not self._is_active(view.run):
            yield self._tail(view)
            return
        with self._feed.listen(StreamFilter(kinds=_FOLLOWED, run_id=view.run.run_id)) as stream:
            yield self._followed(view, stream)

    def _is_active(self, run: Run) -> bool:
        return run.number in self._loop.scheduler.history.of(run.task).running

    async def _tail(self, view: RunView) -> AsyncIterator[bytes]:
        if view.action is Action.RUN and not self._is_active(view.run):  # it has ended meanwhile
            view = await self._find(view.run.run_id)
        yield _Lines().tail(await self.so_far(view)) + _end(view.action)

    async def _followed(self, view: RunView, stream: EventStream) -> AsyncIterator[bytes]:
        """The stream has begun: what is printed after the tail was read is in it, and perhaps a part of the tail."""
        printed = _Lines()
        recent = await self.recent(view.run)
        yield printed.tail(recent.text)
        async for items in stream.items():
            yield b"".join([printed.line(item, recent) for item in items])
            if isinstance(items[-1].happening, Finished | Withdrawn):
                return


class _Lines:
    """Numbers the lines of one answer."""

    def __init__(self) -> None:
        self._count = 0

    def tail(self, text: str) -> bytes:
        """The lines of a tail: which stream each was printed to is not known."""
        lines = text.removesuffix("\n").split("\n") if text else []
        return b"".join([self._line(None, line) for line in lines])

    def line(self, item: StreamItem, recent: RecentOutput) -> bytes:
        """What has happened, as lines: of a line that was among the recent ones none."""
        match item.happening:
            case OutputLine() as printed:
                return b"" if recent.includes(printed.place) else self._line(printed.stream, printed.line)
            case Finished(_, end):  # what it has printed may have come in no other way
                return (b"" if self._count else self.tail(end.output)) + _end(end.action)
            case Withdrawn():
                return _end(Action.WITHDRAWN)
        return item.line

    def _line(self, stream: str | None, line: str) -> bytes:
        self._count += 1
        value: JsonObject = {"event": "output", "stream": stream, "line": line, "n": self._count}
        return encoded(value)


def _end(action: Action) -> bytes:
    return encoded({"event": "end", "action": str(action)})
