"""Whether there is something at a path, told by the kernel.

The path is walked as the kernel walks it, link by link, from one directory that is held to the next: whoever may write
on the way can put a link to a dead file server there at any moment, and nobody must wait for that. Whatever is on the
way is watched for being taken away; where the way ends, the last directory is watched for the name that is missing. So
nothing wakes us but what can matter, and a directory in which much happens costs nothing while the name is there.

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
from contextlib import ExitStack, suppress
from typing import Final, Protocol

from rocketd.core.conditions.host_conditions import PathExists
from rocketd.core.instant import SECOND, Duration
from rocketd.probes.inotify import ENTERED, GONE, Inotify, Mask
from rocketd.probes.polling import ThreadPolling
from rocketd.probes.prober import Tell

POLL: Final[Duration] = 30 * SECOND
"""How often a path is looked at of which the kernel does not tell."""

_LINKS: Final = 40
"""As many as the kernel follows."""
_TRIES: Final = 5
"""How often the walk begins anew when what it saw is gone a moment later."""
_MADE_UP: Final = ("/proc/", "/sys/")
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_TOO_MANY: Final = frozenset({errno.EMFILE, errno.ENFILE})


class HangCheck(Protocol):
    """Knows which file systems may not answer."""

    def may_hang(self, *paths: str) -> bool:
        """Whether one of these absolute paths leads through such a file system."""
        ...

    def close(self) -> None: ...


class PathObserver:
    """Observes whether paths exist."""

    def __init__(self, doubts: Callable[[], HangCheck]) -> None:
        """`doubts` is called once there is a path to observe."""
        self._make_doubts = doubts
        self._doubts: HangCheck | None = None
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
        self._polling: ThreadPolling | None = None
        self._polls = False
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
            self._polling = ThreadPolling(lambda: _exists(self._path), POLL, self._tell)
        elif not self._polls:  # that path may come and go as somebody likes, but never takes more than one thread
            self._polling.go_on()
        self._polls = True

    def _poll_no_more(self) -> None:
        if self._polling is not None and self._polls:
            self._polling.stop()
        self._polls = False

    def _walk(self) -> bool:
        """Whether the path exists; raises _CannotBeTold, OSError."""
        if self._inotify is None:
            raise _CannotBeTold
        names = deque(self._path.split("/"))
        links = 0
        with ExitStack() as opened:
            place = _opened(opened, "/")
            while names:
                name = names.popleft()
                if name in {"", "."}:
                    continue
                found = self._step(opened, place, name)
                if found is None:
                    return False
                mode = os.fstat(found).st_mode
                if stat.S_ISLNK(mode):
                    links += 1
                    target = os.readlink("", dir_fd=found)
                    names.extendleft(reversed(target.split("/")))
                    place = _opened(opened, "/") if target.startswith("/") else place
                    if links > _LINKS:
                        return False
                elif names and any(names) and not stat.S_ISDIR(mode):
                    return False
                else:
                    place = found
        return True

    def _step(self, opened: ExitStack, place: int, name: str) -> int | None:
        """Watch for what becomes of an entry of a directory, and open it; None: there is none."""
        for _ in range(_TRIES):
            found = self._entry(opened, place, name)
            if found is None:
                if not self._watch(place, ENTERED, name) or self._entry(opened, place, name) is None:
                    return None
            elif self._watch(found, GONE):
                again = self._entry(opened, place, name)  # it may have gone before it was watched
                if again is not None and os.path.sameopenfile(found, again):
                    return found
        raise _CannotBeTold

    def _entry(self, opened: ExitStack, place: int, name: str) -> int | None:
        """Get hold of an entry of a directory that answers: of itself, not of what it leads to; None: there is none.

        Whatever is put there afterwards, it stays what it is. Raises _CannotBeTold if it may not answer.
        """
        try:
            found = _opened(opened, name, place)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            if error.errno in _TOO_MANY:
                raise _CannotBeTold from None
            raise
        where = os.readlink(_by_number(found))  # noqa: PTH115 - as above
        if f"{where}/".startswith(_MADE_UP) or self._may_hang(where) or os.readlink(_by_number(found)) != where:  # noqa: PTH115 - as above
            raise _CannotBeTold
        return found

    def _watch(self, descriptor: int, mask: Mask, name: str = "") -> bool:
        """Whether it could be watched: it may have gone just now, of which what is watched already tells."""
        if self._inotify is None:
            raise _CannotBeTold
        try:
            watch = self._inotify.watch(_by_number(descriptor), mask & ~Mask.DONT_FOLLOW, self._changed, name)
        except OSError as error:
            if error.errno in _ABSENT:
                return False
            raise _CannotBeTold from None  # it may not be read, or there are too many watches
        self._watches.add(watch)
        return True


def _opened(opened: ExitStack, name: str, place: int | None = None) -> int:
    """Get hold of a file without opening it."""
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
    opened.callback(os.close, descriptor)
    return descriptor


def _by_number(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


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
