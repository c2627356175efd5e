"""What the journal has of a run: the tail of its output, and why systemd could not start its unit.

A line is known by its unit, which journald itself notes, and by the run's id: those of short-lived processes may lack
other fields. journald is asked to write down what it has before anything is read; one answer is good for all runs that
wait for it. All that blocks does so in a thread.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.background_threads import in_thread
from rocketd.core.model.recent_output import JournalPlace
from rocketd.executor.process.output import OutputTail
from systemd import journal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SYNCHRONIZE: Final = "/run/systemd/journal/io.systemd.journal"
TIMEOUT: Final = 2.0
"""Seconds that journald may take to write down what it has; after that, what is there is read."""
TIME_LIMIT: Final = 60.0
"""Seconds for the answers to all that ask at the same time: hundreds of ends on a busy host take some."""
_ENDS: Final = {"line-max": b"", "eof": b"", "nul": b"\0"}
"""What ended a line, where it was not the end of a line: systemd.journal-fields(7), `_LINE_BREAK`."""
_SPAWN_FAILED: Final = "641257651c1b4ec9a8624d7a40a9e1e7"
_OUT_OF_MEMORY: Final = "fe6faa94e7774663a0da52717891d8ef"


class JournalFacts(NamedTuple):
    """What the journal knows of a run."""

    output: str
    """The tail of what it printed."""
    failure: str = ""
    """Why systemd could not start it; empty: nothing was found, or it was not asked for."""
    error: int = 0
    """The errno of that."""
    out_of_memory: bool = False
    perhaps_out_of_memory: bool = False
    """Whether the kernel killed something on this host while it ran; this is not in the journal."""
    place: JournalPlace | None = None
    """Where the last line of its output is; None: it has printed nothing."""


class Question(NamedTuple):
    """What is to be looked up of one run."""

    unit: str
    run_id: str
    tail: int
    """How many bytes of its output."""
    failed: bool = False
    """Whether to look for why it could not be started."""
    killed: bool = False
    """Whether to look for the kernel having killed one of its processes for want of memory."""


class RunJournal:
    """Answers questions, all that wait at the same time in one go. On the loop's thread."""

    def __init__(self, socket_path: str = SYNCHRONIZE, time_limit: float = TIME_LIMIT) -> None:
        """`time_limit` is in seconds: an end is not held up by a disk that does not answer."""
        self._socket = socket_path
        self._time_limit = time_limit
        self._waiting: list[tuple[Question, asyncio.Future[JournalFacts]]] = []
        self._asked: asyncio.Task[None] | None = None

    async def facts(self, question: Question) -> JournalFacts:
        """Return what the journal knows of a run; nothing if it cannot be read."""
        future: asyncio.Future[JournalFacts] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._asked is None:
            self._asked = asyncio.ensure_future(self._answer())
        return await future

    async def _answer(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            questions = [question for question, _ in waiting]
            try:
                look = partial(_look, questions, self._socket)
                answers = await in_thread(look, time_limit=self._time_limit)
            except Exception:  # noqa: BLE001 - no journal, no thread: better an end without its tail than no end
                answers = [JournalFacts("") for _ in questions]
            for (_, future), answer in zip(waiting, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        self._asked = None


def _look(questions: Sequence[Question], socket_path: str) -> list[JournalFacts]:
    synchronize(socket_path)
    return [_facts(question) for question in questions]


def _facts(question: Question) -> JournalFacts:
    failure, error = _failure(question.unit) if question.failed else ("", 0)
    killed = question.killed and _any(UNIT=question.unit, _UID="0", MESSAGE_ID=_OUT_OF_MEMORY)
    output, place = _tail(question)
    return JournalFacts(output, failure, error, killed, place=place)


def synchronize(socket_path: str = SYNCHRONIZE) -> None:
    """Have journald write down all that it was given until now; does nothing where that cannot be asked."""
    with suppress(OSError), closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(socket_path)
        connection.sendall(b'{"method":"io.systemd.Journal.Synchronize"}\0')
        connection.recv(4096)


def _tail(question: Question) -> tuple[str, JournalPlace | None]:
    """Read backwards until there is more than enough, and let `OutputTail` cut it as it cuts all output."""
    lines: list[bytes] = []
    size, place = 0, None
    with closing(_reader(_SYSTEMD_UNIT=question.unit, ROCKETD_RUN_ID=question.run_id, _TRANSPORT="stdout")) as reader:
        while size <= question.tail and (entry := reader.get_previous()):
            lines.append(_bytes(entry.get("MESSAGE", b"")) + _ENDS.get(str(entry.get("_LINE_BREAK")), b"\n"))
            size += len(lines[-1])
            place = place or place_of(entry["__CURSOR"])
    tail = OutputTail(question.tail)
    for line in reversed(lines):
        tail.add(line)
    return tail.text(all_added=False), place


def place_of(cursor: str) -> JournalPlace:
    """Return where an entry is in the journal; a cursor is s=ID;i=NUMBER;… with a hexadecimal number."""
    fields = dict(field.partition("=")[::2] for field in cursor.split(";"))
    return JournalPlace(fields.get("s", ""), int(fields.get("i") or "0", 16))


def _failure(unit: str) -> tuple[str, int]:
    """Return systemd's own sentence, and the errno that it gives; nobody but root can write such entries."""
    with closing(_reader(UNIT=unit, _UID="0")) as reader:
        while entry := reader.get_previous():
            text = _bytes(entry.get("MESSAGE", b"")).decode(errors="replace").partition(": ")[2]
            if _hex(entry.get("MESSAGE_ID")) == _SPAWN_FAILED or text.startswith("Failed to"):
                return text, int(entry.get("ERRNO") or 0)
    return "", 0


def _any(**match: str) -> bool:
    with closing(_reader(**match)) as reader:
        return bool(reader.get_previous())


def _reader(**match: str) -> journal.Reader:
    reader = journal.Reader(flags=journal.LOCAL_ONLY, converters=_PLAIN)
    for name, value in match.items():
        reader.add_match(**{name: value})
    reader.seek_tail()
    return reader


_PLAIN: Final[Mapping[str, object]] = {"MESSAGE": bytes, "ERRNO": int, "MESSAGE_ID": bytes}


def _hex(value: object) -> str:
    return (
        value.decode(errors="replace").replace("-", "")
        if isinstance(value, bytes)
        else str(value or "").replace("-", "")
    )


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else os.fsencode(str(value))
