"""Knows which paths lie on file systems that may not answer.

A dead file server makes everyone hang who looks at its files. The loop must not be among them: not by looking there, by
entering a directory, nor by waiting until posix_spawn has read a program from there.

It is asked about names, as a look at the files could hang: whoever may meet a symbolic link has to follow it himself,
and to ask at each step.
"""

import os
import select
from collections.abc import Sequence
from typing import Final

LOCAL: Final = frozenset(
    {"bcachefs", "btrfs", "devpts", "devtmpfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "hfsplus", "jfs"}
    | {"hugetlbfs", "iso9660", "mqueue", "msdos", "nilfs2", "ntfs3", "overlay", "ramfs", "reiserfs", "rootfs"}
    | {"squashfs", "tmpfs", "ubifs", "udf", "vfat", "xfs", "zfs"}
)
"""The types of those that do answer, from a disk or memory of this host. All others ask somebody: a server (nfs, cifs,
ceph …), a process (fuse, 9p, virtiofs, autofs), or the kernel, which makes up what it shows (proc, sysfs, cgroup2)."""
_LAYERS: Final = ("lowerdir=", "upperdir=")
"""Of what an overlay is made."""
_ESCAPES: Final = (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\"))


class Mounts:
    """The mount points of now: the kernel says when they have changed."""

    def __init__(self) -> None:
        self._file = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._changed = select.poll()
        self._changed.register(self._file, select.POLLPRI)
        self._generation = 0
        self._doubtful = tuple(_doubtful(self._read()))

    def may_hang(self, *paths: str) -> bool:
        """Whether one of these absolute paths leads through such a file system."""
        self.generation()
        return bool(self._doubtful) and any(f"{path}/".startswith(self._doubtful) for path in paths)

    def generation(self) -> int:
        """Give a number that changes with the list of mounts."""
        if self._changed.poll(0):
            self._generation += 1
            self._doubtful = tuple(_doubtful(self._read()))
        return self._generation

    def close(self) -> None:
        """Let go of the list."""
        os.close(self._file)

    def _read(self) -> str:
        os.lseek(self._file, 0, os.SEEK_SET)
        with open(os.dup(self._file), encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - of a descriptor
            return file.read()


def _doubtful(mountinfo: str) -> list[str]:
    """Give the mount points, each with a slash at its end. Under a root that may hang nothing could be done."""
    found: list[str] = []
    for line in mountinfo.splitlines():
        place, _, source = line.partition(" - ")
        point = _unescaped(place.split(" ")[4])
        kind, *_, options = source.split(" ")
        if point != "/" and (kind not in LOCAL or (kind == "overlay" and _lies_on(found, options))):
            found.append(f"{point}/")
    return found


def _lies_on(doubtful: Sequence[str], options: str) -> bool:
    """Whether one of the directories of an overlay is on such a file system."""
    layers = [option.partition("=")[2].split(":") for option in options.split(",") if option.startswith(_LAYERS)]
    return any(f"{_unescaped(path)}/".startswith(tuple(doubtful)) for paths in layers for path in paths)


def _unescaped(point: str) -> str:
    for escape, character in _ESCAPES:
        point = point.replace(escape, character)
    return point
