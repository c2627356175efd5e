"""Whom the kernel lets connect to a socket: an access control list on its file, acl(5).

`getfacl` shows it. Who is not in it cannot connect, and so can take no connection away from those who are.
"""

import errno
import os
import struct
from pathlib import Path
from typing import Final

from rocketd.core.model.operators import Operators

_NAME: Final = "system.posix_acl_access"
_VERSION: Final = struct.pack("<I", 2)
_ENTRY: Final = struct.Struct("<HHI")
"""Tag, permissions, id: <linux/posix_acl_xattr.h>."""
_OWNER, _USER, _OWN_GROUP, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NO_ID: Final = 0xFFFFFFFF
_CONNECT: Final = 0o6
"""Read and write: what connect(2) asks for, and what `ls` shows of a socket."""
MOST_ENTRIES: Final = 4_000
"""An attribute has at most 64 KiB, and entries of 8 bytes."""


def grant(path: str | Path, group: int | None, operators: Operators) -> bool:
    """Let that group and the operators connect, and nobody else but the owner; raises OSError.

    Returns whether all of them can: a file system without access control lists knows one group, and no users.
    """
    users, groups = sorted(operators.uids), sorted(operators.gids | ({group} if group is not None else set()))
    complete = len(users) + len(groups) <= MOST_ENTRIES
    try:
        os.setxattr(path, _NAME, _access_list(users[:MOST_ENTRIES], groups[: MOST_ENTRIES - len(users)]))
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.EPERM):
            raise
        if group is not None:
            os.chown(path, -1, group)
            Path(path).chmod(0o660)
        return not operators
    return complete


def _access_list(users: list[int], groups: list[int]) -> bytes:
    entries = [
        (_OWNER, _CONNECT, _NO_ID),
        *((_USER, _CONNECT, uid) for uid in users),
        (_OWN_GROUP, 0, _NO_ID),
        *((_GROUP, _CONNECT, gid) for gid in groups),
        (_MASK, _CONNECT, _NO_ID),
        (_OTHER, 0, _NO_ID),
    ]
    return _VERSION + b"".join(_ENTRY.pack(*entry) for entry in entries)
