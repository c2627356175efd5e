"""Observes whether paths exist, by events of the kernel.

A path is resolved as the kernel does it, link by link, from one open directory to the next: whoever can write to a
directory on the way can put a link to a dead file server there at any moment, and the loop must not block on it. Every
entry on the way is watched for being removed; if one is missing, its directory is watched for that name. So only
relevant events wake the daemon, and a busy directory costs nothing while the entry exists.

inotify does not report mounts, but the list of mounts does. File systems without events (network, FUSE: the kernel does
not see what others do there; proc and sysfs, whose content is generated) are polled every `POLL`, in a thread, as
accessing them may block. So is everything when the kernel allows no more inotify watches.

/srv/in/ready, if /srv/in is a link to /data/in and `ready` is missing:

/srv, /srv/in      watched for GONE: the directory, then the link itself
/data, /data/in    watched for GONE: the target of the link, resolved from /
/data/in           watched for APPEARED of `ready`; the probe is false
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
from rocketd.probes.inotify import APPEARED, GONE, Inotify, Mask
from rocketd.probes.polling import ThreadPolling
from rocketd.probes.prober import ReportValue

POLL: Final[Duration] = 30 * SECOND
"""The interval at which a path without events is polled."""

_MAX_LINKS: Final = 40
"""The kernel's own limit."""
_ATTEMPTS: Final = 5
"""How often an entry is looked up again if it changes while it is being watched."""
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_TOO_MANY: Final = frozenset({errno.EMFILE, errno.ENFILE})


class MountStatus(Protocol):
    """Tells which file systems may not respond."""

    def may_hang(self, *paths: str) -> bool:
        """Whether one of these absolute paths is on such a file system."""
        ...

    def close(self) -> None: ...


class PathObserver:
    """Observes whether paths exist."""

    def __init__(self, mount_status: Callable[[], MountStatus]) -> None:
        """`mount_status` is called when there is a first path to observe."""
        self._make_mount_status = mount_status
        self._mount_status: MountStatus | None = None
        self._inotify: Inotify | None = None
        self._mount_watcher: _MountWatcher | None = None
        self._watched: dict[PathExists, _WatchedPath] = {}

    def start(self, probe: PathExists, report: ReportValue) -> None:
        """Report now, and whenever it changes; raises OSError if the list of mounts cannot be read."""
        self._mount_status = self._mount_status or self._make_mount_status()
        self._mount_watcher = self._mount_watcher or _MountWatcher(self._on_mount)
        if self._inotify is None:
            with suppress(OSError):  # there are too many
                self._inotify = Inotify()
        self._watched[probe] = _WatchedPath(probe.path, report, self._inotify, self._mount_status.may_hang)

    def stop(self, probe: PathExists) -> None:
        """Stop observing a path."""
        watched = self._watched.pop(probe, None)
        if watched is not None:
            watched.stop()

    async def close(self) -> None:
        """Release all resources."""
        for probe in tuple(self._watched):
            self.stop(probe)
        for each in (self._inotify, self._mount_status, self._mount_watcher):
            if each is not None:
                each.close()

    def _on_mount(self) -> None:
        for watched in self._watched.values():
            watched.check()


