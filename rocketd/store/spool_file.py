"""The spool: changes that the store could not take yet.

It is a file of its own, `spool.jsonl` in the state directory: a locked or damaged database does not prevent appending
to another file. Each line holds the changes of one `write`, and is synced before `append` returns. A line without an
end was interrupted while it was written: it was never acknowledged, and is dropped. An unreadable line is set aside,
and so is one whose start now belongs to another run; the other lines are written.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from rocketd.core.errors import DuplicateRun
from rocketd.core.model.records import Change
from rocketd.store.disk_reserve import reserve_space
from rocketd.store.errors import translating_errors
from rocketd.store.rejected_lines import (
    ReportDamage,
    is_not_a_file,
    move_aside,
    move_rejected,
    rejected_lines_message,
    sync_directory,
)
from rocketd.store.spool_line import UnreadableLine, format_line, parse_line
from rocketd.store.state_directory import StateDirectory

FILE_NAME: Final = "spool.jsonl"

_BATCH: Final = 100
"""Lines that are written to the store in one transaction: some milliseconds that a start may have to wait."""

_MAX_LINE: Final = 64 * 1024 * 1024
"""The most bytes of a line; a longer one is not ours, and only its beginning is set aside."""
_BLOCK: Final = 1024 * 1024
_MAX_CALL: Final = 8 * 1024 * 1024
"""The most bytes of a line that can be divided."""


class SpoolFile:
    """Changes that wait for the store, in order. Use it from one thread at a time. Methods raise StoreError."""

    def __init__(
        self,
        directory: Path,
        report_damage: ReportDamage = lambda _, __: None,
        *,
        name: str = FILE_NAME,
        reserve: bool = False,
    ) -> None:
        """Open the spool that an earlier daemon may have left; `report_damage` is called for lines that are set aside.

        With `reserve`, the file is kept with reserved disk space, for when the disk is full.
        """
        self.path = directory / name
        self._report_damage = report_damage
        self._reserve = reserve
        self._drained = 0  # bytes that the store already has
        with translating_errors(self.path):
            self._directory = StateDirectory(directory)
            if is_not_a_file(self.path):
                move_aside(self.path)
            self._size, self.pending = _whole_lines(self.path)
        self._report_rejected()
        self.reserve_space()

    pending: int
    """The number of lines that the store does not have yet."""
    warning: str = ""
    """A warning about where the newest records wait; here always empty."""

    def append(self, changes: Sequence[Change]) -> None:
        """Append changes, always durably, whatever `durability` is."""
        lines = _lines_of(changes)
        text = b"".join(lines)
        with translating_errors(self.path):
            self._directory.check()
            _append(self.path, text, self._size, reserve=self._reserve)
            if self._size == 0:
                sync_directory(self.path.parent)
        self._size += len(text)
        self.pending += len(lines)

    def drain(self, write: Callable[[Sequence[Sequence[Change]]], None]) -> None:
        """Pass each line's changes to `write`, oldest first. An exception of `write` ends the drain.

        A line that cannot be read, or for which `write` raises DuplicateRun, is set aside.
        """
        if self._size:
            with translating_errors(self.path):
                self._directory.check()
        while self._drained < self._size:
            lines, end = self._lines()
            rejected = list(_rejected(lines, write))
            if rejected:
                move_rejected(self.path.parent, rejected)
                self._report_rejected()
            self.pending -= len(lines)
            self._drained = end
        if self._size:
            self._clear()

    def _lines(self) -> tuple[list[bytes], int]:
        """Return the next complete lines, and where they end: an incomplete one may follow."""
        lines: list[bytes] = []
        offset = self._drained
        if not self.path.exists():
            self._report_damage(
                "spool", f"{self.path} was removed while records waited in it: they are missing from the run log"
            )
            return lines, self._size
        with translating_errors(self.path), self.path.open("rb") as file:
            file.seek(offset)
            while len(lines) < _BATCH and offset < self._size and (line := file.readline(_MAX_LINE)):
                offset += len(line)
                lines.append(line)
                while not line.endswith(b"\n") and (line := file.readline(_MAX_LINE)):
                    offset += len(line)
        return lines, offset if lines else self._size  # somebody has truncated it: there is no more

    def _clear(self) -> None:
        """Remove the file: the store has everything. After a kill before that, the next drain changes nothing."""
        with translating_errors(self.path):
            if self._reserve and self.path.exists():
                _cut(self.path, 0)
            else:
                self.path.unlink(missing_ok=True)
                sync_directory(self.path.parent)
        self._size = self._drained = self.pending = 0
        self.reserve_space()

    def contents(self) -> Iterator[Change]:
        """Return all readable waiting changes, in order; they stay in the spool."""
        offset, self._drained = self._drained, 0
        try:
            while self._drained < self._size:
                lines, self._drained = self._lines()
                for line in lines:
                    with suppress(UnreadableLine):
                        yield from parse_line(line)
        finally:
            self._drained = offset

    def reserve_space(self) -> None:
        """Reserve disk space for more, if the file system can."""
        if not self._reserve:
            return
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
            try:
                reserve_space(descriptor, self._size)
            finally:
                os.close(descriptor)

    def _report_rejected(self) -> None:
        if message := rejected_lines_message(self.path.parent):
            self._report_damage("spool", message)


def _lines_of(changes: Sequence[Change]) -> list[bytes]:
    """Write the changes as one line, or as several shorter ones: reading back needs memory."""
    line = format_line(changes)
    if len(line) <= _MAX_CALL or len(changes) < 2:  # noqa: PLR2004 - it cannot be divided
        return [line]
    half = len(changes) // 2
    return _lines_of(changes[:half]) + _lines_of(changes[half:])


def _rejected(lines: Sequence[bytes], write: Callable[[Sequence[Sequence[Change]]], None]) -> Iterator[bytes]:
    """Write the lines to the store, together or one by one; yield the rejected ones."""
    calls: list[tuple[bytes, list[Change]]] = []
    for line in lines:
        try:
            calls.append((line, parse_line(line)))
        except UnreadableLine:
            yield line
    try:
        if calls:
            write([call for _, call in calls])
    except DuplicateRun:
        for line, call in calls:
            try:
                write([call])
            except DuplicateRun:
                yield line


def _whole_lines(path: Path) -> tuple[int, int]:
    """Return the size of the complete lines in bytes, and their number."""
    size = count = offset = 0
    if path.exists():
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                count += block.count(b"\n")
                end = block.rfind(b"\n") + 1
                size = offset + end if end else size
                offset += len(block)
    return size, count


def _cut(path: Path, size: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.ftruncate(descriptor, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _append(path: Path, line: bytes, size: int, *, reserve: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    try:
        if os.fstat(descriptor).st_size > size:  # an incomplete line
            os.ftruncate(descriptor, size)
            if reserve:  # it went with it
                reserve_space(descriptor, size)
        os.lseek(descriptor, size, os.SEEK_SET)
        left = memoryview(line)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
