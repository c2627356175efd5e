"""A slow listener loses what does not fit, and hears how much that was."""

import asyncio

from rocketd.core.messages.message import Stream
from rocketd.core.model.events import Finished, Started
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.daemon.event_stream import EVENT_OVERHEAD, EventStream
from rocketd.daemon.json_format import JsonObject
from support.event_loop import looped

RUN = Run("backup", 7, "0193-run", 1, due=50, start=51, trigger=Trigger.SCHEDULE, reason="daily")
END = Finished(RUN, End(Action.SUCCESS, Cause.EXIT, 60))
LINE = (RUN, Stream.STDOUT, "x" * 50)
COST = EVENT_OVERHEAD + 50


async def heard(backlog: EventStream, count: int) -> list[JsonObject]:
    events = backlog.listen()
    return [await anext(events) for _ in range(count)]


def kinds(events: list[JsonObject]) -> list[object]:
    return [(event["event"], event["count"]) if event["event"] == "lost" else event["event"] for event in events]


@looped
async def test_a_burst_is_kept_for_a_listener_that_is_behind() -> None:
    backlog = EventStream()
    backlog.add(Started(RUN))
    for number in range(60_000):
        backlog.add((RUN, Stream.STDOUT, str(number)))
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
