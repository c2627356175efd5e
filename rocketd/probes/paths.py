"""Whether there is something at a path, told by the kernel.

The path is walked as the kernel walks it, link by link. Whatever is on the way is watched for being taken away; where
the way ends, the last directory is watched for the name that is missing. So nothing wakes us but what can matter, and
a directory in which much happens costs nothing while the name is there.

inotify does not tell of mounts, but the list of mounts does. File systems that do not tell (network, FUSE: what others
do there the kernel does not see; proc and sysfs, which are made up when one looks) are looked at every `POLL`, in a
thread, as looking there may hang. So is everything where the kernel allows no inotify any more.
"""

import asyncio
import errno
import os
import select
import stat
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol

from rocketd.core.instant import SECOND, Duration
from rocketd.core.probes import PathExists
from rocketd.probes.inotify import ENTERED, GONE, Inotify, Mask
from rocketd.probes.prober import Tell
from rocketd.probes.regularly import InThread

POLL: Final[Duration] = 30 * SECOND
"""How often a path is looked at of which the kernel does not tell."""

_LINKS: Final = 40
"""As many as the kernel follows."""
_TRIES: Final = 5
"""How often the walk begins anew when what it saw is gone a moment later."""
_MADE_UP: Final = ("/proc/", "/sys/")
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class Doubts(Protocol):
    """Knows which file systems may not answer."""

    def may_hang(self, *paths: str) -> bool:
        """Whether one of these absolute paths leads through such a file system."""
        ...

    def close(self) -> None: ...


class PathObserver:
    """Observes whether paths exist."""

    def __init__(self, doubts: Callable[[], Doubts]) -> None:
        """`doubts` is called once there is a path to observe."""
        self._make_doubts = doubts
        self._doubts: Doubts | None = None
        self._inotify: Inotify | None = None
        self._mounts: _Mounts | None = None
        self._watched: dict[PathExists, _Watched] = {}

    def begin(self, probe: PathExists, tell: Tell) -> None:
        """Tell now, and whenever it changes; raises OSError where not even the list of mounts can be had."""
        self._doubts = self._doubts or self._make_doubts()
        self._mounts = self._mounts or _Mounts(self._mounted)
        if self._inotify is None:
            with suppress(OSError):  # there are too many
                self._inotify = Inotify()
        self._watched[probe] = _Watched(probe.path, tell, self._inotify, self._doubts.may_hang)

    def end(self, probe: PathExists) -> None:
        """Tell no more."""
        watched = self._watched.pop(probe, None)
        if watched is not None:
            watched.stop()

    async def close(self) -> None:
        """Let go of everything."""
        for probe in tuple(self._watched):
            self.end(probe)
        for each in (self._inotify, self._doubts, self._mounts):
            if each is not None:
                each.close()

    def _mounted(self) -> None:
        for watched in self._watched.values():
            watched.look()


class _Watched:
    """One path, and what is watched for it."""

    def __init__(self, path: str, tell: Tell, inotify: Inotify | None, may_hang: Callable[[str], bool]) -> None:
        self._path = path
        self._tell = tell
        self._inotify = inotify
        self._may_hang = may_hang
        self._watches: set[int] = set()
        self._polling: InThread | None = None
        self._changed = self.look  # one object: a bound method is a new one each time
        self.look()

    def look(self) -> None:
        """Walk the path anew, watch what is on the way, and tell."""
        old, self._watches = self._watches, set()
        polls, value, problem = False, None, ""
        try:
            value = self._walk()
        except _CannotBeTold:
            polls = True
        except OSError as error:
            problem = f"{self._path}: {error.strerror}"
        self._drop(old - self._watches)
        if polls:
            self._poll()
            return
        self._poll_no_more()
        self._tell(value, problem)

    def stop(self) -> None:
        """Tell no more."""
        self._poll_no_more()
        self._drop(self._watches)

    def _drop(self, watches: Iterable[int]) -> None:
        if self._inotify is not None:
            for watch in watches:
                self._inotify.drop(watch, self._changed)

    def _poll(self) -> None:
        if self._polling is None:
            self._polling = InThread(lambda: _exists(self._path), POLL, self._tell)

    def _poll_no_more(self) -> None:
        if self._polling is not None:
            self._polling.stop()
            self._polling = None

    def _walk(self) -> bool:
        """Whether the path exists; raises _CannotBeTold, OSError."""
        place, names = "/", deque(self._path.split("/"))
        links = 0
        while names:
            name = names.popleft()
            if name in {"", "."}:
                continue
            if name == "..":
                place = os.path.dirname(place)  # noqa: PTH120 - place holds no link
                continue
            found = self._step(place, name)
            here = os.path.join(place, name)  # noqa: PTH118 - half of the time
            if found is None:
                return False
            if stat.S_ISLNK(found):
                links += 1
                target = os.readlink(here)  # noqa: PTH115 - as above
                names.extendleft(reversed(target.split("/")))
                place = "/" if target.startswith("/") else place
                if links > _LINKS:
                    return False
            elif names and any(names) and not stat.S_ISDIR(found):
                return False
            else:
                place = here
        return True

    def _step(self, place: str, name: str) -> int | None:
        """Watch for what becomes of an entry of a directory, and give its mode; None: there is none."""
        here = os.path.join(place, name)  # noqa: PTH118 - as above
        if f"{here}/".startswith(_MADE_UP) or self._may_hang(here):
            raise _CannotBeTold
        for _ in range(_TRIES):
            mode = _mode(here)
            if mode is None:
                if not self._watch(place, ENTERED, name) or _mode(here) is None:
                    return None
            elif self._watch(here, GONE):
                return mode
        raise _CannotBeTold

    def _watch(self, path: str, mask: Mask, name: str = "") -> bool:
        """Whether it could be watched: it may have gone just now, of which what is watched already tells."""
        if self._inotify is None:
            raise _CannotBeTold
        try:
            self._watches.add(self._inotify.watch(path, mask, self._changed, name))
        except OSError as error:
            if error.errno in _ABSENT:
                return False
            raise _CannotBeTold from None  # it may not be read, or there are too many watches
        return True


def _mode(path: str) -> int | None:
    """Give its mode, None if there is nothing; raises OSError where that cannot be known."""
    try:
        return os.lstat(path).st_mode
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise


def _exists(path: str) -> bool:
    """Whether there is something behind all links; raises OSError where that cannot be known."""
    try:
        os.stat(path)  # noqa: PTH116 - as above
    except OSError as error:
        if error.errno in _ABSENT:
            return False
        raise
    return True


class _CannotBeTold(Exception):
    """The kernel does not tell what happens there."""


class _Mounts:
    """Calls back when something has been mounted or unmounted."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._file = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._epoll = select.epoll()
        self._epoll.register(self._file, select.EPOLLPRI)  # to a reader it would always be readable
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll.fileno(), self._ready)

    def close(self) -> None:
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        os.close(self._file)

    def _ready(self) -> None:
        self._epoll.poll(0)
        self._changed()
