"""Reads what a run's process writes, without ever blocking.

The output of a run is what was written until its process ended: whatever is in the pipes by then is read completely,
however long that takes; what other processes write afterwards need not be read.
"""

import os
from array import array
from collections.abc import Callable
from fcntl import ioctl
from functools import partial
from termios import FIONREAD
from time import monotonic
from typing import TypeAlias

from rocketd.executor.process.fd_watcher import TIME_SLICE, FdWatcher
from rocketd.executor.process.function_protocol import REPORT_BYTES
from rocketd.executor.process.output import LineSplitter, Output
from rocketd.executor.process.output_file import OutputFile

Sink: TypeAlias = Callable[[bytes], None]


def _noop() -> None:
    pass


class Pipes:
    """The daemon's ends of the pipes of one run: its output, and the report of a function."""

    def __init__(
        self, watcher: FdWatcher, output: Output, on_drained: Callable[[], None], file: OutputFile | None = None
    ) -> None:
        """`on_drained` is called after `drain`, whenever there may be nothing left to read.

        `file` gets the output as well, unchanged.
        """
        self._watcher = watcher
        self._output = output
        self._file = file
        self._paused = False
        """Whether reading is suspended until the file accepts data."""
        if file is not None:
            file.on_room = self._resume_reading
        self._on_drained = on_drained
        self._sinks: dict[int, Sink] = {}
        self._unread: dict[int, int] | None = None
        """By descriptor: how many of the bytes that were there when the process ended have not been read yet."""
        self._streams: dict[int, LineSplitter] = {}
        self._report = bytearray()

    @property
    def open(self) -> bool:
        """Whether any process may still write into one of them."""
        return bool(self._sinks)

    @property
    def drained(self) -> bool:
        """Whether everything that the process wrote has been read; valid after `drain`."""
        return not self._unread

    @property
    def output_tail(self) -> str:
        """The end of the output that has been read."""
        return self._output.tail

    def add_stream(self, descriptor: int, name: str) -> None:
        """Read the run's output from this descriptor."""
        stream = self._streams[descriptor] = LineSplitter(name)
        feed = self._output.feed if self._file is None else self._feed_file
        self._add(descriptor, partial(feed, stream))

    def add_report(self, descriptor: int) -> None:
        """Read a function's report from this descriptor."""
        self._add(descriptor, self._handle_report)

    def drain(self) -> None:
        """Handle the end of the process: read what is in the pipes, as much as one time slice allows."""
        self._unread = {descriptor: size for descriptor in self._sinks if (size := _unread_bytes(descriptor))}
        end = 0 if self._watcher.held else monotonic() + TIME_SLICE
        for descriptor in tuple(self._sinks):
            if (self._watcher.held or self._paused) and descriptor in self._unread:
                continue
            while self._read(descriptor) and not self._paused and monotonic() < end:
                pass

    def still_open(self) -> bool:
        """Read once more; return whether another process still holds one of the pipes."""
        for descriptor in tuple(self._sinks):
            self._read(descriptor)
        return self.open

    def close(self) -> tuple[str, str, bytes]:
        """Close the pipes; return the tail of the output, a sentence about dropped output, and the report."""
        for descriptor in tuple(self._sinks):
            self._close(descriptor)
        for stream in self._streams.values():
            self._output.end(stream)
        self._on_drained = _noop  # leaves no cycle for the collector: each run has one of these
        return *self._output.close(), bytes(self._report)

    def _add(self, descriptor: int, sink: Sink) -> None:
        os.set_blocking(descriptor, False)  # a task may read from its own pipe as well
        self._sinks[descriptor] = sink
        self._watcher.add(descriptor, partial(self._ready, descriptor))

    def _ready(self, descriptor: int) -> None:
        self._read(descriptor)
        if self._unread is not None:
            self._on_drained()

    def _read(self, descriptor: int) -> bool:
        """Read one portion; return whether there may be more."""
        try:
            data = os.read(descriptor, self._output.read_size)
        except BlockingIOError:
            self._count_read(descriptor, None)
            return False
        if data:
            self._sinks[descriptor](data)
            self._count_read(descriptor, len(data))
            return True
        self._close(descriptor)
        return False

    def _feed_file(self, stream: LineSplitter, data: bytes) -> None:
        """Handle output that also goes into a file."""
        assert self._file is not None  # noqa: S101 - the only case in which this is called
        self._file.write(data)
        self._output.feed(stream, data)
        if self._file.busy and not self._paused:
            self._paused = True
            for descriptor in self._streams.keys() & self._sinks.keys():
                self._watcher.remove(descriptor)

    def _resume_reading(self) -> None:
        """Continue reading: the file accepts data again."""
        if self._paused:
            self._paused = False
            for descriptor in self._streams.keys() & self._sinks.keys():
                self._watcher.add(descriptor, partial(self._ready, descriptor))

    def _count_read(self, descriptor: int, size: int | None) -> None:
        """Subtract what has been read, in bytes; None: everything."""
        if not self._unread or descriptor not in self._unread:
            return
        self._unread[descriptor] -= self._unread[descriptor] if size is None else size
        if self._unread[descriptor] <= 0:
            del self._unread[descriptor]

    def _close(self, descriptor: int) -> None:
        self._count_read(descriptor, None)
        self._watcher.remove(descriptor)
        os.close(descriptor)
        del self._sinks[descriptor]

    def _handle_report(self, data: bytes) -> None:
        self._report += data[: REPORT_BYTES - len(self._report)]


def _unread_bytes(pipe: int) -> int:
    """Return how many bytes are in a pipe."""
    count = array("i", [0])
    ioctl(pipe, FIONREAD, count)
    return count[0]
