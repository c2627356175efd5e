"""Which files in /etc/cron.d cron reads, by their names: Debian's cron and cronie differ."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

IS_DEBIAN: Final = Path("/etc/debian_version").exists()
"""Whether this host has Debian's cron, or that of a distribution made from it."""
_DEBIAN: Final = re.compile(r"[A-Za-z0-9_-]+")
"""As run-parts(8) has it."""
_LEFT_BEHIND: Final = re.compile(r"[.#].*|.*(?:~|,v|\.swp|\.rpm(?:save|orig|new)|\.dpkg-\w+|\.cfsaved)", re.DOTALL)
"""What editors and packages leave beside a file; cronie(8) reads all others."""


def cron_reads(name: str, *, debian: bool) -> bool:
    """Whether cron reads a file of this name in /etc/cron.d."""
    return _DEBIAN.fullmatch(name) is not None if debian else _LEFT_BEHIND.fullmatch(name) is None
