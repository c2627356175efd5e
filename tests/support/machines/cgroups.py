"""The control groups that a machine gets on this host."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CONTROLLERS: Final = ("memory", "pids", "cpu", "cpuacct")
"""Those that limit what a unit may use, or count it."""
_TOP: Final = Path("/sys/fs/cgroup")


def is_unified() -> bool:
    """Whether this host has one hierarchy, of version 2, with all controllers."""
    return (_TOP / "cgroup.controllers").exists()


def tops() -> list[Path]:
    """Where machines get cgroups of their own, lest they share one: one hierarchy, or two beside those of version 1."""
    return [_TOP] if is_unified() else [_TOP / "systemd", _TOP / "unified"]


def own_groups() -> Iterator[Path]:
    """The cgroups of this process in the hierarchies of version 1 that limit or count something."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, name, path = line.split(":", 2)
        if name in CONTROLLERS:
            yield _TOP / name / path.strip("/")


def remove(group: Path) -> None:
    """It is busy until the last of its processes has been reaped; the supervisor's end says that they have been."""
    for directory, _, _ in os.walk(group, topdown=False):
        Path(directory).rmdir()
