"""The list of tasks: the task comes first, and the wider the terminal the more is said about it.

below 110 columns   TASK  NEXT (short)  LEFT  LAST (how long ago)  RESULT
from 110 columns    … and WHEN
from 150 columns    NEXT and LAST in full
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.cli.json_fields import flag, instant, number, text, words
from rocketd.cli.render import time_format
from rocketd.cli.render.columns import GAP, LEAST, table
from rocketd.cli.render.tables import NO_TASKS, if_observed, last_result, only_on, starts_when
from rocketd.cli.render.terminal_text import CYAN, FAINT, YELLOW, Cell, cut, width
from rocketd.core.plural import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rocketd.cli.render.tables import RenderOptions
    from rocketd.daemon.json_format import JsonObject

WITH_CONDITION: Final = 110
"""From how many columns on there is room for WHEN."""
IN_FULL: Final = 150
"""From how many columns on there is room for whole dates."""
AWAITED: Final = 28
"""How many columns a table has for what a task awaits; `why` shows all of it."""
AWAITED_NARROW: Final = 18


def task_table(tasks: Sequence[JsonObject], look: RenderOptions, *, of: int | None = None) -> list[str]:
    """Draw tasks; `of`: how many there are in all, if some are left out."""
    if not tasks:
        return [f"No task matches, of {counted(of, 'task')}."] if of else [NO_TASKS]
    full = look.columns is None or look.columns >= IN_FULL
    with_condition = look.columns is None or look.columns >= WITH_CONDITION
    headings = ["TASK", "NEXT", "LEFT", *(["LAST", "PASSED"] if full else ["LAST"]), "RESULT"]
    rows = [_row(task, look, full=full) for task in tasks]
    if with_condition:
        headings.append("WHEN")
        rows = [[*row, Cell(starts_when(task))] for row, task in zip(rows, tasks, strict=True)]
    rows = _fitted(rows, headings, look)
    return [*table(headings, rows, columns=look.columns, colour=look.colour), "", _summary(tasks, of)]


def fleet_task_table(tasks: Sequence[JsonObject], look: RenderOptions) -> list[str]:
    """Draw tasks of several hosts; nobody knows when one that is not heard of starts its tasks."""
    full = look.columns is None or look.columns >= IN_FULL
    headings = ["HOST", "TASK", "NEXT", "LEFT", *(["LAST", "PASSED"] if full else ["LAST"]), "RESULT", "WHEN"]
    rows: list[list[Cell]] = []
    for task in tasks:
        name, upcoming, left, *rest = _row(task, look, full=full)
        if not flag(task, "alive"):
            upcoming, left = Cell(time_format.NEVER), Cell("not heard of", YELLOW)
        rows.append([Cell(text(task, "host")), name, upcoming, left, *rest, Cell(starts_when(task))])
    return table(headings, rows, columns=look.columns, colour=look.colour)


def _row(task: JsonObject, look: RenderOptions, *, full: bool) -> list[Cell]:
    upcoming, last = instant(task, "next"), instant(task, "last_start")
    passed = Cell(time_format.passed(last, look.now))
    dates = [time_format.local(upcoming), time_format.local(last)] if full else [time_format.short(upcoming, look.now)]
    return [
        Cell(text(task, "task")),
        Cell(dates[0]),
        _left(task, look),
        *([Cell(dates[1])] if full else []),
        passed,
        last_result(task),
    ]


def _fitted(rows: list[list[Cell]], headings: Sequence[str], look: RenderOptions) -> list[list[Cell]]:
    """Shorten the names of tasks so that the rest of the line fits."""
    if look.columns is None:
        return rows
    others = [max(width(heading), *(width(row[place].text) for row in rows)) for place, heading in enumerate(headings)]
    if headings[-1] == "WHEN":  # which is cut first
        others[-1] = min(others[-1], LEAST)
    room = max(look.columns - sum(others[1:]) - len(GAP) * (len(others) - 1), LEAST)
    return [[Cell(cut(row[0].text, room), row[0].colour), *row[1:]] for row in rows]


def _left(task: JsonObject, look: RenderOptions) -> Cell:
    if flag(task, "disabled"):
        return Cell("other hosts" if flag(task, "elsewhere") else "disabled", FAINT)
    if text(task, "standby") or flag(task, "paused"):
        return Cell("stands by", FAINT) if text(task, "standby") else Cell("paused", YELLOW)
    if flag(task, "running") and instant(task, "next") is None:
        return Cell("running", CYAN)
    narrow = look.columns is not None and look.columns < WITH_CONDITION
    longest = None if look.columns is None else AWAITED_NARROW if narrow else AWAITED
    if waits := text(task, "waits"):
        return Cell(f"waits: {waits}" if longest is None else cut(f"waits: {waits}", longest), YELLOW)
    if (occasion := only_on(task)) is not None:
        return Cell(occasion)
    left = if_observed(task, time_format.left(instant(task, "next"), look.now), longest)
    return Cell(cut(left, AWAITED_NARROW) if narrow else left)


def _summary(tasks: Sequence[JsonObject], of: int | None) -> str:
    running = sum(flag(task, "running") for task in tasks)
    paused = sum(flag(task, "paused") for task in tasks)
    disabled = sum(flag(task, "disabled") for task in tasks)
    loaded = len(tasks) - disabled
    parts = [counted(loaded, "task") if of in {None, len(tasks)} else f"{len(tasks)} of {counted(of or 0, 'task')}"]
    counts = ((running, "running"), (paused, "paused"), (disabled, "disabled"))
    return f"{', '.join([*parts, *(f'{count} {what}' for count, what in counts if count)])}."


def missing_table(files: Sequence[JsonObject], look: RenderOptions) -> list[str]:
    """Draw the tasks that errors keep from being loaded, each with its file and the reason."""
    rows = [
        [
            Cell(name),
            Cell(f"{text(one, 'file')}{f':{line}' if (line := number(one, 'line')) else ''}"),
            Cell(text(one, "problem")),
        ]
        for one in files
        for name in words(one, "tasks") or ["?"]
    ]
    if not rows:
        return ["No task is missing."]
    return table(("TASK", "FILE", "PROBLEM"), rows, columns=look.columns, colour=look.colour)
