"""Runs where no daemon runs: from the store, changing nothing."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from rocketd.cli.backend.backend import RunQuery
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.cli.parser import Choices
from rocketd.core.errors import StoreError
from rocketd.core.model.events import NoSuchRun
from rocketd.core.model.records import RunFilter, RunPage, RunView
from rocketd.core.model.run import Action
from rocketd.daemon.json_format import JsonObject
from rocketd.daemon.lookup import only_match, run_filter_of
from rocketd.daemon.serializers import run_object
from rocketd.store.sqlite.migrations import version_of
from rocketd.store.sqlite.schema import FILE_NAME
from rocketd.store.sqlite.store import SqliteReader, open_reader

NO_DAEMON: Final = "no daemon is running"

PART: Final = 1000
"""How many runs of a long list to read at once."""


class OfflineRuns:
    """What is recorded in the state directory."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self.directory = Path(choices.state_dir)
        self.warnings: list[str] = []
        """Why the answers may be incomplete."""

    def of(self, query: RunFilter) -> Sequence[RunView]:
        """Return runs, newest first."""
        with self.reader() as reader:
            return reader.runs(query) if reader else []

    def newest(self, query: RunQuery) -> list[JsonObject]:
        """Return runs as JSON, newest first."""
        return [run_json(view) for view in self.of(_filter(query))]

    def part(self, query: RunQuery, after: int) -> JsonObject:
        """Some runs after this place in the log, the first recorded first."""
        with self.reader() as reader:
            part = reader.page(_filter(query._replace(limit=PART)), after) if reader else RunPage([], None)
        return {"runs": [run_json(view) for view in part.runs], "next": part.next}

    def run(self, name: str) -> JsonObject:
        """Everything about one."""
        try:
            return run_json(only_match(name, self.of(run_filter_of(name))))
        except NoSuchRun as error:
            raise Failure(error.message, hint=error.hint, code=ExitCode.NOT_FOUND) from None

    @contextmanager
    def reader(self) -> Iterator[SqliteReader | None]:
        """Open the store; None: the state directory has no records yet."""
        with store_failures():
            if self.directory.is_dir() and not version_of(self.directory / FILE_NAME):
                self._must_be_here()
                yield None
                return
            with closing(open_reader(self.directory)) as reader:
                yield reader
                if reader.faults:
                    self.warnings.append(
                        f"the store has records that rocketd did not write; they are ignored: {reader.faults}"
                    )

    def _must_be_here(self) -> None:
        """Raise Failure if there may be runs elsewhere: a daemon would read a repository first."""
        from rocketd.cli.backend.loaded_files import directories_of  # noqa: PLC0415 - only if there is no store
        from rocketd.config import load_settings  # noqa: PLC0415 - as above
        from rocketd.store.replication.target import ReplicationTarget  # noqa: PLC0415 - as above

        settings = load_settings(directories_of(self._choices.config_dir), strict=os.geteuid() == 0)
        if settings is None:
            msg = "rocketd.toml has errors, so rocketctl cannot tell where the records are"
            raise Failure(msg, hint="see rocketctl check")
        if settings.store.url or settings.store.repo:
            elsewhere = ReplicationTarget(settings.store.url, settings.store.repo)
            msg = f"no local run log yet; start the daemon once to import the records in {elsewhere}"
            raise Failure(msg, hint="systemctl start rocketd", code=ExitCode.NO_DAEMON)


@contextmanager
def store_failures() -> Iterator[None]:
    """Raise Failure, with its exit code, for what the store cannot do."""
    try:
        yield
    except StoreError as error:
        denied = isinstance(error.__cause__, PermissionError)
        code = ExitCode.NOT_ALLOWED if denied else ExitCode.FAILED
        raise Failure(error.message, hint=error.hint, code=code) from error


def run_json(view: RunView) -> JsonObject:
    """Return a run; `open`: the last daemon left it behind without an end, which the next one will record."""
    run = run_object(view)
    return {**run, "open": True} if view.action is Action.RUN else run


def _filter(query: RunQuery) -> RunFilter:
    actions = tuple(map(Action, query.actions))
    return RunFilter(task=query.task, since=query.since, until=query.until, actions=actions, limit=query.limit)
