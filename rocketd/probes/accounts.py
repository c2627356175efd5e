"""Detects changes of the users and groups of this host: /etc/passwd and /etc/group, by inotify(7).

A directory service reports no changes; it is asked at each load of the task files.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from rocketd.probes.inotify import APPEARED, Inotify, Mask

_DIRECTORY: Final = "/etc"
_FILES: Final = ("passwd", "group")
_CHANGED: Final = APPEARED | Mask.CLOSE_WRITE
"""useradd(8) replaces the file; editors and containers write to it."""


class AccountFiles:
    """Calls `on_change` after each change, on the loop's thread."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._inotify: Inotify | None = None
        with suppress(OSError):  # the kernel allows no more: the next reload sees changes
            self._inotify = Inotify()
            for name in _FILES:
                self._inotify.watch(_DIRECTORY, _CHANGED, _call(on_change), name)

    def close(self) -> None:
        """Stop watching."""
        if self._inotify is not None:
            self._inotify.close()


def _call(on_change: Callable[[], None]) -> Callable[[], None]:
    """Return a new callback for each file: watches are identified by their callbacks."""
    return lambda: on_change()  # noqa: PLW0108 - as above
