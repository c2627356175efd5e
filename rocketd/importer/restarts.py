"""`Restart=on-failure` of a service, as a retry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketd.core.duration import format_duration, parse_duration
from rocketd.importer.task_draft import literal

if TYPE_CHECKING:
    from rocketd.importer.unit_file import UnitFile


def retry_of(service: UnitFile) -> str:
    """Return the condition that repeats a failed run as often as systemd would; raises ConditionError.

    systemd gives up after `StartLimitBurst=` starts within `StartLimitIntervalSec=`: without a limit, if `RestartSec=`
    puts fewer of them there.

    RestartSec  StartLimitBurst  StartLimitIntervalSec
    100ms       5                10s                    retry(4, delay='100ms')
    5min        5                10s                    retry(delay='5min')
    """
    delay = parse_duration(service.last("Service", "RestartSec", "100ms"))
    interval = parse_duration(
        _limit(service, "StartLimitIntervalSec") or _limit(service, "StartLimitInterval") or "10s"
    )
    burst = _limit(service, "StartLimitBurst") or "5"
    limited = burst.isdecimal() and int(burst) > 1 and delay * (int(burst) - 1) < interval
    attempts = f"{int(burst) - 1}, " if limited else ""
    return f"retry({attempts}delay={literal(format_duration(delay))})"


def _limit(service: UnitFile, key: str) -> str:
    """Return a setting that older units have in another section."""
    return service.last("Unit", key) or service.last("Service", key)
