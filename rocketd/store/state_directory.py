"""The state directory that was opened, whatever is at its path now."""

import os
from collections.abc import Callable
from pathlib import Path
from weakref import finalize

from rocketd.core.errors import StoreError


class StateDirectory:
    """Detects that a directory has been replaced by another."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path
        self._descriptor, self._close = _open(self, path)

    def check(self) -> None:
        """Raise StoreError if its path now leads elsewhere. A directory that was removed is created again."""
        if self._is_there():
            return
        where = str(Path(f"/proc/self/fd/{self._descriptor}").readlink())
        if not where.endswith(" (deleted)"):
            unmounted = where in ("/", str(self.path))
            how = "it was unmounted, or something is mounted over it" if unmounted else f"it is {where} now"
            raise StoreError(
                f"the state directory {self.path} is no longer the one in use: {how}",
                hint="put it back: the tasks' records are in it",
                temporary=True,
            )
        self.path.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._close()
        self._descriptor, self._close = _open(self, self.path)

    def _is_there(self) -> bool:
        opened = os.fstat(self._descriptor)
        try:
            current = self.path.stat()
        except OSError:
            return False
        return (opened.st_dev, opened.st_ino) == (current.st_dev, current.st_ino)


def _open(owner: StateDirectory, path: Path) -> tuple[int, Callable[[], object]]:
    """Open it for the lifetime of its owner; return the descriptor, and a function that closes it earlier."""
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return descriptor, finalize(owner, os.close, descriptor)
