"""Calls that other threads want made with a repository, which only its own thread may use."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import NamedTuple, TypeVar

from rocketd.core.errors import StoreError
from rocketd.store.redbird.sink import RepositorySink

T = TypeVar("T")


class _Call(NamedTuple):
    make: Callable[[RepositorySink], None]
    fail: Callable[[StoreError], None]
    """The repository is not available."""


class RepositoryCalls:
    """The queue of calls, in order. `add` may be called from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[_Call] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, work: Callable[[RepositorySink], T]) -> "Future[T]":
        """Add a call; one that is cancelled before its turn is not made."""
        future: Future[T] = Future()

        def make(sink: RepositorySink) -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work(sink))
                except BaseException as error:  # noqa: BLE001 - whoever asked hears of it
                    future.set_exception(error)

        def fail(error: StoreError) -> None:
            if future.set_running_or_notify_cancel():
                future.set_exception(error)

        with self._lock:
            self._waiting.append(_Call(make, fail))
        return future

    def make(self, sink: RepositorySink) -> None:
        """Make all waiting calls."""
        for call in self._take_all():
            call.make(sink)
            sink.end_transaction()

    def fail(self, error: StoreError) -> None:
        """Fail all waiting calls with this error."""
        for call in self._take_all():
            call.fail(error)

    def _take_all(self) -> list[_Call]:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        return waiting
