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


class _UnknownTimes(Exception):
    """A period or hours that cannot be read."""


def anacron_tasks(text: str, source: str) -> Iterator[TaskDraft | NotImported]:
    """Read a table; a variable counts for the lines below it."""
    environment: dict[str, str] = {}
    for number, line in _joined(text.split("\n")):
        if not line or line.startswith("#"):
            continue
        if variable := read_variable(line):
            environment[variable[0]] = variable[1]
        else:
            yield _job(line, f"{source}:{number}", dict(environment))


def _joined(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, joined with those that continue it."""
    begun, held = 1, ""
    for number, line in enumerate(lines, 1):
        held += line
        if held.endswith("\\"):
            held = f"{held[:-1]} "
            continue
        yield begun, held.strip()
        begun, held = number + 1, ""
    if held:
        yield begun, held.strip()


def _job(line: str, origin: str, environment: dict[str, str]) -> TaskDraft | NotImported:
    words = line.split(None, 3)
    if len(words) < 4 or not words[1].isdecimal():  # noqa: PLR2004 - anacrontab(5)
        return NotImported(origin, line, "a job has a period, a delay in minutes, a name and a command")
    period, delay, name, command = words
    hours = environment.get("START_HOURS_RANGE", "")
    draft = TaskDraft(origin, [line], name)
    try:
        draft.clock = _clock(period, int(delay), hours)
    except _UnknownTimes as unknown:
        return NotImported(origin, line, str(unknown))
    draft.old = OldSchedule(unlike="anacron has no fixed times")
    draft.settings |= command_settings(command, "", environment.get("SHELL", "/bin/sh"))
    draft.settings["user"] = "root"
    if (random := environment.get("RANDOM_DELAY", "")).isdecimal() and int(random):
        draft.settings["splay"] = {"most": f"{int(random)} min", "each": "run"}
    if environment.get("PREFERRED_HOUR"):
        draft.missing.append(f"PREFERRED_HOUR={environment['PREFERRED_HOUR']}")
    if "START_HOURS_RANGE" not in environment:
        draft.notes.append("When anacron itself is called decides when it looks; here the day begins at midnight.")
    elif _is_past_midnight(hours):
        draft.notes.append(f"anacron itself does not know the hours {hours}, which pass midnight.")
    apply_environment(draft, environment)
    return draft


def _is_past_midnight(hours: str) -> bool:
    first, last = _first_and_last(hours)
    return first > last


def _first_and_last(hours: str) -> tuple[int, int]:
    """Return the hours of the range; raises _UnknownTimes."""
    found = _HOURS.fullmatch(hours.replace(" ", "")) if hours else None
    first, last = (int(found[1]), int(found[2])) if found else (0, _MIDNIGHT)
    if (hours and not found) or first == last or first >= _MIDNIGHT or last > _MIDNIGHT:
        message = f"START_HOURS_RANGE={hours} is not a range of hours, such as 3-22"
        raise _UnknownTimes(message)
    return first, last


def _clock(period: str, delay: int, hours: str) -> str:
    """Return the condition; the delay puts off the beginning of the hours. Raises _UnknownTimes."""
    first, last = _first_and_last(hours)
    begin, end = first * _HOUR + delay, (last if last > first else last + _MIDNIGHT) * _HOUR
    if begin >= end:
        message = f"the delay of {delay} minutes leads beyond the hours in which it may start"
        raise _UnknownTimes(message)
    begin %= _MIDNIGHT * _HOUR
    window = _WINDOWS.get(period)
    if window == "daily":
        return f"daily{_between(begin, last)}"
    if window:
        return f"{window} & time_of_day{_between(begin, last)}" if begin or last < _MIDNIGHT else window
    days = _DAYS.get(period, period)
    if not days.isdecimal() or not int(days):
        message = f"the period {period} is unknown"
        raise _UnknownTimes(message)
    narrowed = begin or last < _MIDNIGHT
    return " & ".join([f"every('{int(days)} days')", *([f"time_of_day{_between(begin, last)}"] if narrowed else [])])


def _between(begin: int, last: int) -> str:
    """Return the hours, in minutes and in whole hours, as what follows a word."""
    clock = f"{begin // _HOUR:02}:{begin % _HOUR:02}"
    if last < _MIDNIGHT:
        return f".between('{clock}', '{last:02}:00')"
    return f".after('{clock}')" if begin else ""
