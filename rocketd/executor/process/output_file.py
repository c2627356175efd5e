"""A run's output file, as the loop sees it: a pipe to the process that writes it (see `output_writer_process`).

A full pipe makes the run wait: while the file is `busy`, none of its output is read. A run that has ended is reported
only when its file is complete, or when the file has accepted no data for `STALL_TIMEOUT`.
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
from rocketd.executor.process.output import Emit
from rocketd.executor.process.output_writer_process import OutputWriterProcess

STALL_TIMEOUT: Final = 5.0
"""Seconds in which a file must accept data after its run has ended."""
REPORT_AFTER: Final = 10.0
"""Seconds after which a run that waits for its file reports it."""
REPORT_BYTES: Final = 4096
"""The most that is read from a writer at once, and of one line: it is a process of the task's user."""
FINAL_READS: Final = 32
"""The number of such reads after its exit: a pipe holds half as much."""
TROUBLE_LENGTH: Final = 200
MAX_MISSING: Final = 2**63

OnClosed: TypeAlias = Callable[[str], None]


def _noop() -> None:
    pass


class OutputFile:
    """Passes a run's output on to its writer. Nothing here blocks."""

    def __init__(
        self,
        path: str,
        writer: OutputWriterProcess | str,
        loop: asyncio.AbstractEventLoop,
        watcher: FdWatcher,
        emit: Emit,
    ) -> None:
        """`writer` is the reason, as a string, if no process could be started."""
        self._loop = loop
        self._watcher = watcher
        self._emit = emit
        self._result = _WriterReport(path)
        self._data = -1
        """The daemon's end of the pipe; -1: it is closed."""
        self._unsent = b""
        self._report = b""
        self._progress = 0.0
        self._run_ended = False
        self._done = isinstance(writer, str)
        """Whether the writer has ended, or is not waited for any longer."""
        self._timer: asyncio.TimerHandle | None = None
        self._on_closed: OnClosed | None = None
        self.on_room: Callable[[], None] = _noop
        """Called when the file may no longer be busy."""
        if isinstance(writer, str):
            self._report_trouble(writer)
        else:
            self._watch(writer)

    @property
    def busy(self) -> bool:
        """Whether no more data should be written for now."""
        return bool(self._unsent)

    def write(self, data: bytes) -> None:
        """Pass these bytes on unchanged."""
        if self._data < 0:
            return
        was_busy = self.busy
        self._unsent += data
        if was_busy:
            return
        self._flush()
        if self.busy:
            self._watcher.add(self._data, self._on_writable, select.EPOLLOUT)
            if not self._run_ended:
                self._call_later(REPORT_AFTER, self._report_wait)

    def note_run_end(self) -> None:
        """Handle the end of the run: from now on the file must accept data every `STALL_TIMEOUT`."""
        self._run_ended = True
        self._progress = self._loop.time()
        if not self._done:
            self._call_later(STALL_TIMEOUT, self._check_progress)

    def close(self, on_closed: OnClosed) -> None:
        """Close the file: no more data follows.

        Calls `on_closed` once, when the file is complete or given up, with a sentence about missing data (empty: none).
        """
        self._on_closed = on_closed
        self._progress = self._loop.time()
        if not self.busy:
            self._stop()
        if self._done:
            self._finish()

    def _watch(self, writer: OutputWriterProcess) -> None:
        self._data = writer.data
        self._watcher.add(writer.report, partial(self._read_report, writer))
        self._watcher.add(writer.pidfd, lambda: self._on_writer_exit(writer))

    def _flush(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self._data, self._unsent) :]
                self._progress = self._loop.time()
        except BlockingIOError:
            pass
        except BrokenPipeError:  # it has ended early: `_on_writer_exit` finds out how
            self._stop()

    def _on_writable(self) -> None:
        self._flush()
        if not self.busy:
            self._watcher.remove(self._data)
            if self._on_closed is not None:
                self._stop()
            self.on_room()

    def _stop(self) -> None:
        """Discard unsent data and close the pipe."""
        self._unsent = b""
        if self._data >= 0:
            self._watcher.remove(self._data)
            os.close(self._data)
            self._data = -1

    def _read_report(self, writer: OutputWriterProcess) -> bool:
        """Read some of the writer's reports; return whether there may be more."""
        try:
            data = os.read(writer.report, REPORT_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._watcher.remove(writer.report)
        *lines, rest = (self._report + data).split(b"\n")
        self._report = rest[:REPORT_BYTES]
        for line in lines:
            if (trouble := self._result.parse(line)) and not self._done:
                self._report_trouble(trouble)
        return bool(data)

    def _on_writer_exit(self, writer: OutputWriterProcess) -> None:
        with suppress(ChildProcessError):  # other code in this process waits for any child
            if os.waitpid(writer.pid, os.WNOHANG)[0] == 0:  # a spurious call
                return
        for _ in range(FINAL_READS):
            if not self._read_report(writer):
                break
        for descriptor in (writer.report, writer.pidfd):
            self._watcher.remove(descriptor)
        trouble = writer.release()
        if not self._result.is_final and not self._done:
            self._report_trouble(trouble or self._result.trouble or "the process that writes it was killed")
        self._abandon()

    def _check_progress(self) -> None:
        left = self._progress + STALL_TIMEOUT - self._loop.time()
        if not self.busy and self._on_closed is None:  # it has accepted everything so far
            left = STALL_TIMEOUT
        if left > 0:
            self._call_later(left, self._check_progress)
        else:
            self._report_trouble(f"it accepted no data for {STALL_TIMEOUT:.0f}s")
            self._abandon()

    def _abandon(self) -> None:
        self._done = True
        self._stop()
        self.on_room()
        if self._on_closed is not None:
            self._finish()

    def _finish(self) -> None:
        on_closed, self._on_closed, self.on_room = self._on_closed, None, _noop  # leaves no cycle for the collector
        if self._timer is not None:
            self._timer.cancel()
        if on_closed is not None:
            on_closed(self._result.sentence)

    def _report_trouble(self, trouble: str) -> None:
        if not self._result.trouble:
            self._emit("stderr", f"rocketd: output cannot be written to {self._result.path}: {trouble}")
        self._result.trouble = trouble

    def _report_wait(self) -> None:
        if self.busy:
            self._emit("stderr", f"rocketd: the task is waiting for {self._result.path}, which accepts no data")

    def _call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, callback)


class _WriterReport:
    """What a writer has reported about missing data."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.missing = 0
        """In bytes, as counted by the writer."""
        self.trouble = ""
        self.is_final = False
        """Whether the writer has reported the total of missing bytes: else more may be missing."""

    def parse(self, line: bytes) -> str:
        """Parse one line; return the problem that it reports, if any."""
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):  # it could not start, or has a bug: a traceback ends with the error
            return "" if line.startswith((b"Traceback", b" ")) else _sentence(line.decode(errors="backslashreplace"))
        if not isinstance(value, dict):
            return ""
        trouble, missing = _sentence(value.get("trouble")), value.get("missing")
        if not isinstance(missing, int) or not 0 <= missing < MAX_MISSING:
            return trouble
        self.missing, self.trouble, self.is_final = missing, trouble, True
        return ""

    @property
    def sentence(self) -> str:
        """The sentence for the record of the run; empty: nothing is missing."""
        size = self.missing if self.is_final else 0
        return missing_in_file(self.path, size, self.trouble) if self.trouble else ""


def _sentence(value: object) -> str:
    return visible(" ".join(value.split())[:TROUBLE_LENGTH]) if isinstance(value, str) else ""
