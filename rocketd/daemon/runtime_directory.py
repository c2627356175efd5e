"""The runtime directory: the control socket, the files of units, runtime task files. One daemon at a time.

The names of a daemon's units come from it, so a second daemon in the same one would take the units of the first for its
own, and collect those whose ends are not recorded yet.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from rocketd.core.errors import RocketdError
from rocketd.store.state_directory import require_control


class RuntimeDirectoryHeld(RocketdError):
    """Another daemon has the same runtime directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"another rocketd holds the runtime directory {directory}",
            hint="stop it (systemctl stop rocketd), or give this one another --runtime-dir",
        )


def make_runtime_directory(directory: Path) -> None:
    """Make it, if nobody has and it can be made: what is to lie in it says so if not, and is done without.

    Raises StoreError if another user can write to it.
    """
    with suppress(OSError):
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        require_control(directory, directory.stat(), "runtime directory")


def lock_runtime_directory(directory: Path, state_directory: Path) -> int:
    """Lock it until the returned descriptor is closed; -1: there is none, or it is the state directory, locked already.

    Raises RuntimeDirectoryHeld.
    """
    with suppress(OSError):
        if directory.samefile(state_directory):
            return -1
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return -1
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise RuntimeDirectoryHeld(directory) from None
    except OSError:  # a file system that locks no directories
        pass
    return descriptor