class _WatchedPath:
    """One path with its watches."""

    def __init__(
        self, path: str, report: ReportValue, inotify: Inotify | None, may_hang: Callable[[str], bool]
    ) -> None:
        self._path = path
        self._report = report
        self._inotify = inotify
        self._may_hang = may_hang
        self._watches: set[int] = set()
        self._polling: ThreadPolling | None = None
        self._is_polling = False
        self._on_change = self.check  # one object: each access to a bound method makes a new one
        self.check()

    def check(self) -> None:
        """Resolve the path, watch the entries on the way, and report."""
        old, self._watches = self._watches, set()
        must_poll, value, problem = False, None, ""
        try:
            value = self._resolve()
        except _NotWatchable:
            must_poll = True
        except OSError as error:
            problem = f"{self._path}: {error.strerror}"
        self._unwatch(old - self._watches)
        if must_poll:
            self._start_polling()
            return
        self._stop_polling()
        self._report(value, problem)

    def stop(self) -> None:
        """Stop watching and polling."""
        self._stop_polling()
        self._unwatch(self._watches)

    def _unwatch(self, watches: Iterable[int]) -> None:
        if self._inotify is not None:
            for watch in watches:
                self._inotify.remove(watch, self._on_change)

    def _start_polling(self) -> None:
        if self._polling is None:
            self._polling = ThreadPolling(lambda: _exists(self._path), POLL, self._report)
        elif not self._is_polling:  # a path that comes and goes never takes more than one thread
            self._polling.restart()
        self._is_polling = True

    def _stop_polling(self) -> None:
        if self._polling is not None and self._is_polling:
            self._polling.stop()
        self._is_polling = False

    def _resolve(self) -> bool:
        """Return whether the path exists, and watch its entries; raises _NotWatchable, OSError."""
        if self._inotify is None:
            raise _NotWatchable
        names = deque(self._path.split("/"))
        links = 0
        with ExitStack() as stack:
            place = _open_path(stack, "/")
            while names:
                name = names.popleft()
                if name in {"", "."}:
                    continue
                found = self._watch_entry(stack, place, name)
                if found is None:
                    return False
                mode = os.fstat(found).st_mode
                if stat.S_ISLNK(mode):
                    links += 1
                    target = os.readlink("", dir_fd=found)
                    names.extendleft(reversed(target.split("/")))
                    place = _open_path(stack, "/") if target.startswith("/") else place
                    if links > _MAX_LINKS:
                        return False
                elif names and any(names) and not stat.S_ISDIR(mode):
                    return False
                else:
                    place = found
        return True

    def _watch_entry(self, stack: ExitStack, place: int, name: str) -> int | None:
        """Watch an entry of a directory, and open it; None: it is missing."""
        for _ in range(_ATTEMPTS):
            found = self._open_entry(stack, place, name)
            if found is None:
                if not self._watch(place, APPEARED, name) or self._open_entry(stack, place, name) is None:
                    return None
            elif self._watch(found, GONE):
                again = self._open_entry(stack, place, name)  # it may have gone before it was watched
                if again is not None and os.path.sameopenfile(found, again):
                    return found
        raise _NotWatchable

    def _open_entry(self, stack: ExitStack, place: int, name: str) -> int | None:
        """Open an entry of a directory by O_PATH, without following it; None: it is missing.

        The descriptor stays valid whatever replaces the entry. Raises _NotWatchable if it may not respond.
        """
        try:
            found = _open_path(stack, name, place)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            if error.errno in _TOO_MANY:
                raise _NotWatchable from None
            raise
        where = os.readlink(_fd_path(found))  # noqa: PTH115 - as above
        if self._may_hang(where) or os.readlink(_fd_path(found)) != where:  # noqa: PTH115 - as above
            raise _NotWatchable
        return found

    def _watch(self, descriptor: int, mask: Mask, name: str = "") -> bool:
        """Return whether it could be watched: if it has just disappeared, an earlier watch reports that."""
        if self._inotify is None:
            raise _NotWatchable
        try:
            watch = self._inotify.watch(_fd_path(descriptor), mask & ~Mask.DONT_FOLLOW, self._on_change, name)
        except OSError as error:
            if error.errno in _ABSENT:
                return False
            raise _NotWatchable from None  # it may not be read, or there are too many watches
        self._watches.add(watch)
        return True


def _open_path(stack: ExitStack, name: str, place: int | None = None) -> int:
    """Return an O_PATH descriptor, which does not open the file itself."""
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
    stack.callback(os.close, descriptor)
    return descriptor


def _fd_path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _exists(path: str) -> bool:
    """Return whether the target of the path exists; raises OSError if that is unknown."""
    try:
        os.stat(path)  # noqa: PTH116 - as above
    except OSError as error:
        if error.errno in _ABSENT:
            return False
        raise
    return True


class _NotWatchable(Exception):
    """The kernel does not report what happens there."""


class _MountWatcher:
    """Calls back when a file system has been mounted or unmounted."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._file = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._epoll = select.epoll()
        self._epoll.register(self._file, select.EPOLLPRI)  # for EPOLLIN it would always be ready
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll.fileno(), self._ready)

    def close(self) -> None:
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        os.close(self._file)

    def _ready(self) -> None:
        self._epoll.poll(0)
        self._on_change()
