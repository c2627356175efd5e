"""The member's thread of a simulated host: the product's own part in the tasks, with a simulated database.

What of `rocketd.fleet` needs a thread or a connection is here: one exchange after the other, at instants of the
virtual clock. Any of them may fail, or be done without an answer, or be the last one before a kill.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from math import inf
from typing import TYPE_CHECKING, cast

from rocketd.core.instant import FOREVER, MILLISECOND, SECOND, Duration, Instant
from rocketd.core.model.events import Missed, task_of
from rocketd.core.model.task import Task
from rocketd.core.scheduler.standby import OwnedTask
from rocketd.core.scheduler.take_over import TakeOver
from rocketd.fleet.announcements import CHANGED, FREE, announcement
from rocketd.fleet.exchange_types import Claim, Definition, ExchangeRequest, OwnershipResult
from rocketd.fleet.member_tasks import MemberTasks
from rocketd.fleet.shared_history import SharedEvent
from rocketd.fleet.silence import LostHosts
from rocketd.fleet.task_digest import task_digest
from support.simulated_fleet import NotHeld, SimulatedDatabase

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

    from rocketd.fleet.record_reader import RecordReader
    from rocketd.fleet.task_exchange import TaskExchange
    from support.simulated_fleet_hosts import SimulatedHost


class Unanswered(Exception):
    """The database has not answered."""


class SimulatedMember:
    """Joins, renews, sends, and has `MemberTasks` do the rest: its thread, its observer and its store at once."""

    def __init__(self, host: "SimulatedHost", incarnation: str) -> None:
        self.host, self.fleet, self.incarnation = host, host.fleet, incarnation
        exchange = cast("TaskExchange", SimulatedExchange(host, incarnation))
        self.tasks = MemberTasks(exchange, self, cast("RecordReader", self), self, host.boottime)
        self.joined = self.left = False
        self.rebuilds = 0
        """How many times all was read anew."""
        self.read_news = False
        """Whether the transaction has found what others have recorded."""
        self.next_renewal: Instant = 0
        self._step_at: Instant = FOREVER
        self._number = 0
        self._busy_until: Instant = 0
        self._digests: dict[str, tuple[Task, str]] = {}

    # -- the thread -------------------------------------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Have something else to do."""
        yield
        self.wake()

    def wake(self) -> None:
        """Have a step soon."""
        self._step_soon(max(self.fleet.now, self._busy_until))

    def heard(self, text: str) -> None:
        """Take what has been announced."""
        if self.joined and not self.host.cut_off:
            self.tasks.heard(text)
            self._step_soon(max(self._next_step, self._busy_until))

    def _step_soon(self, when: Instant) -> None:
        if when < self._step_at:
            self._step_at = when
            self._number += 1
            key = self.host.generation, self._number

            def step() -> None:
                if key == (self.host.generation, self._number):
                    self._step()

            self.fleet.at(when, self.host.name, step)

    @property
    def _next_step(self) -> Instant:
        left = self.tasks.until_look()
        look = FOREVER if left == inf else self.fleet.now + round(left * SECOND)
        return max(min(self.next_renewal, look), self.fleet.now + 1)

    def _step(self) -> None:
        self._step_at = FOREVER
        if self.left:
            return
        pause: Duration | None = None
        try:
            self._attend()
        except Unanswered:
            pause = self.fleet.lease // 3 + self.fleet.random.randint(100 * MILLISECOND, 2 * SECOND)
        except NotHeld:
            self.joined, pause = False, 100 * MILLISECOND
        if pause is not None:
            self._busy_until = self.fleet.now + pause
            self._step_soon(self._busy_until)
        else:
            self._step_soon(self._next_step)

    def _attend(self) -> None:
        """As `Member` does."""
        if self.tasks.begins_epoch():
            self.joined = False
        if not self.joined:
            self._join()
        self.tasks.rebuild_if_needed()
        renewed = self._renew_if_due()
        self._show_tasks()
        self.tasks.attend(look=renewed)
        self._send()

    def _join(self) -> None:
        host = self.host
        with self.in_transaction() as connection:
            database = cast("SimulatedDatabase", connection)
            database.join(host.name, self.incarnation, self.fleet.lease, self.fleet.lost_after, host.now())
        self.joined, self.next_renewal = True, 0
        self.tasks.joined()

    def _renew_if_due(self) -> bool:
        if self.fleet.now < self.next_renewal:
            return False
        host, sent_at = self.host, self.host.boottime()
        with self.in_transaction() as connection:
            database = cast("SimulatedDatabase", connection)
            database.renew(host.name, self.incarnation, self.fleet.lease, self.tasks.undecided(), host.now())
            database.hosts[host.name].obstacle = self.tasks.obstacle
        self.next_renewal = sent_at + self.fleet.lease // 3
        offset = host.offset - self.fleet.server_offset
        host.post(lambda: host.ownership.renewed(sent_at, offset))
        return True

    def _show_tasks(self) -> None:
        scheduler = self.host.scheduler
        digests = {name: self._digest(scheduler.find(name).task) for name in scheduler.standby.names}
        with self.in_transaction() as connection:
            cast("SimulatedDatabase", connection).digests[self.host.name] = digests

    def _digest(self, task: Task) -> str:
        known = self._digests.get(task.name)
        if known is None or known[0] is not task:
            known = self._digests[task.name] = task, task_digest(task)
        return known[1]

    def _send(self) -> None:
        events = self.host.log[self.host.sent :]
        if events:
            sent = len(self.host.log)
            with self.in_transaction() as connection:
                cast("SimulatedDatabase", connection).send(self.host.name, events)
            self.host.sent = sent

    def leave(self) -> None:
        """The daemon has nothing left to do."""
        if self.left:
            return
        if self.joined:
            with suppress(Unanswered):
                self._send()
                self.tasks.leave()
                with self.in_transaction() as connection:
                    cast("SimulatedDatabase", connection).leave(self.host.name)
        self.left, self.host.up = True, False
        self.host.generation += 1

    @contextmanager
    def in_transaction(self) -> Iterator["Connection[TupleRow]"]:
        """Do all of it or nothing; whoever asks may not hear of it, or die before or after it."""
        fleet, database, chance = self.fleet, self.fleet.database, self.fleet.random.random()
        if self.host.cut_off or fleet.database_down or chance < fleet.conditions.failed:
            raise Unanswered
        self.host.burn()
        self.read_news = False
        news, freed = len(database.news), len(database.freed)
        yield cast("Connection[TupleRow]", database)
        self._announce(CHANGED, {task_of(row.event) for row in database.news[news:]})
        self._announce(FREE, {*database.freed[freed:]})
        lost = fleet.conditions.lost_news if self.read_news else fleet.conditions.lost_answer
        if chance > 1 - lost:
            raise Unanswered
        self.host.burn()

    def _announce(self, kind: str, tasks: Collection[str]) -> None:
        for other in self.fleet.hosts.values():
            if tasks and other is not self.host and other.up:
                other.member.heard(announcement(kind, tasks))

    # -- the store of the host, as `RecordReader` -------------------------------------------------------------------

    def unknown_of(self, runs: Sequence[str]) -> list[str]:
        """Return those of these runs that the host has no record of."""
        own = {event.run.run_id for event in self.host.log if not isinstance(event, Missed)}
        return [run_id for run_id in runs if run_id not in own]

    # -- the observer, as `bootstrap/fleet.py` has it ---------------------------------------------------------------

    def rebuilt(self, epoch: int, tasks: Sequence[OwnedTask], events: Sequence[SharedEvent]) -> None:
        """Tell the loop."""
        self.rebuilds += 1
        self.host.post(lambda: self.host.ownership.on_rebuilt(epoch, tasks, events))

    def looked(self, epoch: int, look: OwnershipResult) -> None:
        """Tell the loop."""
        self.host.post(lambda: self.host.ownership.on_looked(epoch, look))

    def claimed(self, epoch: int, granted: Collection[str], refused: Collection[str]) -> None:
        """Tell the loop."""
        self.host.post(lambda: self.host.ownership.on_claimed(epoch, granted, refused))

    def unrecordable(self, epoch: int, reasons: Mapping[str, str]) -> None:
        """Tell the loop."""
        self.host.post(lambda: self.host.ownership.on_unrecordable(epoch, reasons))


