"""Which paths only root and the daemon's own user control, on file systems that respond.

The daemon accesses, enters and executes no others: whoever can write to a directory on the way could place a FIFO or a
link to a dead file server there, which would block it, or use its rights to reach what that user may not. Untrusted
paths are left to the launcher, a process of its own with the rights of the task's user.

With the daemon running as root:

/usr/bin/true            trusted: every directory on the way belongs to root, and only root can write to it
/home/ann/job.sh         not trusted: /home/ann belongs to ann
/opt/job -> /tmp/job.sh  not trusted: the link is followed, and every user can write to /tmp
"""

import os
import stat
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from rocketd.executor.process.network_mounts import Mounts
from rocketd.executor.process.path_changes import PathChanges

T = TypeVar("T")

_CACHE_SIZE: Final = 1000
_MISSING: Final = object()
_MAX_LINKS: Final = 40
"""The kernel's own limit."""
_WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH
"""The rights of the group are also the upper bound of what an access control list grants."""


class UntrustedPath(Exception):
    """Another user controls the path, or it may not respond."""


class PathTrust:
    """Resolves paths, link by link, and only as long as they can be trusted.

    This is the most expensive part of preparing a start, so results are cached until something on the way changes.
    """

    def __init__(self, mounts: Mounts, uid: int) -> None:
        """`uid` is the daemon's own user, who is trusted as well as root."""
        self._mounts = mounts
        self._owners = frozenset({0, uid})
        self._changes = PathChanges()
        self._cache: dict[Hashable, Any] = {}
        self._all_watched = True
        """Whether every change of the paths that are being resolved will be detected."""
        self._generation = mounts.generation()
        self._check_once = self._is_checked = False

    def stat(self, path: str) -> os.stat_result:
        """Return the status of the target of an absolute path; raises UntrustedPath, and OSError if it is missing."""
        return self.cached(path, lambda: self._resolve(path))

    def cached(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return the cached result of `compute`, unless something has changed since; exceptions are not cached."""
        if len(self._cache) > _CACHE_SIZE or (not self._is_checked and self._has_changed()):
            self._cache.clear()
            self._changes.reset()
            self._all_watched = True
            self._generation = self._mounts.generation()
        self._is_checked = self._check_once
        value = self._cache.get(key, _MISSING)
        if value is _MISSING:
            value = compute()
            if self._all_watched:
                self._cache[key] = value
        answer: T = value
        return answer

    def recheck(self, *, once: bool = False) -> None:
        """Look for changes at the next question, and at each that follows, or not again until the next call.

        `once` is for starts that are made together: a change in between comes as if it came after all of them.
        """
        self._check_once, self._is_checked = once, False

    def close(self) -> None:
        """Release all resources."""
        self._changes.close()

    def _has_changed(self) -> bool:
        return self._mounts.generation() != self._generation or self._changes.any_changed()

    def _resolve(self, path: str) -> os.stat_result:
        place, names = "/", deque(path.split("/"))
        status = self._lstat_entry("/", "")
        links = 0
        while names:
            name = names.popleft()
            if name in {"", "."}:
                continue
            if name == "..":
                place = os.path.dirname(place)  # noqa: PTH120 - strings; place holds no link
                status = self._lstat_entry(place, "")
                continue
            status = self._lstat_entry(place, name)
            here = os.path.join(place, name)  # noqa: PTH118 - as above
            if not stat.S_ISLNK(status.st_mode):
                place = here
                continue
            links += 1
            if links > _MAX_LINKS:
                raise UntrustedPath
            target = os.readlink(here)  # noqa: PTH115 - as above
            names.extendleft(reversed(target.split("/")))
            place = "/" if target.startswith("/") else place
        return status

    def _lstat_entry(self, place: str, name: str) -> os.stat_result:
        """Return the status of an entry of a trusted directory; raises UntrustedPath."""
        path = os.path.join(place, name) if name else place  # noqa: PTH118 - as above
        if self._mounts.may_hang(path):
            raise UntrustedPath
        self._all_watched = self._changes.watch(place, name) and self._all_watched
        status = os.lstat(path)
        writable = not stat.S_ISLNK(status.st_mode) and status.st_mode & _WRITABLE
        if status.st_uid not in self._owners or writable:
            raise UntrustedPath
        return status
