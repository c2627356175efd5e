"""Room on a disk that is kept for later: blocks that belong to a file and lie behind its end.

When the disk is full, the file can grow by so much all the same. Not every file system can do that; then there is none.
"""

import ctypes
import os
from typing import Final

MOST: Final = 4 * 1024 * 1024
"""Bytes: some ten thousand records, or three hundred that hold all of an output's tail."""
LEAST: Final = 64 * 1024
"""Two hundred records."""
_SHARE: Final = 16
"""Of what is free on a small disk, the sixteenth part."""
_KEEP_SIZE: Final = 1
"""FALLOC_FL_KEEP_SIZE of <linux/falloc.h>: the file does not get longer."""
_BLOCK: Final = 512
"""What `st_blocks` counts."""
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def keep_room(descriptor: int, used: int) -> int:
    """Have the file keep room behind its first bytes that are used, and give how many bytes it has there now."""
    status, disk = os.fstat(descriptor), os.fstatvfs(descriptor)
    had = max(status.st_blocks * _BLOCK - used, 0)
    free = disk.f_bavail * disk.f_frsize + had
    wanted = min(MOST, max(LEAST, free // _SHARE))
    if had >= wanted // 2:  # enough of it is left
        return had
    offset, length = ctypes.c_int64(used), ctypes.c_int64(wanted)
    if _LIBC.fallocate64(descriptor, _KEEP_SIZE, offset, length) != 0:
        return had
    return wanted
