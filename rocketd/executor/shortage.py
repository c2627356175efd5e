"""Which errors say that a start lacks what the host must give, so that it says nothing about the task.

EAGAIN                       no process or thread: pids.max (TasksMax=), RLIMIT_NPROC, kernel.pid_max
ENOMEM  ENOBUFS              no memory
EMFILE  ENFILE               no descriptor: of ours, of the host
ENOSPC  EDQUOT               no room for what a start writes
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
        errno.ENOSPC,
        errno.EDQUOT,
        errno.ETIMEDOUT,
    }
)
_OF_FILES: Final = frozenset({errno.ETIMEDOUT})
"""What says something about the one file that was asked for, and nothing about the host."""
_NO_THREAD: Final = "can't start new thread"
"""What Python says, without an error number."""


def cannot(what: str, error: OSError) -> RocketdError:
    """Say what the system refused: a `ResourceShortage`, or else what is wrong with the task."""
    message = f"{what}: {error.strerror or os.strerror(error.errno or 0)}"
    if error.errno in SHORTAGES:
        return ResourceShortage(message, shared=error.errno not in _OF_FILES)
    return RocketdError(message)


def shortage_of(error: BaseException) -> ResourceShortage | None:
    """Say what the system refused if that is the host's want; None: it is something else that went wrong."""
    if isinstance(error, ResourceShortage):
        return error
    if isinstance(error, MemoryError):
        return ResourceShortage(os.strerror(errno.ENOMEM))
    if isinstance(error, RuntimeError) and str(error) == _NO_THREAD:
        return ResourceShortage(f"a thread: {os.strerror(errno.EAGAIN)}")
    if isinstance(error, OSError) and error.errno in SHORTAGES:
        return ResourceShortage(str(error.strerror or error), shared=error.errno not in _OF_FILES)
    return None
