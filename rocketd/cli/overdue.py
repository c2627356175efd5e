"""Which tasks of a list are overdue."""

from rocketd.cli.json_fields import flag, instant
from rocketd.core.instant import Instant
from rocketd.daemon.json_format import JsonObject


def is_overdue(task: JsonObject, now: Instant) -> bool:
    """Whether it has not succeeded for its `max_age`, and is not paused."""
    at = instant(task, "overdue_at")
    return at is not None and at <= now and not flag(task, "paused") and not flag(task, "disabled")
