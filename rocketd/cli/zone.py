"""A zone as it was typed."""

from datetime import tzinfo
from zoneinfo import ZoneInfo, available_timezones

from rocketd.cli.exits import UsageError
from rocketd.daemon.zone import local_zone


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
