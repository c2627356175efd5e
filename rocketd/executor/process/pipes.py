"""Reads what a run's process writes, without ever waiting for it.

A run's output is what was written until its process ended: what is in the pipes by then is read to its end, however
long that takes; what others write into them afterwards need not be read.
"""

import os
from array import array
from collections.abc import Callable
from fcntl import ioctl
from functools import partial
from termios import FIONREAD
from time import monotonic
from typing import TypeAlias

from rocketd.executor.process.fd_watcher import TURN, FdWatcher
from rocketd.executor.process.function_protocol import REPORT_BYTES
from rocketd.executor.process.output import LineSplitter, Output
from rocketd.executor.process.output_file import OutputFile

Sink: TypeAlias = Callable[[bytes], None]


def _nothing() -> None:
    pass


class Pipes:
    """Our ends of the pipes of one run: of what it prints, and of what a function reports."""

    def __init__(
        self, watch: FdWatcher, output: Output, settled: Callable[[], None], file: OutputFile | None = None
    ) -> None:
        """`settled` is called after `leave`, whenever it may be that nothing is to be read any more.

        `file` gets the output as well, as it is.
        """
        self._watch = watch
        self._output = output
        self._file = file
        self._waits = False
        """Whether nothing is read until the file has room."""
        if file is not None:
            file.on_room = self._go_on
        self._settled = settled
        self._sinks: dict[int, Sink] = {}
        self._owed: dict[int, int] | None = None
        """How many bytes of those that were there when the process ended are still to be read."""
        self._streams: dict[int, LineSplitter] = {}
        self._report = bytearray()

    @property
    def open(self) -> bool:
        """Whether somebody may still write into one of them."""
        return bool(self._sinks)

    @property
    def settled(self) -> bool:
        """Whether all of the process's own has been read, after `leave`."""
        return not self._owed

    def add_stream(self, descriptor: int, name: str) -> None:
        """Read the run's output from there."""
        stream = self._streams[descriptor] = LineSplitter(name)
        self._add(descriptor, partial(self._output.take, stream) if self._file is None else partial(self._take, stream))

    def add_report(self, descriptor: int) -> None:
        """Read a function's report from there."""
        self._add(descriptor, self._take_report)

    def leave(self) -> None:
        """The process has ended: read what is in them, as much of it as may be at once."""
        self._owed = {descriptor: size for descriptor in self._sinks if (size := _waiting_in(descriptor))}
        end = 0 if self._watch.held else monotonic() + TURN
        for descriptor in tuple(self._sinks):
            if (self._watch.held or self._waits) and descriptor in self._owed:
                continue
            while self._read(descriptor) and not self._waits and monotonic() < end:
                pass

    def held(self) -> bool:
        """Whether somebody else still holds one of them, as a last look says."""
        for descriptor in tuple(self._sinks):
            self._read(descriptor)
        return self.open

    def close(self) -> tuple[str, str, bytes]:
        """Close them, and give the tail of the output, what is to be said about the rest of it, and the report."""
        for descriptor in tuple(self._sinks):
            self._close(descriptor)
        for stream in self._streams.values():
            self._output.end(stream)
        self._settled = _nothing  # no cycle is left for the collector: there is one of these for each run
        return *self._output.close(), bytes(self._report)

    def _add(self, descriptor: int, sink: Sink) -> None:
        os.set_blocking(descriptor, False)  # a task may read from its own pipe, too
        self._sinks[descriptor] = sink
        self._watch.add(descriptor, partial(self._ready, descriptor))

    def _ready(self, descriptor: int) -> None:
        self._read(descriptor)
        if self._owed is not None:
            self._settled()

    def _read(self, descriptor: int) -> bool:
        """Read one helping; says whether there may be more."""
        try:
            data = os.read(descriptor, self._output.helping)
        except BlockingIOError:
            self._pay(descriptor, None)
            return False
        if data:
            self._sinks[descriptor](data)
            self._pay(descriptor, len(data))
            return True
        self._close(descriptor)
        return False

    def _take(self, stream: LineSplitter, data: bytes) -> None:
        """Take in what was printed, for the file and for those who are told lines."""
        assert self._file is not None  # noqa: S101 - where there is none, this is not called
        self._file.put(data)
        self._output.take(stream, data)
        if self._file.busy and not self._waits:
            self._waits = True
            for descriptor in self._streams.keys() & self._sinks.keys():
                self._watch.drop(descriptor)

    def _go_on(self) -> None:
        """The file has room: read on."""
        if self._waits:
            self._waits = False
            for descriptor in self._streams.keys() & self._sinks.keys():
                self._watch.add(descriptor, partial(self._ready, descriptor))

    def _pay(self, descriptor: int, size: int | None) -> None:
        """Note that so much has been read, or all (None)."""
        if not self._owed or descriptor not in self._owed:
            return
        self._owed[descriptor] -= self._owed[descriptor] if size is None else size
        if self._owed[descriptor] <= 0:
            del self._owed[descriptor]

    def _close(self, descriptor: int) -> None:
        self._pay(descriptor, None)
        self._watch.drop(descriptor)
        os.close(descriptor)
        del self._sinks[descriptor]

    def _take_report(self, data: bytes) -> None:
        self._report += data[: REPORT_BYTES - len(self._report)]


def _waiting_in(pipe: int) -> int:
    """How many bytes are in it."""
    count = array("i", [0])
    ioctl(pipe, FIONREAD, count)
    return count[0]
