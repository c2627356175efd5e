"""Tasks and runs where no daemon runs: from the task files and the store, changing nothing."""

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Final, cast

from rocketd.cli.backend.backend import RunQuery
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.parser import Choices
from rocketd.config import DEFAULT_DIRECTORIES, DEFAULTS, LoadResult, load, load_settings
from rocketd.config.not_loaded import task_files_status
from rocketd.core.errors import StoreError
from rocketd.core.instant import Instant
from rocketd.core.model.events import Finished, NoSuchRun, NoSuchTask
from rocketd.core.model.records import RunFilter, RunPage, RunView
from rocketd.core.model.run import Action, Cause, End
from rocketd.core.scheduler.scheduler import Scheduler
from rocketd.core.scheduler.task_state import ScheduledTask
from rocketd.daemon.json_format import Json, JsonObject, rfc3339
from rocketd.daemon.lookup import find_disabled, only_match, require_loaded, run_filter_of
from rocketd.daemon.recovery import recover_scheduler
from rocketd.daemon.serializers import (
    disabled_details,
    disabled_object,
    run_object,
    task_details,
    task_object,
    why_object,
)
from rocketd.store.replication.target import ReplicationTarget
from rocketd.store.sqlite.migrations import version_of
from rocketd.store.sqlite.schema import FILE_NAME
from rocketd.store.sqlite.store import SqliteReader, SqliteStore, open_reader
from rocketd.store.state_lock import StateLock

NO_DAEMON: Final = "no daemon is running"
FILES_WRONG: Final = "some task files have errors; this list may be incomplete; see rocketctl check"
RUNS_SHOWN: Final = 5
"""How many of its newest runs to show with a task."""


EXPLAINED: Final = 100
"""How many tasks to explain at once."""

PART: Final = 1000
"""How many runs of a long list to read at once."""

PRUNED: Final = 5_000
"""How many records to delete at once, as nothing waits for the store."""


class OfflineBackend:
    """The backend that reads the task files and the store."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._now: Instant = time.time_ns() // 1000
        self.origin = f"{NO_DAEMON}: this is from the store"
        """The source of the answers so far."""
        self.warnings: list[str] = []
        """Why the answers may be incomplete."""

    def tasks(self) -> list[JsonObject]:
        """Every task that a daemon would load now, and those that are disabled."""
        history = self._scheduler.history
        loaded = [_idle(task_object(entry, history.of(name))) for name, entry in self._scheduler.tasks.items()]
        return [*loaded, *map(disabled_object, self._loaded.disabled)]

    def files(self, *, always: bool = True) -> JsonObject:  # noqa: ARG002 - it costs nothing here
        """What is wrong in the task files."""
        return cast("JsonObject", task_files_status(self._loaded))

    def task(self, name: str) -> JsonObject:
        """Everything about one."""
        details = self._details(name)
        runs: list[Json] = [_run_json(view) for view in self._runs(RunFilter(task=name, limit=RUNS_SHOWN))]
        blocked = NO_DAEMON if details["due"] else None
        return _idle({**details, "blocked": blocked, "runs": runs})

    def _details(self, name: str) -> JsonObject:
        if disabled := find_disabled(self._loaded.disabled, name):
            return disabled_details(disabled)
        return task_details(self._entry(name), self._scheduler.history.of(name))

    def why(self, name: str, at: Instant | None) -> JsonObject:
        """What a task's condition says now, or at that instant."""
        from rocketd.core.explain.why import why, why_then  # noqa: PLC0415 - other verbs need none of it
        from rocketd.core.history.as_of import history_as_of, runs_needed  # noqa: PLC0415 - as above

        scheduler, entry = self._scheduler, self._entry(name)
        if at is None or at >= self._now:
            return why_object(why(scheduler, name, self._now, at, idle=NO_DAEMON))
        runs = [run for query in runs_needed(entry.task, scheduler.history, at) for run in self._runs(query)]
        return why_object(why_then(entry.task, history_as_of(entry.task, scheduler.history, runs, at), at))

    def why_all(self, at: Instant | None) -> Iterator[list[JsonObject]]:
        """What the condition of each task says, by name."""
        names = sorted(self._scheduler.tasks)
        for begin in range(0, len(names), EXPLAINED):
            yield [self.why(name, at) for name in names[begin : begin + EXPLAINED]]

    def runs(self, query: RunQuery) -> list[JsonObject]:
        """Runs, newest first."""
        return [_run_json(view) for view in self._runs(_filter(query))]

    def part(self, query: RunQuery, after: int) -> JsonObject:
        """Some runs after this place in the log, the first recorded first."""
        with self._reader() as reader:
            part = reader.page(_filter(query._replace(limit=PART)), after) if reader else RunPage([], None)
        return {"runs": [_run_json(view) for view in part.runs], "next": part.next}

    def prune(self, before: Instant | None, *, dry_run: bool) -> JsonObject:
        """Delete the records that are old, holding the daemon's lock; with `dry_run`, only count them."""
        if not self._loaded.valid:
            msg = "task files have errors, so rocketctl cannot tell which records conditions still need"
            raise Failure(msg, hint="see rocketctl check")
        from rocketd.daemon.retention import oldest_kept  # noqa: PLC0415 - it brings asyncio with it

        before = oldest_kept(self._loaded.settings.store.keep, before, self._now)
        spare = self._scheduler.history.reach
        with self._reader() as reader:
            old = reader.count_old(before, spare, self._now) if reader else 0
        if old and not dry_run:
            with _failures(), StateLock(self._directory), closing(SqliteStore(self._directory)) as store:
                while store.prune(before, spare, self._now, PRUNED):
                    pass
        return {"records": old, "before": rfc3339(before), "dry_run": dry_run}

    def run(self, name: str) -> JsonObject:
        """Everything about one."""
        try:
            return _run_json(only_match(name, self._runs(run_filter_of(name))))
        except NoSuchRun as error:
            raise Failure(error.message, hint=error.hint, code=ExitCode.NOT_FOUND) from None

    def _entry(self, name: str) -> ScheduledTask:
        try:
            require_loaded(self._scheduler, self._loaded.disabled, self._loaded.missing, name)
        except NoSuchTask as error:
            raise Failure(error.message, hint=error.hint, code=ExitCode.NOT_FOUND) from None
        return self._scheduler.find(name)

    @cached_property
    def _loaded(self) -> LoadResult:
        loaded = _load(self._choices)
        self.origin = f"{NO_DAEMON}: showing the task files and the run log"
        if not loaded.valid:
            self.warnings.append(FILES_WRONG)
        return loaded

    @cached_property
    def _scheduler(self) -> Scheduler:
        """Return a scheduler as a daemon would have it now, without a slot to start anything."""
        scheduler = Scheduler(host=platform.node(), new_run_id=lambda _: "", max_running=0)
        scheduler.admission.closed = NO_DAEMON
        with self._reader() as reader:
            if reader is None:
                scheduler.load(self._loaded.tasks, self._now, {})
            else:
                recovered = recover_scheduler(reader, scheduler, self._loaded.tasks, self._now)
                for one in recovered.open_runs:
                    scheduler.learn(Finished(one.run, End(Action.CRASH, Cause.DOWN, one.run.start)))
        scheduler.decide(self._now)
        return scheduler

    def _runs(self, query: RunFilter) -> Sequence[RunView]:
        with self._reader() as reader:
            return reader.runs(query) if reader else []

    @contextmanager
    def _reader(self) -> Iterator[SqliteReader | None]:
        """Open the store; None: the state directory has no records yet."""
        with _failures():
            if self._directory.is_dir() and not version_of(self._directory / FILE_NAME):
                self._must_know()
                yield None
                return
            with closing(open_reader(self._directory)) as reader:
                yield reader
                if reader.faults:
                    self.warnings.append(
                        f"the store has records that rocketd did not write; they are ignored: {reader.faults}"
                    )

    def _must_know(self) -> None:
        """Raise Failure if there may be runs elsewhere: a daemon would read a repository first."""
        settings = load_settings(directories_of(self._choices.config_dir), strict=os.geteuid() == 0)
        if settings is None:
            msg = "rocketd.toml has errors, so rocketctl cannot tell where the records are"
            raise Failure(msg, hint="see rocketctl check")
        if settings.store.url or settings.store.repo:
            elsewhere = ReplicationTarget(settings.store.url, settings.store.repo)
            msg = f"no local run log yet; start the daemon once to import the records in {elsewhere}"
            raise Failure(msg, hint="systemctl start rocketd", code=ExitCode.NO_DAEMON)

    @property
    def _directory(self) -> Path:
        return Path(self._choices.state_dir)


