"""Whether a daemon may give its processes the rights of other users: a sandbox can take that away from root as well.

Where the daemon's unit takes capabilities away (`CapabilityBoundingSet=` of systemd.exec(5)), its processes inherit
that, and usually the rest of a sandbox with it. Runs that are units of their own do not.
"""

from pathlib import Path
from typing import Final

_CAP_SETGID: Final = 6
_CAP_SETUID: Final = 7
_NEEDED: Final = 1 << _CAP_SETGID | 1 << _CAP_SETUID
NAMES: Final = frozenset({"cap_setgid", "cap_setuid"})
"""The same, as systemctl(1) shows them."""
_PROC: Final = Path("/proc")


def is_confined(pid: int | str = "self", proc: Path = _PROC) -> bool:
    """Whether this process is root and cannot become another user; false if that is not known."""
    try:
        text = (proc / str(pid) / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return confined_by(text)


def confined_by(status: str) -> bool:
    """Read that from the text of /proc/PID/status."""
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    effective_uid = fields.get("Uid", "").split("\t")[1:2]
    return effective_uid == ["0"] and int(fields.get("CapBnd", "0"), 16) & _NEEDED != _NEEDED
