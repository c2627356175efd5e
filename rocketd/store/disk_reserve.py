"""Reserves disk space: blocks behind the end of a file, by which it can grow even when the disk is full.

Not every file system supports this; then nothing is reserved.
"""

import ctypes
import os
from typing import Final

MAX_RESERVE: Final = 4 * 1024 * 1024
"""Bytes: some ten thousand records, or three hundred that hold all of an output's tail."""
MIN_RESERVE: Final = 64 * 1024
"""Two hundred records."""
_SHARE: Final = 16
"""Of what is free on a small disk, the sixteenth part."""
_KEEP_SIZE: Final = 1
"""FALLOC_FL_KEEP_SIZE of <linux/falloc.h>: the file does not get longer."""
_BLOCK: Final = 512
"""What `st_blocks` counts."""
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def reserve_space(descriptor: int, used: int) -> int:
    """Reserve space behind the first `used` bytes of a file; return the number of reserved bytes."""
    status, disk = os.fstat(descriptor), os.fstatvfs(descriptor)
    reserved = max(status.st_blocks * _BLOCK - used, 0)
    free = disk.f_bavail * disk.f_frsize + reserved
    target = min(MAX_RESERVE, max(MIN_RESERVE, free // _SHARE))
    if reserved >= target // 2:  # enough of it is left
        return reserved
    offset, length = ctypes.c_int64(used), ctypes.c_int64(target)
    if _LIBC.fallocate64(descriptor, _KEEP_SIZE, offset, length) != 0:
        return reserved
    return target
