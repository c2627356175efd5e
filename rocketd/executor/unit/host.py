"""What this host and this daemon offer for runs that are units of systemd.

    asked for, executor = "unit"    systemd has booted the host, and the daemon runs as root
    by default, "auto"              in addition, the daemon is a system service itself, and the system bus is there

So nothing changes by itself in a container, for a daemon that somebody starts in a terminal, or in a user manager.
"""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

_BOOTED: Final = Path("/run/systemd/system")
"""There where systemd is the first process: sd_booted(3)."""
_BUS: Final = Path("/run/dbus/system_bus_socket")
_CONTROL_GROUP: Final = Path("/proc/self/cgroup")
_PACKAGES: Final = ("systemd", "dbus_fast")
"""What the extra `systemd` installs."""
_HIERARCHIES: Final = ("", "name=systemd")
"""The controllers of the hierarchies that systemd manages: version 2, and its own of version 1."""


class UnitSupport(NamedTuple):
    """Whether runs can be units; what is missing is a noun, empty where nothing is."""

    obstacle: str
    """What is missing for any unit."""
    missing: str
    """What is missing for units by default."""
    service: str
    """The daemon's own unit, a system service; empty: it is not one."""


def unit_support() -> UnitSupport:
    """Look at this host and this process."""
    service = own_service()
    obstacle = _obstacle()
    return UnitSupport(obstacle, obstacle or _missing(service), service)


def own_service() -> str:
    """Return the system service that this process belongs to; empty: none, or it is not known."""
    try:
        return service_of(_CONTROL_GROUP.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return ""


def service_of(control_groups: str) -> str:
    """Return the system service to which a text of /proc/PID/cgroup belongs, as sd_pid_get_unit(3) does.

    The unit is the first part of the path that is not a slice: what comes below is the service's own affair. A user
    manager is a service as well, but what it runs are services of that user.
    """
    for line in control_groups.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        parts = [part for part in path.split("/") if part not in {"", ".."} and not part.endswith(".slice")]
        if controllers in _HIERARCHIES and parts and parts[0].endswith(".service"):
            return "" if parts[0].startswith("user@") else parts[0].removeprefix("_")  # which escapes a reserved name
    return ""


def _obstacle() -> str:
    if not _BOOTED.is_dir():
        return "a host that systemd has booted"
    if os.geteuid() != 0:
        return "a daemon that runs as root"
    if not all(map(find_spec, _PACKAGES)):
        return "systemd-python and dbus-fast (pip install 'rocketd[systemd]')"
    return ""


def _missing(service: str) -> str:
    if not service:
        return "a daemon that is a system service"
    return "" if _BUS.exists() else "the system bus (the package dbus)"
