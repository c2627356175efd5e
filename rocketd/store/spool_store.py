"""Replaces a store that cannot be written when the daemon starts, as on a full disk.

Its records can be read, and those in the spool are known: together they are the history. So tasks run, and new records
go to the spool until the store accepts them. Each write tries the store first.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

from rocketd.core.errors import StoreError
from rocketd.core.instant import BEGINNING, Duration, Instant
from rocketd.core.model.clock_reading import ClockReading
from rocketd.core.model.events import Event, Finished, Missed, Spawned, Started, Withdrawn
from rocketd.core.model.records import Alive, Change, OpenRun, Renamed, RunFilter, RunView, TaskState
from rocketd.core.model.run import Action, Run
from rocketd.store.spool_places import SpoolPlaces
from rocketd.store.sqlite.connection import Database
from rocketd.store.sqlite.migrations import check
from rocketd.store.sqlite.rows import Origin
from rocketd.store.sqlite.schema import FILE_NAME, STEPS
from rocketd.store.sqlite.store import SqliteReader, SqliteStore
from rocketd.store.sqlite.task_state import instant_of_record

T = TypeVar("T")


class SpoolStore:
    """The store with the spooled changes applied: `Store` of `daemon/ports.py`. Methods raise StoreError.

    Until it can be opened, `write` raises StoreError, and reads combine the store and the spool.
    """

    def __init__(
        self,
        directory: Path,
        open_store: Callable[[], SqliteStore],
        reader: SqliteReader,
        spool: SpoolPlaces,
        origin: Origin,
    ) -> None:
        """`open_store` opens the store, or raises StoreError; `reader` is the result of `open_existing_reader`."""
        self.path = directory / FILE_NAME
        self._open_store = open_store
        self._reader = reader
        self._spool = spool
        self._origin = origin
        self._store: SqliteStore | None = None

    @property
    def _opened(self) -> SqliteStore:
        if self._store is None:
            self._store = self._open_store()
            self._reader.close()
        return self._store

    # -- once it is open --------------------------------------------------------------------------------------------

    def write(self, changes: Sequence[Change]) -> None:
        """Write changes if the store can be opened; see `Store.write`."""
        self._opened.write(changes)

    def save_trusted_reading(self, reading: ClockReading) -> None:
        """Note up to when time is trusted to have come; see `Store.save_trusted_reading`."""
        self._opened.save_trusted_reading(reading)

    def prune(self, before: Instant, protected: Mapping[tuple[str, Action], Duration], now: Instant, limit: int) -> int:
        """Delete some old records; see `Store.prune`."""
        return self._opened.prune(before, protected, now, limit)

    @property
    def deleted(self) -> int:
        """How many records `prune` has deleted so far."""
        return 0 if self._store is None else self._store.deleted

    def close(self) -> None:
        """Close it, if it was ever opened."""
        if self._store is not None:
            self._store.close()
        self._reader.close()

    def reader(self) -> SqliteReader:
        """Open another connection, for another thread."""
        return SqliteReader(Database(self.path, read_only=True))

    def report_faults(self) -> None:
        """Do nothing: faults are reported once the store is open."""

    # -- put together -----------------------------------------------------------------------------------------------

    def states(self) -> Mapping[str, TaskState]:
        """Return the state of every task ever seen."""
        if self._store is not None:
            return self._store.states()
        states = dict(self._reader.states())
        for change in self._spool.contents():
            for state in _states_after(change, states):
                states[state.name] = state
        return states

    def recovery_events(self, reach: Mapping[tuple[str, Action], Duration], now: Instant) -> Sequence[Event]:
        """Return the events that still matter, of all tasks, in log order."""
        if self._store is not None:
            return self._store.recovery_events(reach, now)
        stored = self._reader.recovery_events(reach, now)
        events = (
            change for change in self._spooled_changes() if isinstance(change, Started | Finished | Withdrawn | Missed)
        )
        return [*stored, *events]

    def open_runs(self) -> Sequence[OpenRun]:
        """Return the runs without an end."""
        if self._store is not None:
            return self._store.open_runs()
        open_runs = {one.run.key: one for one in self._reader.open_runs()}
        for change in self._spooled_changes():
            match change:
                case Started(run):
                    open_runs[run.key] = OpenRun(run, *self._origin, 0, 0)
                case Spawned(run, pid, pid_start) if run.key in open_runs:
                    open_runs[run.key] = replace(open_runs[run.key], pid=pid, pid_start=pid_start)
                case Finished(run) | Withdrawn(run):
                    open_runs.pop(run.key, None)
        return list(open_runs.values())

    def last_alive(self) -> Instant | None:
        """Return the newest sign of life."""
        if self._store is not None:
            return self._store.last_alive()
        stored = self._reader.last_alive()
        spooled = (
            change.at if isinstance(change, Alive) else instant_of_record(change) for change in self._spooled_changes()
        )
        return max((at for at in (stored, *spooled) if at is not None), default=None)

    def clock_readings(self) -> Mapping[str, ClockReading]:
        """Return the clock readings at the last sign of life in the store."""
        if self._store is not None:
            return self._store.clock_readings()
        return self._reader.clock_readings()

    def runs(self, run_filter: RunFilter) -> Sequence[RunView]:
        """Runs that the store has."""
        return (self._store or self._reader).runs(run_filter)

    def _spooled_changes(self) -> Iterator[Change]:
        """Return the spooled changes that the store does not have: after a crash it may have some of them."""
        states, open_keys = self._reader.states(), {one.run.key for one in self._reader.open_runs()}

        def is_known(run: Run) -> bool:
            return run.task in states and run.number < states[run.task].next_number

        for change in self._spool.contents():
            match change:
                case Started(run) if is_known(run):
                    continue
                case Spawned(run) | Finished(run) | Withdrawn(run) if is_known(run) and run.key not in open_keys:
                    continue
            yield change


def _states_after(change: Change, states: Mapping[str, TaskState]) -> Iterator[TaskState]:
    """Return the state of a task after this change."""
    match change:
        case TaskState(name):
            known = states[name].next_number if name in states else 1
            yield replace(change, next_number=max(change.next_number, known))
        case Renamed(old, new) if old in states:
            yield replace(states[old], name=new)
        case Started(run) | Finished(run) | Withdrawn(run):
            state = states.get(run.task, TaskState(run.task, "", BEGINNING, 1))
            yield replace(state, next_number=max(state.next_number, run.number + 1))


class _NullReader(SqliteReader):
    """The reader of a store that does not exist yet."""

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Read from one in memory."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
            for statement in chain.from_iterable(STEPS):
                database.execute(statement)
            return work(database)


def open_existing_reader(directory: Path) -> SqliteReader | None:
    """Open the store read-only, whether or not it can be written; None: it cannot be read."""
    path = directory / FILE_NAME
    try:
        version = check(path)
        if version == 0:
            return _NullReader(Database(path, read_only=True))
        reader = SqliteReader(Database(path, read_only=True))
        if version == len(STEPS):
            reader.last_alive()
            return reader
    except StoreError:  # whoever creates the store reports it
        pass
    return None
