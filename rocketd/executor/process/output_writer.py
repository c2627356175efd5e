"""Writes what it reads on descriptor 3 to the end of a file: the process behind an `output_file`.

Runs as a file under the daemon's interpreter, as the task's user, and needs nothing but the standard library. What it
may not do, the user may not; where the file does not answer, this process waits and nobody else. It opens regular
files only, and follows a symbolic link only if that belongs to root or to the user: whoever may write to a directory
on the way cannot lead it elsewhere. A file that was moved away, as logrotate does it, is opened anew.

What could not be written is counted, and writing goes on when it can. On its standard output it says what went wrong,
and at the end how many bytes are missing: a JSON object in each line.
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
"""As many as the kernel follows."""


def main() -> None:
    os.umask(0o027)
    file = WritableFile(os.fsencode(sys.argv[1]))
    file.write(b"")  # it is there, though nothing may be printed
    while data := os.read(DATA, CHUNK):
        file.write(data)
    tell({"missing": file.missing, "trouble": file.trouble})


def tell(told: "dict[str, object]") -> None:
    os.write(1, json.dumps(told).encode() + b"\n")


class WritableFile:
    """The end of one file."""

    def __init__(self, path: bytes) -> None:
        self.missing = 0
        self._path = path
        self._descriptor = -1
        self.trouble = ""
        """What went wrong last, unless nothing is missing."""

    def write(self, data: bytes) -> None:
        """Append these bytes; those that it cannot are missing."""
        try:
            self._follow()
            while data:
                data = data[os.write(self._descriptor, data) :]
            if not self.missing:
                self.trouble = ""
        except OSError as error:
            self.missing += len(data)
            self._say(error.strerror or str(error))

    def _follow(self) -> None:
        """Have the file open that is there now; while that cannot be had, the one that was there."""
        if self._descriptor < 0:
            self._descriptor = opened(self._path)
        elif self._has_moved():
            with suppress(OSError):
                new = opened(self._path)
                os.close(self._descriptor)
                self._descriptor = new

    def _has_moved(self) -> bool:
        try:
            return not os.path.samestat(os.stat(self._path), os.fstat(self._descriptor))  # noqa: PTH116 - bytes
        except OSError:
            return True

    def _say(self, trouble: str) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            tell({"trouble": trouble})


def opened(path: bytes) -> int:
    """Open a file to append to, made if it is not there; raises OSError."""
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
            target = link_at(at, name)
            if target is not None:
                links += 1
                if links > LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                names += target.split(b"/")[::-1]
                if target.startswith(b"/"):
                    at = entered(at, b"/")
            elif any(each not in (b"", b".") for each in names):
                at = entered(at, name)
            else:
                return regular_at(at, name)
    finally:
        os.close(at)


def entered(at: int, name: bytes) -> int:
    """Go on to a directory, which is no link."""
    below = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    os.close(at)
    return below


def link_at(at: int, name: bytes) -> "bytes | None":
    """Where a symbolic link leads that may be followed; None: it is none."""
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


def regular_at(at: int, name: bytes) -> int:
    """Open the file itself; what is no regular file is not even opened."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        must_be_regular(os.stat(name, dir_fd=at, follow_symlinks=False))
        file = os.open(name, flags, dir_fd=at)
    except FileNotFoundError:
        file = os.open(name, flags | os.O_CREAT, MODE, dir_fd=at)
    try:
        must_be_regular(os.fstat(file))
    except OSError:
        os.close(file)
        raise
    return file


def must_be_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")


if __name__ == "__main__":
    main()
