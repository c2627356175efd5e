"""Detects changes of the files of calendars: by inotify(7) on their directories, and by a look at each heartbeat.

Network file systems do not report what others write, and a directory may not be there yet. The look is made in a
thread, as it may block. A file is read once it is closed, renamed or has other rights, and not at every write.
"""

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

from rocketd.background_threads import start_in_thread
from rocketd.probes.inotify import Inotify, Mask
from rocketd.probes.paths import MountStatus

_CHANGED: Final = Mask.CLOSE_WRITE | Mask.MOVED_TO | Mask.MOVED_FROM | Mask.DELETE | Mask.ATTRIB

_Status: TypeAlias = tuple[int, ...] | None


class CalendarWatcher:
    """Calls `on_change` after each change, on the loop's thread."""

    def __init__(self, on_change: Callable[[], None], mounts: MountStatus) -> None:
        """`mounts` says whether a directory is on a file system that may not respond."""
        self._on_change = on_change
        self._mounts = mounts
        self._inotify: Inotify | None = None
        self._watches: dict[tuple[str, str], tuple[int, Callable[[], None]]] = {}
        self._paths: frozenset[str] = frozenset()
        self._statuses: dict[str, _Status] = {}
        self._look: asyncio.Future[dict[str, _Status]] | None = None

    def watch(self, files: Iterable[tuple[str, str]]) -> None:
        """From now on watch these, and no others: each by its path, and the directory that it was found in.

        The directory is empty where there is none.
        """
        wanted = {(directory, os.path.basename(path)): path for path, directory in files}  # noqa: PTH119 - texts
        self._paths = frozenset(wanted.values())
        self._statuses = {path: status for path, status in self._statuses.items() if path in self._paths}
        for place in self._watches.keys() - wanted.keys():
            self._unwatch(place)
        for directory, name in wanted.keys() - self._watches.keys():
            if directory and not self._mounts.may_hang(directory):
                self._watch(directory, name)
        self.check()

    def check(self) -> None:
        """Look at the files, in a thread, and report a change since the last look."""
        if self._paths and self._look is None:
            with suppress(RuntimeError):  # the host has no thread left: the next heartbeat looks again
                self._look = start_in_thread(partial(_statuses, self._paths))
                self._look.add_done_callback(self._looked)

    def close(self) -> None:
        """Stop watching."""
        self._paths = frozenset()
        self._mounts.close()
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def _watch(self, directory: str, name: str) -> None:
        with suppress(OSError):  # it has gone, or the kernel allows no more: the heartbeats see changes
            self._inotify = self._inotify or Inotify()
            changed = partial(self._on_change)  # a new one for each: watches are known by them
            self._watches[directory, name] = (self._inotify.watch(directory, _CHANGED, changed, name), changed)

    def _unwatch(self, place: tuple[str, str]) -> None:
        watch, changed = self._watches.pop(place)
        if self._inotify is not None:
            self._inotify.remove(watch, changed)

    def _looked(self, look: "asyncio.Future[dict[str, _Status]]") -> None:
        self._look = None
        if look.cancelled() or look.exception() is not None:
            return
        statuses = {path: status for path, status in look.result().items() if path in self._paths}
        changed = any(self._statuses.get(path, status) != status for path, status in statuses.items())
        self._statuses.update(statuses)
        if changed:
            self._on_change()


def _statuses(paths: Iterable[str]) -> dict[str, _Status]:
    return {path: _status(path) for path in paths}


def _status(path: str) -> _Status:
    """Return what identifies the content of a file; None: it cannot be seen."""
    try:
        status = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - a text
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode, status.st_uid
