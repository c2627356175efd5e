"""Detects changes of this host's time zone: /etc/localtime of localtime(5), by inotify(7).

timedatectl(1) and tzdata replace the link or file; the target of the link changes when the rules of the zone do. What
inotify does not report (a file that is mounted over it, or no more watches allowed) is detected by the next `check`.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from rocketd.probes.inotify import APPEARED, Inotify, Mask

LOCALTIME: Final = Path("/etc/localtime")
_CHANGED: Final = APPEARED | Mask.CLOSE_WRITE | Mask.DELETE | Mask.MOVED_FROM

_Identity: TypeAlias = tuple[str, int, int, int] | None


class LocalTime:
    """Calls `on_change` after each change, on the loop's thread."""

    def __init__(self, on_change: Callable[[], None], localtime: Path = LOCALTIME) -> None:
        self._on_change = on_change
        self._localtime = localtime
        self._inotify: Inotify | None = None
        self._target: int | None = None
        self._identity = _identity(localtime)
        with suppress(OSError):
            self._inotify = Inotify()
            self._inotify.watch(str(localtime.parent), _CHANGED, self.check, localtime.name)
        self._watch_target()

    def check(self) -> None:
        """Compare the link or file with the last one, and report a change."""
        identity = _identity(self._localtime)
        if identity != self._identity:
            self._identity = identity
            self._watch_target()
            self._on_change()

    def close(self) -> None:
        """Stop watching."""
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def _watch_target(self) -> None:
        if self._inotify is None:
            return
        if self._target is not None:
            self._inotify.remove(self._target, self._rules_changed)
            self._target = None
        with suppress(OSError):
            if self._localtime.is_symlink():
                target = self._localtime.parent / self._localtime.readlink()
                self._target = self._inotify.watch(str(target.parent), _CHANGED, self._rules_changed, target.name)

    def _rules_changed(self) -> None:
        ZoneInfo.clear_cache()  # otherwise the old rules stay cached
        self._on_change()


def _identity(localtime: Path) -> _Identity:
    """Return what identifies a link or file, without following the link; None if it is missing."""
    try:
        status = localtime.lstat()
        link = str(localtime.readlink()) if localtime.is_symlink() else ""
    except OSError:
        return None
    return link, status.st_dev, status.st_ino, status.st_mtime_ns
