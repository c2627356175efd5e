"""Which of the hosts of a fleet that have a task run it."""

from enum import StrEnum


class RunOn(StrEnum):
    """Which of the hosts of a fleet that have a task run it."""

    EACH = "each"
    ONE = "one"
    """The host that owns it."""
