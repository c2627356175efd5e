"""Knows which paths lie on file systems that may not answer.

A dead file server makes everyone hang who looks at its files. The loop must not be among them: not by entering a
directory, nor by waiting until posix_spawn has read a program from there. What lies on such a file system is left to
the child, behind a wrapper that is local; if it hangs, it hangs alone, and its timeout ends it as far as it can be.

This looks at names only, as a look at the files could hang: a symbolic link that leads there is not noticed.
"""

import os
import select
from collections.abc import Iterator
from typing import Final

KINDS: Final = (
    "9p",
    "afs",
    "autofs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse",
    "gfs2",
    "glusterfs",
    "lustre",
    "nfs",
    "ocfs2",
    "smb",
)
"""What the types of such file systems begin with."""
_ESCAPES: Final = (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\"))


class Mounts:
    """The mount points of now: the kernel says when they have changed."""

    def __init__(self) -> None:
        self._file = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._changed = select.poll()
        self._changed.register(self._file, select.POLLPRI)
        self._doubtful = tuple(_doubtful(self._read()))

    def may_hang(self, *paths: str) -> bool:
        """Whether one of these absolute paths leads through such a file system."""
        if self._changed.poll(0):
            self._doubtful = tuple(_doubtful(self._read()))
        return bool(self._doubtful) and any(f"{path}/".startswith(self._doubtful) for path in paths)

    def close(self) -> None:
        """Let go of the list."""
        os.close(self._file)

    def _read(self) -> str:
        os.lseek(self._file, 0, os.SEEK_SET)
        with open(os.dup(self._file), encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - of a descriptor
            return file.read()


def _doubtful(mountinfo: str) -> Iterator[str]:
    """Give the mount points, each with a slash at its end. Under a root that may hang nothing could be done."""
    for line in mountinfo.splitlines():
        place, _, source = line.partition(" - ")
        point = _unescaped(place.split(" ")[4])
        if point != "/" and source.startswith(KINDS):
            yield f"{point}/"


def _unescaped(point: str) -> str:
    for escape, character in _ESCAPES:
        point = point.replace(escape, character)
    return point
