"""Tasks where no daemon runs: as one would have loaded them now, from the task files and the records."""

from functools import cached_property
from itertools import islice
from os import uname
from typing import Final, cast

from rocketd.cli.backend.backend import MOST_PLANNED, ExpectedStarts
from rocketd.cli.backend.loaded_files import load_files
from rocketd.cli.backend.offline_runs import NO_DAEMON, OfflineRuns, run_json
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.parser import Choices
from rocketd.config import LoadResult
from rocketd.config.not_loaded import task_files_status
from rocketd.core.instant import Instant
from rocketd.core.model.events import Finished, NoSuchTask
from rocketd.core.model.records import RunFilter
from rocketd.core.model.run import Action, Cause, End
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.core.scheduler.task_state import ScheduledTask
from rocketd.daemon.json_format import Json, JsonObject
from rocketd.daemon.lookup import find_disabled, require_loaded
from rocketd.daemon.recovery import recover_scheduler
from rocketd.daemon.serializers import disabled_details, disabled_object, task_details, task_object, why_object

RUNS_SHOWN: Final = 5
"""How many of its newest runs to show with a task."""


class OfflineTasks:
    """The tasks that a daemon would load now, without a slot to start anything."""

    def __init__(self, choices: Choices, runs: OfflineRuns, now: Instant) -> None:
        self._choices = choices
        self._runs = runs
        self._now = now

    @cached_property
    def loaded(self) -> LoadResult:
        """What is in the task files."""
        return load_files(self._choices)

    @property
    def files(self) -> JsonObject:
        """What is wrong in the task files."""
        return cast("JsonObject", task_files_status(self.loaded))

    def all(self) -> list[JsonObject]:
        """Return every task, and those that are disabled."""
        history = self.scheduler.history
        loaded = [_idle(task_object(entry, history.of(name))) for name, entry in self.scheduler.tasks.items()]
        return [*loaded, *map(disabled_object, self.loaded.disabled)]

    def one(self, name: str) -> JsonObject:
        """Return everything about one."""
        details = self._details(name)
        runs: list[Json] = [run_json(view) for view in self._runs.of(RunFilter(task=name, limit=RUNS_SHOWN))]
        blocked = NO_DAEMON if details["due"] else None
        return _idle({**details, "blocked": blocked, "runs": runs})

    def why(self, name: str, at: Instant | None) -> JsonObject:
        """Return what a task's condition says now, or at that instant."""
        from rocketd.core.explain.why import why, why_then  # noqa: PLC0415 - other verbs need none of it
        from rocketd.core.history.as_of import history_as_of, runs_needed  # noqa: PLC0415 - as above

        scheduler, entry = self.scheduler, self._entry(name)
        if at is None or at >= self._now:
            return why_object(why(scheduler, name, self._now, at, idle=NO_DAEMON))
        runs = [run for query in runs_needed(entry.task, scheduler.history, at) for run in self._runs.of(query)]
        return why_object(why_then(entry.task, history_as_of(entry.task, scheduler.history, runs, at), at))

    def planned(self, until: Instant) -> ExpectedStarts:
        """Return the starts that are expected."""
        from rocketd.cli.backend.forecast import forecast_of  # noqa: PLC0415 - other verbs need none of it

        runs = self._runs
        forecast = forecast_of(self.loaded, str(runs.directory), self._now, self._now, runs.warnings.append)
        found = [(run.task, run.start) for run in islice(forecast.runs(until), MOST_PLANNED)]
        return ExpectedStarts(found, complete=forecast.complete and len(found) < MOST_PLANNED)

    @cached_property
    def scheduler(self) -> Scheduler:
        """Return a scheduler as a daemon would have it now."""
        scheduler = Scheduler(host=uname().nodename, new_run_id=lambda _: "", max_running=0)
        scheduler.admission.closed = NO_DAEMON
        with self._runs.reader() as reader:
            if reader is None:
                scheduler.load(self.loaded.tasks, self._now, {})
            else:
                recovered = recover_scheduler(reader, scheduler, self.loaded.tasks, self._now)
                for one in recovered.open_runs:
                    scheduler.learn(Finished(one.run, End(Action.CRASH, Cause.DOWN, one.run.start)))
        scheduler.decide(self._now)
        return scheduler

    def _details(self, name: str) -> JsonObject:
        if disabled := find_disabled(self.loaded.disabled, name):
            return disabled_details(disabled)
        return task_details(self._entry(name), self.scheduler.history.of(name))

    def _entry(self, name: str) -> ScheduledTask:
        try:
            require_loaded(self.scheduler, self.loaded.disabled, self.loaded.missing, name)
        except NoSuchTask as error:
            raise Failure(error.message, hint=error.hint, code=ExitCode.NOT_FOUND) from None
        return self.scheduler.find(name)


def _idle(task: JsonObject) -> JsonObject:
    """Without a daemon nothing is running."""
    return {**task, "running": False}
