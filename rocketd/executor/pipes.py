"""Reads what a run's process writes, without ever waiting for it."""

import os
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from rocketd.executor.function import REPORT_BYTES
from rocketd.executor.output import Output, Stream
from rocketd.executor.watch import Watch

DRAIN: Final = 16
"""How often a pipe is read at once at the end: one of default size (64 KiB) is empty by then."""
LAST_DRAIN: Final = 256
"""How often it is read before it is closed: one of the largest size (1 MiB) that a user can have is empty by then."""

Sink: TypeAlias = Callable[[bytes], None]


def _nothing() -> None:
    pass


class Pipes:
    """Our ends of the pipes of one run: of what it prints, and of what a function reports."""

    def __init__(self, watch: Watch, output: Output, empty: Callable[[], None]) -> None:
        self._watch = watch
        self._output = output
        self._empty = empty
        self._sinks: dict[int, Sink] = {}
        self._streams: list[Stream] = []
        self._report = bytearray()

    @property
    def open(self) -> bool:
        """Whether somebody may still write into one of them."""
        return bool(self._sinks)

    def add_stream(self, descriptor: int, name: str) -> None:
        """Read the run's output from there."""
        stream = Stream(name)
        self._streams.append(stream)
        self._add(descriptor, partial(self._output.take, stream))

    def add_report(self, descriptor: int) -> None:
        """Read a function's report from there."""
        self._add(descriptor, self._take_report)

    def drain(self, times: int = DRAIN) -> None:
        """Read what is in them now."""
        for descriptor in tuple(self._sinks):
            for _ in range(times):
                if not self._read(descriptor):
                    break

    def close(self) -> tuple[str, bytes]:
        """Read what is in them, close them, and give the tail of the output and the report."""
        if self._sinks:
            self.drain(LAST_DRAIN)
        for descriptor in tuple(self._sinks):
            self._close(descriptor)
        for stream in self._streams:
            self._output.end(stream)
        self._empty = _nothing  # no cycle is left for the collector: there is one of these for each run
        return self._output.close(), bytes(self._report)

    def _add(self, descriptor: int, sink: Sink) -> None:
        os.set_blocking(descriptor, False)  # a task may read from its own pipe, too
        self._sinks[descriptor] = sink
        self._watch.add(descriptor, partial(self._ready, descriptor))

    def _ready(self, descriptor: int) -> None:
        if not self._read(descriptor) and not self._sinks:
            self._empty()

    def _read(self, descriptor: int) -> bool:
        """Read one helping; says whether there may be more."""
        try:
            data = os.read(descriptor, self._output.helping)
        except BlockingIOError:
            return False
        if data:
            self._sinks[descriptor](data)
            return True
        self._close(descriptor)
        return False

    def _close(self, descriptor: int) -> None:
        self._watch.drop(descriptor)
        os.close(descriptor)
        del self._sinks[descriptor]

    def _take_report(self, data: bytes) -> None:
        self._report += data[: REPORT_BYTES - len(self._report)]
