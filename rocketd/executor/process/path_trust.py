"""Which paths nobody can steer but root and we ourselves, on file systems that answer.

The daemon looks at, enters and executes no others: a FIFO or a link to a dead file server, put there by whoever may
write to a directory on the way, would hold it up, and its rights would lead where that user may not go. What cannot be
trusted is left to the launcher, which has the rights of the task's user and a life of its own.
"""

import os
import stat
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from rocketd.executor.process.network_mounts import Mounts
from rocketd.executor.process.path_changes import PathChanges

T = TypeVar("T")

_KEPT: Final = 1000
_NOTHING: Final = object()
_LINKS: Final = 40
"""As many as the kernel follows."""
_WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH
"""The rights of a group are also the most that an access control list gives to anybody."""


class UntrustedPath(Exception):
    """Somebody else can steer that path, or it may not answer."""


class PathTrust:
    """Looks at paths, link by link, and only as long as they can be trusted.

    Looking costs a start more than all else that we decide, so it is remembered until something on the way has changed.
    """

    def __init__(self, mounts: Mounts, uid: int) -> None:
        """`uid` is who we are: we trust ourselves and root."""
        self._mounts = mounts
        self._owners = frozenset({0, uid})
        self._changes = PathChanges()
        self._known: dict[Hashable, Any] = {}
        self._noticed = True
        """Whether all changes to what is being looked at will be noticed."""
        self._generation = mounts.generation()

    def look(self, path: str) -> os.stat_result:
        """Give the status of what an absolute path leads to; raises Untrusted, and OSError if there is nothing."""
        return self.remembered(path, lambda: self._walk(path))

    def remembered(self, what: Hashable, look: Callable[[], T]) -> T:
        """Give what a look gave, unless something has changed since; what it raises is not remembered."""
        if self._mounts.generation() != self._generation or self._changes.any() or len(self._known) > _KEPT:
            self._known.clear()
            self._changes.clear()
            self._noticed = True
            self._generation = self._mounts.generation()
        found = self._known.get(what, _NOTHING)
        if found is _NOTHING:
            found = look()
            if self._noticed:
                self._known[what] = found
        answer: T = found
        return answer

    def close(self) -> None:
        """Let go of everything."""
        self._changes.close()

    def _walk(self, path: str) -> os.stat_result:
        place, names = "/", deque(path.split("/"))
        status = self._step("/", "")
        links = 0
        while names:
            name = names.popleft()
            if name in {"", "."}:
                continue
            if name == "..":
                place = os.path.dirname(place)  # noqa: PTH120 - strings; place holds no link
                status = self._step(place, "")
                continue
            status = self._step(place, name)
            here = os.path.join(place, name)  # noqa: PTH118 - as above
            if not stat.S_ISLNK(status.st_mode):
                place = here
                continue
            links += 1
            if links > _LINKS:
                raise UntrustedPath
            target = os.readlink(here)  # noqa: PTH115 - as above
            names.extendleft(reversed(target.split("/")))
            place = "/" if target.startswith("/") else place
        return status

    def _step(self, place: str, name: str) -> os.stat_result:
        """Look at an entry of a directory that can be trusted."""
        path = os.path.join(place, name) if name else place  # noqa: PTH118 - as above
        if self._mounts.may_hang(path):
            raise UntrustedPath
        self._noticed = self._changes.watch(place, name) and self._noticed
        status = os.lstat(path)
        writable = not stat.S_ISLNK(status.st_mode) and status.st_mode & _WRITABLE
        if status.st_uid not in self._owners or writable:
            raise UntrustedPath
        return status
