"""Who logged in, of the process that connected: sudo(8) and su(1) change its uid, and not its login uid.

A process id can be another process by the time it is looked up. So the process is held by a descriptor, which the
kernel gives of the one that connected (SO_PEERPIDFD, Linux 6.5); what was read counts only if it still lives then.
"""

import errno
import os
import select
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

from rocketd.web.unix_socket import Peer

_SO_PEERPIDFD: Final = 77
"""From <asm-generic/socket.h>; the socket module lacks it."""
_DESCRIPTOR: Final = struct.Struct("i")
_NOT_LOGGED_IN: Final = 2**32 - 1


def login_uid(connection: socket.socket, peer: Peer) -> int | None:
    """Return the login uid of the peer, if it is another one than its uid; None also if it cannot be known."""
    with suppress(OSError, ValueError):
        descriptor = _process(connection, peer.pid)
        try:
            uid = int(Path(f"/proc/{_pid_of(descriptor)}/loginuid").read_text(encoding="ascii"))
            if _lives(descriptor) and uid not in (peer.uid, _NOT_LOGGED_IN):
                return uid
        finally:
            os.close(descriptor)
    return None


def _process(connection: socket.socket, pid: int) -> int:
    """Return a pidfd of the peer. An older kernel has only its number, which may be another process's by now."""
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD, _DESCRIPTOR.size)
    except OSError as error:
        if error.errno != errno.ENOPROTOOPT:
            raise
        return os.pidfd_open(pid)
    (descriptor,) = _DESCRIPTOR.unpack(raw)
    return int(descriptor)


def _pid_of(descriptor: int) -> int:
    """Return the process id of a pidfd, as this process sees it: proc(5), fdinfo. Raises ValueError if it has ended."""
    for line in Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii").splitlines():
        if line.startswith("Pid:") and (pid := int(line.partition(":")[2])) > 0:
            return pid
    raise ValueError(descriptor)


def _lives(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return not poll.poll(0)
