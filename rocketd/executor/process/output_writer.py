"""Appends what it reads from descriptor 3 to a file: the process behind an `output_file`.

It runs as a file under the daemon's interpreter, as the task's user, and needs only the standard library. It has the
rights of that user and no others; if the file system does not respond, only this process blocks. It opens regular files
only, follows a symbolic link only if it belongs to root or to the user, and writes no file with several hard links in a
directory that another user can write to: whoever can write to a directory on the way cannot redirect it. A file that
was moved away, as by logrotate, is opened again under its name.

Data that could not be written is counted, and writing continues when it can. On its standard output it reports what
went wrong, and at the end how many bytes are missing: one JSON object per line.
"""

import errno
import json
import os
import stat
import sys
from contextlib import suppress

DATA = 3
CHUNK = 64 * 1024
MODE = 0o640
LINKS = 40
"""The kernel's own limit."""


def main() -> None:
    os.umask(0o027)
    file = WritableFile(os.fsencode(sys.argv[1]))
    file.write(b"")  # create it even if nothing is printed
    while data := os.read(DATA, CHUNK):
        file.write(data)
    report({"missing": file.missing, "trouble": file.trouble})


def report(message: "dict[str, object]") -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


class WritableFile:
    """Appends to one file."""

    def __init__(self, path: bytes) -> None:
        self.missing = 0
        self._path = path
        self._descriptor = -1
        self.trouble = ""
        """The last error; empty if nothing is missing."""

    def write(self, data: bytes) -> None:
        """Append these bytes; those that cannot be written are counted as missing."""
        try:
            self._open_current()
            while data:
                data = data[os.write(self._descriptor, data) :]
            if not self.missing:
                self.trouble = ""
        except OSError as error:
            self.missing += len(data)
            self._report_trouble(error.strerror or str(error))

    def _open_current(self) -> None:
        """Open the file that has the path now; if that fails, keep the one that had it before."""
        if self._descriptor < 0:
            self._descriptor = open_for_append(self._path)
        elif self._has_moved():
            with suppress(OSError):
                new = open_for_append(self._path)
                os.close(self._descriptor)
                self._descriptor = new

    def _has_moved(self) -> bool:
        try:
            return not os.path.samestat(os.stat(self._path), os.fstat(self._descriptor))  # noqa: PTH116 - bytes
        except OSError:
            return True

    def _report_trouble(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            report({"trouble": trouble})


def open_for_append(path: bytes) -> int:
    """Open a file for appending, and create it if it is missing; return its descriptor. Raises OSError."""
    at = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    names = path.split(b"/")[::-1]
    links = 0
    try:
        while True:
            name = names.pop()
            if name in (b"", b"."):
                if not names:
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                continue
            target = link_target(at, name)
            if target is not None:
                links += 1
                if links > LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                names += target.split(b"/")[::-1]
                if target.startswith(b"/"):
                    at = enter(at, b"/")
            elif any(each not in (b"", b".") for each in names):
                at = enter(at, name)
            else:
                return open_regular(at, name)
    finally:
        os.close(at)


def enter(at: int, name: bytes) -> int:
    """Return a descriptor of a directory, which must not be a link, and close that of its parent."""
    below = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    os.close(at)
    return below


def link_target(at: int, name: bytes) -> "bytes | None":
    """Return the target of a symbolic link that may be followed; None if it is not a link."""
    try:
        link = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    except FileNotFoundError:
        return None
    try:
        status = os.fstat(link)
        if not stat.S_ISLNK(status.st_mode):
            return None
        if status.st_uid not in (0, os.geteuid()):
            raise OSError(errno.ELOOP, f"a symbolic link of user {status.st_uid} is not followed")
        return os.readlink(b"", dir_fd=link)
    finally:
        os.close(link)


def open_regular(at: int, name: bytes) -> int:
    """Open the file itself; a file that is not regular is not even opened."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
    single = is_shared(os.fstat(at))
    try:
        require_regular(os.stat(name, dir_fd=at, follow_symlinks=False), single=single)
        file = os.open(name, flags, dir_fd=at)
    except FileNotFoundError:
        file = os.open(name, flags | os.O_CREAT, MODE, dir_fd=at)
    try:
        require_regular(os.fstat(file), single=single)
    except OSError:
        os.close(file)
        raise
    return file


def is_shared(directory: os.stat_result) -> bool:
    """Return whether another user may have put a link to a file into a directory."""
    return directory.st_uid not in (0, os.geteuid()) or bool(directory.st_mode & stat.S_IWOTH)


def require_regular(status: os.stat_result, *, single: bool) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if single and status.st_nlink > 1:
        raise OSError(errno.EMLINK, "it has several hard links, and others can write to its directory")


if __name__ == "__main__":
    main()
