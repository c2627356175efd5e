"""A slow listener loses what does not fit, and hears how much that was."""

import asyncio
import json

from rocketd.core.messages.message import Stream
from rocketd.core.messages.output_line import OutputLine
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.daemon.event_stream import BATCH_LINES, EVENT_OVERHEAD, EventStream, StreamFilter, StreamItem
from rocketd.daemon.json_format import JsonObject
from support.event_loop import looped

RUN = Run("backup", 7, "0193-run", 1, due=50, start=51, trigger=Trigger.SCHEDULE, reason="daily")
END = StreamItem(Finished(RUN, End(Action.SUCCESS, Cause.EXIT, 60)))
LINE = StreamItem(OutputLine(RUN, Stream.STDOUT, "x" * 50))
COST = EVENT_OVERHEAD + 50


async def heard(backlog: EventStream, count: int) -> list[JsonObject]:
    events = backlog.listen()
    lines: list[bytes] = []
    while len(lines) < count:
        lines += (await anext(events)).splitlines()
    return [json.loads(line) for line in lines]


def kinds(events: list[JsonObject]) -> list[object]:
    return [(event["event"], event["count"]) if event["event"] == "lost" else event["event"] for event in events]


@looped
async def test_a_burst_is_kept_for_a_listener_that_is_behind() -> None:
    backlog = EventStream()
    backlog.add(StreamItem(Started(RUN)))
    for number in range(60_000):
        backlog.add(StreamItem(OutputLine(RUN, Stream.STDOUT, str(number))))
    backlog.add(END)
    events = await heard(backlog, 60_002)
    assert [event["line"] for event in events[1:-1]] == [str(number) for number in range(60_000)]


@looped
async def test_lines_do_not_push_out_what_happened() -> None:
    backlog = EventStream(10 * COST)
    for _ in range(8):
        backlog.add(LINE)
    backlog.add(END)
    assert kinds(await heard(backlog, 7)) == ["output"] * 5 + [("lost", 3), "finished"]


@looped
async def test_what_was_lost_is_told_though_nothing_more_happens() -> None:
    backlog = EventStream(4 * COST)
    for _ in range(3):
        backlog.add(LINE)
    assert kinds(await heard(backlog, 3)) == ["output", "output", ("lost", 1)]


@looped
async def test_who_has_heard_everything_hears_what_comes_then() -> None:
    backlog = EventStream()
    listening = asyncio.ensure_future(heard(backlog, 1))
    await asyncio.sleep(0)  # it waits by now
    backlog.add(END)
    assert kinds(await listening) == ["finished"]


@looped
async def test_a_listener_gets_what_it_has_asked_for_and_what_concerns_all() -> None:
    backlog = EventStream(wanted=StreamFilter("backup", frozenset({"started", "status"})))
    other = Run("other", 1, "0194-run", 1, due=50, start=51, trigger=Trigger.HAND, reason="")
    backlog.add(StreamItem(Started(other)))
    backlog.add(END)
    backlog.add(LINE)
    backlog.add(StreamItem({"event": "task", "task": "other"}))
    backlog.add(StreamItem({"event": "status", "tasks": 7}))
    backlog.add(StreamItem(Started(RUN)))
    assert kinds(await heard(backlog, 2)) == ["status", "started"]


@looped
async def test_a_listener_that_hears_nothing_hears_that_the_daemon_is_there() -> None:
    backlog = EventStream(alive=lambda: {"event": "alive", "id": 7}, sign_of_life=0)
    assert await heard(backlog, 2) == [{"event": "alive", "id": 7}] * 2


@looped
async def test_the_end_comes_after_all_that_is_left() -> None:
    backlog = EventStream()
    for _ in range(BATCH_LINES + 1):
        backlog.add(LINE)
    backlog.end()
    backlog.add(END)
    assert [len(lines.splitlines()) async for lines in backlog.listen()] == [BATCH_LINES, 1]


@looped
async def test_a_full_queue_leaves_the_others_their_turn() -> None:
    backlog, turns = EventStream(), 0
    for _ in range(10 * BATCH_LINES):
        backlog.add(LINE)
    backlog.end()

    async def read() -> None:
        async for _ in backlog.listen():
            pass

    reading = asyncio.ensure_future(read())
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 10


def test_an_event_is_encoded_once_for_all() -> None:
    item = StreamItem(Started(RUN), 7)
    assert item.line is item.line
    assert json.loads(item.line)["id"] == 7
