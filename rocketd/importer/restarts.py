"""`Restart=on-failure` of a service, as a retry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketd.core.duration import format_duration, parse_duration
from rocketd.importer.task_draft import literal

if TYPE_CHECKING:
    from rocketd.importer.unit_file import UnitFile


def retry_of(service: UnitFile) -> str:
    """Return the condition that repeats a failed run as often as systemd would; empty: none is repeated.

    Raises ConditionError.

    systemd refuses a start if there were `StartLimitBurst=` others within `StartLimitIntervalSec=`: none, if
    `RestartSec=` puts fewer of them there.

    RestartSec  StartLimitBurst  StartLimitIntervalSec
    100ms       5                10s                    retry(4, delay='100ms')
    5min        5                10s                    retry(delay='5min')
    100ms       1                10s
    """
    delay = parse_duration(service.last("Service", "RestartSec", "100ms"))
    interval = parse_duration(
        _limit(service, "StartLimitIntervalSec") or _limit(service, "StartLimitInterval") or "10s"
    )
    burst = _limit(service, "StartLimitBurst") or "5"
    starts = int(burst) if burst.isdecimal() else 0  # 0: there is no limit
    if starts == 1 and delay < interval:
        return ""
    attempts = f"{starts - 1}, " if starts and delay * starts < interval else ""
    return f"retry({attempts}delay={literal(format_duration(delay))})"


def _limit(service: UnitFile, key: str) -> str:
    """Return a setting that older units have in another section."""
    return service.last("Unit", key) or service.last("Service", key)
