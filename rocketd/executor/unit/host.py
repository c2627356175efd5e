"""Whether this host's systemd can carry out runs."""

import os
from pathlib import Path
from typing import Final

_BOOTED: Final = Path("/run/systemd/system")
"""There where systemd is the first process: sd_booted(3)."""


def why_no_units() -> str:
    """Return what is missing, as a noun; empty: nothing."""
    if not _BOOTED.is_dir():
        return "a host that systemd has booted"
    if os.geteuid() != 0:
        return "a daemon that runs as root"
    return ""
