"""A run's output file, as the loop sees it: a pipe to the process that writes it (see `output_writer_process`).

What does not fit into the pipe makes the run wait: while the file is `busy`, nothing more of what it prints is read. A
run that has ended waits until its file has everything, unless the file takes nothing for `GRACE`.
"""

import asyncio
import json
import os
import select
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

from rocketd.core.escaping import visible
from rocketd.core.messages.output_messages import missing_in_file
from rocketd.executor.process.fd_watcher import FdWatcher
from rocketd.executor.process.output import Tell
from rocketd.executor.process.output_writer_process import OutputWriterProcess

GRACE: Final = 5.0
"""Seconds in which a file must take something when its run has ended."""
PATIENCE: Final = 10.0
"""Seconds until a run that waits for its file says so."""
REPORT_BYTES: Final = 4096
"""How much of what a writer says is looked at, at once and as one line: it is a process of the task's user."""
LAST_WORDS: Final = 32
"""How often that much is read when it has ended: a pipe holds half as much."""
TROUBLE_LENGTH: Final = 200
MOST_MISSING: Final = 2**63

Then: TypeAlias = Callable[[str], None]


def _nothing() -> None:
    pass


class OutputFile:
    """Passes on what a run prints. Nothing here waits."""

    def __init__(
        self,
        path: str,
        writer: OutputWriterProcess | str,
        loop: asyncio.AbstractEventLoop,
        watch: FdWatcher,
        tell: Tell,
    ) -> None:
        """`writer` may also say why there is none."""
        self._loop = loop
        self._watch = watch
        self._tell = tell
        self._account = _Account(path)
        self._data = -1
        """Our end of the pipe; -1: nothing more can be passed on."""
        self._rest = b""
        self._report = b""
        self._progress = 0.0
        self._left = False
        self._done = isinstance(writer, str)
        """Whether nothing more becomes of what was passed on, or nobody waits for it any more."""
        self._timer: asyncio.TimerHandle | None = None
        self._then: Then | None = None
        self.on_room: Callable[[], None] = _nothing
        """Called when it may no longer be busy."""
        if isinstance(writer, str):
            self._complain(writer)
        else:
            self._follow(writer)

    @property
    def busy(self) -> bool:
        """Whether it should be given nothing more for now."""
        return bool(self._rest)

    def put(self, data: bytes) -> None:
        """Pass these bytes on, as they are."""
        if self._data < 0:
            return
        was_busy = self.busy
        self._rest += data
        if was_busy:
            return
        self._flush()
        if self.busy:
            self._watch.add(self._data, self._has_room, select.EPOLLOUT)
            if not self._left:
                self._call_later(PATIENCE, self._say_that_it_waits)

    def leave(self) -> None:
        """Its run has ended: from now on it must take something from time to time."""
        self._left = True
        self._progress = self._loop.time()
        if not self._done:
            self._call_later(GRACE, self._look_for_progress)

    def close(self, then: Then) -> None:
        """Nothing more comes. Calls `then` when the file has everything, or with a sentence if it will not have it."""
        self._then = then
        self._progress = self._loop.time()
        if not self.busy:
            self._stop()
        if self._done:
            self._finish()

    def _follow(self, writer: OutputWriterProcess) -> None:
        self._data = writer.data
        self._watch.add(writer.report, partial(self._hear, writer))
        self._watch.add(writer.pidfd, lambda: self._ended(writer))

    def _flush(self) -> None:
        try:
            while self._rest:
                self._rest = self._rest[os.write(self._data, self._rest) :]
                self._progress = self._loop.time()
        except BlockingIOError:
            pass
        except BrokenPipeError:  # it has ended early: `_ended` finds out how
            self._stop()

    def _has_room(self) -> None:
        self._flush()
        if not self.busy:
            self._watch.drop(self._data)
            if self._then is not None:
                self._stop()
            self.on_room()

    def _stop(self) -> None:
        """Pass on nothing more."""
        self._rest = b""
        if self._data >= 0:
            self._watch.drop(self._data)
            os.close(self._data)
            self._data = -1

    def _hear(self, writer: OutputWriterProcess) -> bool:
        """Read some of what the writer says; whether there may be more."""
        try:
            data = os.read(writer.report, REPORT_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._watch.drop(writer.report)
        *lines, rest = (self._report + data).split(b"\n")
        self._report = rest[:REPORT_BYTES]
        for line in lines:
            if (trouble := self._account.take(line)) and not self._done:
                self._complain(trouble)
        return bool(data)

    def _ended(self, writer: OutputWriterProcess) -> None:
        with suppress(ChildProcessError):  # code beside us in this process waits for any child
            if os.waitpid(writer.pid, os.WNOHANG)[0] == 0:  # called for nothing
                return
        for _ in range(LAST_WORDS):
            if not self._hear(writer):
                break
        for descriptor in (writer.report, writer.pidfd):
            self._watch.drop(descriptor)
        trouble = writer.let_go()
        if not self._account.is_final and not self._done:
            self._complain(trouble or self._account.trouble or "the process that writes it was killed")
        self._over()

    def _look_for_progress(self) -> None:
        left = self._progress + GRACE - self._loop.time()
        if not self.busy and self._then is None:  # it has taken all that there was so far
            left = GRACE
        if left > 0:
            self._call_later(left, self._look_for_progress)
        else:
            self._complain(f"it took nothing for {GRACE:.0f}s")
            self._over()

    def _over(self) -> None:
        self._done = True
        self._stop()
        self.on_room()
        if self._then is not None:
            self._finish()

    def _finish(self) -> None:
        then, self._then, self.on_room = self._then, None, _nothing  # no cycle is left for the collector
        if self._timer is not None:
            self._timer.cancel()
        if then is not None:
            then(self._account.sentence)

    def _complain(self, trouble: str) -> None:
        if not self._account.trouble:
            self._tell("stderr", f"rocketd: output cannot be written to {self._account.path}: {trouble}")
        self._account.trouble = trouble

    def _say_that_it_waits(self) -> None:
        if self.busy:
            self._tell("stderr", f"rocketd: {self._account.path} takes nothing, and the task waits for it")

    def _call_later(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, then)


class _Account:
    """What is missing in a file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.missing = 0
        """Bytes, as the writer has counted them."""
        self.trouble = ""
        self.is_final = False
        """Whether the writer has told how many bytes it could not write: else more may be missing."""

    def take(self, line: bytes) -> str:
        """Take in what a writer says; gives what is wrong, if that is what it says."""
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):  # it could not begin, or has a defect: a traceback ends with what is wrong
            return "" if line.startswith((b"Traceback", b" ")) else _sentence(line.decode(errors="backslashreplace"))
        if not isinstance(told, dict):
            return ""
        trouble, missing = _sentence(told.get("trouble")), told.get("missing")
        if not isinstance(missing, int) or not 0 <= missing < MOST_MISSING:
            return trouble
        self.missing, self.trouble, self.is_final = missing, trouble, True
        return ""

    @property
    def sentence(self) -> str:
        """What is to be said of it when all is over; empty: nothing is missing."""
        size = self.missing if self.is_final else 0
        return missing_in_file(self.path, size, self.trouble) if self.trouble else ""


def _sentence(told: object) -> str:
    return visible(" ".join(told.split())[:TROUBLE_LENGTH]) if isinstance(told, str) else ""
