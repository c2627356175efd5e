"""A zone as it was typed."""

from datetime import tzinfo

from rocketd.cli.exits import UsageError
from rocketd.core.errors import ConditionError
from rocketd.time_zones import named_zone


def zone_option(name: str) -> tzinfo:
    """Find a zone by its name, as task files know it; raises UsageError."""
    try:
        return named_zone(name)
    except ConditionError as error:
        raise UsageError(error.message, hint=error.hint) from None
