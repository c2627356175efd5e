"""The fields of a task that say who is told about it."""

from typing import Any

from rocketd.config.deadline_settings import MAX_AGE, SLOW_AFTER
from rocketd.config.hook_settings import hooks_of
from rocketd.config.http_settings import PING, TASK_WEBHOOKS
from rocketd.config.setting import Values
from rocketd.config.task_settings import TASK_MAIL


def notification_values(values: Values) -> dict[str, Any]:
    """Return them by their names in `Task`."""
    return {
        "mail": values[TASK_MAIL],
        "hooks": hooks_of(values),
        "max_age": values[MAX_AGE],
        "slow_after": values[SLOW_AFTER],
        "ping": values[PING],
        "webhooks": values[TASK_WEBHOOKS],
    }
