"""Records are written by one thread, in groups: all that has come up while the last transaction was under way.

What must not happen before a record is safe (a start, a learned end) is given as `on_done`, and is called on the loop's
thread once the transaction that holds the record is committed. If we die before that, it has not happened.

    the store                      what becomes of a record
    accepts it                     written
    fails, up to OUTAGE_LIMIT      retried with backoff, and nothing starts; what has happened already goes into the
                                   spool at once, so that a kill does not turn a known end into a crash
    fails longer, silenced         appended to the spool, which counts as written, and nothing waits any more; on a
                                   full or broken disk, where waiting does not help, at once
    fails longer, not silenced     the error stops the loop
    is back                        the spooled records are written first, in order

What comes up while a record waits is written together with it: a start that was taken back meanwhile is recorded as
that, or not at all.

At the end nothing is tried for long: what the store does not take is put into the spool at once, and if that takes
nothing either, the error stops the loop.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

from rocketd.background_threads import WorkerThread, in_thread
from rocketd.core.errors import DuplicateRun, StoreError
from rocketd.core.model.records import Alive, Change
from rocketd.daemon.ports import Spool, Store
from rocketd.daemon.record_batch import RecordBatch, nothing
from rocketd.daemon.store_outage import RETRY, StoreOutage, no_answer, split_completed
from rocketd.daemon.store_writes import write_batches, write_idempotently

DELAY: Final = 0.1
"""Seconds after which a record is written that nothing waits for."""
OUTAGE_LIMIT: Final = 10.0
"""Seconds for which a failing store is only tried again."""
JOIN_TIMEOUT: Final = 5.0
"""Seconds that the thread may take to end."""
FAILED: Final = -1
"""What comes of a chore that the store could not do."""

ReportOutage: TypeAlias = Callable[[StoreError | None, bool], None]


class RecordWriter:
    """Writes to the store off the loop. All public methods are called on the loop's thread."""

    def __init__(  # noqa: PLR0913 - what it connects
        self,
        store: Store,
        *,
        report_outage: ReportOutage,
        on_fatal: Callable[[BaseException], None],
        spool: Spool | None = None,
        silenced: bool = True,
        outage_limit: float | None = None,
        outage: StoreError | None = None,
    ) -> None:
        """`report_outage` receives an error, and whether records go to the spool because of it; None once it is over.

        `on_fatal` receives what stops the writing: an error that no retry cures, unless it is `silenced` and there is a
        `spool` to go on with. `outage` is why the store could not be written before this, if so.
        """
        self._store = store
        self._report_outage = report_outage
        self._on_fatal = on_fatal
        self._spool = spool
        self._survives_outage = spool is not None and silenced
        """Whether a store that stays away stops nothing."""
        self._outage_limit = OUTAGE_LIMIT if outage_limit is None else outage_limit
        self._loop = asyncio.get_running_loop()
        self._incoming = RecordBatch()
        """What has come up in this turn of the loop: the thread is woken once for all of it."""
        self._delayed: list[Change] = []
        self._delay_runs = False
        self._batch = RecordBatch()
        self._stop_waiting = False
        self._outage: StoreOutage | None = None
        if outage is not None:
            self._outage = StoreOutage(outage, time.monotonic() - self._outage_limit)
            self._outage.spooled, self._outage.spool_warning = True, "" if spool is None else spool.warning
            self._report(outage, spooled=True)
        self._thread = WorkerThread("recorder", self._run_thread)
        self._thread.start()

    def record(self, changes: Sequence[Change], on_done: Callable[[], None] = nothing) -> None:
        """Write these in one transaction, perhaps with others; then call `on_done`."""
        if not self._incoming:
            self._loop.call_soon(self._hand_over)
        self._incoming.changes += changes
        self._incoming.callbacks.append(on_done)

    def record_soon(self, change: Change) -> None:
        """Write this with what comes up next, or after DELAY: nothing waits for it, and a kill may lose it."""
        if not self._delay_runs:
            self._delay_runs = True
            self._loop.call_later(DELAY, self._end_delay)
        self._delayed.append(change)

    def check_alive(self, on_done: Callable[[], None]) -> None:
        """Call `on_done` once the writing thread has answered: then it does not hang, even while the store fails."""
        with self._thread.changing():
            self._batch.liveness_checks.append(on_done)

    def submit(self, work: Callable[[Store], int], on_done: Callable[[int], None]) -> None:
        """Do something else on the store, between two transactions; `on_done` gets what it gave, -1 if it failed."""
        with self._thread.changing():
            self._batch.submitted.append((work, on_done))

    def stop_waiting(self) -> None:
        """Come to an end: all that is still waited for is what is to be written."""
        self._stop_waiting = True

    async def close(self) -> None:
        """Write what is left, and end the thread."""
        self.stop_waiting()
        self._hand_over()
        if not await in_thread(partial(self._thread.close, JOIN_TIMEOUT)):
            raise no_answer()

    def _end_delay(self) -> None:
        self._delay_runs = False
        if self._delayed:
            self._hand_over()

    def _hand_over(self) -> None:
        incoming, self._incoming = self._incoming, RecordBatch()
        incoming.changes[:0], self._delayed = self._delayed, []  # it happened before
        with self._thread.changing():
            self._batch.changes += incoming.changes
            self._batch.callbacks += incoming.callbacks

    # -- on the writing thread --------------------------------------------------------------------------------------

    def _run_thread(self) -> None:
        try:
            while self._process_batch():
                pass
        except BaseException as error:  # noqa: BLE001 - whatever it is, the loop must handle it
            failure = error  # `error` itself is gone when the loop gets there
            self._call_on_loop(lambda: self._on_fatal(failure))

    def _process_batch(self) -> bool:
        batch = self._take_batch()
        self._call_back(batch.liveness_checks)
        if batch.changes or self._outage:
            self._write_batch(batch)
        if any(isinstance(change, Alive) for change in batch.changes) and self._spool is not None:
            self._spool.reserve_space()  # with each sign of life
        self._call_back(batch.callbacks)
        for work, on_done in batch.submitted:
            self._run_submitted(work, on_done)
        return bool(batch) or not self._thread.closing

    def _run_submitted(self, work: Callable[[Store], int], on_done: Callable[[int], None]) -> None:
        try:
            result = FAILED if self._outage else work(self._store)
        except StoreError:  # whoever writes next hears of it
            result = FAILED
        self._call_back([lambda: on_done(result)])

    def _take_batch(self) -> RecordBatch:
        """Wait for something to do; with records in the spool, no longer than until the store is to be tried again."""
        timeout = self._outage.until_retry() if self._outage else None
        with self._thread.waiting_for(lambda: self._batch or self._thread.closing, timeout):
            batch, self._batch = self._batch, RecordBatch()
            return batch

    # A start of `a` waits as the store fails; meanwhile `b` ends:
    #   1st try fails: changes [start a]         nothing is completed, so all of it waits
    #   `b` ends:      changes [start a, end b]  end b goes to the spool at once, and leaves the batch
    #   2nd try works: the spool is drained (end b), then [start a] is written; both callbacks are called
    def _write_batch(self, batch: RecordBatch) -> None:
        """Return once its changes, and those that come up meanwhile, are safe: in the store, or in the spool."""
        while not (self._write_to_store(batch.changes) or self._write_to_spool(batch.changes)):
            assert self._outage is not None  # noqa: S101 - a defect of ours: else they would be safe
            if not self._outage.reported:
                self._outage.reported = True
                self._report(self._outage.error, spooled=False)
            self._spool_completed(batch.changes)
            self._wait_for_retry(self._outage.until_retry())
            self._merge_incoming(batch)

    def _write_to_store(self, changes: list[Change]) -> bool:
        """Whether the store has them now."""
        if self._outage and self._outage.until_retry() > 0:
            return False
        try:
            if self._spool is not None:
                self._spool.drain(self._write_drained)
            if changes:
                write_idempotently(self._store, changes)
        except StoreError as error:
            self._note_failure(error, changes)
            return False
        if self._outage:
            self._outage = None
            self._report(None, spooled=False)
        return True

    def _write_drained(self, calls: Sequence[Sequence[Change]]) -> None:
        write_batches(self._store, calls)
        self._answer_checks()

    def _note_failure(self, error: StoreError, changes: list[Change]) -> None:
        outage = self._outage
        if outage is None:
            self._outage = StoreOutage(error, time.monotonic())
        else:
            outage.retry_failed(error)
        if isinstance(error, DuplicateRun) or (not self._survives_outage and self._is_hopeless(error)):
            self._spool_completed(changes)
            raise error

    def _is_hopeless(self, error: StoreError) -> bool:
        outage = self._outage
        if not error.temporary or outage is None or (self._stop_waiting and self._spool is None):
            return True
        return time.monotonic() - outage.since >= self._outage_limit

    def _write_to_spool(self, changes: Sequence[Change]) -> bool:
        """Whether the spool has them now."""
        outage = self._outage
        if self._spool is None or outage is None:
            return False
        lasts = outage.error.lasting or self._is_hopeless(outage.error)
        if not (self._stop_waiting or (self._survives_outage and lasts)):
            return False
        try:
            if changes:
                self._spool.append(changes)
        except StoreError as error:  # nothing can be written at all: the store is tried again, as without a spool
            if self._stop_waiting and outage.pause == RETRY.longest:
                raise
            if outage.spooled:
                outage.spooled, outage.reported = False, True
                self._report(error, spooled=False)
            return False
        if not outage.spooled or outage.spool_warning != self._spool.warning:
            outage.spooled, outage.spool_warning = True, self._spool.warning
            self._report(outage.error, spooled=True)
        return True

    def _spool_completed(self, changes: list[Change]) -> None:
        """Spool the waiting events that have happened already; their callbacks are called once the store has them."""
        completed, waiting = split_completed(changes)
        if completed and self._spool is not None:
            with suppress(StoreError):  # nothing can be written here at all: it is tried again with the store
                self._spool.append(completed)
                changes[:] = waiting

    def _wait_for_retry(self, pause: float) -> None:
        """Wait before the next try, or until something comes up; answer those who ask for a proof."""
        with self._thread.waiting_for(lambda: self._batch.liveness_checks or self._batch.changes, pause):
            pass
        self._answer_checks()

    def _merge_incoming(self, batch: RecordBatch) -> None:
        """Add what has come in meanwhile to the batch that waits."""
        with self._thread.locked():
            incoming = self._batch
            batch.changes += incoming.changes
            batch.callbacks += incoming.callbacks
            incoming.changes, incoming.callbacks = [], []

    def _answer_checks(self) -> None:
        with self._thread.locked():
            checks, self._batch.liveness_checks = self._batch.liveness_checks, []
        self._call_back(checks)

    def _report(self, error: StoreError | None, *, spooled: bool) -> None:
        if error is not None and spooled and self._spool is not None and self._spool.warning:
            error = StoreError(f"{error.message}, and {self._spool.warning}")
        reported = error
        self._call_on_loop(lambda: self._report_outage(reported, spooled))

    def _call_back(self, calls: Sequence[Callable[[], None]]) -> None:
        if calls:
            self._call_on_loop(lambda: self._run_callbacks(calls))

    def _call_on_loop(self, what: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(what)

    # -- back on the loop's thread ----------------------------------------------------------------------------------

    def _run_callbacks(self, calls: Sequence[Callable[[], None]]) -> None:
        for call in calls:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - the others in the group must be called all the same
                self._on_fatal(error)
