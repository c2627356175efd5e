"""Records are written by one thread, in groups: all that has come up while the last transaction was under way.

What must not happen before a record is safe (a start, a learned end) is given as `then`, and is called on the loop's
thread once the transaction that holds the record is committed. If we die before that, it has not happened.

    the store                        what becomes of a record
    takes it                         written
    fails, for less than PATIENCE    tried again, after longer and longer pauses; nothing starts meanwhile;
                                     what has happened already is put into the spool at once, so that a kill
                                     makes no crash of an end that is known
    fails longer, silenced           appended to the spool, which counts as written; nothing else waits any more;
                                     so it is at once on a disk that is full or broken, where waiting does not help
    fails longer, not silenced       the error stops the loop
    is back                          what is in the spool goes first, in order

What comes up while a record waits is written together with it: a start that was taken back meanwhile is recorded as
that, or not at all.

At the end nothing is tried for long: what the store does not take is put into the spool at once, and if that takes
nothing either, the error stops the loop.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from rocketd.background_threads import WorkTimeout, in_thread
from rocketd.core.errors import DuplicateRun, StoreError
from rocketd.core.model.records import Alive, Change
from rocketd.daemon.ports import Spool, Store
from rocketd.daemon.store_outage import LONGEST_PAUSE, StoreOutage, no_answer, split_completed
from rocketd.daemon.store_writes import write_batches, write_idempotently

OUTAGE_LIMIT: Final = 10.0
"""Seconds for which a failing store is only tried again."""
JOIN_TIMEOUT: Final = 5.0
"""Seconds that the thread may take to end."""
FAILED: Final = -1
"""What comes of a chore that the store could not do."""

ReportOutage: TypeAlias = Callable[[StoreError | None, bool], None]


def _nothing() -> None:
    pass


@dataclass(slots=True)
class _RecordBatch:
    changes: list[Change] = field(default_factory=list)
    callbacks: list[Callable[[], None]] = field(default_factory=list)
    liveness_checks: list[Callable[[], None]] = field(default_factory=list)
    submitted: list[tuple[Callable[[Store], int], Callable[[int], None]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.callbacks or self.liveness_checks or self.submitted)


class RecordWriter:
    """Writes to the store off the loop. All public methods are called on the loop's thread."""

    def __init__(  # noqa: PLR0913 - what it connects
        self,
        store: Store,
        *,
        trouble: ReportOutage,
        fatal: Callable[[BaseException], None],
        spool: Spool | None = None,
        silenced: bool = True,
        patience: float | None = None,
        trouble_before: StoreError | None = None,
    ) -> None:
        """`trouble` hears of an error and whether records go to the spool because of it, and of None once it is over.

        `fatal` hears of what stops the writing: an error that trying again does not mend, unless it is `silenced` and
        there is a `spool` to go on with. `trouble_before` is why the store could not be written so far, if so.
        """
        self._store = store
        self._trouble = trouble
        self._fatal = fatal
        self._spool = spool
        self._goes_on = spool is not None and silenced
        """Whether a store that stays away stops nothing."""
        self._patience = OUTAGE_LIMIT if patience is None else patience
        self._loop = asyncio.get_running_loop()
        self._coming = _RecordBatch()
        """What has come up in this turn of the loop: the thread is woken once for all of it."""
        self._group = _RecordBatch()
        self._wanted = threading.Condition()
        self._hurried = self._closing = False
        self._outage: StoreOutage | None = None
        if trouble_before is not None:
            self._outage = StoreOutage(trouble_before, time.monotonic() - self._patience)
            self._outage.spooled, self._outage.spool_warning = True, "" if spool is None else spool.warning
            self._tell(trouble_before, spooled=True)
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def record(self, changes: Sequence[Change], then: Callable[[], None] = _nothing) -> None:
        """Write these in one transaction, perhaps with others; then call `then`."""
        if not self._coming:
            self._loop.call_soon(self._hand_over)
        self._coming.changes += changes
        self._coming.callbacks.append(then)

    def check_alive(self, then: Callable[[], None]) -> None:
        """Have the writing thread answer, even while the store is away: it is not stuck."""
        with self._wanted:
            self._group.liveness_checks.append(then)
            self._wanted.notify()

    def submit(self, work: Callable[[Store], int], then: Callable[[int], None]) -> None:
        """Do something else on the store, between two transactions; `then` gets what it gave, -1 if it failed."""
        with self._wanted:
            self._group.submitted.append((work, then))
            self._wanted.notify()

    def stop_waiting(self) -> None:
        """Come to an end: all that is still waited for is what is to be written."""
        self._hurried = True

    async def close(self) -> None:
        """Write what is left, and end the thread."""
        self.stop_waiting()
        self._hand_over()
        with self._wanted:
            self._closing = True
            self._wanted.notify()
        try:
            await in_thread(self._thread.join, patience=JOIN_TIMEOUT)
        except WorkTimeout:
            raise no_answer() from None

    def _hand_over(self) -> None:
        coming, self._coming = self._coming, _RecordBatch()
        with self._wanted:
            self._group.changes += coming.changes
            self._group.callbacks += coming.callbacks
            self._wanted.notify()

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
        self._answer(group.liveness_checks)
        if group.changes or self._outage:
            self._write(group)
        if any(isinstance(change, Alive) for change in group.changes) and self._spool is not None:
            self._spool.reserve_space()  # with each sign of life
        self._answer(group.callbacks)
        for work, then in group.submitted:
            self._do(work, then)
        return bool(group) or not self._closing

    def _do(self, work: Callable[[Store], int], then: Callable[[int], None]) -> None:
        try:
            result = FAILED if self._outage else work(self._store)
        except StoreError:  # whoever writes next hears of it
            result = FAILED
        self._answer([lambda: then(result)])

    def _take(self) -> _RecordBatch:
        """Wait for something to do; with records in the spool, no longer than until the store is to be tried again."""
        patience = self._outage.until_retry() if self._outage else None
        with self._wanted:
            self._wanted.wait_for(lambda: self._group or self._closing, timeout=patience)
            group, self._group = self._group, _RecordBatch()
            return group

    def _write(self, group: _RecordBatch) -> None:
        """Return once its changes, and those that come up meanwhile, are safe: in the store, or in the spool."""
        while not (self._try(group.changes) or self._put_aside(group.changes)):
            assert self._outage is not None  # noqa: S101 - a defect of ours: else they would be safe
            if not self._outage.reported:
                self._outage.reported = True
                self._tell(self._outage.error, spooled=False)
            self._keep_known(group.changes)
            self._rest(self._outage.until_retry())
            self._take_in(group)

    def _try(self, changes: list[Change]) -> bool:
        """Whether the store has them now."""
        if self._outage and self._outage.until_retry() > 0:
            return False
        try:
            if self._spool is not None:
                self._spool.drain(self._drained)
            if changes:
                write_idempotently(self._store, changes)
        except StoreError as error:
            self._failed(error, changes)
            return False
        if self._outage:
            self._outage = None
            self._tell(None, spooled=False)
        return True

    def _drained(self, calls: Sequence[Sequence[Change]]) -> None:
        write_batches(self._store, calls)
        self._prove_now()

    def _failed(self, error: StoreError, changes: list[Change]) -> None:
        outage = self._outage
        if outage is None:
            self._outage = StoreOutage(error, time.monotonic())
        else:
            outage.retry_failed(error)
        if isinstance(error, DuplicateRun) or (not self._goes_on and self._is_hopeless(error)):
            self._keep_known(changes)
            raise error

    def _is_hopeless(self, error: StoreError) -> bool:
        outage = self._outage
        if not error.temporary or outage is None or (self._hurried and self._spool is None):
            return True
        return time.monotonic() - outage.since >= self._patience

    def _put_aside(self, changes: Sequence[Change]) -> bool:
        """Whether the spool has them now."""
        outage = self._outage
        if self._spool is None or outage is None:
            return False
        lasts = outage.error.lasting or self._is_hopeless(outage.error)
        if not (self._hurried or (self._goes_on and lasts)):
            return False
        try:
            if changes:
                self._spool.append(changes)
        except StoreError as error:  # nothing can be written at all: the store is tried again, as without a spool
            if self._hurried and outage.pause == LONGEST_PAUSE:
                raise
            if outage.spooled:
                outage.spooled, outage.reported = False, True
                self._tell(error, spooled=False)
            return False
        if not outage.spooled or outage.spool_warning != self._spool.warning:
            outage.spooled, outage.spool_warning = True, self._spool.warning
            self._tell(outage.error, spooled=True)
        return True

    def _keep_known(self, changes: list[Change]) -> None:
        """Take out what has happened already and make it safe; who waits for it is told once the store has it."""
        known, waiting = split_completed(changes)
        if known and self._spool is not None:
            with suppress(StoreError):  # nothing can be written here at all: it is tried again with the store
                self._spool.append(known)
                changes[:] = waiting

    def _rest(self, pause: float) -> None:
        """Wait before the next try, or until something comes up; answer those who ask for a proof."""
        with self._wanted:
            self._wanted.wait_for(lambda: self._group.liveness_checks or self._group.changes, timeout=pause)
        self._prove_now()

    def _take_in(self, group: _RecordBatch) -> None:
        """Have what has come up be written together with what waits."""
        with self._wanted:
            coming = self._group
            group.changes += coming.changes
            group.callbacks += coming.callbacks
            coming.changes, coming.callbacks = [], []

    def _prove_now(self) -> None:
        with self._wanted:
            proofs, self._group.liveness_checks = self._group.liveness_checks, []
        self._answer(proofs)

    def _tell(self, error: StoreError | None, *, spooled: bool) -> None:
        if error is not None and spooled and self._spool is not None and self._spool.warning:
            error = StoreError(f"{error.message}, and {self._spool.warning}")
        told = error
        self._call(lambda: self._trouble(told, spooled))

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
