"""What could not be written to the store, kept beside it until it can be.

A file of its own, `spool.jsonl` in the state directory: a database that is locked or damaged is no reason not to append
to another file. Each line is what one call was to write, synced before `put` returns. A line that a power cut has torn
was never acknowledged, and is dropped.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Final

from rocketd.core.errors import StoreError
from rocketd.core.events import Finished, Missed, Spawned, Started
from rocketd.core.records import Alive, Change, TaskState
from rocketd.core.run import Action, Cause, End, Run, Trigger
from rocketd.store.trouble import told

FILE_NAME: Final = "spool.jsonl"

_AT_ONCE: Final = 100
"""Calls that are given together: one transaction, and some milliseconds that a start may have to wait."""

_KINDS: Final = {kind.__name__: kind for kind in (Started, Spawned, Finished, Missed, TaskState, Alive)}


class SpoolFile:
    """Changes that wait for the store, in order. One thread at a time. Methods raise StoreError."""

    def __init__(self, directory: Path) -> None:
        """Take up what an earlier daemon left."""
        self.path = directory / FILE_NAME
        self._given = 0  # bytes of it that are in the store
        with told(self.path):
            self._size, self.waiting = _whole_lines(self.path)

    waiting: int
    """How many calls are in it that the store has not had."""

    def put(self, changes: Sequence[Change]) -> None:
        """Append, durably whatever `durability` says: what it is for is to lose nothing."""
        line = json.dumps([_written(change) for change in changes], separators=(",", ":")).encode() + b"\n"
        with told(self.path):
            _append(self.path, line, self._size)
            if self._size == 0:
                _sync(self.path.parent)
        self._size += len(line)
        self.waiting += 1

    def drain(self, write: Callable[[Sequence[Sequence[Change]]], None]) -> None:
        """Give the calls to `write`, oldest first. What `write` raises ends that; the next drain goes on there."""
        while self._given < self._size:
            lines = self._lines()
            write([_read(line, self.path) for line in lines])
            self._given += sum(map(len, lines))
            self.waiting -= len(lines)
        if self._size:
            self._forget()

    def _lines(self) -> list[bytes]:
        """The next whole ones: behind the last of them there may be one that was torn."""
        lines: list[bytes] = []
        at = self._given
        with told(self.path), self.path.open("rb") as file:
            file.seek(at)
            for line in islice(file, _AT_ONCE):
                at += len(line)
                if at <= self._size:
                    lines.append(line)
        return lines

    def _forget(self) -> None:
        """The store has it all. If we die before the file is gone, it is given once more, which changes nothing."""
        with told(self.path):
            self.path.unlink(missing_ok=True)
            _sync(self.path.parent)
        self._size = self._given = self.waiting = 0


def _whole_lines(path: Path) -> tuple[int, int]:
    """How many bytes are whole lines, and how many lines. Of the last one, a block in the middle may be lost."""
    size = count = 0
    line = b""
    if path.exists():
        with path.open("rb") as file:
            for line in file:
                size, count = size + len(line), count + 1
    return (size, count) if not line or _is_whole(line) else (size - len(line), count - 1)


def _is_whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return line.endswith(b"\n")


def _append(path: Path, line: bytes, size: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.ftruncate(descriptor, size)  # of a line that did not get in whole
        os.lseek(descriptor, size, os.SEEK_SET)
        left = memoryview(line)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written(change: Change) -> dict[str, object]:
    return {"kind": type(change).__name__, **asdict(change)}


def _read(line: bytes, path: Path) -> list[Change]:
    try:
        return [_change(values) for values in json.loads(line)]
    except (ValueError, KeyError, TypeError) as error:
        hint = "move it away; what it holds is lost for the run log"
        raise StoreError(f"{path} is damaged: {error}", hint=hint) from error


def _change(values: dict[str, Any]) -> Change:  # what JSON gives; each class checks its own names
    kind = _KINDS[values.pop("kind")]
    if "run" in values:
        run = values["run"]
        values["run"] = Run(**run | {"trigger": Trigger(run["trigger"])})
    if "end" in values:
        end = values["end"]
        values["end"] = End(**end | {"action": Action(end["action"]), "cause": Cause(end["cause"])})
    change: Change = kind(**values)
    return change
