"""journald as the daemon meets it: busy, stopped, replaced, gone. Run by test_journal.py in a namespace of its own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from rocketd.core.instant import MILLISECOND, MINUTE
from rocketd.core.messages.daemon_messages import lines_left_out, ready
from rocketd.core.messages.message import Message, MessageId, Priority, Stream
from rocketd.core.messages.run_messages import output_line
from rocketd.core.model.run import Run, Trigger
from rocketd.journal.journald import JournaldJournal
from rocketd.journal.journald_socket import JournalSocket
from support.event_loop import looped
from support.fakes.journald import PLACE, Journald

RUN = Run("backup", 7, "0193-run", 1, due=50, start=51, trigger=Trigger.SCHEDULE, reason="daily")


@pytest.fixture
def journald() -> Iterator[Journald]:
    with Journald() as journald:
        yield journald


@asynccontextmanager
async def journal(*, level: Priority = Priority.INFO, backlog_size: int = 1 << 20) -> AsyncIterator[JournaldJournal]:
    with closing(JournaldJournal(asyncio.get_running_loop(), level=level, backlog_size=backlog_size)) as told:
        yield told


def line(text: str) -> Message:
    return output_line(RUN, Stream.STDOUT, text)


async def everything(journald: Journald, count: int) -> list[str]:
    """Read, as the loop goes on, until that many entries have come."""
    readable = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(journald.socket, readable.set)
    said: list[str] = []
    while len(said) < count:
        await readable.wait()
        readable.clear()
        said += journald.messages()
    loop.remove_reader(journald.socket)
    return said


@looped
async def test_an_entry_has_exactly_the_fields_it_was_told_with(journald: Journald) -> None:
    async with journal() as told:
        told.write(ready("0.1.0", 12, 1))
        told.write(line("12 files copied"))
    assert journald.read() == [
        {
            "MESSAGE": b"rocketd 0.1.0 is ready: 12 tasks, 1 problem",
            "MESSAGE_ID": MessageId.READY.encode(),
            "PRIORITY": b"4",
            "SYSLOG_IDENTIFIER": b"rocketd",
            "ROCKETD_TASKS": b"12",
            "ROCKETD_PROBLEMS": b"1",
        },
        {
            "MESSAGE": b"12 files copied",
            "PRIORITY": b"6",
            "SYSLOG_IDENTIFIER": b"backup",
            "ROCKETD_TASK": b"backup",
            "ROCKETD_RUN_ID": b"0193-run",
            "ROCKETD_NUMBER": b"7",
            "ROCKETD_STREAM": b"stdout",
        },
    ]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("two\nPRIORITY=0", b"two\nPRIORITY=0"),
        ("nul \0 and \x1b[2J", b"nul \0 and \x1b[2J"),
        ("Grüße", "Grüße".encode()),
        ("latin \udcff", b"latin \xff"),
        ("half a pair \ud800", rb"half a pair \ud800"),
        ("", b""),
    ],
)
@looped
async def test_no_text_can_pass_for_another_field_or_be_refused(journald: Journald, text: str, sent: bytes) -> None:
    async with journal() as told:
        told.write(line(text))
    [entry] = journald.read()
    assert (entry["MESSAGE"], entry["PRIORITY"]) == (sent, b"6")


@looped
async def test_what_is_too_long_is_cut_and_says_so(journald: Journald) -> None:
    async with journal() as told:
        told.write(Message("ü" * 200_000, fields={"ROCKETD_REASON": "x" * 100_000}))
    [entry] = journald.read()
    assert entry["MESSAGE"].decode() == "ü" * (48 * 1024) + " … (cut here, 400000 bytes in all)"
    assert entry["ROCKETD_REASON"].decode() == "x" * 8192 + " … (cut here, 100000 bytes in all)"


@looped
async def test_entries_less_urgent_than_the_level_are_not_sent(journald: Journald) -> None:
    async with journal(level=Priority.WARNING) as told:
        told.write(Message("chatter"))
        told.write(Message("trouble", Priority.WARNING))
    assert journald.messages() == ["trouble"]


@looped
async def test_a_journald_that_does_not_read_holds_nobody_up_and_loses_nothing_that_fits(journald: Journald) -> None:
    async with journal() as told:
        for number in range(1000):
            told.write(line(str(number)))
        await asyncio.sleep(0)  # the loop goes round
        assert await everything(journald, 1000) == [str(number) for number in range(1000)]


@looped
async def test_a_flood_is_left_out_at_one_place_with_its_count_and_events_are_not(journald: Journald) -> None:
    async with journal(backlog_size=100_000) as told:
        for number in range(1000):
            told.write(line(str(number)))
        for number in range(50):
            told.write(Message(f"event {number}"))
            told.write(line("too late"))
        said = await everything(journald, 1)
        while not said[-1].endswith("too slow"):
            said += await everything(journald, 1)
        kept = sum(text.isdecimal() for text in said)
        assert said[:kept] == [str(number) for number in range(kept)]
        assert said[kept:-1] == [f"event {number}" for number in range(50)]
        assert said[-1] == lines_left_out(1000 - kept + 50).message
        told.write(line("on time again"))
        assert await everything(journald, 1) == ["on time again"]


@looped
async def test_big_entries_fill_the_senders_buffer_before_the_queue_and_that_holds_nobody_up(
    journald: Journald,
) -> None:
    async with journal(backlog_size=1 << 26) as told:
        for number in range(400):
            told.write(Message(f"{number} {'x' * 90_000}"))
        said = await everything(journald, 400)
    assert [text.partition(" ")[0] for text in said] == [str(number) for number in range(400)]


def test_the_very_first_entry_does_not_wait_either(journald: Journald) -> None:
    """Before it, libsystemd has no socket that could be set non-blocking."""
    journald.fill()
    with subprocess.Popen([sys.executable, "-c", FIRST_ENTRY], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "told\n"
        assert asyncio.run(everything(journald, 1)) == ["first"]


FIRST_ENTRY = """
import asyncio
from rocketd.core.messages.message import Message
from rocketd.journal.journald import JournaldJournal

