"""The state directory that was opened, whatever is at its path now; and who controls it."""

import os
import pwd
import stat
from collections.abc import Callable
from contextlib import suppress
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


def require_control(path: Path, status: os.stat_result, name: str = "state directory") -> None:
    """Raise StoreError if anybody but root and the user of this process can add files to a directory.

    Whoever can do that puts a link in the place of a file, and has its target overwritten with the rights of this
    process. `status` is that of the open directory.
    """
    if status.st_uid not in {0, os.geteuid()}:
        problem, mend = f"belongs to '{_user(status.st_uid)}'", f"chown {_user(os.geteuid())}"
    elif status.st_mode & stat.S_IWOTH:
        problem, mend = "is writable by everybody", "chmod o-w"
    elif status.st_mode & stat.S_IWGRP and status.st_gid not in {0, os.getegid()}:
        problem, mend = "is writable by its group", "chmod g-w"
    else:
        return
    raise StoreError(
        f"the {name} {path} {problem}, who could have rocketd overwrite any file",
        hint=f"look for links that do not belong there, then {mend} {path}",
    )


def _user(uid: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)


def _open(owner: StateDirectory, path: Path) -> tuple[int, Callable[[], object]]:
    """Open it for the lifetime of its owner; return the descriptor, and a function that closes it earlier."""
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return descriptor, finalize(owner, os.close, descriptor)