@contextmanager
def _failures() -> Iterator[None]:
    """Raise Failure, with its exit code, for what the store cannot do."""
    try:
        yield
    except StoreError as error:
        denied = isinstance(error.__cause__, PermissionError)
        code = ExitCode.NOT_ALLOWED if denied else ExitCode.FAILED
        raise Failure(error.message, hint=error.hint, code=code) from error


def _filter(query: RunQuery) -> RunFilter:
    actions = tuple(map(Action, query.actions))
    return RunFilter(task=query.task, since=query.since, until=query.until, actions=actions, limit=query.limit)


def _idle(task: JsonObject) -> JsonObject:
    """Without a daemon nothing is running."""
    return {**task, "running": False}


def _run_json(view: RunView) -> JsonObject:
    """Return a run; `open`: the last daemon left it behind without an end, which the next one will record."""
    run = run_object(view)
    return {**run, "open": True} if view.action is Action.RUN else run


def _load(
    choices: Choices,
    paths: Sequence[str] = (),
    at: Instant | None = None,
    installed: LoadResult | None = None,
    *,
    confined: bool = False,
) -> LoadResult:
    known = [] if installed is None else [task.name for task in installed.tasks]
    settings = DEFAULTS if installed is None else installed.settings
    directories = directories_of(paths or choices.config_dir)
    strict = choices.user or os.geteuid() == 0
    return load(directories, strict=strict, known=known, at=at, settings=settings, confined=confined)


def directories_of(paths: Sequence[str]) -> Sequence[Path]:
    """Return these directories, or, without any, those that the daemon reads."""
    return [Path(path) for path in paths] or DEFAULT_DIRECTORIES


def checked(choices: Choices, at: Instant | None = None, *, confined: bool = False) -> LoadResult:
    """Load the given files, or those that the daemon reads.

    A given file may name tasks and calendars that are installed already.
    `at`: the instant for warnings about tasks that never start, or again and again; `confined`: whether processes of
    the daemon are in a sandbox.
    """
    return _load(choices, choices.paths, at, _load(choices) if choices.paths else None, confined=confined)
