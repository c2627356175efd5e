"""Tells which paths are on file systems that may not respond.

A dead file server blocks everyone who accesses its files. The loop must not be among them: not by a stat, by entering a
directory, nor by waiting until posix_spawn has read a program from there.

Paths are judged by their names, as accessing the files could block: a caller that may meet a symbolic link has to
resolve it itself, and to ask at each step.
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
"""The file system types that do respond, from a disk or memory of this host. All others depend on a server (nfs, cifs,
ceph …), a process (fuse, 9p, virtiofs, autofs), or the kernel, which generates their content (proc, sysfs, cgroup2)."""
_LAYERS: Final = ("lowerdir=", "upperdir=")
"""The layers of an overlay."""
_ESCAPES: Final = (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\"))


class Mounts:
    """The current mount points; the kernel signals when they change."""

    def __init__(self) -> None:
        self._file = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._changed = select.poll()
        self._changed.register(self._file, select.POLLPRI)
        self._generation = 0
        self._unresponsive = tuple(_unresponsive(self._read()))

    def may_hang(self, *paths: str) -> bool:
        """Whether one of these absolute paths is on a file system that may not respond."""
        self.generation()
        return bool(self._unresponsive) and any(f"{path}/".startswith(self._unresponsive) for path in paths)

    def generation(self) -> int:
        """Return a number that changes whenever the list of mounts does."""
        if self._changed.poll(0):
            self._generation += 1
            self._unresponsive = tuple(_unresponsive(self._read()))
        return self._generation

    def close(self) -> None:
        """Close the list."""
        os.close(self._file)

    def _read(self) -> str:
        os.lseek(self._file, 0, os.SEEK_SET)
        with open(os.dup(self._file), encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - of a descriptor
            return file.read()


def _unresponsive(mountinfo: str) -> list[str]:
    """Return the mount points that may not respond, each with a slash at its end.

    Of these lines of /proc/self/mountinfo:

    36 35 8:1 / /data rw - ext4 /dev/sda1 rw           responds
    37 35 0:44 / /far rw - nfs4 host:/export rw        may not: `/far/`
    38 35 0:45 / /over rw - overlay o lowerdir=/far/x  may not: `/over/`, a layer of it is on /far

    The root itself is left out: if it does not respond, nothing does.
    """
    found: list[str] = []
    for line in mountinfo.splitlines():
        place, _, source = line.partition(" - ")
        mount_point = _unescaped(place.split(" ")[4])
        fs_type, *_, options = source.split(" ")
        if mount_point != "/" and (fs_type not in LOCAL or (fs_type == "overlay" and _has_layer_on(found, options))):
            found.append(f"{mount_point}/")
    return found


def _has_layer_on(unresponsive: Sequence[str], options: str) -> bool:
    """Whether a layer of an overlay is on such a file system."""
    layers = [option.partition("=")[2].split(":") for option in options.split(",") if option.startswith(_LAYERS)]
    return any(f"{_unescaped(path)}/".startswith(tuple(unresponsive)) for paths in layers for path in paths)


def _unescaped(mount_point: str) -> str:
    for escape, character in _ESCAPES:
        mount_point = mount_point.replace(escape, character)
    return mount_point
