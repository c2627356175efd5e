"""Processes that the kernel has killed for want of memory: `oom_kill` in /proc/vmstat, proc(5).

It counts those of all control groups of the host, and does not say whose they were. So where nothing else tells, a run
that was killed while the count rose was probably one of them.
"""

import os
import time
from typing import Final, NamedTuple

PROBABLY: Final = "probably out of memory: at that time the kernel killed processes on this host to free memory"
_COUNTS: Final = "/proc/vmstat"
_NAME: Final = b"\noom_kill "
_MOST: Final = 65536
_VALID_FOR: Final = 1.0
"""Seconds. A count that is somewhat older than the start of a run does as well."""
_KILL: Final = 9
_SHELLS_KILL: Final = 128 + _KILL
"""What a shell exits with whose command was killed."""


def was_killed(exit_code: int | None, signal: int | None) -> bool:
    """Whether a run ended by SIGKILL, or because of a command that did."""
    return signal == _KILL or exit_code == _SHELLS_KILL


class OomKills:
    """The count, read at most once a second while runs start."""

    def __init__(self, path: str = _COUNTS) -> None:
        self._path = path
        self._count: int | None = None
        self._valid_until = 0.0

    def before_start(self) -> "KillCount":
        """Return the count as it is before a run."""
        if time.monotonic() >= self._valid_until:
            self.read()
        return KillCount(self, self._count)

    def read(self) -> int | None:
        """Read the count; None: the kernel does not tell it."""
        self._count, self._valid_until = _read(self._path), time.monotonic() + _VALID_FOR
        return self._count


class KillCount(NamedTuple):
    """The count before a run."""

    kills: OomKills
    value: int | None

    def has_risen(self) -> bool:
        """Whether the kernel has killed something since."""
        return self.value is not None and (self.kills.read() or 0) > self.value


HOST: Final = OomKills()
"""That of this host: one reader for all executors, so that none goes by a count that another knows to be outdated."""


def _read(path: str) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        _, found, rest = os.read(descriptor, _MOST).partition(_NAME)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return int(rest.split(None, 1)[0]) if found else None
