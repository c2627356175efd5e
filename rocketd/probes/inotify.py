"""inotify(7): the kernel reports when an entry of a directory appears, changes or disappears."""

import asyncio
import ctypes
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from enum import IntFlag
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_EVENT: Final = struct.Struct("iIII")
_BATCH: Final = 64 * 1024
PAUSE: Final = 0.02
"""Seconds between two reads of the queue: whoever creates a thousand files per second does not occupy the loop."""


class Mask(IntFlag):
    """Kinds of events, from <sys/inotify.h>."""

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
"""The entry was removed or moved. The deletion of a file that is still open is reported when it is closed, but the
decrease of its link count at once, as a change of attributes."""
APPEARED: Final = Mask.CREATE | Mask.MOVED_TO
"""An entry has appeared in a directory."""

Callback = Callable[[], None]


class Inotify:
    """Calls back when the target of a path changes. Share one: the kernel allows each user 128."""

    def __init__(self) -> None:
        """Raise OSError if there are too many."""
        self._fd = _checked(_LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._loop = asyncio.get_running_loop()
        self._watches: dict[int, dict[Callback, str]] = {}
        self._pause: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._fd, self._read)

    def watch(self, path: str, mask: Mask, callback: Callback, name: str = "") -> int:
        """Call `callback` when an event of `mask` happens to the path, or to its entry `name`; raises OSError.

        Returns the number for `remove`. If several callbacks watch the same path, each gets the events of all masks.
        """
        watch = _checked(_LIBC.inotify_add_watch(self._fd, os.fsencode(path), mask | Mask.MASK_ADD))
        self._watches.setdefault(watch, {})[callback] = name
        return watch

    def remove(self, watch: int, callback: Callback) -> None:
        """Remove a callback."""
        callbacks = self._watches.get(watch, {})
        callbacks.pop(callback, None)
        if not callbacks and self._watches.pop(watch, None) is not None:
            _LIBC.inotify_rm_watch(self._fd, watch)

    def close(self) -> None:
        """Release all resources."""
        self._loop.remove_reader(self._fd)
        if self._pause is not None:
            self._pause.cancel()
        os.close(self._fd)

    def _read(self) -> None:
        """Read one batch, then pause; in a flood the kernel drops events, and reports that."""
        callbacks: dict[Callback, None] = {}
        with suppress(BlockingIOError):
            data = os.read(self._fd, _BATCH)
            at = 0
            while at < len(data):
                watch, mask, _, length = _EVENT.unpack_from(data, at)
                at += _EVENT.size + length
                name = os.fsdecode(data[at - length : at].rstrip(b"\0"))
                callbacks.update(dict.fromkeys(self._callbacks_for(watch, mask, name)))
        self._loop.remove_reader(self._fd)
        self._pause = self._loop.call_later(PAUSE, self._loop.add_reader, self._fd, self._read)
        for callback in callbacks:
            callback()

    def _callbacks_for(self, watch: int, mask: int, name: str) -> list[Callback]:
        if watch < 0:  # events were dropped: anything may have happened
            return [callback for callbacks in self._watches.values() for callback in callbacks]
        callbacks = self._watches.get(watch, {})
        if mask & Mask.IGNORED:
            self._watches.pop(watch, None)
        return [callback for callback, watched_name in callbacks.items() if name in {"", watched_name}]


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
