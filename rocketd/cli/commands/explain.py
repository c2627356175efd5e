"""`rocketctl explain`: what a condition means, without a daemon; it reads the calendars that the condition names."""

from __future__ import annotations

import os
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from rocketd.cli.context import time_point
from rocketd.cli.exit_codes import ExitCode, Failure, UsageError
from rocketd.cli.render import time_format
from rocketd.cli.render.columns import pairs, table
from rocketd.cli.render.terminal_text import Cell, underlined
from rocketd.core.conditions.calendar_word import calendar_words
from rocketd.core.conditions.host_uptime import BootEventCondition, HostUp
from rocketd.core.conditions.probe import Probe
from rocketd.core.duration import format_duration, parse_duration
from rocketd.core.errors import ConditionError
from rocketd.core.explain.why import why_then
from rocketd.core.history.history import History
from rocketd.core.instant import SECOND, Duration, Instant, datetime_of
from rocketd.core.language.parser import parse
from rocketd.core.model.condition import Condition, all_parts
from rocketd.core.model.task import Command, Task
from rocketd.core.model.work_calendar import NO_CALENDARS, Calendars
from rocketd.core.scheduler.forecast import SimulatedHost, Starts, starts
from rocketd.daemon.json_format import rfc3339
from rocketd.time_zones import local_zone, named_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rocketd.cli.context import Context
    from rocketd.config.calendar_files import CalendarFile

_NAME: Final = "it"
"""What the task is called that has the condition: a sentence about it then reads well."""


def explain(call: Context) -> ExitCode:
    """Show the normal form and the next starts. Raises Failure for what is no condition."""
    choices = call.choices
    condition = _parsed(choices.condition)
    zone = _zone(choices.timezone) if choices.timezone else local_zone()
    begin = time_point(choices.begin, call.now, zone) if choices.begin else call.now
    calendars, files = _calendars(call, condition)
    task = Task(
        choices.task or _NAME,
        Command(("true",)),
        condition,
        zone=zone,
        calendars=calendars,
        splay=_splay(choices.splay),
        splay_each_run=choices.each_run,
    )
    boots = [time_point(boot, call.now, zone) for boot in choices.boots]
    found = starts(task, begin, choices.starts, host=SimulatedHost(os.uname().nodename, boots))
    if choices.json:
        call.terminal.json({"condition": str(condition), "starts": [rfc3339(at) for at in found.instants]})
    else:
        call.terminal.show([*_head(call, condition, begin, zone, files), *_starts(call, task, begin, found)])
    return ExitCode.DONE


def _calendars(call: Context, condition: Condition) -> tuple[Calendars, Sequence[CalendarFile]]:
    """Read the calendars that the condition names; raises Failure for one that there is not."""
    if not calendar_words((condition,)):
        return NO_CALENDARS, ()
    from rocketd.cli.backend.loaded_files import directories_of  # noqa: PLC0415 - few conditions need the files
    from rocketd.config.calendar_lookup import UnknownCalendar  # noqa: PLC0415 - as above
    from rocketd.config.loader import load_calendars  # noqa: PLC0415 - as above

    try:
        calendars, files = load_calendars((condition,), directories_of(call.choices.config_dir), strict=False)
    except UnknownCalendar as error:
        (mistake,) = error.under(())
        raise Failure(mistake.message, hint=mistake.hint) from None
    for problem in dict.fromkeys(file.problem for file in files if file.problem):
        call.terminal.note(f"nothing is known of any day: {problem}")
    return calendars, files


def _parsed(written: str) -> Condition:
    try:
        return parse(written, named_zone)
    except ConditionError as error:
        quoted = underlined(written, error.start, error.end) if written.strip() else ()
        raise Failure(error.message, hint=error.hint, quoted=quoted) from None


def _head(
    call: Context, condition: Condition, begin: Instant, zone: tzinfo, files: Sequence[CalendarFile]
) -> list[str]:
    lines = [("Condition", Cell(str(condition))), ("First loaded", Cell(_local(begin, zone)))]
    lines += [("Dates from", Cell(file.path)) for file in files]
    return pairs(lines, colour=call.look.colour)


def _starts(call: Context, task: Task, begin: Instant, found: Starts) -> list[str]:
    rows = [[Cell(_local(at, task.zone)), Cell(time_format.passed(at, call.now))] for at in found.instants]
    titles: tuple[str, ...] = ("STARTS", "LEFT")
    if task.splay:
        titles = (*titles, "SPLAY")
        for row, start, due in zip(rows, found.instants, found.dues, strict=True):
            row.append(Cell(format_duration((start - due) // SECOND * SECOND)))
    drawn = ["", *table(titles, rows, columns=call.look.columns, colour=call.look.colour)] if rows else []
    if len(rows) < call.choices.starts:
        drawn += ["", _no_more(task, begin, found)]
    if not call.choices.boots and any(isinstance(part, HostUp | BootEventCondition) for part in all_parts(task.when)):
        drawn += ["", _ONE_BOOT]
    return drawn


_ONE_BOOT: Final = "The host is assumed to boot when the task is first loaded; --boot TIME adds later boots."


def _splay(written: str) -> Duration:
    """Read a splay; raises UsageError."""
    try:
        return parse_duration(written) if written else 0
    except ConditionError as error:
        raise UsageError(error.message, hint=error.hint) from None


def _no_more(task: Task, begin: Instant, found: Starts) -> str:
    """Explain why there are fewer starts than requested."""
    from rocketd.config.condition_warnings import why_never  # noqa: PLC0415 - few conditions lack starts

    if found.complete and not found.instants and (never := why_never(task, begin)):
        return never
    observed = not found.instants and any(isinstance(part, Probe) for part in all_parts(task.when))
    if not found.complete and not observed:
        return f"No further start was found up to {datetime_of(found.looked_until, task.zone).date()}."
    if found.instants:
        return "After that only an event can start it."
    history = History()
    for name in (task.name, *task.when.watches()):
        history.load(name)
    history.of(task.name).armed_at = history.booted_at = begin
    waiting = why_then(task, history, begin).waiting_for
    return f"{waiting[0].upper()}{waiting[1:]}."


def _local(instant: Instant, zone: tzinfo) -> str:
    return datetime_of(instant, zone).strftime("%a %Y-%m-%d %H:%M:%S %Z")


def _zone(name: str) -> tzinfo:
    """Find a zone by its name, as task files know it; raises UsageError."""
    try:
        return named_zone(name)
    except ConditionError as error:
        raise UsageError(error.message, hint=error.hint) from None
