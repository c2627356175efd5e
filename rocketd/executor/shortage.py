"""Errors that mean the host is short of a resource: they say nothing about the task.

EAGAIN                       no process or thread: pids.max (TasksMax=), RLIMIT_NPROC, kernel.pid_max
ENOMEM  ENOBUFS              no memory
EMFILE  ENFILE               no descriptor: of this process, of the host
ETOOMANYREFS                 no descriptor: too many of this user are on their way between processes
ENOSPC  EDQUOT               no disk space for what a start writes
ETIMEDOUT                    a file server that does not answer
"""

import errno
import os
from typing import Final

from rocketd.core.errors import ResourceShortage, RocketdError

SHORTAGES: Final = frozenset(
    {
        errno.EAGAIN,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EMFILE,
        errno.ENFILE,
        errno.ETOOMANYREFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.ETIMEDOUT,
    }
)
_FILE_ERRORS: Final = frozenset({errno.ETIMEDOUT})
"""Errors that concern only the file that was accessed, not the whole host."""
_NO_THREAD: Final = "can't start new thread"
"""Python's message; it comes without an error number."""


def cannot(what: str, error: OSError) -> RocketdError:
    """Return the error to report for a failed system call: a `ResourceShortage`, or else a fault of the task."""
    message = f"{what}: {error.strerror or os.strerror(error.errno or 0)}"
    if error.errno in SHORTAGES:
        return ResourceShortage(message, shared=error.errno not in _FILE_ERRORS)
    return RocketdError(message)


def shortage_of(error: BaseException) -> ResourceShortage | None:
    """Return the shortage that an exception stands for; None if it has another cause."""
    if isinstance(error, ResourceShortage):
        return error
    if isinstance(error, MemoryError):
        return ResourceShortage(os.strerror(errno.ENOMEM))
    if isinstance(error, RuntimeError) and str(error) == _NO_THREAD:
        return ResourceShortage(f"a thread: {os.strerror(errno.EAGAIN)}")
    if isinstance(error, OSError) and error.errno in SHORTAGES:
        return ResourceShortage(str(error.strerror or error), shared=error.errno not in _FILE_ERRORS)
    return None
