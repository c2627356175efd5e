"""Tells when the users and groups of this host change: /etc/passwd and /etc/group, by inotify(7).

A directory service tells nothing; what it knows is asked at each load.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from rocketd.probes.inotify import ENTERED, Inotify, Mask

_PLACE: Final = "/etc"
_FILES: Final = ("passwd", "group")
_CHANGED: Final = ENTERED | Mask.CLOSE_WRITE
"""useradd(8) puts another file in its place; editors and containers write into it."""


class AccountFiles:
    """Calls back after each change, on the loop's thread."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._inotify: Inotify | None = None
        with suppress(OSError):  # the kernel allows no more: then a reload finds out
            self._inotify = Inotify()
            for name in _FILES:
                self._inotify.watch(_PLACE, _CHANGED, _call(changed), name)

    def close(self) -> None:
        """Tell no more."""
        if self._inotify is not None:
            self._inotify.close()


def _call(changed: Callable[[], None]) -> Callable[[], None]:
    """Make one of its own for each file: they are told apart by what is called."""
    return lambda: changed()  # noqa: PLW0108 - as above
