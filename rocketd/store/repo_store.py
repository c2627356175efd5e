"""The store whose run log is another Red Bird repository. What belongs to the tasks stays in the state directory.

`write` is done when its records lie in the spool of the state directory, as durable as in our own log. From there they
go to the repository at once, or, while that is away, as soon as it is back. How durable they are then is the
repository's own affair: a CSV file is not synced.
"""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Final

from rocketd.core.errors import StoreError
from rocketd.core.events import Event, Finished, Missed, Started
from rocketd.core.instant import Duration, Instant
from rocketd.core.records import Change, OpenRun, RunFilter, RunView, TaskState
from rocketd.core.run import Action, Run, RunKey
from rocketd.store import spool, state
from rocketd.store.database import Database, Durability
from rocketd.store.foreign import complete
from rocketd.store.redbird_import import BaseRepo
from rocketd.store.repo_sink import RepoSink
from rocketd.store.rows import Origin, Row, event_of, row_of, seconds
from rocketd.store.run_log import duplicate_run
from rocketd.store.run_view import fits, newest_first, view_of
from rocketd.store.schema import COLUMNS, FILE_NAME
from rocketd.store.selection import is_end, key_of, needed
from rocketd.store.store import this_origin
from rocketd.store.version import upgrade

_LONGEST_PAUSE: Final = 60.0
"""Seconds between two tries at a repository that is away; each pause is twice the last."""


_AT_ONCE: Final = 500
"""Records that are sent before they are taken out of the spool, in one transaction."""


class RepoReader:
    """Looks into a store whose records are in a repository.

    It reads all of them, since a repository cannot be asked for the newest of each action.
    """

    def __init__(self, sink: RepoSink, database: Database, lock: RLock) -> None:
        self._sink = sink
        self._database = database
        self._lock = lock  # two threads must not use the repository at once: a file could be read half written

    def states(self) -> Mapping[str, TaskState]:
        """What is kept beside the records, of every task ever seen."""
        with self._database.reading() as database:
            return state.states(database)

    def open_runs(self) -> Sequence[OpenRun]:
        """The runs without an end, in the order in which they were decided."""
        with self._database.reading() as database:
            return state.open_runs(database)

    def last_alive(self) -> Instant | None:
        """The newest sign of life; None: there was none."""
        with self._database.reading() as database:
            return state.last_alive(database)

    def past(self, reach: Mapping[tuple[str, Action], Duration], now: Instant) -> Sequence[Event]:
        """The events that still matter, of all tasks, in log order; without output and tracebacks."""
        going = {one.run.key: one.run for one in self.open_runs()}
        kept = self._needed(self._log({}), reach, now)
        events = [event_of(row._replace(exc_text=None, output=None)) for _, row in sorted(kept.items())]
        # What is beside the log knows open runs in full, and also those that the repository has lost.
        whole = [_opened(event, going) for event in events]
        known = {event.run.key for event in whole if isinstance(event, Started)}
        return [*whole, *(Started(run) for key, run in going.items() if key not in known)]

    def runs(self, wanted: RunFilter) -> Sequence[RunView]:
        """Runs, newest start first; a stretch of missed times is one without a number."""
        query = {"task_name": wanted.task} if wanted.task else {}
        records: defaultdict[RunKey, list[Row]] = defaultdict(list)
        stretches: list[RunView] = []
        for row in self._log(query):
            if row.action == Action.MISSED:
                stretches.append(view_of(row, None))
            else:
                records[key_of(row)].append(row)
        views = [*stretches, *(_joined(rows) for rows in records.values())]
        return newest_first((view for view in views if fits(view, wanted)), wanted)

    def close(self) -> None:
        """Close it. The repository stays open: whoever made it closes it."""
        self._database.close()

    def _log(self, query: Mapping[str, object]) -> list[Row]:
        """The records in the repository, and those on their way to it, complete."""
        with self._lock, _told(), self._database.reading() as database:
            arrived = self._sink.read(query)
            waiting = [self._cut(one.row) for one in spool.waiting(database) if _asked_for(one.row, query)]
            numbers = {name: one.next_number for name, one in state.states(database).items()}
        rows = {self._name(row): row for row in arrived} | {self._name(row): row for row in waiting}
        return complete(rows.values(), self._sink.fields, numbers)

    def _cut(self, row: Row) -> Row:
        """The record as the repository will have it, so that it is known for the same once it has arrived."""
        fields = self._sink.fields
        return Row._make(value if name in fields else None for name, value in zip(COLUMNS, row, strict=True))

    def _name(self, row: Row) -> tuple[object, ...]:
        return tuple(self._sink.identity(row).values())

    def _needed(
        self, rows: Sequence[Row], reach: Mapping[tuple[str, Action], Duration], now: Instant
    ) -> dict[int, Row]:
        placed = list(enumerate(rows))
        going = {one.run.key for one in self.open_runs()}
        begun = {place: row for place, row in placed if row.action == Action.RUN and key_of(row) in going}
        return needed(placed, placed, reach, now) | begun


