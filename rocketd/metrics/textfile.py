"""The file of node_exporter's textfile collector, which must never be seen half written."""

import os
from contextlib import suppress
from errno import EROFS
from pathlib import Path
from typing import Final

_MODE: Final = 0o644


def write_textfile(path: Path, text: str) -> None:
    """Write it beside, then put it in its place; raises OSError. A link in its place is replaced, not followed."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    part = f".{path.name}.{os.getpid()}.part"
    try:
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(part, flags, _MODE, dir_fd=directory)
        try:
            os.fchmod(file, _MODE)  # whatever the umask says: node_exporter is another user
            left = memoryview(text.encode())
            while left:
                left = left[os.write(file, left) :]
        except OSError:
            os.unlink(part, dir_fd=directory)
            raise
        finally:
            os.close(file)
        os.rename(part, path.name, src_dir_fd=directory, dst_dir_fd=directory)
    finally:
        os.close(directory)


def why_not_written(error: Exception) -> str:
    """Return why it could not be written; where the sandbox of the unit keeps it from that, what would allow it."""
    if isinstance(error, OSError) and error.errno == EROFS:
        return "its directory is read-only, or not in ReadWritePaths= of rocketd.service"
    return str(error)
