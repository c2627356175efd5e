"""Reads anacrontab(5); a job becomes a task with a window instead of a time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rocketd.importer.cron_task import apply_environment
from rocketd.importer.crontab import read_variable
from rocketd.importer.shell_text import command_settings
from rocketd.importer.task_draft import NotImported, OldSchedule, TaskDraft

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER: Final = (
    "anacron starts a job once in so many days, when it is called; here a task has a window and starts in it.",
    "The time stamps in /var/spool/anacron are not taken over: each task runs once when it is first loaded.",
    "anacron mails all output; here the journal has it, and [mail] in rocketd.toml decides what is mailed.",
)

_WINDOWS: Final = {"1": "daily", "@daily": "daily", "@monthly": "monthly", "@yearly": "yearly", "@annually": "yearly"}
_DAYS: Final = {"@weekly": "7"}
_HOURS: Final = re.compile(r"(\d{1,2})-(\d{1,2})")
_MIDNIGHT: Final = 24
_HOUR: Final = 60


def anacron_tasks(text: str, source: str) -> Iterator[TaskDraft | NotImported]:
    """Read a table; a variable counts for the lines below it."""
    environment: dict[str, str] = {}
    for number, raw in enumerate(text.replace("\\\n", " ").split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if variable := read_variable(line):
            environment[variable[0]] = variable[1]
        else:
            yield _job(line, f"{source}:{number}", dict(environment))


def _job(line: str, origin: str, environment: dict[str, str]) -> TaskDraft | NotImported:
    words = line.split(None, 3)
    if len(words) < 4 or not words[1].isdecimal():  # noqa: PLR2004 - anacrontab(5)
        return NotImported(origin, line, "a job has a period, a delay in minutes, a name and a command")
    period, delay, name, command = words
    clock = _clock(period, int(delay), environment.get("START_HOURS_RANGE", ""))
    if clock is None:
        return NotImported(origin, line, f"the period {period} with these hours is unknown")
    draft = TaskDraft(origin, [line], name)
    draft.clock = clock
    draft.old = OldSchedule(unlike="anacron has no fixed times")
    draft.settings |= command_settings(command, "", environment.get("SHELL", "/bin/sh"))
    draft.settings["user"] = "root"
    if (random := environment.get("RANDOM_DELAY", "")).isdecimal() and int(random):
        draft.settings["splay"] = {"most": f"{int(random)} min", "each": "run"}
    if environment.get("PREFERRED_HOUR"):
        draft.missing.append(f"PREFERRED_HOUR={environment['PREFERRED_HOUR']}")
    if "START_HOURS_RANGE" not in environment:
        draft.notes.append("When anacron itself is called decides when it looks; here the day begins at midnight.")
    apply_environment(draft, environment)
    return draft


def _clock(period: str, delay: int, hours: str) -> str | None:
    """Return the condition; None: it cannot be read. The delay puts off the beginning of the hours."""
    found = _HOURS.fullmatch(hours) if hours else None
    if hours and not found:
        return None
    first, last = (int(found[1]), int(found[2])) if found else (0, _MIDNIGHT)
    begin = first * _HOUR + delay
    if not begin < last * _HOUR <= _MIDNIGHT * _HOUR:
        return None
    window = _WINDOWS.get(period)
    if window == "daily":
        return f"daily{_between(begin, last)}"
    if window:
        return f"{window} & time_of_day{_between(begin, last)}" if begin or last < _MIDNIGHT else window
    days = _DAYS.get(period, period)
    if not days.isdecimal() or not int(days):
        return None
    return " & ".join(
        [f"every('{int(days)} days')", *([f"time_of_day{_between(begin, last)}"] if begin or found else [])]
    )


def _between(begin: int, last: int) -> str:
    """Return the hours, in minutes and in whole hours, as what follows a word."""
    clock = f"{begin // _HOUR:02}:{begin % _HOUR:02}"
    if last < _MIDNIGHT:
        return f".between('{clock}', '{last:02}:00')"
    return f".after('{clock}')" if begin else ""
