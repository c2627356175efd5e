"""Entries on a terminal, and on what else standard output may be: pipes, sockets, files, full disks."""

import asyncio
import fcntl
import os
import socket
import termios
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rocketd.core.instant import HOUR, MILLISECOND, MINUTE, SECOND
from rocketd.core.messages.daemon_messages import lines_left_out, problem, ready
from rocketd.core.messages.message import Message, Priority, Stream
from rocketd.core.messages.run_messages import entry_of, output_line
from rocketd.core.model.events import Started
from rocketd.core.model.run import Run, Trigger
from rocketd.journal.console import ConsoleChannel, ConsoleJournal, use_colour
from rocketd.journal.nonblocking_writer import NonblockingWriter
from support.event_loop import looped

RUN = Run("backup", 7, "0193-run", 1, due=50, start=51, trigger=Trigger.SCHEDULE, reason="daily")
NOW = 13 * HOUR + 3 * MINUTE + 7 * SECOND
ZONE = timezone(timedelta(hours=1))


def line(text: str) -> Message:
    return output_line(RUN, Stream.STDOUT, text)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """One that takes a page only, and is never waited for by the reader."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(reader, False)
    yield reader, writer
    os.close(reader)
    os.close(writer)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    screen, keyboard = os.openpty()
    os.set_blocking(screen, False)
    yield screen, keyboard
    os.close(screen)
    os.close(keyboard)


TIMEOUT = 60.0
"""Seconds after which a test fails that waits for lines that never come."""


def journal(descriptor: int) -> closing[ConsoleJournal]:
    return closing(ConsoleJournal(asyncio.get_running_loop(), lambda: NOW, ZONE, descriptor=descriptor))


def shown(entry: Message, *, colour: bool = False) -> str:
    """What the entry looks like."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as pipe, os.fdopen(writer, "wb"), closing(NonblockingWriter(writer)) as outlet:
        channel = ConsoleChannel(outlet, lambda: NOW, ZONE, colour=colour)
        assert channel.send(channel.encode(entry))
        return pipe.read1().decode()


async def everything(reader: int, lines: int) -> list[str]:
    """Read, as the loop goes on, until that many lines have come."""
    readable = asyncio.Event()
    asyncio.get_running_loop().add_reader(reader, readable.set)
    text = ""
    while text.count("\n") < lines:
        await asyncio.wait_for(readable.wait(), TIMEOUT)
        readable.clear()
        with suppress(BlockingIOError):  # the loop may have seen it readable before it was last read
            text += os.read(reader, 1 << 16).decode()
    asyncio.get_running_loop().remove_reader(reader)
    return text.replace("\r", "").splitlines()


def test_a_line_has_the_local_time_and_the_sentence() -> None:
    assert shown(entry_of(Started(RUN))) == "14:03:07 backup started: daily\n"
    assert shown(ready("0.1.0", 1, 0)) == "14:03:07 rocketd 0.1.0 is ready: 1 task, 0 problems\n"


def test_each_line_has_its_own_second_of_the_local_time_also_when_the_clocks_change() -> None:
    summer = 1_774_746_000 * SECOND  # 2026-03-29 01:00 UTC: 01:59:59 is followed by 03:00:00
    instants = [summer - SECOND, summer - 1, summer, summer + SECOND - 1, summer + SECOND, summer - SECOND]
    clock = iter(instants)
    with open(os.devnull, "wb") as nothing, closing(NonblockingWriter(nothing.fileno())) as outlet:  # noqa: PTH123 - no path
        channel = ConsoleChannel(outlet, lambda: next(clock), ZoneInfo("Europe/Berlin"), colour=False)
        told = [bytes(part)[:8] for _ in instants for part in channel.encode(line("")) if isinstance(part, bytes)]
    assert told == [b"01:59:59", b"01:59:59", b"03:00:00", b"03:00:00", b"03:00:01", b"01:59:59"]


def test_output_stands_behind_the_name_of_its_task() -> None:
    assert shown(line("12 files\tcopied")) == "14:03:07 backup | 12 files        copied\n"


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b]0;root\x07", "\\x1b]0;root\\x07"),
        ("first\nsecond\r\x9b2J", "first\\nsecond\\r\\x9b2J"),
        ("\udcff\ud800", "\\udcff\\ud800"),
    ],
)
def test_output_is_never_sent_raw(hostile: str, harmless: str) -> None:
    assert shown(line(hostile)) == f"14:03:07 backup | {harmless}\n"


def test_a_sentence_of_several_lines_cannot_pass_for_several_entries() -> None:
    told = shown(problem("a.toml:1:1: error: no\n  when = 1\x1b[1m\n         ^", "a.toml"))
    assert told == "14:03:07 a.toml:1:1: error: no\n           when = 1\\x1b[1m\n                  ^\n"


