"""What the kernel knows of the resources that a process has used: getrusage(2), wait4(2).

It counts the process and those of its descendants that were waited for. One that outlives its parent, or that nobody
waits for, is missing.
"""

import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

from rocketd.core.instant import SECOND
from rocketd.core.model.run import Usage

_ACCURACY: Final = 4 << 20
"""Bytes. How far the kernel's counts of memory may be apart."""
_BLOCK: Final = 512
"""Bytes that ru_inblock and ru_oublock count as one."""
_KIB: Final = 1024


class _UsageReader:
    """The most memory that this process has had so far: the kernel is asked only where what is known is not enough."""

    def __init__(self) -> None:
        self._known = 0

    def reaches(self, memory: int) -> bool:
        """Whether it is at least that much, in bytes, as far as the kernel can tell."""
        if memory <= self._known:
            return True
        self._known = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB + _ACCURACY
        return memory <= self._known


_own_memory: Final = _UsageReader()


def usage_of(used: resource.struct_rusage) -> Usage:
    """Return what a child of this process has used.

    The kernel says how large the largest of its processes became, and begins with what was in memory when it executed
    its program: that is this process. So less than this process itself has ever had is not known.
    """
    memory = used.ru_maxrss * _KIB
    return _usage(used, None if _own_memory.reaches(memory) else memory)


def own_usage() -> Usage:
    """Return what this process itself has used, from its start on, and those of its children that have ended."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    ours, theirs = _usage(own, _largest_ever()), _usage(children, None)
    added = {name: getattr(ours, name) + getattr(theirs, name) for name in ("cpu", "io_read", "io_written")}
    return Usage(memory=ours.memory, **added)


def _usage(used: resource.struct_rusage, memory: int | None) -> Usage:
    return Usage(
        cpu=round((used.ru_utime + used.ru_stime) * SECOND),
        memory=memory,
        io_read=used.ru_inblock * _BLOCK,
        io_written=used.ru_oublock * _BLOCK,
    )


def _largest_ever() -> int | None:
    """Return the most memory that this program itself had, without what was in memory when it was executed: proc(5)."""
    with suppress(OSError, ValueError), Path("/proc/self/status").open(encoding="utf-8", errors="replace") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * _KIB
    return None
