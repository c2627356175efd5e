"""Zones: the one in which whoever types at this terminal reads the clock, and those that are named."""

import os
from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from rocketd.cli.exits import UsageError

_HOST: Final = "/etc/localtime"


def local_zone() -> tzinfo:
    """Find what localtime(3) uses: TZ, else /etc/localtime, else UTC."""
    name = os.environ.get("TZ", "").removeprefix(":")
    try:
        if name.startswith("/"):
            return _from_file(name)
        return ZoneInfo(name) if name else _from_file(_HOST)
    except (OSError, ValueError, KeyError):  # as localtime(3): what cannot be read is UTC
        return UTC


def named_zone(name: str) -> tzinfo:
    """Find a zone by its name, as task files know it; raises UsageError."""
    if name == "local":
        return local_zone()
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

        close = get_close_matches(name, available_timezones(), 1)
        hint = f"did you mean {close[0]}?" if close else "as in Europe/Helsinki, UTC or local"
        raise UsageError(f"there is no time zone {name!r}", hint=hint) from None


def _from_file(path: str) -> tzinfo:
    with open(path, "rb") as file:  # noqa: PTH123 - as elsewhere in the command line
        return ZoneInfo.from_file(file)
