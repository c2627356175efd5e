"""The thread that keeps this host in the fleet: it renews the lease, sends records, and shows the tasks.

Nothing waits for it. It waits for the database, and how long it may is not its own business: before each exchange it
says so, and whoever hears that can shut the connection (`abort`).
"""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from rocketd.core.backoff import Backoff
from rocketd.core.errors import StoreError
from rocketd.core.instant import SECOND, Duration
from rocketd.fleet.connection import FleetConnection, FleetError
from rocketd.fleet.exchange_types import OwnershipObserver, boottime
from rocketd.fleet.member_observer import FleetObserver
from rocketd.fleet.member_tasks import MemberTasks
from rocketd.fleet.member_thread import MemberThread
from rocketd.fleet.membership import Counts, Holder, Membership, NotHolder, SharedTask
from rocketd.fleet.record_reader import BATCH, LoggedRow, LogPlace, RecordReader
from rocketd.fleet.records import run_name
from rocketd.fleet.task_exchange import TaskExchange

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_RETRY: Final = Backoff(0.1, 5.0)
"""Seconds between two tries at a database that fails."""
_POOLED: Final = (
    "a pooler stands before the fleet's database, so this host hears of nothing at once: a task that waits for one of "
    "another host starts up to a third of lease later; let url name the server itself"
)


