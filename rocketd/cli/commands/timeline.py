"""`rocketctl timeline`: a row per task, and what overlaps seen at a glance."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rocketd.atomic_file import replace_file
from rocketd.cli.backend.backend import Backend, RunQuery
from rocketd.cli.commands.inspect import ask
from rocketd.cli.commands.stats import chosen_tasks, every_run
from rocketd.cli.context import time_point
from rocketd.cli.exit_codes import ExitCode, Failure, UsageError
from rocketd.cli.json_fields import instant, text
from rocketd.cli.render.time_format import local
from rocketd.cli.render.timeline_chart import timeline_lines, timeline_svg
from rocketd.cli.timeline import Timeline
from rocketd.core.errors import RocketdError
from rocketd.core.instant import DAY, HOUR, SECOND, Instant

if TYPE_CHECKING:
    from rocketd.cli.context import Context
    from rocketd.daemon.json_format import JsonObject

LONGEST: Final = DAY
"""How long before the span a run may have started that is in it; one that is still active is found in any case."""


def timeline(call: Context) -> ExitCode:
    """Show a day, or a span; raises Failure and UsageError."""
    begin, end = _span(call)
    line = ask(call, lambda source: _timeline(source, call, begin, end))
    if line.planned_until < line.end:
        call.terminal.note(f"starts after {local(line.planned_until)} are left out: there are too many to foresee")
    if call.choices.svg:
        try:
            replace_file(Path(call.choices.svg), timeline_svg(line).encode())
        except OSError as error:
            msg = f"cannot write {call.choices.svg}: {error.strerror}"
            raise Failure(msg) from None
    elif call.choices.json:
        call.terminal.json(line.as_json())
    else:
        call.terminal.show(list(timeline_lines(line, call.look)))
    return ExitCode.DONE


def _span(call: Context) -> tuple[Instant, Instant]:
    """Return the day that is asked for, today if none is, or what --since and --until say; raises UsageError."""
    choices = call.choices
    if choices.day and (choices.since or choices.until):
        msg = "either --day, or --since and --until"
        raise UsageError(msg)
    if choices.since or choices.until:
        end = time_point(choices.until, call.now) if choices.until else call.now
        begin = time_point(choices.since, call.now) if choices.since else end - DAY
        if begin >= end:
            msg = f"--since {choices.since!r} is not before --until {choices.until or 'now'!r}"
            raise UsageError(msg)
        return begin, end
    begin = _midnight(time_point(choices.day, call.now) if choices.day else call.now)
    return begin, _midnight(begin + DAY + 12 * HOUR)


def _midnight(at: Instant) -> Instant:
    """Return the beginning of the day in the zone of the terminal; days on which clocks change have their length."""
    day = time.localtime(at // SECOND)
    return round(time.mktime((day.tm_year, day.tm_mon, day.tm_mday, 0, 0, 0, 0, 0, -1))) * SECOND


def _timeline(source: Backend, call: Context, begin: Instant, end: Instant) -> Timeline:
    tasks = chosen_tasks(source, call.choices.subjects)
    runs = list(every_run(source, RunQuery("", begin - LONGEST, end)))
    runs += every_run(source, RunQuery("", until=end, actions=("run",)))
    line = Timeline.of([text(task, "task") for task in tasks], runs, begin, end, call.now)
    if end > call.now:
        _plan(source, line, tasks)
    return line


def _plan(source: Backend, line: Timeline, tasks: list[JsonObject]) -> None:
    """Add the starts that are expected, or the next of each task if the daemon does not tell them to this user."""
    try:
        planned = source.planned(line.end)
        for task, at in planned.starts:
            line.plan(task, at)
        line.planned_until = line.end if planned.complete or not planned.starts else planned.starts[-1][1]
    except RocketdError:
        for one in tasks:
            if (upcoming := instant(one, "next")) is not None:
                line.plan(text(one, "task"), upcoming)
