"""A member's part in the tasks that one host of its fleet runs: the loop asks, and the member's thread does it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Final, Protocol

from rocketd.core.instant import MILLISECOND, MINUTE, SECOND, Duration
from rocketd.core.scheduler.ownership import DRAINED
from rocketd.fleet.announcements import concerns, hash_of
from rocketd.fleet.connection import FleetError
from rocketd.fleet.exchange_types import Claim, Definition, ExchangeRequest, OwnershipObserver, boottime
from rocketd.fleet.record_reader import RecordReader
from rocketd.fleet.task_exchange import TaskExchange

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_AFTER_LEASE: Final[Duration] = SECOND // 10
"""How long after the end of another host's lease to look whether it has been renewed."""
_BETWEEN_LOOKS: Final[Duration] = 10 * MILLISECOND
"""How long after a look the next one may be that an announcement asks for."""
_AVOIDED_FOR: Final[Duration] = MINUTE
"""For how long a host does not take over a task of which the database has not taken a record."""


class Exchanges(Protocol):
    """The member, as its part sees it."""

    def changing(self) -> AbstractContextManager[object]: ...
    def in_transaction(self) -> AbstractContextManager["Connection[TupleRow]"]: ...


class MemberTasks:
    """Claims, looks and hands back. The first methods are called on the loop's thread, the others on the member's."""

    def __init__(
        self,
        exchange: TaskExchange,
        observer: OwnershipObserver,
        reader: RecordReader,
        member: Exchanges,
        boottime: Callable[[], Duration] = boottime,
    ) -> None:
        """`boottime` reads the boot-time clock, in microseconds."""
        self._exchange = exchange
        self._observer = observer
        self._boottime = boottime
        self._reader = reader
        self._member = member
        self._request = ExchangeRequest()
        self._epoch = 0
        self._next_look: Duration | None = None
        self._last_look: Duration = 0
        self._decided: Duration = 0
        self._watched: Collection[str] = ()
        self._avoided: dict[str, Duration] = {}
        """Until when."""
        self.drained = False
        """Whether an operator has said that this host must not own anything."""
        self._loaded: tuple[Sequence[Definition], Collection[str]] = (), ()

    def begin_epoch(self, epoch: int, definitions: Sequence[Definition], reach: Duration) -> None:
        """Own nothing, and join again to own tasks; these are the tasks, and so far back do their conditions look.

        What is to be handed back is handed back all the same: no other host would take it over before the lease ends.
        """
        with self._member.changing():
            last = self._request
            self._request = ExchangeRequest(
                epoch, definitions, reach=reach, released=last.released, obstacle=last.obstacle
            )

    def describe(self, definitions: Sequence[Definition]) -> None:
        """Tell the fleet what the tasks are by now."""
        with self._member.changing():
            self._request.definitions, self._request.described = definitions, True

    def claim(self, epoch: int, claims: Sequence[Claim]) -> None:
        """Claim these; the answer comes later, or the epoch ends."""
        with self._member.changing():
            if epoch == self._request.epoch:
                self._request.claims += claims

    def release(self, names: Collection[str], since: Duration, obstacle: str) -> None:
        """Hand these back, about which nothing has been decided since then; `obstacle` keeps this host from owning."""
        with self._member.changing():
            self._request.released |= dict.fromkeys(names, since)
            self._request.settled -= set(names)
            self._request.obstacle = obstacle

    def settle(self, names: Collection[str]) -> None:
        """Note that all that these had missed before they were taken over has been recorded."""
        with self._member.changing():
            self._request.settled |= set(names)

    def watch(self, runs: Collection[str]) -> None:
        """Judge whether the hosts of these runs are lost."""
        if runs != self._request.watched:
            with self._member.changing():
                self._request.watched = runs

    def decided(self, at: Duration) -> None:
        """Note that what had happened to the tasks up to then has been decided, and is recorded or claimed."""
        self._decided = max(self._decided, at)

    def drain(self, drained: bool) -> None:  # noqa: FBT001 - it is what is set
        """Own nothing from now on, or no longer nothing; the database knows it already."""
        with self._member.changing():
            self.drained, self._next_look = drained, 0

    def follow(self, names: Collection[str]) -> None:
        """Look at once when something has been recorded of these tasks."""
        self._watched = frozenset(map(hash_of, names))

    # -- on the member's thread -------------------------------------------------------------------------------------

    def begins_epoch(self) -> bool:
        """Whether this host has to join again."""
        begins, self._epoch = self._epoch != self._request.epoch, self._request.epoch
        return begins

    def joined(self) -> None:
        """This host has joined, perhaps again: it owns nothing."""
        self._exchange.begin()
        self._next_look = None

    def heard(self, text: str) -> None:
        """Look soon, if what has been announced matters here; not all the time, whatever is announced."""
        definitions = self._request.definitions
        if self._loaded[0] is not definitions:
            self._loaded = definitions, frozenset(hash_of(one.name) for one in definitions)
        if concerns(text, self._watched, self._loaded[1]):
            soon = self._last_look + _BETWEEN_LOOKS
            self._next_look = soon if self._next_look is None else min(self._next_look, soon)

    @property
    def obstacle(self) -> str:
        """Why this host must not own anything; empty: it may."""
        return self._request.obstacle or (DRAINED if self.drained else "") or self._exchange.obstacle

    def undecided(self) -> Duration:
        """Return since how long ago something may have happened to the tasks that is not recorded yet."""
        now = self._boottime()
        return max(now - min([self._decided, *(one.asked_at for one in [*self._request.claims])]), 0)

    def until_look(self) -> float:
        """Seconds until the next look, if that is before the next sign of life."""
        return inf if self._next_look is None else (self._next_look - self._boottime()) / SECOND

    def rebuild_if_needed(self) -> None:
        """Read what the fleet knows of the tasks, once in each epoch."""
        request = self._request
        if self._exchange.is_rebuilt or not request.definitions:
            return
        with self._member.in_transaction() as connection:
            left = self._exchange.left_open(connection)
        unknown = self._reader.unknown_of(left)
        with self._transaction() as connection:
            self._exchange.close_unknown(connection, unknown)
            tasks, events = self._exchange.rebuild(connection, request)
        self._exchange.is_rebuilt = True
        self._observer.rebuilt(request.epoch, tasks, events)

    def attend(self, *, look: bool) -> None:
        """Do what the loop asks for, and look if that is due."""
        request = self._request
        if not self._exchange.is_rebuilt or request.epoch != self._epoch:
            return
        self._claim(request)
        self._release(request)
        if settled := set(request.settled):
            with self._member.in_transaction() as connection:
                self._exchange.settle(connection, settled)
            request.settled -= settled
        if request.described:
            with self._member.in_transaction() as connection:
                self._exchange.describe(connection, request.definitions)
            request.described = False
        if look or self.until_look() <= 0:
            self._avoided = {name: until for name, until in self._avoided.items() if until > self._boottime()}
            obstacle = request.obstacle or (DRAINED if self.drained else "")
            self._look(replace(request, obstacle=obstacle, avoided=self._avoided.keys()))

    def leave(self) -> None:
        """Do what the loop asks for once more, and hand back what it has not been able to: this host leaves."""
        self.attend(look=False)
        self._release(self._request)

    def _claim(self, request: ExchangeRequest) -> None:
        claims = [*request.claims]
        if not claims:
            return
        unrecordable: dict[str, str] = {}
        try:
            granted, refused = self._claimed(claims)
        except FleetError as error:
            if error.temporary and not error.about_data:
                raise
            granted, refused, unrecordable = self._claim_each(claims)
        done = {*granted, *refused, *unrecordable}
        with self._member.changing():
            request.claims[:] = [one for one in request.claims if one not in claims or one.run_id not in done]
        if unrecordable:
            self._observer.unrecordable(request.epoch, unrecordable)
        self._observer.claimed(request.epoch, granted, refused)

    def _claimed(self, claims: Sequence[Claim]) -> tuple[set[str], set[str]]:
        with self._member.in_transaction() as connection:
            return self._exchange.claim(connection, claims)

    def _claim_each(self, claims: Sequence[Claim]) -> tuple[set[str], set[str], dict[str, str]]:
        """Claim one after the other: what the database does not take of one task must not stop the others.

        Returns the ids of what was granted, of what was refused, and of what cannot be recorded, with the reason.
        """
        granted: set[str] = set()
        refused: set[str] = set()
        unrecordable: dict[str, str] = {}
        for claim in claims:
            try:
                found = self._claimed([claim])
            except FleetError as error:
                if error.temporary and not error.about_data:
                    raise
                unrecordable[claim.run_id] = error.message
                self._avoided[claim.task] = self._boottime() + _AVOIDED_FOR
            else:
                granted |= found[0]
                refused |= found[1]
        return granted, refused, unrecordable

    def _release(self, request: ExchangeRequest) -> None:
        released = dict(request.released)
        if not released:
            return
        with self._member.in_transaction() as connection:
            self._exchange.release(connection, released, self.obstacle)
        self._exchange.forget(released)
        with self._member.changing():
            for name in released:
                request.released.pop(name, None)

    def _look(self, request: ExchangeRequest) -> None:
        self._next_look, self._last_look = None, self._boottime()  # what is announced from now on is looked at later
        with self._transaction() as connection:
            look, owned, left = self._exchange.look(connection, request)
        self._exchange.looked(owned)
        if left > 0:
            after = self._boottime() + left + _AFTER_LEASE
            self._next_look = after if self._next_look is None else min(self._next_look, after)
        self._observer.looked(request.epoch, look)

    @contextmanager
    def _transaction(self) -> Iterator["Connection[TupleRow]"]:
        """Read what others have recorded: if that fails, it is read again."""
        history = self._exchange.history
        place = history.place
        try:
            with self._member.in_transaction() as connection:
                yield connection
        except BaseException:
            history.forget_news(place)
            raise
