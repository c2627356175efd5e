"""An entry of a crontab becomes a task."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rocketd.core.calendar.cron import Cron
from rocketd.core.errors import ConditionError
from rocketd.core.language.dialects import cron_dialects
from rocketd.importer.shell_text import command_settings, idle_under_systemd, program_of, separators, without_guards
from rocketd.importer.task_draft import NotImported, OldSchedule, TaskDraft, literal

if TYPE_CHECKING:
    from rocketd.importer.crontab import CrontabEntry

HEADER: Final = (
    "cron forgets a run that falls into a downtime; here the newest one starts afterwards, unless the time",
    "has a limit, as in cron('0 3 * * *', within='1min').",
    'cron starts a job beside one that is still running; here it waits (overlap = "allow" starts both).',
    "cron ignores exit codes and mails all output; here the journal has the output, any exit code but 0 is a failure,",
    "and [mail] in rocketd.toml decides what is mailed.",
)
"""What is not the same for all of them."""

_OF_CRON: Final = frozenset(
    {"MAILTO", "MAILFROM", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING", "CRON_TZ", "RANDOM_DELAY", "SHELL", "HOME"}
    | {"LOGNAME", "USER", "START_HOURS_RANGE", "PREFERRED_HOUR", "ANACRON_RUN_ON_BATTERY_POWER"}
)
"""Variables that are for cron itself, or that a task has anyway."""


def cron_task(entry: CrontabEntry, origin: str, user: str) -> TaskDraft | NotImported:
    """Return the task for an entry; `user`: whose crontab it is, empty for root's tables."""
    draft = TaskDraft(origin, [entry.text], program_of(entry.command))
    try:
        _schedule(draft, entry)
    except ConditionError as error:
        return NotImported(origin, entry.text, error.message)
    _command(draft, entry)
    if owner := entry.user or user:
        draft.settings["user"] = owner
    apply_environment(draft, entry.environment)
    if entry.unlogged:
        draft.missing.append("the - before the fields, which keeps cron from logging it")
    return draft


def _schedule(draft: TaskDraft, entry: CrontabEntry) -> None:
    """Set when it starts; raises ConditionError."""
    zone = entry.environment.get("CRON_TZ", "")
    if entry.fields.lower() == "@reboot":
        draft.settings["on"] = "boot"
        draft.old = OldSchedule(unlike="it starts at boot")
        return
    try:
        line = str(Cron.parse(entry.fields))
    except ConditionError:
        _random_schedule(draft, entry)
    else:
        draft.clock = f"cron({literal(entry.fields if entry.fields[0] == '@' else line)})"
        draft.old = OldSchedule((line,), zone=zone)
    if zone:
        draft.settings["timezone"] = zone
        draft.notes.append("cronie uses CRON_TZ for the times, and so does this; Debian's cron ignores it.")
        draft.notes.append("The command gets TZ of this zone as well.")
    if delay := entry.environment.get("RANDOM_DELAY", ""):
        _random_delay(draft, delay)


def _random_schedule(draft: TaskDraft, entry: CrontabEntry) -> None:
    """Read `~`, which picks a random number; raises ConditionError."""
    found = cron_dialects.advice(entry.fields) if "~" in entry.fields else None
    if found is None or not found.condition or not found.settings:
        Cron.parse(entry.fields)  # raises
        return
    draft.clock = found.condition
    name, _, value = found.settings[0].partition(" = ")
    draft.settings[name] = value.strip('"')
    draft.old = OldSchedule(unlike="~ is a random number")
    draft.notes.append("cron draws the number of ~ anew at each start; the part of the splay is always the same.")


def _random_delay(draft: TaskDraft, minutes: str) -> None:
    if not minutes.isdecimal():
        draft.missing.append(f"RANDOM_DELAY={minutes}")
    elif int(minutes) and "splay" not in draft.settings:
        draft.settings["splay"] = f"{int(minutes)} min"
        draft.old = OldSchedule(unlike="RANDOM_DELAY starts it later by a random time")


def _command(draft: TaskDraft, entry: CrontabEntry) -> None:
    command, guards = without_guards(entry.command)
    draft.guards += guards
    if any("-x" in test for test in re.findall(r"(?:test|\[) (-\w)", entry.command)[: len(guards)]):
        draft.notes.append("test -x asks whether the file is executable, path_exists only whether it is there.")
    if idle_under_systemd(command):
        draft.settings["enabled"] = False
        draft.notes.append("It does nothing on a host with systemd, where a timer of its package does the work")
        draft.notes.append("(rocketctl import --timers), so it is disabled.")
        draft.old = OldSchedule(unlike="it does nothing on a host with systemd")
    elif "&&" in separators(command):
        draft.notes.append("If what is before && fails, cron goes on in silence; here the run has failed.")
    shell = entry.environment.get("SHELL", "/bin/sh")
    draft.settings |= command_settings(command, entry.stdin, shell)


def apply_environment(draft: TaskDraft, variables: dict[str, str]) -> None:
    """Set the variables of a table, and what those stand for that are for cron."""
    draft.environment = {name: value for name, value in variables.items() if name not in _OF_CRON}
    if home := variables.get("HOME", ""):
        draft.settings.setdefault("directory", home)
        draft.environment["HOME"] = home
    if "MAILTO" in variables:
        receivers = [one.strip() for one in variables["MAILTO"].split(",") if one.strip()]
        draft.settings["mail"] = {"receivers": receivers} if receivers else {"on": []}
    for name in ("MAILFROM", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING"):
        if name in variables:
            draft.missing.append(f"{name}={variables[name]} ([mail] in rocketd.toml)")
