"""What would run when, from loaded tasks and their records, if there are any that can be read here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from os import uname
from pathlib import Path
from statistics import median_low
from typing import TYPE_CHECKING, Final

from rocketd.core.errors import StoreError
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.records import RunFilter, RunView
from rocketd.core.model.run import Action, Run
from rocketd.core.model.task import Task
from rocketd.core.scheduler.forecast import ExpectedRun, Forecast
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.daemon.recovery import recover_scheduler
from rocketd.store.sqlite.migrations import version_of
from rocketd.store.sqlite.schema import FILE_NAME
from rocketd.store.sqlite.store import SqliteReader, open_reader

if TYPE_CHECKING:
    from rocketd.config import LoadResult

RECENT: Final = 11
"""A task's usual time is the median of this many last runs."""
UNKNOWN: Final = ExpectedRun(SECOND)
"""The length and end of a run without records."""


def forecast_of(
    loaded: LoadResult, state_dir: str, begin: Instant, now: Instant, note: Callable[[str], None]
) -> Forecast:
    """Continue from the records; from a time in the past, or without records, begin anew. Raises StoreError.

    `note` gets why records cannot be read.
    """
    scheduler = Scheduler(
        host=uname().nodename, new_run_id=lambda _: "", max_running=loaded.settings.max_running, next_steps=0
    )
    with _reader(loaded, Path(state_dir), note) as reader:
        if reader is None:
            scheduler.load(loaded.tasks, begin, {})
            return Forecast(scheduler, begin, lambda _: UNKNOWN)
        course = partial(_course, {task.name: _usual_outcome(reader, task) for task in loaded.tasks})
        if begin < now:
            scheduler.load(loaded.tasks, begin, {})
            return Forecast(scheduler, begin, course)
        recovered = recover_scheduler(reader, scheduler, loaded.tasks, now)
        forecast = Forecast(scheduler, now, course)
        forecast.go_on([one.run for one in recovered.open_runs])
        return forecast


@contextmanager
def _reader(loaded: LoadResult, state_dir: Path, note: Callable[[str], None]) -> Iterator[SqliteReader | None]:
    """Open the store; None: there is none, or it cannot be read here."""
    if loaded.settings.store.url or loaded.settings.store.repo or not _is_recorded(state_dir, note):
        yield None
        return
    with closing(open_reader(state_dir)) as reader:
        yield reader


def _is_recorded(state_dir: Path, note: Callable[[str], None]) -> bool:
    try:
        return version_of(state_dir / FILE_NAME) > 0
    except StoreError as error:
        note(f"cannot read the run log: {error.message}")
        return False


def _course(usual: dict[str, ExpectedRun], run: Run) -> ExpectedRun:
    return usual.get(run.task, UNKNOWN)


def _usual_outcome(reader: SqliteReader, task: Task) -> ExpectedRun:
    runs = reader.runs(RunFilter(task=task.name, actions=(Action.SUCCESS,), limit=RECENT))
    measured = [_duration(view) for view in runs]
    return ExpectedRun(median_low(measured)) if measured else UNKNOWN


def _duration(view: RunView) -> Duration:
    return view.end.runtime if view.end else 0