class Member:
    """This host's part in a fleet. All methods are called on the loop's thread."""

    def __init__(
        self,
        membership: Membership,
        connection: FleetConnection,
        reader: RecordReader,
        observer: FleetObserver,
        ownership: OwnershipObserver,
    ) -> None:
        self._membership = membership
        self.tasks = MemberTasks(TaskExchange(membership), ownership, reader, self)
        """Its part in the tasks that one host runs."""
        self._connection = connection
        connection.heard = self.tasks.heard
        self._reader = reader
        self._observer = observer
        self.counts = (0, 0)
        """How many tasks are loaded, and how many runs are active."""
        self._thread, self._woken, self._told_pooled = MemberThread("fleet", self._run), True, False
        self._tasks: dict[str, SharedTask] = {}
        self._names: Collection[str] | None = None
        self._misses: dict[str, int | None] = {}
        """How many times each of the newest intervals of misses had been sent with."""
        self._position: LogPlace | None = None
        self._holder: Holder | None = None
        self._next_renewal = 0.0
        self._clock_offset: Duration | None = None
        self._limit = BATCH
        """How many records are sent at once: fewer, if the database does not take as many in time."""

    @property
    def interval(self) -> float:
        """Seconds between two signs of life; and for how long the database may be silent."""
        return self._membership.lease / SECOND / 3

    def start(self) -> None:
        """Join the fleet."""
        self._thread.start()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change what the thread is to do, and wake it."""
        with self._thread.changing():
            self._woken = True
            yield

    def wake(self) -> None:
        """There are new records."""
        with self._thread.changing():
            self._woken = True

    def publish(self, tasks: Sequence[SharedTask], names: Collection[str] | None = None) -> None:
        """Show these tasks to others; `names`: all that there are, others are removed; None: as before."""
        with self._thread.changing():
            self._woken = True
            self._tasks |= {one.name: one for one in tasks}
            self._names = self._names if names is None else names

    def abort(self) -> None:
        """The database has been silent for too long: shut the connection, and go on with another one."""
        self._connection.abort()

    def close(self, timeout: float) -> None:
        """Send what is left and leave, for as many seconds at most. Blocks."""
        if not self._thread.close(timeout):
            self._connection.abort()

    # -- on its thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause = 0.0
        while self._wait(pause):
            try:
                self._attend()
                pause = 0.0 if self._position is not None else self.interval
            except NotHolder:
                self._position, pause = None, _RETRY.first
            except StoreError as error:
                self._connection.close()
                self._observer.failed(error)
                pause = _RETRY.after(pause)
            except Exception as error:  # noqa: BLE001 - a defect of ours must not end it in silence
                self._connection.close()
                self._observer.failed(StoreError(f"cannot talk to the fleet: {error!r}"))
                pause = _RETRY.longest
        self._leave()
        self._thread.release()

    def _wait(self, pause: float) -> bool:
        """Wait for work, or for the next sign of life, or after a failure for the pause; False: it is time to end."""
        timeout = pause or max(min(self._next_renewal - time.monotonic(), self.tasks.until_look()), 0.0)
        descriptor = -1 if pause else self._connection.descriptor
        self._thread.wait_until(lambda: self._thread.closing or (self._woken and not pause), timeout, descriptor)
        with self._thread.locked():
            self._woken = False
            return not self._thread.closing

    def _attend(self) -> None:
        self._connection.hear()
        if self.tasks.begins_epoch():
            self._position = None
        if self._position is None and not self._join():
            return
        self.tasks.rebuild_if_needed()
        renewed = self._renew_if_due()
        self._show_tasks()
        self.tasks.attend(look=renewed)
        while self._send_some():
            self.tasks.attend(look=self._renew_if_due())
        if renewed:
            self._send_grown()

    def _join(self) -> bool:
        with self.in_transaction() as connection:
            answer = self._membership.join(connection)
        if isinstance(answer, Holder):
            if self._is_alive(answer):
                self._observer.refused(str(answer))
            else:
                held = f"its name is held, until that lease runs out, by {answer}"
                self._observer.failed(StoreError(held, temporary=True))
            self._holder = answer
            return False
        self._holder = None
        elsewhere = LogPlace(self._membership.sent_elsewhere)
        self._position = answer if self._reader.continues(answer) else elsewhere
        self._next_renewal = 0.0
        self.tasks.joined()
        self._observer.joined()
        self._misses = {}
        return True

    def _is_alive(self, holder: Holder) -> bool:
        """Whether the holder has given a sign of life since the last try: else it may be what we were before a boot."""
        before = self._holder
        return before is not None and (before.incarnation, before.beat) != (holder.incarnation, holder.beat)

    def _renew_if_due(self) -> bool:
        sent_at, sent_at_boottime = time.monotonic(), boottime()
        if sent_at < self._next_renewal:
            return False
        counts = Counts(*self.counts, self._waiting(), self.tasks.undecided(), self.tasks.obstacle)
        with self.in_transaction() as connection:
            sent = time.time_ns() // 1000
            server, self.tasks.drained = self._membership.renew(connection, counts, self._clock_offset)
            received = time.time_ns() // 1000
        self._clock_offset = (sent + received) // 2 - server
        self._next_renewal = sent_at + self.interval
        self._observer.renewed(sent_at, sent_at_boottime, self._clock_offset)
        return True

    def _waiting(self) -> int:
        position = self._position or LogPlace()
        try:
            newest = self._reader.newest()
        except StoreError:  # the store is away: that is told elsewhere
            return 0
        if newest < position.id:  # an older copy was restored under a running daemon
            self._position = position = LogPlace(self._membership.sent_elsewhere)
        return max(newest - position.id, 0)

    def _show_tasks(self) -> None:
        with self._thread.locked():
            tasks, self._tasks = self._tasks, {}
            names, self._names = self._names, None
        if not tasks and names is None:
            return
        try:
            with self.in_transaction() as connection:
                self._membership.publish(connection, list(tasks.values()), names)
        except BaseException:
            with self._thread.locked():
                self._tasks = tasks | self._tasks
                self._names = names if self._names is None else self._names
            raise

    def _send_grown(self) -> None:
        """Send the newest intervals of misses that have grown since they were sent: their place stays."""
        if self._position is None:
            return
        try:
            newest = self._reader.last_missed(self._position.id)
        except StoreError:  # the store is away: that is told elsewhere
            return
        known = [one for one in newest if one.id > self._membership.sent_elsewhere]
        grown = [one for one in known if self._misses.get(run_name(one.row), 0) != one.row.times]
        if grown:
            with self.in_transaction() as connection:
                self._membership.send(connection, grown, None)
        self._misses = {run_name(one.row): one.row.times for one in known}

    def _send_some(self) -> bool:
        """Send the next records; return whether there may be more."""
        assert self._position is not None  # noqa: S101 - it has joined
        try:
            rows, place = self._reader.after(self._position.id, self._limit)
        except StoreError:  # the store is away: that is told elsewhere, and its records come later
            return False
        if place == self._position.id:
            return False
        try:
            self._send(rows, place)
            self._limit = min(2 * self._limit, BATCH)
        except FleetError as error:
            few, self._limit = self._limit == 1, max(self._limit // 4, 1)
            if not error.about_data:
                raise
            if few:
                self._go_on_after(rows, place, error)
        return True

    def _send(self, rows: Sequence[LoggedRow], place: int) -> None:
        last = rows[-1].row.run_id or "" if rows and rows[-1].id == place else ""
        position = LogPlace(place, last)
        with self.in_transaction() as connection:
            self._membership.send(connection, rows, position)
        self._position = position

    def _go_on_after(self, rows: Sequence[LoggedRow], place: int, error: FleetError) -> None:
        """Do not let one record that the database refuses keep back all later ones."""
        for one in rows:
            self._observer.note(f"a record of {one.row.task_name} stays on this host: {error.message}")
        self._send([], place)

    def _leave(self) -> None:
        if self._position is None:
            return
        with suppress(StoreError, NotHolder):
            while self._send_some():
                pass
            self._send_grown()
            self.tasks.leave()
            with self.in_transaction() as connection:
                self._membership.leave(connection)
        self._connection.close()
        self._reader.close()

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Say how long this takes to whoever may end it."""
        self._observer.exchange_begins()
        try:
            yield
        finally:
            self._observer.exchange_ends()

    @contextmanager
    def in_transaction(self) -> Iterator["Connection[TupleRow]"]:
        """Do all of it or nothing, for as long as it may take; on its thread. Raises FleetError."""
        with self._limited(), self._connection.transaction() as connection:
            yield connection
        if self._connection.is_pooled and not self._told_pooled:
            self._told_pooled = True
            self._observer.note(_POOLED)
