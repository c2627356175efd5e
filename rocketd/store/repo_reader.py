"""Looking into a store whose run log is another Red Bird repository."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import RLock

from rocketd.core.errors import StoreError
from rocketd.core.events import Event, Started
from rocketd.core.instant import Duration, Instant
from rocketd.core.records import OpenRun, RunFilter, RunView, TaskState
from rocketd.core.run import Action, Run, RunKey
from rocketd.store import spool, state
from rocketd.store.database import Database
from rocketd.store.foreign import complete
from rocketd.store.repo_sink import RepoSink
from rocketd.store.rows import Row, event_of
from rocketd.store.run_view import fits, newest_first, view_of
from rocketd.store.selection import is_end, key_of, needed


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
        with self._lock, told_of_repo(), self._database.reading() as database:
            arrived = self._sink.read(query)
            waiting = [self._sink.cut(one.row) for one in spool.waiting(database) if _asked_for(one.row, query)]
            numbers = {name: one.next_number for name, one in state.states(database).items()}
        rows = {self._name(row): row for row in arrived} | {self._name(row): row for row in waiting}
        return complete(rows.values(), self._sink.fields, numbers)

    def _name(self, row: Row) -> tuple[object, ...]:
        return tuple(self._sink.identity(row).values())

    def _needed(
        self, rows: Sequence[Row], reach: Mapping[tuple[str, Action], Duration], now: Instant
    ) -> dict[int, Row]:
        placed = list(enumerate(rows))
        going = {one.run.key for one in self.open_runs()}
        begun = {place: row for place, row in placed if row.action == Action.RUN and key_of(row) in going}
        return needed(placed, placed, reach, now) | begun


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


@contextmanager
def told_of_repo() -> Iterator[None]:
    """Raise StoreError for what a repository raises inside; that it fails now does not say that it will for ever."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        hint = "see whether what it rests on is there: the file, the server, the table"
        raise StoreError(f"the run log's repository failed: {first_line(error)}", hint=hint, temporary=True) from error


def first_line(error: BaseException) -> str:
    """Say what went wrong without the statement and its values, which SQLAlchemy adds."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
