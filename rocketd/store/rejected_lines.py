"""Rejected lines of the spool: kept in `spool.jsonl.damaged` for people, and never read again."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from rocketd.store.errors import translating_errors

FILE_NAME: Final = "spool.jsonl.damaged"

ReportDamage: TypeAlias = Callable[[str, str], None]
"""Called on any thread with the damaged part of the store, and a sentence that says how."""


def move_rejected(directory: Path, lines: Sequence[bytes]) -> None:
    """Append these lines, durably. Raises StoreError."""
    path = directory / FILE_NAME
    with translating_errors(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        with open(descriptor, "ab") as file:  # noqa: PTH123 - it is open already
            file.writelines(line if line.endswith(b"\n") else line + b"\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        sync_directory(directory)


def is_not_a_file(path: Path) -> bool:
    """Whether something is there that is no file: a FIFO would block, a link could lead to a file of anybody."""
    return path.is_symlink() or (path.exists() and not path.is_file())


def move_aside(path: Path) -> None:
    """Rename a file to a free name beside its own; raises OSError."""
    number = 1
    while os.path.lexists(target := path.with_name(f"{path.name}.damaged-{number}")):
        number += 1
    path.rename(target)


def rejected_lines_message(directory: Path) -> str:
    """Return a sentence about the rejected lines of a spool and what to do; empty: there are none."""
    paths = sorted(directory.glob(f"{FILE_NAME}*"))
    if not paths:
        return ""
    return (
        f"{paths[0]} holds records that could not be read and are missing from the run log; "
        "look at them, then move that file away"
    )


def sync_directory(directory: Path) -> None:
    """Make new names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
