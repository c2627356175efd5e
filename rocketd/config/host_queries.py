"""Queries to the host that may never return: a dead file server, a directory service that hangs.

They run in a thread that can be abandoned. When a query hangs for too long, the work that needs it starts over in
another thread, where this query and similar ones (in the same directory) count as unanswered. A query is not repeated
before it has returned: a host that hangs for days costs some threads and no time. They are daemon threads, so nothing
waits for them when the process exits either.
"""

import time
from collections import Counter
from collections.abc import Callable
from enum import Enum
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Final, NamedTuple, NoReturn, TypeAlias, TypeVar

from rocketd.core.instant import Instant

TIMEOUT: Final = 10.0
"""Seconds that questions may hang, all of one load together."""
MIN_TIMEOUT: Final = 0.1
"""Seconds that each is given all the same, once these are used up: most are answered at once."""

T = TypeVar("T")
_Outcome: TypeAlias = SimpleQueue[Callable[[], T]]
"""Gets one function, which returns what the work returned, or raises what it raised."""


class QueryKind(Enum):
    """Whom a question is for, and how many may hang before no more of them are asked."""

    FILE = 16
    """A file system, about a task file or a time zone."""
    PATH = 17
    """A file system, about a path that a task names."""
    NAME = 32
    """The name service."""


class NoAnswer(Exception):
    """The host does not answer."""


class _Abandoned(BaseException):
    """This thread has been abandoned."""


class WaitingQuery(NamedTuple):
    """What is waited for."""

    subject: str
    """As in `/mnt/data/a.toml` or `the name service, looking up user 'alice'`."""
    since: Instant


class UnansweredQueries:
    """The hanging queries of the whole process; safe to read from any thread."""

    def __init__(self) -> None:
        self.answered: Callable[[], None] = lambda: None
        """Called in the thread that hung, when its query finally returns."""
        self._lock = Lock()
        self._unanswered: dict[str, tuple[QueryKind, Instant]] = {}
        self._directories: Counter[str] = Counter()
        self._kinds: Counter[QueryKind] = Counter()
        self._active: dict[int, HostQueries] = {}

    @property
    def waiting(self) -> tuple[WaitingQuery, ...]:
        """Return the queries that hang or are in progress, the longest first."""
        with self._lock:
            current = [queries.current for queries in self._active.values()]
            unanswered = [WaitingQuery(subject, since) for subject, (_, since) in self._unanswered.items()]
        return (*unanswered, *(WaitingQuery(one.subject, one.since) for one in current if one is not None))

    def refuses(self, subject: str, kind: QueryKind) -> bool:
        """Whether this query is pointless: it hangs, or too many similar ones do."""
        unanswered = self._unanswered and (
            subject in self._unanswered or self._kinds[kind] >= kind.value or self._directories[_directory_of(subject)]
        )
        return bool(unanswered)

    def add(self, current: "_HostQuery") -> None:
        """Count it as hanging."""
        with self._lock:
            self._unanswered[current.subject] = current.kind, current.since
            self._kinds[current.kind] += 1
            self._directories[_directory_of(current.subject)] += current.kind is not QueryKind.NAME

    def remove(self, current: "_HostQuery") -> None:
        """It has been answered."""
        with self._lock:
            del self._unanswered[current.subject]
            self._kinds[current.kind] -= 1
            self._directories[_directory_of(current.subject)] -= current.kind is not QueryKind.NAME
        self.answered()

    def track(self, queries: "HostQueries") -> None:
        """Set the query that is in progress."""
        with self._lock:
            self._active[id(queries)] = queries

    def untrack(self, queries: "HostQueries") -> None:
        """Clear the query: it has returned, or the thread has been abandoned."""
        with self._lock:
            self._active.pop(id(queries), None)


def _directory_of(subject: str) -> str:
    return subject.rpartition("/")[0] or subject


UNANSWERED: Final = UnansweredQueries()


class _HostQuery(NamedTuple):
    subject: str
    kind: QueryKind
    since: Instant
    began: float


class HostQueries:
    """The queries of one attempt, all made in one thread."""

    def __init__(self, unanswered_queries: UnansweredQueries = UNANSWERED) -> None:
        self._unanswered_queries = unanswered_queries
        self._lock = Lock()
        self._abandoned = False
        self.current: _HostQuery | None = None

    def ask(self, subject: str, kind: QueryKind, query: Callable[[], T]) -> T:
        """Return the answer, or raise what the query raises; raises NoAnswer if it hangs."""
        if self._abandoned:
            raise _Abandoned
        if self._unanswered_queries.refuses(subject, kind):
            raise NoAnswer(subject)
        self.current = current = _HostQuery(subject, kind, time.time_ns() // 1000, time.monotonic())
        try:
            return query()
        finally:
            with self._lock:
                self.current = None
                abandoned = self._abandoned
            if abandoned:
                self._unanswered_queries.remove(current)

    def give_up(self, timeout: float) -> bool:
        """Whether the current query has hung for this many seconds; if so, abandon it."""
        with self._lock:
            current = self.current
            if current is None or time.monotonic() - current.began < timeout:
                return False
            self._abandoned = True
            self._unanswered_queries.add(current)
            return True


def with_timeouts(work: Callable[[HostQueries], T], unanswered_queries: UnansweredQueries = UNANSWERED) -> T:
    """Do work that makes queries; it starts over for each query that hangs, so it must have no side effects."""
    time_left = TIMEOUT
    while True:
        queries: HostQueries = HostQueries(unanswered_queries)
        unanswered_queries.track(queries)
        try:
            outcome = _start(work, queries)
            timeout = max(time_left, MIN_TIMEOUT)
            while not queries.give_up(timeout):
                try:
                    result = outcome.get(timeout=_until_timeout(queries, timeout))
                except Empty:
                    continue
                return result()
            time_left -= timeout
        finally:
            unanswered_queries.untrack(queries)


def _until_timeout(queries: HostQueries, timeout: float) -> float:
    """Seconds until what is asked now has hung for too long; some, if nothing is asked."""
    current = queries.current
    return MIN_TIMEOUT if current is None else max(0.0, current.began + timeout - time.monotonic())


def _start(work: Callable[[HostQueries], T], queries: HostQueries) -> _Outcome[T]:
    outcome: _Outcome[T] = SimpleQueue()

    def do() -> None:
        try:
            answer = work(queries)
        except _Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 - whatever it is, the caller gets it
            outcome.put(partial(_raise, error))
        else:
            outcome.put(lambda: answer)

    try:
        Thread(target=do, name="load", daemon=True).start()
    except RuntimeError:  # the host has no process number left for a thread
        do()
    return outcome


def _raise(error: BaseException) -> NoReturn:
    raise error
