"""Waiting for descriptors: pipes of this process, no others."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from rocketd.executor.process.fd_watcher import FdWatcher


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_what_is_readable_calls_back_until_it_is_read(pipe: tuple[int, int]) -> None:
    async def scenario() -> None:
        reader, writer = pipe
        watcher = FdWatcher(asyncio.get_running_loop())
        calls: asyncio.Queue[str] = asyncio.Queue()
        watcher.add(reader, lambda: calls.put_nowait("readable"))
        os.write(writer, b"x")
        assert [await calls.get(), await calls.get()] == ["readable"] * 2
        watcher.close()

    asyncio.run(scenario())


def test_what_was_dropped_does_not_call_back_and_can_be_added_again(pipe: tuple[int, int]) -> None:
    async def scenario() -> None:
        reader, writer = pipe
        watcher = FdWatcher(asyncio.get_running_loop())
        called = asyncio.Event()
        watcher.add(reader, pytest.fail)
        watcher.remove(reader)
        watcher.remove(reader)
        watcher.add(reader, called.set)
        os.write(writer, b"x")
        await called.wait()
        watcher.close()

    asyncio.run(scenario())


def test_one_callback_may_drop_what_another_of_its_turn_waits_for(pipe: tuple[int, int]) -> None:
    """Their events have been fetched together."""

    async def scenario() -> None:
        reader, writer = pipe
        other = os.dup(reader)
        watcher = FdWatcher(asyncio.get_running_loop())
        called: list[int] = []
        turn = asyncio.Event()

        def take(mine: int, theirs: int) -> None:
            called.append(mine)
            watcher.remove(mine)
            watcher.remove(theirs)
            turn.set()

        watcher.add(reader, lambda: take(reader, other))
        watcher.add(other, lambda: take(other, reader))
        os.write(writer, b"x")
        await turn.wait()
        assert len(called) == 1
        watcher.close()
        os.close(other)

    asyncio.run(scenario())


def test_all_of_several_are_waited_for(pipe: tuple[int, int]) -> None:
    async def scenario() -> None:
        reader, writer = pipe
        second_reader, second_writer = os.pipe()
        watcher = FdWatcher(asyncio.get_running_loop())
        waiting = asyncio.ensure_future(watcher.wait_readable([reader, second_reader]))
        os.write(writer, b"x")
        await asyncio.sleep(0)  # a turn of the loop
        assert not waiting.done()
        os.write(second_writer, b"x")
        await waiting
        watcher.close()
        os.close(second_reader)
        os.close(second_writer)

    asyncio.run(scenario())
