"""Time zones by their names, and the one in which people at this host read the clock."""

import os
from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from rocketd.core.errors import ConditionError
from rocketd.core.suggestion import did_you_mean

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


def _from_file(path: str) -> tzinfo:
    with open(path, "rb") as file:  # noqa: PTH123 - as elsewhere in the command line
        return ZoneInfo.from_file(file)


def named_zone(name: str) -> tzinfo:
    """Find a zone by its name, `local` the host's; raises ConditionError."""
    if name == "local":
        return local_zone()
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        hint = did_you_mean(name, available_timezones()) or "as in Europe/Helsinki, or UTC"
        raise ConditionError(f"there is no time zone {name}", hint=hint) from None
