"""`rocketctl simulate`: what would run when, from task files, and the store where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rocketd.cli.backend.forecast import forecast_of
from rocketd.cli.backend.loaded_files import checked
from rocketd.cli.context import time_point
from rocketd.cli.exit_codes import ExitCode, UsageError
from rocketd.cli.render import time_format
from rocketd.cli.render.columns import table
from rocketd.cli.render.tables import RenderOptions
from rocketd.cli.render.terminal_text import Cell
from rocketd.core.instant import DAY, Instant
from rocketd.core.model.run import Run
from rocketd.core.scheduler.forecast import Forecast
from rocketd.daemon.json_format import JsonObject, rfc3339

if TYPE_CHECKING:
    from rocketd.cli.context import Context

MOST: Final = 100_000
"""How many runs to show."""


def simulate(call: Context) -> ExitCode:
    """Show what would run when."""
    loaded = checked(call.choices)
    begin, end = _span(call)
    if not loaded.valid:
        call.terminal.note("some task files have errors, see rocketctl check; their tasks are left out")
    forecast = forecast_of(loaded, call.choices.state_dir, begin, call.now, call.terminal.note)
    runs = _runs(forecast, begin, end)
    if call.choices.json:
        call.terminal.json([_object(run) for run in runs])
    else:
        call.terminal.show(_drawn(runs, call.look))
    if len(runs) == MOST or not forecast.complete:
        call.terminal.note(f"there may be more; the search ended at {time_format.local(forecast.now)}")
    return ExitCode.DONE if loaded.valid or loaded.tasks else ExitCode.FAILED


def _span(call: Context) -> tuple[Instant, Instant]:
    choices, now = call.choices, call.now
    begin = time_point(choices.begin, now) if choices.begin else now
    end = time_point(choices.end, now) if choices.end else begin + DAY
    if end <= begin:
        msg = f"--to {choices.end!r} is not after {f'--from {choices.begin!r}' if choices.begin else 'now'}"
        raise UsageError(msg)
    return begin, end


def _runs(forecast: Forecast, begin: Instant, end: Instant) -> list[Run]:
    runs: list[Run] = []
    for run in forecast.runs(end):
        if run.start >= begin:
            runs.append(run)
        if len(runs) == MOST:
            break
    return runs


def _object(run: Run) -> JsonObject:
    return {
        "task": run.task,
        "due": rfc3339(run.due),
        "start": rfc3339(run.start),
        "attempt": run.attempt,
        "reason": run.reason,
    }


def _drawn(runs: list[Run], look: RenderOptions) -> list[str]:
    if not runs:
        return ["Nothing would run."]
    rows = [
        [
            Cell(time_format.local(run.start)),
            Cell(time_format.passed(run.start, look.now)),
            Cell(run.task),
            Cell(run.reason),
        ]
        for run in runs
    ]
    return table(("START", "LEFT", "TASK", "BECAUSE"), rows, columns=look.columns, colour=look.colour)
