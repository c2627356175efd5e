"""What happens is numbered, and who comes back gets what it has missed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rocketd.core.instant import MINUTE, SECOND
from rocketd.core.messages.message import Stream
from rocketd.core.model.run import Run, Trigger
from rocketd.daemon.event_feed import KEPT_BYTES, KEPT_EVENTS, MOST_ROWS, EventFeed
from rocketd.daemon.event_stream import EventStream, StreamFilter
from rocketd.daemon.json_format import JsonObject
from support.event_loop import looped
from support.passed_by_hand import World

ROWS = StreamFilter(kinds=frozenset({"task", "tasks", "status"}))


@asynccontextmanager
async def world(tasks: int = 3) -> AsyncIterator[World]:
    yield World(tasks)


async def told(stream: EventStream) -> list[JsonObject]:
    """All that is in a stream by now."""
    stream.end()
    return [json.loads(line) async for lines in stream.listen() for line in lines.splitlines()]


def names(events: list[JsonObject]) -> list[object]:
    return [event.get("task") or event["event"] for event in events]


@looped
async def test_a_pause_by_somebody_else_is_an_event_with_the_row_as_it_is_now() -> None:
    """P2: the other page went on saying that the task was not paused."""
    async with world() as here:
        with here.feed.listen(ROWS) as stream:
            here.scheduler.pause("t1", until=None, by="bob", reason="")
            here.a_pass()
            here.scheduler.resume("t1", here.clock.now())
            here.a_pass()
            events = await told(stream)
    assert [(event["event"], event["task"], event["paused"]) for event in events] == [
        ("task", "t1", True),
        ("task", "t1", False),
    ]


@looped
async def test_a_row_that_looks_as_before_is_not_sent_again() -> None:
    async with world() as here:
        with here.feed.listen(ROWS) as stream:
            for _ in range(3):
                here.scheduler.pause("t1", until=None, by="bob", reason="")
                here.a_pass()
            assert len(await told(stream)) == 1


@looped
async def test_many_rows_at_once_are_one_event() -> None:
    async with world(MOST_ROWS + 1) as here:
        with here.feed.listen(ROWS) as stream:
            for name in here.scheduler.tasks:
                here.scheduler.pause(name, until=None, by="bob", reason="")
            here.a_pass()
            assert names(await told(stream)) == ["tasks"]


@looped
async def test_other_tasks_are_an_event_and_so_is_what_does_not_work() -> None:
    async with world() as here:
        with here.feed.listen(ROWS) as stream:
            here.load(2)
            here.loop.health.set_trouble("store", "the disk is full")
            here.a_pass()
            events = await told(stream)
    assert [event["event"] for event in events] == ["tasks", "status"]
    assert events[1]["degraded"] == "the disk is full"


@looped
async def test_who_comes_back_gets_what_it_has_missed_and_rows_as_they_are_now() -> None:
    async with world() as here:
        with here.feed.listen() as stream:
            here.happens(1)
            seen = (await told(stream))[-1]["id"]
        here.happens(2)
        here.scheduler.pause("t2", until=None, by="bob", reason="")
        here.a_pass()
        assert isinstance(seen, int)
        with here.feed.listen(after=seen) as stream:
            here.happens(3)
            events = await told(stream)
    kinds = [(event["event"], event["task"]) for event in events]
    assert ("lost", None) not in kinds
    assert kinds == [("started", "t1"), ("task", "t1"), ("task", "t2"), ("started", "t1")]
    ids = [event["id"] for event in events]
    assert ids == sorted(ids, key=str)
    assert [event["number"] for event in events if event["event"] == "started"] == [2, 3]


@pytest.mark.parametrize("off", [-MINUTE, MINUTE])
@looped
async def test_who_has_seen_another_daemon_is_told_that_something_is_missing(off: int) -> None:
    """The one before it, or, after the clock was set back, one of the future."""
    async with world() as here:
        with here.feed.listen(after=here.clock.now() // SECOND * 1_000_000 + off * 1000) as stream:
            here.happens(1)
            events = await told(stream)
    assert events[0] == {"event": "lost", "count": None}
    assert names(events)[-1] == "t1"


@pytest.mark.parametrize(("count", "output"), [(KEPT_EVENTS + 10, ""), (10, "x" * (KEPT_BYTES // 4))])
@looped
async def test_only_so_much_is_kept(count: int, output: str) -> None:
    async with world() as here:
        here.happens(0)
        with here.feed.listen() as stream:
            here.happens(1)
            seen = (await told(stream))[-1]["id"]
        assert isinstance(seen, int)
        for number in range(2, count):
            here.happens(number, output)
        with here.feed.listen(StreamFilter(kinds=frozenset({"started", "finished"})), after=seen) as stream:
            events = await told(stream)
    assert events[0] == {"event": "lost", "count": None}
    assert events[-1]["number"] == count - 1
    assert len(events) <= KEPT_EVENTS + 1


@looped
async def test_units_are_followed_only_while_somebody_wants_output() -> None:
    asked: list[bool] = []

    def follow(*, wanted: bool) -> None:
        asked.append(wanted)

    async with world() as here:
        here.feed.follow_output = follow
        with here.feed.listen(ROWS), here.feed.listen():
            pass
    assert asked == [False, True, False, False]


@looped
async def test_output_has_no_number_and_is_not_kept() -> None:
    async with world() as here:
        run = Run("t1", 1, "0193", 1, due=50, start=51, trigger=Trigger.HAND, reason="")
        with here.feed.listen() as stream:
            here.happens(1)
            here.loop.events.output(run, Stream.STDOUT, "hello")
            started, line = await told(stream)
        assert "id" not in line
        assert isinstance(started["id"], int)
        with here.feed.listen(StreamFilter(kinds=frozenset({"output"})), after=started["id"] - 1) as stream:
            assert await told(stream) == []


@looped
async def test_counts_come_to_who_begins_to_listen_and_once_after_a_burst() -> None:
    asked: list[int] = []

    async def counts() -> JsonObject:
        asked.append(1)
        return {"running": len(asked) // 2}

    async with world() as here:
        feed = EventFeed(here.loop, dict, here.row, counts)
        with feed.listen(StreamFilter(kinds=frozenset({"counts"}))) as stream:
            items = stream.items()
            first = json.loads((await anext(items))[0].line)
            for number in range(1, 101):
                here.happens(number)
                here.a_pass()
            second = json.loads((await anext(items))[0].line)
            assert (first["running"], second["running"], len(asked)) == (0, 1, 2)
            assert second["id"] == feed.newest
