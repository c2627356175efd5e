"""Questions to the host that may never be answered: a dead file server, a directory service that hangs.

Whoever asks them does so in a thread that can be left behind. A question that has hung for too long is given up: what
needs its answer is done all over again in another thread, in which it counts as not answered, and so do its like (what
is in the same directory). Nobody asks it again before it is answered: a host that hangs for days costs some threads and
no time. They are daemon threads, so nothing waits for them when the process ends either.
"""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, wait
from enum import Enum
from threading import Lock, Thread
from typing import Final, NamedTuple, TypeVar

from rocketd.core.instant import Instant

TIMEOUT: Final = 10.0
"""Seconds that questions may hang, all of one load together."""
MIN_TIMEOUT: Final = 0.1
"""Seconds that each is given all the same, once these are used up: most are answered at once."""

T = TypeVar("T")


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


class _AbandonedThreads(BaseException):
    """Nobody waits for this thread any more."""


class WaitingQuery(NamedTuple):
    """What is waited for."""

    what: str
    """As in `/mnt/data/a.toml` or `the name service, looking up user 'alice'`."""
    since: Instant


class UnansweredQueries:
    """The questions that hang, of the whole process; any thread may look."""

    def __init__(self) -> None:
        self.answered: Callable[[], None] = lambda: None
        """Called, in the thread that has hung, when one is answered at last."""
        self._lock = Lock()
        self._hung: dict[str, tuple[QueryKind, Instant]] = {}
        self._places: Counter[str] = Counter()
        self._kinds: Counter[QueryKind] = Counter()
        self._tries: dict[int, HostQueries] = {}

    @property
    def waiting(self) -> tuple[WaitingQuery, ...]:
        """What hangs, and what is being asked at this moment, the longest first."""
        with self._lock:
            asked = [one.current for one in self._tries.values()]
            hung = [WaitingQuery(what, since) for what, (_, since) in self._hung.items()]
        return (*hung, *(WaitingQuery(one.what, one.since) for one in asked if one is not None))

    def refuses(self, what: str, kind: QueryKind) -> bool:
        """Whether there is no sense in asking that: it hangs, or too many of its like do."""
        hung = self._hung and (what in self._hung or self._kinds[kind] >= kind.value or self._places[_place(what)])
        return bool(hung)

    def add(self, asked: "_QueryThread") -> None:
        """Count it as hanging."""
        with self._lock:
            self._hung[asked.what] = asked.kind, asked.since
            self._kinds[asked.kind] += 1
            self._places[_place(asked.what)] += asked.kind is not QueryKind.NAME

    def remove(self, asked: "_QueryThread") -> None:
        """It has been answered."""
        with self._lock:
            del self._hung[asked.what]
            self._kinds[asked.kind] -= 1
            self._places[_place(asked.what)] -= asked.kind is not QueryKind.NAME
        self.answered()

    def track(self, one: "HostQueries") -> None:
        """Show what it asks."""
        with self._lock:
            self._tries[id(one)] = one

    def untrack(self, one: "HostQueries") -> None:
        """It asks no more, or nobody listens."""
        with self._lock:
            self._tries.pop(id(one), None)


def _place(what: str) -> str:
    return what.rpartition("/")[0] or what


UNANSWERED: Final = UnansweredQueries()


class _QueryThread(NamedTuple):
    what: str
    kind: QueryKind
    since: Instant
    began: float


class HostQueries:
    """The questions of one try, all asked in one thread."""

    def __init__(self, hanging: UnansweredQueries = UNANSWERED) -> None:
        self._hanging = hanging
        self._lock = Lock()
        self._left_behind = False
        self.current: _QueryThread | None = None

    def ask(self, what: str, kind: QueryKind, question: Callable[[], T]) -> T:
        """Give the answer, and raise what answering raises; raises NoAnswer for what hangs."""
        if self._left_behind:
            raise _AbandonedThreads
        if self._hanging.refuses(what, kind):
            raise NoAnswer(what)
        self.current = asked = _QueryThread(what, kind, time.time_ns() // 1000, time.monotonic())
        try:
            return question()
        finally:
            with self._lock:
                self.current = None
                late = self._left_behind
            if late:
                self._hanging.remove(asked)

    def give_up(self, patience: float) -> bool:
        """Whether what it asks has hung for so many seconds, and is now given up."""
        with self._lock:
            asked = self.current
            if asked is None or time.monotonic() - asked.began < patience:
                return False
            self._left_behind = True
            self._hanging.add(asked)
            return True


def with_timeouts(work: Callable[[HostQueries], T], hanging: UnansweredQueries = UNANSWERED) -> T:
    """Do some work that asks; it is begun anew for each question that hangs, so it must leave nothing behind."""
    left = TIMEOUT
    while True:
        questions: HostQueries = HostQueries(hanging)
        hanging.track(questions)
        try:
            answer = _begun(work, questions)
            patience = max(left, MIN_TIMEOUT)
            while not wait([answer], timeout=_until(questions, patience)).done:
                if questions.give_up(patience):
                    left -= patience
                    break
            else:
                return answer.result()
        finally:
            hanging.untrack(questions)


def _until(questions: HostQueries, patience: float) -> float:
    """Seconds until what is asked now has hung for too long; some, if nothing is asked."""
    asked = questions.current
    return MIN_TIMEOUT if asked is None else max(0.0, asked.began + patience - time.monotonic())


def _begun(work: Callable[[HostQueries], T], questions: HostQueries) -> "Future[T]":
    answer: Future[T] = Future()

    def do() -> None:
        try:
            answer.set_result(work(questions))
        except _AbandonedThreads:
            pass
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the work was wanted
            answer.set_exception(error)

    try:
        Thread(target=do, name="load", daemon=True).start()
    except RuntimeError:  # the host has no process number left for a thread
        do()
    return answer
