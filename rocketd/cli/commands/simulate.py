"""`rocketctl simulate`: what would run when, from task files, and the store where there is one."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median_low
from typing import TYPE_CHECKING, Final

from rocketd.cli.backend.offline import checked
from rocketd.cli.context import time_point
from rocketd.cli.exit_codes import ExitCode, UsageError
from rocketd.cli.render import time_format
from rocketd.cli.render.columns import table
from rocketd.cli.render.tables import RenderOptions
from rocketd.cli.render.terminal_text import Cell
from rocketd.core.errors import StoreError
from rocketd.core.instant import DAY, SECOND, Instant
from rocketd.core.model.records import RunFilter, RunView
from rocketd.core.model.run import Action, Run
from rocketd.core.model.task import Task
from rocketd.core.scheduler.forecast import ExpectedRun, Forecast
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.json_format import JsonObject, rfc3339
from rocketd.daemon.recovery import recover_scheduler
from rocketd.store.sqlite.migrations import version_of
from rocketd.store.sqlite.schema import FILE_NAME
from rocketd.store.sqlite.store import SqliteReader, open_reader

if TYPE_CHECKING:
    from rocketd.cli.context import Context
    from rocketd.config import LoadResult

MOST: Final = 100_000
"""How many runs to show."""
RECENT: Final = 11
"""A task's usual time is the median of this many last runs."""
UNKNOWN: Final = ExpectedRun(SECOND)
"""The length and end of a run without records."""


def simulate(call: Context) -> ExitCode:
    """Show what would run when."""
    loaded = checked(call.choices)
    begin, end = _span(call)
    if not loaded.valid:
        call.terminal.note("some task files have errors, see rocketctl check; their tasks are left out")
    forecast = forecast_of(call, loaded, begin)
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


def forecast_of(call: Context, loaded: LoadResult, begin: Instant) -> Forecast:
    """Continue from the records; from a time in the past, or without records, begin anew."""
    scheduler = Scheduler(
        host=platform.node(), new_run_id=lambda _: "", max_running=loaded.settings.max_running, next_steps=0
    )
    with _reader(call, loaded) as reader:
        if reader is None:
            scheduler.load(loaded.tasks, begin, {})
            return Forecast(scheduler, begin, lambda _: UNKNOWN)
        usual = {task.name: _usual_outcome(reader, task) for task in loaded.tasks}
        course = partial(_course, usual)
        if begin < call.now:
            scheduler.load(loaded.tasks, begin, {})
            return Forecast(scheduler, begin, course)
        recovered = recover_scheduler(reader, scheduler, loaded.tasks, call.now)
        forecast = Forecast(scheduler, call.now, course)
        forecast.go_on([one.run for one in recovered.open_runs])
        return forecast


def _course(usual: dict[str, ExpectedRun], run: Run) -> ExpectedRun:
    return usual.get(run.task, UNKNOWN)


@contextmanager
def _reader(call: Context, loaded: LoadResult) -> Iterator[SqliteReader | None]:
    """Open the store; None: there is none, or it cannot be read here. Raises StoreError."""
    elsewhere = loaded.settings.store.url or loaded.settings.store.repo
    if elsewhere or not _recorded(call):
        yield None
        return
    with closing(open_reader(Path(call.choices.state_dir))) as reader:
        yield reader


def _recorded(call: Context) -> bool:
    try:
        return version_of(Path(call.choices.state_dir) / FILE_NAME) > 0
    except StoreError as error:
        call.terminal.note(f"cannot read the run log: {error.message}")
        return False


def _usual_outcome(reader: SqliteReader, task: Task) -> ExpectedRun:
    runs = reader.runs(RunFilter(task=task.name, actions=(Action.SUCCESS,), limit=RECENT))
    measured = [_duration(view) for view in runs]
    return ExpectedRun(median_low(measured)) if measured else UNKNOWN


def _duration(view: RunView) -> Instant:
    return view.end.runtime if view.end else 0


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
