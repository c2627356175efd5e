"""The store whose run log is another Red Bird repository. What belongs to the tasks stays in the state directory.

`write` is done when its records lie in the spool of the state directory, as durable as in our own log. From there they
go to the repository at once, or, while that is away, as soon as it is back. How durable they are then is the
repository's own affair: a CSV file is not synced.
"""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import RLock
from typing import Final

from rocketd.core.events import Finished, Missed, Started
from rocketd.core.instant import Duration, Instant
from rocketd.core.records import Change
from rocketd.core.run import Action, RunKey
from rocketd.store import spool, state
from rocketd.store.database import Database, Durability
from rocketd.store.redbird_import import BaseRepo
from rocketd.store.repo_reader import RepoReader, told_of_repo
from rocketd.store.repo_sink import RepoSink
from rocketd.store.rows import Origin, Row, row_of, seconds
from rocketd.store.run_log import duplicate_run
from rocketd.store.schema import FILE_NAME
from rocketd.store.selection import is_end, key_of
from rocketd.store.store import this_origin
from rocketd.store.version import upgrade

_LONGEST_PAUSE: Final = 60.0
"""Seconds between two tries at a repository that is away; each pause is twice the last."""


_AT_ONCE: Final = 500
"""Records that are sent before they are taken out of the spool, in one transaction."""


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
        with self._lock, told_of_repo():
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
        with self._lock, told_of_repo():
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
                self._sink.put(self._sink.cut(one.row), one.id, again=again)
                arrived.append(one)
        finally:
            self._sink.let_go()
            if arrived:
                with self._database.writing() as database:
                    spool.take_out(database, arrived)
        return bool(waiting)


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
