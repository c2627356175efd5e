"""inotify(7): the kernel tells when something appears in a directory, or goes."""

import asyncio
import ctypes
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from enum import IntFlag
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_HEAD: Final = struct.Struct("iIII")
_BATCH: Final = 64 * 1024
PAUSE: Final = 0.02
"""Seconds without a look at the queue after each: whoever makes a thousand files a second does not occupy the loop."""


class Mask(IntFlag):
    """What is told of, from <sys/inotify.h>."""

    ATTRIB = 0x4
    CLOSE_WRITE = 0x8
    MOVED_TO = 0x80
    MOVED_FROM = 0x40
    CREATE = 0x100
    DELETE = 0x200
    DELETE_SELF = 0x400
    MOVE_SELF = 0x800
    DONT_FOLLOW = 0x0200_0000
    MASK_ADD = 0x2000_0000
    IGNORED = 0x8000


GONE: Final = Mask.ATTRIB | Mask.DELETE_SELF | Mask.MOVE_SELF | Mask.DONT_FOLLOW
"""It is gone, or is elsewhere. A file that is still open is deleted when it is closed; that its links became fewer
is told at once, as a change of its attributes."""
ENTERED: Final = Mask.CREATE | Mask.MOVED_TO
"""Something has appeared in a directory."""

Changed = Callable[[], None]


class Inotify:
    """Calls back when what a path leads to changes. One for all: the kernel allows a user 128 of them."""

    def __init__(self) -> None:
        """Raise OSError where there are too many."""
        self._fd = _checked(_LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._loop = asyncio.get_running_loop()
        self._watches: dict[int, dict[Changed, str]] = {}
        self._pause: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._fd, self._read)

    def watch(self, path: str, mask: Mask, changed: Changed, name: str = "") -> int:
        """Call `changed` when that happens to the path itself or to its entry of that name; raises OSError.

        Gives the number by which to `drop` it. More than one may watch the same: then all are told of what any wants.
        """
        watch = _checked(_LIBC.inotify_add_watch(self._fd, os.fsencode(path), mask | Mask.MASK_ADD))
        self._watches.setdefault(watch, {})[changed] = name
        return watch

    def drop(self, watch: int, changed: Changed) -> None:
        """Tell this one no longer."""
        waiting = self._watches.get(watch, {})
        waiting.pop(changed, None)
        if not waiting and self._watches.pop(watch, None) is not None:
            _LIBC.inotify_rm_watch(self._fd, watch)

    def close(self) -> None:
        """Let go of everything."""
        self._loop.remove_reader(self._fd)
        if self._pause is not None:
            self._pause.cancel()
        os.close(self._fd)

    def _read(self) -> None:
        """Read one helping, then pause; in a flood the kernel drops events, and says so."""
        concerned: dict[Changed, None] = {}
        with suppress(BlockingIOError):
            data = os.read(self._fd, _BATCH)
            at = 0
            while at < len(data):
                watch, mask, _, length = _HEAD.unpack_from(data, at)
                at += _HEAD.size + length
                name = os.fsdecode(data[at - length : at].rstrip(b"\0"))
                concerned.update(dict.fromkeys(self._concerned(watch, mask, name)))
        self._loop.remove_reader(self._fd)
        self._pause = self._loop.call_later(PAUSE, self._loop.add_reader, self._fd, self._read)
        for changed in concerned:
            changed()

    def _concerned(self, watch: int, mask: int, name: str) -> list[Changed]:
        if watch < 0:  # events were dropped: anything may have happened
            return [changed for waiting in self._watches.values() for changed in waiting]
        waiting = self._watches.get(watch, {})
        if mask & Mask.IGNORED:
            self._watches.pop(watch, None)
        return [changed for changed, wanted in waiting.items() if name in {"", wanted}]


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