class RepoStore(RepoReader):
    """Keeps records in any Red Bird repository, and what belongs to the tasks in `rocketd.db` of the state directory.

    The state directory's lock is the caller's to hold. Raises StoreError, but not for a repository that is away:
    `trouble` says so.
    """

    def __init__(
        self,
        repo: BaseRepo,
        directory: Path,
        *,
        durability: Durability = "full",
        origin: Origin | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives seconds: it tells when a repository that was away is tried again."""
        self.path = directory / FILE_NAME
        upgrade(self.path)
        super().__init__(RepoSink(repo), Database(self.path, durability=durability), RLock())
        self._origin = origin or this_origin()
        self._clock = clock
        self._pause = 1.0
        self._try_at = 0.0
        self._doubted = 0  # up to this id, records may have arrived without being taken out of the spool
        self.trouble = ""
        """Why records wait in the spool; empty: none do, or nothing is wrong."""
        with self._database.writing() as database:
            spool.doubt(database)

    @property
    def lacking(self) -> Sequence[str]:
        """The fields of a run record that the repository does not keep: to be said once."""
        return self._sink.lacking

    @property
    def waiting(self) -> int:
        """How many records are in the spool."""
        with self._database.reading() as database:
            return len(spool.waiting(database))

    def reader(self) -> RepoReader:
        """Open another connection, for another thread."""
        return RepoReader(self._sink, Database(self.path, read_only=True), self._lock)

    def write(self, changes: Sequence[Change]) -> None:
        """Write all of them or none; see `Store.write`. An end or a `Missed` may come again, a start may not."""
        with self._database.writing() as database:
            spool.put(database, self._fresh(database, changes))
            state.apply(database, changes, self._origin)
        self._send()  # raises nothing: what has been written must not be written again

    def prune(self, before: Instant, spare: Mapping[tuple[str, Action], Duration], now: Instant, limit: int) -> int:
        """Delete up to `limit` records, both of a run together; 0 when nothing is left to delete.

        Nothing goes while records are on their way: they could arrive after they were to be deleted.
        """
        self._send()
        if self.waiting:
            return 0
        with self._lock, _told():
            rows = self._log({})
            kept = {self._name(row) for row in self._needed(rows, spare, now).values()}
            gone = list(_useless(rows, seconds(before), lambda row: self._name(row) in kept, limit))
            if gone:
                self._sink.delete(gone)
        return len(gone)

    def _fresh(self, database: sqlite3.Connection, changes: Sequence[Change]) -> list[tuple[Row, bool]]:
        """The records among these that are not there yet, and of which it is unsure. Raises DuplicateRun."""
        fresh: list[tuple[Row, bool]] = []
        seen: set[tuple[RunKey, bool]] = set()
        for change in changes:
            match change:
                case Missed(task, run_id):
                    again = state.missed_again(database, task, run_id)
                    if not again or "run_id" in self._sink.fields:
                        fresh.append((row_of(change, self._origin), again))
                case Started(run) | Finished(run):
                    row = row_of(change, self._origin)
                    known = (run.key, is_end(row)) in seen or self._recorded(database, row)
                    if known and isinstance(change, Started):
                        raise duplicate_run(*run.key)
                    if not known:
                        fresh.append((row, False))
                    seen.add((run.key, is_end(row)))
        return fresh

    def _recorded(self, database: sqlite3.Connection, row: Row) -> bool:
        """Whether this record is there. The repository is asked only about a run that is neither new nor going on."""
        key = key_of(row)
        if key[1] >= state.next_number(database, row.task_name):
            return False
        if state.is_open(database, key):
            return not is_end(row)
        if "number" not in self._sink.fields:
            return True  # it cannot say, and twice is worse than not at all
        waiting = ((key_of(one.row), is_end(one.row)) for one in spool.waiting(database))
        if (key, is_end(row)) in waiting:
            return True
        with self._lock, _told():
            return self._sink.has_end(row) if is_end(row) else self._sink.has(row)

    def _send(self) -> None:
        """Let the repository have what is in the spool, unless it failed a moment ago or is being read."""
        if self._clock() < self._try_at or not self._lock.acquire(blocking=False):
            return
        try:
            while self._send_some():
                pass
        except Exception as error:  # noqa: BLE001 - a repository is anybody's code, and may raise anything
            self._try_at = self._clock() + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            self.trouble = f"the run log's repository cannot be written: {error or type(error).__name__}"
        else:
            self._pause, self.trouble = 1.0, ""
        finally:
            self._lock.release()

    def _send_some(self) -> bool:
        """Send the next records, and take out of the spool those that arrived; whether there were any."""
        with self._database.reading() as database:
            waiting = spool.waiting(database, _AT_ONCE)
        arrived: list[spool.Spooled] = []
        try:
            for one in waiting:
                again = one.again or one.id <= self._doubted
                self._doubted = one.id
                self._sink.put(self._cut(one.row), one.id, again=again)
                arrived.append(one)
        finally:
            self._sink.let_go()
            if arrived:
                with self._database.writing() as database:
                    spool.take_out(database, arrived)
        return bool(waiting)


def _opened(event: Event, going: Mapping[RunKey, Run]) -> Event:
    """The start of a run that goes on, as it was decided: the repository may have kept less of it."""
    if isinstance(event, Started) and event.run.key in going:
        return Started(going[event.run.key])
    return event


def _joined(rows: Sequence[Row]) -> RunView:
    """Show the one or two records of a run as one."""
    begun = next((row for row in rows if not is_end(row)), rows[0])
    return view_of(begun, next((row for row in rows if is_end(row)), None))


def _asked_for(row: Row, query: Mapping[str, object]) -> bool:
    return all(getattr(row, name) == value for name, value in query.items())


def _useless(rows: Sequence[Row], before: float, kept: Callable[[Row], bool], limit: int) -> Iterator[Row]:
    """The records of whole runs that are old and asked for by nobody, oldest first; at least one run."""
    runs: defaultdict[object, list[Row]] = defaultdict(list)
    for row in rows:
        runs[(row.run_id, row.created) if row.action == Action.MISSED else key_of(row)].append(row)
    given = 0
    for run in runs.values():
        whole = run[0].action == Action.MISSED or any(map(is_end, run))
        if whole and all(row.created < before and not kept(row) for row in run):
            if given and given + len(run) > limit:
                return
            given += len(run)
            yield from run


@contextmanager
def _told() -> Iterator[None]:
    """Raise StoreError for what a repository raises inside; that it fails now does not say that it will for ever."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        hint = "see whether what it rests on is there: the file, the server, the table"
        raise StoreError(f"the run log's repository failed: {error}", hint=hint, temporary=True) from error
