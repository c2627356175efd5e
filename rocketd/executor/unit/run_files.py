"""The request and the status of a run's launcher: files in memory that only root can read.

    RUN_ID.request   what to execute, the values of its environment and its input; removed when the unit has started
    RUN_ID.status    what the launcher waits for, and what went wrong; removed when the end is recorded
    RUN_ID.output    of a command that ends with the daemon: a FIFO by which the daemon reads what it prints

systemd opens them for the unit before it takes on the rights of the task's user. In a directory of mode 0700 there is
nothing that anybody but root could put in their place. As they are in /run, none of them is of an earlier boot.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

DIRECTORY: Final = "units"
_SUFFIXES: Final = frozenset({".request", ".status", ".output"})
_MOST: Final = 64 * 1024
"""Bytes of a status that are read; a launcher writes a few hundred."""


class RunFiles:
    """The files of all runs."""

    def __init__(self, runtime_directory: Path) -> None:
        self._directory = runtime_directory / DIRECTORY

    def write(self, run_id: str, request: bytes) -> None:
        """Write a run's request, and an empty status; raises OSError, and leaves nothing then."""
        with suppress(FileExistsError):
            self._directory.mkdir(mode=0o700)
        try:
            for path, content in ((self.request(run_id), request), (self.status(run_id), b"")):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
                with open(os.open(path, flags, 0o600), "wb", buffering=0) as file:  # noqa: PTH123 - of a descriptor
                    _write_all(file.fileno(), content)
        except OSError:
            self.remove(run_id)
            raise

    def request(self, run_id: str) -> Path:
        """Return the path of a run's request."""
        return self._directory / f"{run_id}.request"

    def status(self, run_id: str) -> Path:
        """Return the path that its launcher writes to."""
        return self._directory / f"{run_id}.status"

    def output(self, run_id: str) -> Path:
        """Return the path of the FIFO that a command prints to."""
        return self._directory / f"{run_id}.output"

    def open_output(self, run_id: str) -> int:
        """Make that FIFO, and return a descriptor to read from; raises OSError."""
        os.mkfifo(self.output(run_id), 0o600)
        return os.open(self.output(run_id), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def read_status(self, run_id: str) -> bytes:
        """Return what its launcher has written."""
        with suppress(OSError), self.status(run_id).open("rb") as file:
            return file.read(_MOST)
        return b""

    def remove_request(self, run_id: str) -> None:
        """Remove the request, which has been opened."""
        with suppress(OSError):
            self.request(run_id).unlink(missing_ok=True)

    def remove(self, run_id: str) -> None:
        """Remove all of a run."""
        self.remove_request(run_id)
        for path in (self.status(run_id), self.output(run_id)):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def run_ids(self) -> Iterator[str]:
        """Yield the ids of the runs that have files."""
        with suppress(OSError):
            yield from {path.stem for path in self._directory.iterdir() if path.suffix in _SUFFIXES}


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
