"""What every journal does, the fake one and the real ones."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocketd.core.messages.message import Message, Priority, Stream
from rocketd.core.messages.run_messages import output_line
from rocketd.core.model.run import Run, Trigger
from rocketd.daemon.ports import Journal
from rocketd.journal.console import ConsoleJournal
from rocketd.journal.journald import JournaldJournal
from support.fakes.journal import ListJournal
from support.fakes.journald import INSIDE, Journald

RUN = Run("backup", 7, "0193-run", 1, due=50, start=51, trigger=Trigger.SCHEDULE, reason="daily")


@dataclass
class Subject:
    """A journal, and how to find out what it was told, as far as it has been read: one text for each entry."""

    journal: Journal
    read: Callable[[], list[str]]


def listed(_: ExitStack) -> Subject:
    journal = ListJournal()
    return Subject(journal, lambda: journal.messages)


def console(stack: ExitStack) -> Subject:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    stack.callback(os.close, reader)
    loop = stack.enter_context(closing(asyncio.new_event_loop()))
    journal = stack.enter_context(closing(ConsoleJournal(loop, lambda: 0, UTC, descriptor=writer)))
    os.close(writer)
    return Subject(journal, lambda: os.read(reader, 1 << 16).decode().splitlines())


def journald(stack: ExitStack) -> Subject:
    server = stack.enter_context(Journald())
    loop = stack.enter_context(closing(asyncio.new_event_loop()))
    return Subject(stack.enter_context(closing(JournaldJournal(loop))), server.messages)


SUBJECTS = [listed, console]
if INSIDE in os.environ:  # as when tests/integration/test_journal.py runs these tests
    SUBJECTS.append(journald)


@pytest.fixture(params=SUBJECTS, ids=lambda subject: subject.__name__)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with ExitStack() as stack:
        yield request.param(stack)


def test_entries_are_told_in_the_order_in_which_they_came(subject: Subject) -> None:
    for number in range(100):
        assert subject.journal.write(output_line(RUN, Stream.STDOUT, f"line {number}"))
        subject.journal.write(Message(f"event {number}", Priority.ERROR))
    read = subject.read()
    assert len(read) == 200
    for number in range(100):
        assert read[2 * number].endswith(f"line {number}")
        assert read[2 * number + 1].endswith(f"event {number}")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=st.text(), field=st.text(), priority=st.sampled_from(Priority))
def test_no_entry_is_refused(subject: Subject, message: str, field: str, priority: Priority) -> None:
    subject.journal.write(Message(message, priority, fields={"ROCKETD_TASK": "backup", "ROCKETD_REASON": field}))
    subject.journal.write(output_line(RUN, Stream.STDERR, message))


@pytest.mark.parametrize("priority", Priority)
def test_what_it_wants_is_what_it_tells(subject: Subject, priority: Priority) -> None:
    subject.journal.write(Message("an event", priority))
    subject.journal.write(Message("the next", Priority.ERROR))
    told = [line for line in subject.read() if line.endswith("an event")]
    assert len(told) == subject.journal.is_enabled(priority)


def test_a_reader_that_does_not_read_is_not_waited_for(subject: Subject) -> None:
    for number in range(2000):
        subject.journal.write(output_line(RUN, Stream.STDOUT, f"{number} {'x' * 1000}"))
    assert subject.read()[0].endswith(f"0 {'x' * 1000}")
