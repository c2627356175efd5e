"""Which paths nobody can steer but root and we ourselves, on file systems that answer.

The daemon looks at, enters and executes no others: a FIFO or a link to a dead file server, put there by whoever may
write to a directory on the way, would hold it up, and its rights would lead where that user may not go. What cannot be
trusted is left to the launcher, which has the rights of the task's user and a life of its own.
"""

import os
import stat
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from rocketd.executor.process.network_mounts import Mounts

T = TypeVar("T")

GOOD_FOR: Final = 1.0
"""Seconds. Only root and we could have changed it meanwhile, and looking costs more than all else that we decide."""
_KEPT: Final = 1000
_NEVER: Final = (-1.0, None)
_LINKS: Final = 40
"""As many as the kernel follows."""
_WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH
"""The rights of a group are also the most that an access control list gives to anybody."""


class UntrustedPath(Exception):
    """Somebody else can steer that path, or it may not answer."""


class PathTrust:
    """Looks at paths, link by link, and only as long as they can be trusted."""

    def __init__(self, mounts: Mounts, uid: int, now: Callable[[], float] = time.monotonic) -> None:
        """`uid` is who we are: we trust ourselves and root."""
        self._mounts = mounts
        self._owners = frozenset({0, uid})
        self._now = now
        self._known: dict[Hashable, tuple[float, Any]] = {}
        self._generation = -1

    def look(self, path: str) -> os.stat_result:
        """Give the status of what an absolute path leads to; raises Untrusted, and OSError if there is nothing."""
        return self.remembered(path, lambda: self._walk(path))

    def remembered(self, what: Hashable, look: Callable[[], T]) -> T:
        """Give what a look gave a moment ago, if there was one; what it raises is not remembered."""
        now = self._now()
        generation = self._mounts.generation()
        if generation != self._generation or len(self._known) > _KEPT:
            self._known.clear()
            self._generation = generation
        until, found = self._known.get(what, _NEVER)
        if until < now:
            found = look()
            self._known[what] = now + GOOD_FOR, found
        answer: T = found
        return answer

    def _walk(self, path: str) -> os.stat_result:
        place, names = "/", deque(path.split("/"))
        status = self._step("/")
        links = 0
        while names:
            name = names.popleft()
            if name in {"", "."}:
                continue
            if name == "..":
                place = os.path.dirname(place)  # noqa: PTH120 - strings; place holds no link
                continue
            here = f"{place.rstrip('/')}/{name}"
            status = self._step(here)
            if not stat.S_ISLNK(status.st_mode):
                place = here
                continue
            links += 1
            if links > _LINKS:
                raise UntrustedPath
            target = os.readlink(here)  # noqa: PTH115 - as above
            names.extendleft(reversed(target.split("/")))
            place = "/" if target.startswith("/") else place
        return self._step(place)

    def _step(self, path: str) -> os.stat_result:
        """Look at a path of which only the last name has not been looked at."""
        if self._mounts.may_hang(path):
            raise UntrustedPath
        status = os.lstat(path)
        writable = not stat.S_ISLNK(status.st_mode) and status.st_mode & _WRITABLE
        if status.st_uid not in self._owners or writable:
            raise UntrustedPath
        return status
