"""Puts a file in its place in one step: it is there whole or not at all, whatever stops us."""

import contextlib
import os
from pathlib import Path


def replace_file(path: Path, content: bytes, *, mode: int = 0o644, owner: tuple[int, int] | None = None) -> None:
    """Write a file and move it to its place. Raises OSError, and leaves nothing behind then.

    `owner`: uid and gid; None: those of this process. Until it is complete, its name begins with a dot.
    """
    import tempfile  # noqa: PLC0415 - with what it imports, half a megabyte that a daemon at rest does not need

    descriptor, name = tempfile.mkstemp(prefix=".rocketd-", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - it is open already
            file.write(content)
            file.flush()
            if owner is not None:
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
