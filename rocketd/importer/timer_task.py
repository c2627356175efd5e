"""A timer of systemd with its service becomes a task (systemd.timer(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.core.duration import format_duration, parse_duration
from rocketd.core.errors import ConditionError
from rocketd.core.instant import MINUTE, Duration
from rocketd.importer.service_settings import duration, service_settings, start_unit
from rocketd.importer.task_draft import NotImported, OldSchedule, TaskDraft, literal

if TYPE_CHECKING:
    from rocketd.importer.unit_file import UnitFile

HEADER: Final = (
    "A timer without Persistent= forgets what falls into a downtime: `within` says the same here.",
    "systemd starts a service with PATH, and little else, in its environment; here a task has what a login has.",
)

_TIMER: Final = "Timer"
_NO_EQUIVALENT: Final = ("OnClockChange", "OnTimezoneChange", "WakeSystem", "RemainAfterElapse", "DeferReactivation")


def timer_task(timer: UnitFile, service: UnitFile | None, origin: str) -> TaskDraft | NotImported:
    """Return the task for a timer; `service`: the unit that it starts, None if there is no such file."""
    original = [
        f"{key}={value}" for (section, key), values in timer.settings.items() if section == _TIMER for value in values
    ]
    started = timer.last(_TIMER, "Unit") or f"{timer.name.removesuffix('.timer')}.service"
    draft = TaskDraft(origin, original, timer.name.removesuffix(".timer").replace("@", "-"))
    try:
        _schedule(draft, timer)
    except ConditionError as error:
        return NotImported(origin, "; ".join(original), error.message)
    if not (draft.clock or "on" in draft.settings):
        return NotImported(origin, "; ".join(original), "it has no time at which it starts")
    if not started.endswith(".service"):
        start_unit(draft, started, "it is not a service")
    elif service is None:
        return NotImported(origin, "; ".join(original), f"there is no {started}")
    else:
        draft.original += [f"ExecStart={line}" for line in service.all("Service", "ExecStart")]
        service_settings(draft, service)
    draft.missing += [f"{key}={timer.last(_TIMER, key)}" for key in _NO_EQUIVALENT if timer.all(_TIMER, key)]
    draft.missing += [
        f"{key}={value}, which decides whether the timer itself is started"
        for (section, key), values in timer.settings.items()
        if section == "Unit" and key.startswith(("Condition", "Assert"))
        for value in values
    ]
    return draft


def _schedule(draft: TaskDraft, timer: UnitFile) -> None:
    """Set when it starts; raises ConditionError."""
    delay = _span(timer.last(_TIMER, "RandomizedDelaySec")) or 0
    offset = _span(timer.last(_TIMER, "RandomizedOffsetSec")) or 0
    accuracy = _span(timer.last(_TIMER, "AccuracySec"))
    lines = timer.all(_TIMER, "OnCalendar")
    parts = _calendar(lines, None if timer.flag(_TIMER, "Persistent") else delay + offset + (accuracy or MINUTE))
    parts += _monotonic(draft, timer)
    draft.clock = " | ".join(parts)
    draft.old = OldSchedule(tuple(lines), is_calendar=True)
    if len(parts) > len(lines):
        draft.old = OldSchedule(unlike="it counts from the boot or from its last run")
    if delay or offset:
        fixed = timer.flag(_TIMER, "FixedRandomDelay") or not delay
        most = format_duration(max(delay, offset))
        draft.settings["splay"] = most if fixed else {"most": most, "each": "run"}
    if accuracy is not None and accuracy > MINUTE:
        draft.notes.append(
            f"AccuracySec={timer.last(_TIMER, 'AccuracySec')} lets systemd start it later; here it is on time."
        )


def _span(text: str) -> Duration | None:
    return parse_duration(text) if text else None


def _calendar(lines: list[str], within: Duration | None) -> list[str]:
    limit = "" if within is None else f", within={literal(format_duration(within))}"
    return [f"calendar({literal(' '.join(line.split()))}{limit})" for line in lines]


def _monotonic(draft: TaskDraft, timer: UnitFile) -> list[str]:
    """Return the parts that count from the boot, or from the last run."""
    parts = []
    boots = [text for key in ("OnBootSec", "OnStartupSec", "OnActiveSec") for text in timer.all(_TIMER, key)]
    for text in dict.fromkeys(boots):
        parts.append(f"~started.this_boot & host_up(more_than={literal(duration(text))})" if _span(text) else "")
        if not parts[-1]:
            parts.pop()
            draft.settings["on"] = "boot"
    if timer.all(_TIMER, "OnActiveSec"):
        draft.notes.append("OnActiveSec= counts from the start of the timer; here it counts from the boot.")
    after_boot = " & started.this_boot" if boots else ""
    for key, based in (("OnUnitActiveSec", ""), ("OnUnitInactiveSec", ", based='finish'")):
        parts += [f"every({literal(duration(text))}{based}){after_boot}" for text in timer.all(_TIMER, key)]
    return [f"({part})" if " & " in part and len(parts) > 1 else part for part in parts]
