"""Reads the files of a process in /proc, and from them when it started.

Newer kernels let nobody read /proc/PID/stat while the process executes a program, and that can take for ever: on the
way, files are closed, for which a FUSE server is asked. So whatever must not wait reads in time, or not at all.
"""

import os
import time
from collections.abc import Mapping, Sequence
from threading import Event, Thread
from typing import Final

NEVER: Final = 2**62
"""In clock ticks: no process starts that late."""
UNREADABLE: Final = NEVER - 1
"""The start time of a process that exists, and whose start time cannot be read now."""
READ_TIMEOUT: Final = 0.25
"""Seconds to wait for a file of a process; less while others are waited for."""
READ_BYTES: Final = 128 * 1024
"""The most that is read of an environment; the daemon puts the run's variables first."""
_TICK: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_stuck: Final[set[str]] = set()
"""Files of processes that are being read for longer than anybody waits."""


def read_file_in_time(path: str) -> bytes | None:
    """Read a file of a process; raises TimeoutError if that takes longer, the sooner the more others do."""
    if path in _stuck:
        raise TimeoutError
    content: list[bytes | None] = []
    done = Event()

    def read() -> None:
        content.append(read_file(path))
        _stuck.discard(path)
        done.set()

    _stuck.add(path)
    try:
        Thread(target=read, name="read", daemon=True).start()
    except RuntimeError:  # the host has no pid left for a thread
        _stuck.discard(path)
        return read_file(path)
    if not done.wait(READ_TIMEOUT / max(len(_stuck), 1)):
        raise TimeoutError
    return content[0]


def read_file(path: str) -> bytes | None:
    """Return what is in a file of a process; None if that fails, as when the process is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, READ_BYTES)
        finally:
            os.close(descriptor)
    except OSError:
        return None


def current_start_time() -> int:
    """Return the start time of a process that starts now: proc(5) counts CLOCK_BOOTTIME in ticks.

    It spares reading /proc (60 µs, while the program is loaded) for a process that was started within one tick.
    """
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _TICK


def start_time(pid: int) -> int:
    """Return field 22 of /proc/PID/stat, in ticks since boot; 0 if there is no such process, UNREADABLE if it waits."""
    try:
        return _start_in(read_file_in_time(_stat_of(pid)))
    except TimeoutError:
        return UNREADABLE


def spawned_time(pid: int) -> int:
    """Return the start time of a process that was started just now, in ticks since boot."""
    known = start_time(pid)
    return known if 0 < known < UNREADABLE else current_start_time()


def spawned_times(pids: Sequence[int]) -> Mapping[int, int]:
    """Return the same of several processes, by pid: one thread reads all of them, as long as none is held up."""
    known: dict[int, int] = {}
    done = Event()

    def read() -> None:
        for pid in pids:
            path = _stat_of(pid)
            _stuck.add(path)
            known[pid] = _start_in(read_file(path))
            _stuck.discard(path)
        done.set()

    if len(pids) > 1:
        try:
            Thread(target=read, name="read", daemon=True).start()
            done.wait(READ_TIMEOUT / max(len(_stuck), 1))
        except RuntimeError:  # as above
            pass
    return {pid: known.get(pid) or spawned_time(pid) for pid in pids}


def _stat_of(pid: int) -> str:
    return f"/proc/{pid}/stat"


def _start_in(stat: bytes | None) -> int:
    return 0 if stat is None else int(stat[stat.rindex(b")") + 2 :].split(None, 20)[19])
