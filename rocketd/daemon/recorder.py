"""Records are written by one thread, in groups: all that has come up while the last transaction was under way.

What must not happen before a record is safe (a start, a learned end) is given as `then`, and is called on the loop's
thread once the transaction that holds the record is committed. If we die before that, it has not happened.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rocketd.core.errors import StoreError
from rocketd.core.records import Change
from rocketd.daemon.ports import Store

FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 5.0
"""Seconds between two tries at a store that is away; each pause is twice the last."""


def _nothing() -> None:
    pass


@dataclass(slots=True)
class _Group:
    changes: list[Change] = field(default_factory=list)
    thens: list[Callable[[], None]] = field(default_factory=list)
    proofs: list[Callable[[], None]] = field(default_factory=list)
    chores: list[tuple[Callable[[Store], int], Callable[[int], None]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.thens or self.proofs or self.chores)


class Recorder:
    """Writes to the store off the loop. All public methods are called on the loop's thread."""

    def __init__(
        self, store: Store, *, trouble: Callable[[StoreError | None], None], fatal: Callable[[BaseException], None]
    ) -> None:
        """`trouble` hears of an error that trying again may mend, and of None once it has; `fatal` of any other."""
        self._store = store
        self._trouble = trouble
        self._fatal = fatal
        self._loop = asyncio.get_running_loop()
        self._group = _Group()
        self._wanted = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def record(self, changes: Sequence[Change], then: Callable[[], None] = _nothing) -> None:
        """Write these in one transaction, perhaps with others; then call `then`."""
        with self._wanted:
            self._group.changes += changes
            self._group.thens.append(then)
            self._wanted.notify()

    def prove(self, then: Callable[[], None]) -> None:
        """Have the writing thread answer, even while the store is away: it is not stuck."""
        with self._wanted:
            self._group.proofs.append(then)
            self._wanted.notify()

    def chore(self, work: Callable[[Store], int], then: Callable[[int], None]) -> None:
        """Do something else on the store, between two transactions; `then` gets what it gave, 0 if it failed."""
        with self._wanted:
            self._group.chores.append((work, then))
            self._wanted.notify()

    async def close(self) -> None:
        """Write what is left, and end the thread."""
        with self._wanted:
            self._closing = True
            self._wanted.notify()
        await asyncio.to_thread(self._thread.join)

    # -- on the writing thread --------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while self._turn():
                pass
        except BaseException as error:  # noqa: BLE001 - whatever it was, the loop must hear of it
            failure = error  # `error` itself is gone when the loop gets there
            self._call(lambda: self._fatal(failure))

    def _turn(self) -> bool:
        group = self._take()
        self._answer(group.proofs)
        if group.changes:
            self._write(group.changes)
        self._answer(group.thens)
        for work, then in group.chores:
            self._do(work, then)
        return bool(group) or not self._closing

    def _do(self, work: Callable[[Store], int], then: Callable[[int], None]) -> None:
        try:
            result = work(self._store)
        except StoreError:  # whoever writes next hears of it
            result = 0
        self._answer([lambda: then(result)])

    def _take(self) -> _Group:
        with self._wanted:
            while not (self._group or self._closing):
                self._wanted.wait()
            group, self._group = self._group, _Group()
            return group

    def _write(self, changes: Sequence[Change]) -> None:
        pause = FIRST_PAUSE
        away = False
        while True:
            try:
                self._store.write(changes)
            except StoreError as error:
                if not error.temporary or (self._closing and pause == LONGEST_PAUSE):
                    raise
                if not away:
                    away = True
                    self._tell(error)
                self._rest(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                break
        if away:
            self._tell(None)

    def _rest(self, pause: float) -> None:
        """Wait before the next try, and answer those who ask for a proof meanwhile."""
        with self._wanted:
            self._wanted.wait_for(lambda: self._group.proofs, timeout=pause)
            proofs, self._group.proofs = self._group.proofs, []
        self._answer(proofs)

    def _tell(self, error: StoreError | None) -> None:
        self._call(lambda: self._trouble(error))

    def _answer(self, calls: Sequence[Callable[[], None]]) -> None:
        if calls:
            self._call(lambda: self._run(calls))

    def _call(self, what: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(what)

    # -- back on the loop's thread ----------------------------------------------------------------------------------

    def _run(self, calls: Sequence[Callable[[], None]]) -> None:
        for call in calls:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - the others in the group must be called all the same
                self._fatal(error)