class SimulatedExchange:
    """What `TaskExchange` does with statements, with a simulated database for a connection."""

    def __init__(self, host: "SimulatedHost", incarnation: str) -> None:
        self._host, self._own = host, (host.name, incarnation)
        self._lost_hosts = LostHosts()
        self.history = self
        self.place = 0
        self.obstacle = ""
        self.begin()

    def begin(self) -> None:
        """Own nothing: the host joins."""
        self.is_rebuilt = False
        self._owned: dict[str, int] = {}
        self._take_over = TakeOver(self._host.name)

    def forget_news(self, place: int) -> None:
        """Go back to where it was."""
        self.place = place

    def left_open(self, database: SimulatedDatabase) -> list[str]:
        """Return the runs that earlier daemons of this host have claimed and that have no end."""
        return [run.run_id for run in database.left_open(*self._own)]

    def close_unknown(self, database: SimulatedDatabase, runs: Collection[str]) -> None:
        """Record that these were cut off."""
        database.close(self._host.name, [run for run in database.left_open(*self._own) if run.run_id in runs])

    def rebuild(
        self, database: SimulatedDatabase, request: ExchangeRequest
    ) -> tuple[list[OwnedTask], list[SharedEvent]]:
        """Return what is known of the tasks; those that are new are added."""
        database.add(request.definitions)
        self.place = len(database.news)
        return database.past([one.name for one in request.definitions])

    def claim(self, database: SimulatedDatabase, claims: Sequence[Claim]) -> tuple[set[str], set[str]]:
        """Return what was granted, and what was refused."""
        return database.claim(*self._own, claims)

    def release(self, database: SimulatedDatabase, released: Mapping[str, Duration], obstacle: str) -> None:
        """Hand these back."""
        database.hosts[self._host.name].obstacle = obstacle
        for name, since in released.items():
            if database.owners[name].incarnation == self._own[1]:
                undecided = self._host.boottime() - since
                database.release([name], min(database.clock(), self._host.now()) - undecided)

    def settle(self, database: SimulatedDatabase, names: Collection[str]) -> None:
        """Note that all has been recorded that these had missed."""
        database.settle(*self._own, sorted(names))

    def describe(self, database: SimulatedDatabase, definitions: Sequence[Definition]) -> None:
        """Tell what the tasks are by now."""
        database.describe(*self._own, definitions)

    def look(
        self, database: SimulatedDatabase, request: ExchangeRequest
    ) -> tuple[OwnershipResult, dict[str, int], Duration]:
        """Judge, look and take over."""
        name = self._host.name
        database.judge(name, self._lost_hosts.lost(database.elsewhere(request.watched), self._host.boottime()))
        owners, taken, owned, left = database.look(*self._own, request, self._owned, self._take_over)
        known = {one.name for one in request.definitions}
        news = [SharedEvent(row.host, row.event) for row in database.news[self.place :] if task_of(row.event) in known]
        self.place = len(database.news)
        self._host.member.read_news |= bool(news)
        return OwnershipResult(news, owners, taken, request.obstacle), owned, left

    def looked(self, owned: Mapping[str, int]) -> None:
        """Note that a look was committed."""
        self._owned = dict(owned)

    def forget(self, names: Collection[str]) -> None:
        """Own these no longer."""
        for name in names:
            self._owned.pop(name, None)
