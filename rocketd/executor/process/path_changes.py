"""Detects changes of directory entries by inotify(7): the kernel reports a change before it is complete.

Changes are asked for when they matter; nothing is woken up in between.

The first watch of a directory takes the kernel up to 40 ms, as it goes through all names in it that it has ever looked
for. So watches are kept, also while nothing in their directory matters.
"""

import ctypes
import os
import select
import struct
from collections.abc import Iterator
from typing import Final

_LIBC: Final = ctypes.PyDLL(None)  # these calls return at once, so they keep the interpreter's lock
_HEAD: Final = struct.Struct("iIII")
_READ_BYTES: Final = 64 * 1024
"""The most that is read of events; if there are more, everything may have changed."""
_MOST_WATCHES: Final = 1000
"""Directories that are watched although nothing in them may matter any longer."""
_MASK: Final = 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x0100_0000 | 0x2000_0000
"""IN_ATTRIB, IN_CLOSE_WRITE, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE; IN_ONLYDIR, IN_MASK_ADD."""


class PathChanges:
    """The changes to entries of directories."""

    def __init__(self) -> None:
        self._events = -1
        self._poll = select.poll()
        self._names: dict[int, set[str]] = {}
        """The entries that matter, by watch; none: the watch is kept for later."""
        self._open()

    def watch(self, directory: str, name: str) -> bool:
        """Watch an entry of a directory, which may be missing; return whether that is possible."""
        watch: int = _LIBC.inotify_add_watch(self._events, os.fsencode(directory), _MASK)
        if watch < 0:  # the limit of watches is reached, or this file system has none
            return False
        self._names.setdefault(watch, set()).add(name)
        return True

    def any_changed(self) -> bool:
        """Whether an entry has changed since the last `reset`; there may be false positives."""
        if not self._poll.poll(0):
            return False
        data = os.read(self._events, _READ_BYTES)
        return bool(self._poll.poll(0)) or any(self._is_watched(watch, name) for watch, name in _events(data))

    def reset(self) -> None:
        """Stop watching all entries."""
        if self._events < 0 or len(self._names) > _MOST_WATCHES or self._poll.poll(0):
            self.close()
            self._names.clear()
            self._open()
        else:
            self._names = {watch: set() for watch in self._names}

    def _open(self) -> None:
        self._events = _LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._events >= 0:
            self._poll.register(self._events, select.POLLIN)

    def close(self) -> None:
        """Release all resources."""
        if self._events >= 0:
            self._poll.unregister(self._events)
            os.close(self._events)
            self._events = -1

    def _is_watched(self, watch: int, name: str) -> bool:
        """Without a name, the event concerns the directory itself; without a directory, events were lost."""
        names = self._names.get(watch)
        return names is None or name in names or (not name and bool(names))


def _events(data: bytes) -> Iterator[tuple[int, str]]:
    at = 0
    while at < len(data):
        watch, _, _, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size + length
        yield watch, os.fsdecode(data[at - length : at].split(b"\0", 1)[0])
