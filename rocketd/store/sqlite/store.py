"""The store with the run log in it: one SQLite file in the state directory."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final, TypeVar

from rocketd.core.errors import StoreError
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.events import Event
from rocketd.core.model.records import Change, OpenRun, RunFilter, RunPage, RunView, TaskState
from rocketd.core.model.run import Action
from rocketd.core.model.run_figures import RunsOfStretch, RunSpans, SpanPlace
from rocketd.store.errors import InvalidText, is_corrupt
from rocketd.store.rejected_lines import ReportDamage
from rocketd.store.sqlite import log_events, recovery_query, run_figures, run_log, run_queries, task_names, task_state
from rocketd.store.sqlite.column_values import ColumnFaults
from rocketd.store.sqlite.connection import Database, Durability, is_in_use
from rocketd.store.sqlite.consistency import make_consistent
from rocketd.store.sqlite.integrity import ensure_intact, mark_damaged
from rocketd.store.sqlite.log_events import LogEvents
from rocketd.store.sqlite.merge import merge_copy
from rocketd.store.sqlite.migrations import check, upgrade
from rocketd.store.sqlite.replaced_database import StoreGuard
from rocketd.store.sqlite.retention import RetentionQuery
from rocketd.store.sqlite.rows import Origin
from rocketd.store.sqlite.schema import FILE_NAME

T = TypeVar("T")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def this_origin() -> Origin:
    """This host and its boot (proc(5), /proc/sys/kernel/random/boot_id)."""
    return Origin(os.uname().nodename, _BOOT_ID.read_text(encoding="ascii").strip())


class SqliteReader:
    """Looks into a store, beside a running daemon or without one. One thread at a time. Methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.faults = ColumnFaults()
        """What was read so far and could not be trusted."""

    def states(self) -> Mapping[str, TaskState]:
        """Return the state of every task ever seen."""
        return self._read(lambda database: task_state.states(database, self.faults))

    def recovery_events(self, reach: Mapping[tuple[str, Action], Duration], now: Instant) -> Sequence[Event]:
        """The events that still matter, of all tasks, in log order; without output and tracebacks."""
        return self._read(lambda database: list(recovery_query.recovery_events(database, reach, now, self.faults)))

    def open_runs(self) -> Sequence[OpenRun]:
        """The runs without an end, in the order in which they were decided."""
        return self._read(lambda database: task_state.open_runs(database, self.faults))

    def last_alive(self) -> Instant | None:
        """The newest sign of life; None: there was none."""
        return self._read(task_state.last_alive)

    def clock_readings(self) -> Mapping[str, ClockReading]:
        """What the clocks showed at the last sign of life (`alive`), and up to when time is `trusted` to have come."""
        return self._read(task_state.clock_readings)

    def runs(self, run_filter: RunFilter) -> Sequence[RunView]:
        """Runs, newest start first; a stretch of missed times is one without a number."""
        return self._read(lambda database: run_queries.find(database, run_filter, self.faults))

    def page(self, run_filter: RunFilter, after: int) -> RunPage:
        """The next of the runs that are wanted after this place in the log, the first recorded first."""
        return self._read(lambda database: run_queries.page(database, run_filter, after, self.faults))

    def last_position(self) -> int:
        """The place of the newest record in the log."""
        return self._read(log_events.last_position)

    def events_after(self, position: int, limit: int) -> LogEvents:
        """Up to `limit` events after that place in the log, in its order."""
        return self._read(lambda database: log_events.events_after(database, position, limit, self.faults))

    def runtimes(self, tasks: Sequence[str], limit: int) -> Mapping[str, Sequence[Duration]]:
        """How long the last successful runs of tasks took, the newest first."""
        return self._read(lambda database: run_figures.runtimes(database, tasks, limit))

    def stretches(self, begin: Instant, end: Instant, step: Duration, task: str) -> Sequence[RunsOfStretch]:
        """How many runs ended how in each stretch of that length; of one task, or of all if it is empty."""
        return self._read(lambda database: run_figures.stretches(database, begin, end, step, task))

    def spans(self, begin: Instant, end: Instant, after: SpanPlace | None, limit: int) -> RunSpans:
        """When runs that began in that time ran, in the order of their beginning, and what was missed."""
        return self._read(lambda database: run_figures.spans(database, begin, end, after, limit))

    def count_old(self, before: Instant, protected: Mapping[tuple[str, Action], Duration], now: Instant) -> int:
        """How many records `Store.prune` would delete in all."""
        return RetentionQuery(self._database).count(before, protected, now)

    def close(self) -> None:
        """Close it; using it again opens it again."""
        self._database.close()

    def _noting_damage(self) -> AbstractContextManager[object]:
        return nullcontext()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Read in one transaction; where a text is no UTF-8, once more and from then on so that it does not matter."""
        try:
            with self._noting_damage(), self._database.reading() as database:
                return work(database)
        except InvalidText as error:
            if self._database.lenient:
                raise
            self.faults.note(error.message)
            self._database.lenient = True
            return self._read(work)


class SqliteStore(SqliteReader):
    """Keeps records and what belongs to the tasks in `rocketd.db`. The state directory's lock is the caller's to hold.

    Making it creates the file or brings an older one up to date. Raises StoreError, also for a store that is newer
    than this program, which is left untouched.
    """

    def __init__(
        self,
        directory: Path,
        *,
        durability: Durability = "full",
        origin: Origin | None = None,
        report_damage: ReportDamage = lambda _, __: None,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        """`report_damage` is called on any thread; `lock` keeps others of this process from writing."""
        self.path = directory / FILE_NAME
        shared = is_in_use(self.path)  # in this process: then it has been looked at
        merged = "" if shared else merge_copy(self.path, running=False)
        upgrade(self.path)
        if not shared:
            ensure_intact(self.path, report_damage)
        super().__init__(Database(self.path, durability=durability))
        self._guard = StoreGuard(self._database, report_damage, lock or nullcontext())
        self._origin = origin or this_origin()
        self._report_damage = report_damage
        self._retention = RetentionQuery(self._database)
        try:
            self._make_consistent()
        except StoreError as error:
            if not is_corrupt(error):
                raise
            super().close()
            ensure_intact(self.path, report_damage)  # it was noted that it is not
            self._make_consistent()
        if merged:
            report_damage("store files", f"{self.path} was removed or replaced while a rocketd was using it; {merged}")

    def _make_consistent(self) -> None:
        """Open it; whoever cannot be written to is refused now, not at the first run."""
        with self._noting_damage(), self._database.writing() as database:
            for wrong in make_consistent(database):
                self.faults.note(wrong)

    def report_faults(self) -> None:
        """Report the values that could not be trusted so far."""
        if self.faults:
            hint = "rocketd ignores these values and uses the rest; see docs/how-to/backup-and-restore.md"
            self._report_damage(
                "records", f"{self.path} contains values that rocketd never wrote: {self.faults}; {hint}"
            )

    def write(self, changes: Sequence[Change]) -> None:
        """Write all of them or none; see `Store.write`. An end or a `Missed` may come again, a start may not."""
        with self._noting_damage(), self._database.writing() as database:
            for renamed, part in task_names.parts(changes):
                task_names.rename(database, renamed)
                run_log.insert(database, part, self._origin)
                task_state.apply(database, part, self._origin)

    @contextmanager
    def _noting_damage(self) -> Iterator[None]:
        """Make the next start check the whole store if SQLite meets damaged pages inside."""
        try:
            yield
        except StoreError as error:
            if is_corrupt(error):
                with suppress(OSError):
                    mark_damaged(self.path)
            raise

    def save_trusted_reading(self, reading: ClockReading) -> None:
        """Note up to when time is trusted to have come; see `Store.save_trusted_reading`."""
        with self._database.writing() as database:
            task_state.save_trusted_reading(database, reading)

    @property
    def deleted(self) -> int:
        """How many records `prune` has deleted so far."""
        return self._retention.deleted

    def prune(self, before: Instant, protected: Mapping[tuple[str, Action], Duration], now: Instant, limit: int) -> int:
        """Delete up to `limit` records, both of a run together; see `Store.prune`."""
        return self._retention.prune(before, protected, now, limit)

    @property
    def is_being_repaired(self) -> bool:
        """Whether its files were displaced, and that is being put right."""
        return self._guard.is_repairing

    def finish_repair(self) -> None:
        """Repair the store if its files were displaced; return when that is done, or has failed."""
        try:
            self._guard.finish()
        except StoreError as error:
            self._report_damage("store files", error.message)

    def close(self) -> None:
        """Close it; what has no name by now is given one before. Using it again opens it again."""
        self.finish_repair()
        super().close()

    def reader(self) -> SqliteReader:
        """Open another connection, for another thread."""
        return SqliteReader(Database(self.path, read_only=True))


def open_reader(directory: Path) -> SqliteReader:
    """Look into the store of a state directory without changing anything. Raises StoreError."""
    path = directory / FILE_NAME
    check(path)
    return SqliteReader(Database(path, read_only=True))
