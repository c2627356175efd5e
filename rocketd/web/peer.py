"""Who is at the other end of a unix socket: the kernel says so, and cannot be lied to."""

import socket
import struct
from typing import Final, NamedTuple

_UCRED: Final = struct.Struct("3i")
_SO_PEERGROUPS: Final = 59
"""Of <asm-generic/socket.h>; the socket module lacks it."""
_GROUPS_BYTES: Final = 1024
"""The most that `getsockopt` reads: 256 groups."""


class Peer(NamedTuple):
    """The process that connected, as it was at that moment (SO_PEERCRED of unix(7))."""

    pid: int
    uid: int
    groups: frozenset[int]
    """Its group and its supplementary groups."""


def peer_of(connection: socket.socket) -> Peer:
    """Ask the kernel; raises OSError if the connection is gone."""
    pid, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return Peer(pid, uid, frozenset({gid, *_supplementary(connection)}))


def _supplementary(connection: socket.socket) -> tuple[int, ...]:
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES)
    except OSError:  # too many: then the first group must do
        return ()
    return struct.unpack(f"{len(raw) // 4}I", raw)