def test_errors_are_red_and_a_task_has_a_colour_of_its_own() -> None:
    assert shown(Message("no", Priority.ERROR), colour=True) == "\x1b[2m14:03:07\x1b[0m \x1b[31mno\x1b[0m\n"
    started = shown(entry_of(Started(RUN)), colour=True)
    assert started == "\x1b[2m14:03:07\x1b[0m \x1b[92mbackup\x1b[0m started: daily\n"
    assert shown(line("x"), colour=True) == "\x1b[2m14:03:07\x1b[0m \x1b[92mbackup\x1b[0m \x1b[2m| x\x1b[0m\n"


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_colour_is_for_terminals_that_can_and_people_who_want(
    terminal: tuple[int, int], pipe: tuple[int, int], environment: dict[str, str], *, wanted: bool
) -> None:
    with closing(NonblockingWriter(terminal[1])) as screen, closing(NonblockingWriter(pipe[1])) as file:
        assert use_colour(screen, environment) is wanted
        assert not use_colour(file, environment)


@looped
async def test_a_pipe_that_nobody_reads_holds_nobody_up_and_gets_whole_lines_later(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    with journal(writer) as told:
        for number in range(500):
            told.write(line(f"{number} {'x' * 100}"))
        lines = await everything(reader, 500)
    assert lines == [f"14:03:07 backup | {number} {'x' * 100}" for number in range(500)]


@looped
async def test_a_terminal_that_was_stopped_holds_nobody_up_and_goes_on_later(
    terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ctrl-S does."""
    monkeypatch.setenv("NO_COLOR", "1")
    screen, keyboard = terminal
    with journal(keyboard) as told:
        termios.tcflow(keyboard, termios.TCOOFF)
        for number in range(500):
            told.write(line(str(number)))
        termios.tcflow(keyboard, termios.TCOON)
        lines = await everything(screen, 500)
    assert [text.rpartition(" ")[2] for text in lines] == [str(number) for number in range(500)]


@looped
async def test_other_users_of_the_terminal_and_the_pipe_find_them_blocking_as_before(
    pipe: tuple[int, int], terminal: tuple[int, int]
) -> None:
    for descriptor in (pipe[1], terminal[1]):
        with journal(descriptor) as told:
            told.write(line("x"))
            assert os.get_blocking(descriptor)


@looped
async def test_a_socket_that_nobody_reads_holds_nobody_up() -> None:
    """As standard output is under systemd."""
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.settimeout(0)
        with journal(writer.fileno()) as told:
            for number in range(5000):
                told.write(line(f"{number} {'x' * 100}"))
            assert len(await everything(reader.fileno(), 5000)) == 5000
        assert writer.getblocking()


@looped
async def test_a_regular_file_gets_every_line_behind_what_is_there(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb", buffering=0) as file:
        file.write(b"before\n")
        with journal(file.fileno()) as told:
            told.write(Message("one"))
            told.write(Message("two"))
        file.write(b"after\n")
    assert (tmp_path / "log").read_text() == "before\n14:03:07 one\n14:03:07 two\nafter\n"


@looped
async def test_a_reader_that_went_away_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    told = ConsoleJournal(asyncio.get_running_loop(), lambda: NOW, ZONE, descriptor=writer)
    os.close(writer)
    told.write(Message("one"))
    told.write(Message("two"))
    assert told.close() == 0


@looped
async def test_what_cannot_be_written_at_all_is_counted() -> None:
    """/dev/full is always ready, and never takes a byte."""
    full = os.open("/dev/full", os.O_WRONLY)
    told = ConsoleJournal(asyncio.get_running_loop(), lambda: NOW, ZONE, descriptor=full)
    os.close(full)
    for _ in range(3):
        told.write(Message("one"))
    assert told.close() == 3


@looped
async def test_lines_that_did_not_fit_are_counted_where_they_are_missing(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    with journal(writer) as told:
        for number in range(50_000):
            told.write(line(f"{number} {'x' * 100}"))
        lines = await everything(reader, 1)
        while " | " in lines[-1]:
            lines += await everything(reader, 1)
    assert lines[-1] == f"14:03:07 {lines_left_out(50_001 - len(lines)).message}"


@looped
async def test_it_says_when_no_more_output_should_come_and_when_there_is_room_again(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    crowded: asyncio.Queue[bool] = asyncio.Queue()
    with journal(writer) as told:
        told.on_congested = crowded.put_nowait
        number = 0
        while crowded.empty():
            assert told.write(line(str(number)))
            number += 1
        assert await crowded.get()
        assert len(await everything(reader, number)) == number
        assert not await crowded.get()


@looped
async def test_who_goes_on_telling_lines_hears_that_they_are_lost(pipe: tuple[int, int]) -> None:
    with journal(pipe[1]) as told:
        assert told.write(line("one"))
        while told.write(line("x" * 10_000)):
            pass
        assert told.write(Message("an event"))


@looped
async def test_close_gives_up_on_a_pipe_that_nobody_reads(pipe: tuple[int, int]) -> None:
    told = ConsoleJournal(asyncio.get_running_loop(), lambda: NOW, ZONE, descriptor=pipe[1])
    for _ in range(100):
        told.write(line("x" * 100))
    assert told.close(20 * MILLISECOND) > 50
