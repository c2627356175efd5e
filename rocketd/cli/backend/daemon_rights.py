"""Which rights the daemon has: read from the kernel, so that a daemon that does not answer is not waited for.

Where none runs, its unit says which rights it would have.
"""

import re
import socket
import struct
from contextlib import closing, suppress
from typing import Final

from rocketd.executor.process.capabilities import NAMES, is_confined

TIMEOUT: Final = 1.0
"""Seconds for a connection: it needs no answer of the daemon, but a place in its queue."""
_CREDENTIALS: Final = struct.Struct("3i")
"""PID, uid and gid: unix(7), SO_PEERCRED."""
_SHOW: Final = ("systemctl", "show", "--property=LoadState,CapabilityBoundingSet", "rocketd.service")
_SHOW_TIMEOUT: Final = 5.0


def daemon_is_confined(path: str) -> bool:
    """Whether the daemon at that socket is root in a sandbox, or would be; false if that cannot be known."""
    with suppress(OSError), closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(path)
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return is_confined(_CREDENTIALS.unpack(data)[0])
    import subprocess  # noqa: PLC0415 - only where none runs

    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(_SHOW, capture_output=True, text=True, timeout=_SHOW_TIMEOUT, check=True)  # noqa: S603 - ours
        return unit_is_confined(done.stdout)
    return False


def unit_is_confined(shown: str) -> bool:
    """Whether a unit that `systemctl show` shows takes from its processes the right to become other users."""
    fields = dict(line.partition("=")[::2] for line in shown.splitlines())
    left = set(re.findall(r"cap_\w+", fields.get("CapabilityBoundingSet", "")))
    return fields.get("LoadState") == "loaded" and not left >= NAMES
