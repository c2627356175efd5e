"""The thread that sends records to another repository, and reads them back at start.

Only this thread uses the repository, and nothing waits for it: it may hang for hours. Meanwhile, records wait in the
outbox of the state directory. A record that may have arrived unnoticed is looked up before it is sent again.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias, TypeVar

from rocketd.background_threads import WorkerThread
from rocketd.core.backoff import Backoff
from rocketd.core.dataclass import dataclass
from rocketd.core.errors import StoreError
from rocketd.core.instant import DAY, Instant
from rocketd.store.redbird.compat import BaseRepo, Between, In
from rocketd.store.redbird.mapping import fill_missing_fields, numbered_anew
from rocketd.store.redbird.sink import RepositorySink, first_line, translating_repo_errors
from rocketd.store.rejected_lines import ReportDamage
from rocketd.store.replication import outbox, remote_pruning
from rocketd.store.replication.outbox_sender import OutboxSender
from rocketd.store.replication.repository_call_queue import RepositoryCalls
from rocketd.store.sqlite.connection import Database, Durability
from rocketd.store.sqlite.rows import Row, seconds
from rocketd.store.sqlite.schema import FILE_NAME

RETRY: Final = Backoff(0.05, 5.0)
"""Seconds between two attempts at a repository that fails."""
CLOSE_TIMEOUT: Final = 10.0
"""Seconds that a repository may take for the last records when the daemon stops; the next one sends the rest."""
_BATCH: Final = 500
"""Records that are deleted, and tasks that are queried, at a time."""
_FOREVER: Final = seconds(2**62)


@dataclass(frozen=True, slots=True)
class ImportQuery:
    """What to read at start."""

    tasks: AbstractSet[str]
    """The loaded tasks."""
    numbers: Mapping[str, int]
    """The next number of each task with state here."""
    since: Instant | None
    """Older records of these tasks are not needed; None: nothing is kept here."""


@dataclass(frozen=True, slots=True)
class RepositoryOutage:
    """The repository cannot be written."""

    error: StoreError
    seconds: float
    """How long it has lasted, in seconds."""
    waiting: int
    """How many records are waiting."""


_ENDED: Final = StoreError("the run log's repository is closed: the scheduler has stopped")
T = TypeVar("T")
ReportOutage: TypeAlias = Callable[[RepositoryOutage | None], None]


class Replicator:
    """Sends the records in the outbox of a state directory.

    `report_outage` is called on its thread: for each failure, and with None once the outage is over. `open_repo` is
    called when the repository is first needed, and again until it succeeds; it raises a StoreError that is not
    temporary if retrying is useless.
    """

    def __init__(  # noqa: PLR0913 - what it connects
        self,
        open_repo: Callable[[], BaseRepo],
        directory: Path,
        host: str,
        report_outage: ReportOutage,
        durability: Durability = "full",
        *,
        previous: "Replicator | None" = None,
        report_damage: ReportDamage = lambda _, __: None,
    ) -> None:
        """`previous` used the same state directory in this process, and may still wait for its repository.

        `host`: whose records are read; empty: all. `report_damage` is called for unreadable records in the outbox.
        """
        self.lock = Lock()
        """Held by whoever writes to the database of the state directory: two of one process need not try again."""
        self._open_repo = open_repo
        self._host = host
        self._report_outage = report_outage
        self._database = Database(directory / FILE_NAME, durability=durability)
        self._sink: RepositorySink | None = None
        self._sender = OutboxSender(self._database, self.lock, report_damage)
        self._needs_repair = True  # a record may be partly written
        self._woken = True  # an earlier daemon may have left records
        self._calls = RepositoryCalls()
        self._import_request: tuple[Future[list[Row]], ImportQuery] | None = None
        self._prune_before: Instant | None = None
        self._last_prune: Instant | None = None
        self._ended = False
        self.outage: RepositoryOutage | None = None
        """The error that makes records wait; None: they do not wait, or only for their turn."""
        self._previous = previous
        self._thread = WorkerThread("replicator", self._run)

    def start(self) -> None:
        """Start sending. The database schema must be up to date."""
        with self.lock, self._database.writing() as database:
            outbox.mark_uncertain(database)
        self._thread.start()

    def wake(self) -> None:
        """Wake the thread: there are new records in the outbox."""
        with self._thread.changing():
            self._woken = True

    def read(self, import_query: ImportQuery) -> "Future[list[Row]]":
        """Read this host's records, complete and in log order; call it once, after `start`."""
        future: Future[list[Row]] = Future()
        with self._thread.changing():
            self._import_request = (future, import_query)
        return future

    def call(self, work: Callable[[BaseRepo], T]) -> "Future[T]":
        """Call `work` with the repository, after trying to send what was recorded before."""
        return self.deliver(lambda sink: work(sink.repo))

    def deliver(self, work: Callable[[RepositorySink], T]) -> "Future[T]":
        """Call `work` with the sink, to put records there, in the order of the calls."""
        future = self._calls.add(work)
        with self._thread.changing():
            self._woken = True
            if self._ended:
                self._calls.fail(_ENDED)
        return future

    def prune(self, before: Instant, now: Instant) -> None:
        """Delete records of runs that ended before then from the repository, at most once a day."""
        if self._last_prune is None or abs(now - self._last_prune) >= DAY:
            with self._thread.changing():
                self._prune_before, self._last_prune = before, now

    @property
    def missing_fields(self) -> tuple[str, ...]:
        """The fields of a run record that the repository does not store; empty before it has been opened."""
        return tuple(self._sink.missing_fields) if self._sink else ()

    @property
    def repaired(self) -> str:
        """What of the repository was moved aside, as it was half a record; empty: nothing."""
        return self._sink.repaired if self._sink else ""

    @property
    def skipped_reason(self) -> str:
        """Why some records of the repository could not be read; empty: all could."""
        return self._sink.skipped_reason if self._sink else ""

    @property
    def is_unique(self) -> bool:
        """Whether the repository itself refuses duplicate records; False before it has been opened."""
        return self._sink is not None and self._sink.is_unique

    def close(self) -> None:
        """Send the remaining records, for a while, and end the thread."""
        if self._thread.close(CLOSE_TIMEOUT):
            self._database.close()

    def join(self) -> None:
        """Wait without a limit until its thread has ended."""
        self._thread.join()

    # -- on its thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        previous, self._previous = self._previous, None
        if previous is not None:
            previous.join()
        pause, since = 0.0, None
        while self._wait_for_work(pause):
            try:
                self._process()
            except Exception as error:  # noqa: BLE001 - a repository is anybody's code, and may raise anything
                self._needs_repair, since = True, since or time.monotonic()
                pause = RETRY.after(pause)
                self.outage = RepositoryOutage(_store_error(error), time.monotonic() - since, self._waiting())
                self._report_outage(self.outage)
                if self._sink is None:
                    self._calls.fail(_store_error(error))
            else:
                if since is not None:
                    self._report_outage(None)
                self.outage = None
                pause, since = 0.0, None
        if pause:  # it failed before the stop was requested: it may be available again
            with suppress(Exception):
                self._process()
                self.outage = None
        with self._thread.locked():
            self._ended = True
            self._calls.fail(_ENDED)

    def _wait_for_work(self, pause: float) -> bool:
        """Wait for work, or after a failure for the pause; return False when it is time to end."""
        if pause:
            with self._thread.waiting_for(lambda: self._thread.closing or self._calls, pause):
                return not self._thread.closing
        with self._thread.waiting_for(lambda: self._busy or self._thread.closing):
            busy, self._woken = self._busy, False
            return busy or not self._thread.closing

    @property
    def _busy(self) -> bool:
        return bool(self._woken or self._import_request or self._prune_before is not None)

    def _process(self) -> None:
        try:
            if self._import_request:
                self._import(*self._import_request)
            while self._sender.send_some(self._open_sink()):
                pass
            self._prune_repository()
        finally:
            if self._sink:
                self._sink.end_transaction()
                self._calls.make(self._sink)

    def _open_sink(self) -> RepositorySink:
        with translating_repo_errors():
            self._sink = self._sink or RepositorySink(self._open_repo())
            if self._needs_repair:
                self._sender.repair(self._sink)
                self._needs_repair = False
        return self._sink

    def _import(self, future: "Future[list[Row]]", import_query: ImportQuery) -> None:
        self._import_request = None
        if not future.set_running_or_notify_cancel():
            return
        try:
            sink = self._open_sink()
            with translating_repo_errors():
                rows = [row for query in self._queries(sink, import_query) for row in sink.read(query)]
            future.set_result(fill_missing_fields(*numbered_anew(rows, sink.fields), import_query.numbers))
        except BaseException as error:
            future.set_exception(_store_error(error))
            raise

    def _queries(self, sink: RepositorySink, import_query: ImportQuery) -> Iterator[dict[str, object]]:
        """Query only what is needed, where the repository can filter; duplicates do no harm."""
        if import_query.since is None or not sink.can_compare:
            yield self._host_query(sink)
            return
        yield self._host_query(sink) | {"created": Between(seconds(import_query.since), _FOREVER)}
        unknown = sorted(import_query.tasks - import_query.numbers.keys())
        for start in range(0, len(unknown), _BATCH):
            names, before = unknown[start : start + _BATCH], seconds(import_query.since - 1)
            yield self._host_query(sink) | {"task_name": In(names), "created": Between(0.0, before)}

    def _host_query(self, sink: RepositorySink) -> dict[str, object]:
        return {"host": self._host} if self._host and "host" in sink.fields else {}

    def _waiting(self) -> int:
        try:
            with self.lock, self._database.reading() as database:
                return outbox.count(database)
        except StoreError:
            return 0

    def _prune_repository(self) -> None:
        before, self._prune_before = self._prune_before, None
        if before is None:
            return
        sink = self._open_sink()
        with self.lock, self._database.reading() as database:
            local = remote_pruning.local_names(database, before)
        query = self._host_query(sink) | ({"created": Between(0.0, seconds(before))} if sink.can_compare else {})
        prunable_rows = [
            *remote_pruning.prunable(fill_missing_fields(sink.read(query), sink.fields, {}), before, local)
        ]
        for start in range(0, len(prunable_rows), _BATCH):
            sink.delete(prunable_rows[start : start + _BATCH])


def _store_error(error: BaseException) -> StoreError:
    if isinstance(error, StoreError):
        return error
    hint = "check that its file, server or table is there"
    return StoreError(f"the run log's repository cannot be written: {first_line(error)}", hint=hint, temporary=True)
