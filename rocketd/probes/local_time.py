"""Tells when this host moves to another time zone: /etc/localtime of localtime(5), by inotify(7).

timedatectl(1) and tzdata put another link or file in its place; the file that the link leads to changes when the rules
of the zone do. What inotify cannot tell (a file that is mounted over it, a kernel that allows no more watches) is seen
at the next look.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from rocketd.probes.inotify import ENTERED, Inotify, Mask

LOCALTIME: Final = Path("/etc/localtime")
_CHANGED: Final = ENTERED | Mask.CLOSE_WRITE | Mask.DELETE | Mask.MOVED_FROM

_Seen: TypeAlias = tuple[str, int, int, int] | None


class LocalTime:
    """Calls back after each change, on the loop's thread."""

    def __init__(self, changed: Callable[[], None], localtime: Path = LOCALTIME) -> None:
        self._changed = changed
        self._localtime = localtime
        self._inotify: Inotify | None = None
        self._target: int | None = None
        self._seen = _seen(localtime)
        with suppress(OSError):
            self._inotify = Inotify()
            self._inotify.watch(str(localtime.parent), _CHANGED, self.look, localtime.name)
        self._watch_target()

    def look(self) -> None:
        """See whether there is another link or file by now."""
        seen = _seen(self._localtime)
        if seen != self._seen:
            self._seen = seen
            self._watch_target()
            self._changed()

    def close(self) -> None:
        """Tell no more."""
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def _watch_target(self) -> None:
        if self._inotify is None:
            return
        if self._target is not None:
            self._inotify.drop(self._target, self._rules_changed)
            self._target = None
        with suppress(OSError):
            if self._localtime.is_symlink():
                target = self._localtime.parent / self._localtime.readlink()
                self._target = self._inotify.watch(str(target.parent), _CHANGED, self._rules_changed, target.name)

    def _rules_changed(self) -> None:
        ZoneInfo.clear_cache()  # what has been read once is never read again
        self._changed()


def _seen(localtime: Path) -> _Seen:
    """Tell one link or file from another, without going where it leads."""
    try:
        status = localtime.lstat()
        link = str(localtime.readlink()) if localtime.is_symlink() else ""
    except OSError:
        return None
    return link, status.st_dev, status.st_ino, status.st_mtime_ns