async def main():
    journal = JournaldJournal(asyncio.get_running_loop())
    journal.write(Message("first"))
    print("told", flush=True)
    assert journal.close(60_000_000) == 0

asyncio.run(main())
"""


def test_an_entry_that_finds_no_room_in_spite_of_the_poll_fails_and_does_not_wait(journald: Journald) -> None:
    """Between the poll and the send another program may have taken the last place."""
    with closing(JournalSocket()) as own:
        assert own.has_room()
        own.send(["MESSAGE=first"])
        journald.fill()
        with pytest.raises(BlockingIOError):
            own.send(["MESSAGE=second"])
        assert not own.has_room()


def test_a_socket_that_nobody_has_open_is_not_watched(journald: Journald) -> None:
    """The kernel calls it writable for ever: the loop would spin."""
    with closing(JournalSocket()) as own:
        assert own.has_room()
        journald.close()
        with pytest.raises(ConnectionRefusedError):
            own.send(["MESSAGE=one"])
        assert own.connected is None
        assert not own.has_room()


@looped
async def test_entries_go_to_the_new_socket_when_journald_has_been_replaced(journald: Journald) -> None:
    async with journal() as told:
        told.write(Message("to the first"))
        with Journald() as second:
            told.write(Message("to the second"))
            assert second.messages() == ["to the second"]
    assert journald.messages() == ["to the first"]


@looped
async def test_what_waited_for_a_stopped_journald_goes_to_its_successor(journald: Journald) -> None:
    async with journal() as told:
        journald.fill()
        told.write(Message("one"))
        journald.close()
        with Journald() as second:
            told.write(Message("two"))
            assert await everything(second, 2) == ["one", "two"]


@pytest.mark.parametrize("file_stays", [True, False])
@looped
async def test_without_a_journald_entries_wait_for_the_next_one(*, file_stays: bool) -> None:
    with Journald() as first:
        first.close()
        if not file_stays:
            PLACE.unlink()
        async with journal() as told:
            told.write(Message("one"))
            told.write(Message("two"))
            with Journald() as second:
                told.write(Message("three"))
                assert await everything(second, 3) == ["one", "two", "three"]


@pytest.mark.parametrize("file_stays", [True, False])
@looped
async def test_a_journald_that_goes_away_between_two_entries_is_noticed(*, file_stays: bool) -> None:
    with Journald() as first:
        async with journal() as told:
            told.write(Message("one"))
            assert first.messages() == ["one"]
            first.close()
            if not file_stays:
                PLACE.unlink()
            told.write(Message("two"))
            await asyncio.sleep(0)  # nothing spins: a watched socket without a peer would always be ready
            with Journald() as second:
                told.write(Message("three"))
                assert await everything(second, 2) == ["two", "three"]


@looped
async def test_close_gives_up_on_a_stopped_journald_and_says_how_much_is_lost(journald: Journald) -> None:
    told = JournaldJournal(asyncio.get_running_loop())
    told.write(Message("one"))
    journald.fill()
    told.write(Message("two"))
    told.write(Message("three"))
    assert told.close(20 * MILLISECOND) == 2


@looped
async def test_close_waits_for_a_journald_that_reads_slowly(journald: Journald) -> None:
    told = JournaldJournal(asyncio.get_running_loop())
    for number in range(300):
        told.write(line(str(number)))
    reader = asyncio.to_thread(read_until, journald, "299")
    closed = asyncio.create_task(reader)
    lost = await asyncio.to_thread(told.close, MINUTE)
    assert lost == 0
    assert await closed == [str(number) for number in range(300)]


def read_until(journald: Journald, last: str) -> list[str]:
    journald.socket.settimeout(None)
    said = [""]
    while said[-1] != last:
        said.append(journald.socket.recv(1 << 16).split(b"\n")[0].removeprefix(b"MESSAGE=").decode())
    return said[1:]


@looped
async def test_no_child_inherits_a_socket(journald: Journald) -> None:
    async with journal() as told:
        told.write(Message("one"))
        assert journald.messages() == ["one"]
        assert open_sockets()
        assert not any(map(os.get_inheritable, open_sockets()))


def open_sockets() -> list[int]:
    return [int(path.name) for path in Path("/proc/self/fd").iterdir() if path.is_socket()]
