"""Which rights the daemon has: read from the kernel, so that a daemon that does not answer is not waited for."""

import socket
import struct
from contextlib import closing, suppress
from typing import Final

from rocketd.executor.process.capabilities import is_confined

TIMEOUT: Final = 1.0
"""Seconds for a connection: it needs no answer of the daemon, but a place in its queue."""
_CREDENTIALS: Final = struct.Struct("3i")
"""PID, uid and gid: unix(7), SO_PEERCRED."""


def daemon_is_confined(path: str) -> bool:
    """Whether the daemon at that socket is root in a sandbox; false if there is none, or it cannot be asked."""
    with suppress(OSError), closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(path)
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return is_confined(_CREDENTIALS.unpack(data)[0])
    return False
