"""A simulated database of a fleet: what the statements of `rocketd.fleet` do, with objects for rows.

Each method is one transaction: all of it or nothing, one after the other. That the real statements do the same under
concurrency is what the tests with a real PostgreSQL show.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rocketd.core.instant import Duration, Instant
from rocketd.core.model.events import Event, Finished, Missed, Started, Withdrawn, task_of
from rocketd.core.model.run import Action, Cause, End, Run
from rocketd.core.scheduler.standby import OwnedTask
from rocketd.core.scheduler.take_over import FreeTask, TakeOver
from rocketd.fleet.connection import FleetError
from rocketd.fleet.exchange_types import Claim, Definition, ExchangeRequest, Owner, TakenTask
from rocketd.fleet.shared_history import SharedEvent
from rocketd.fleet.silence import RunOfHost


@dataclass
class HostRow:
    """Who holds the name of a host."""

    incarnation: str
    lease_until: Instant
    seen_at: Instant
    lost_after: Duration
    decided_at: Instant
    beat: int = 0
    obstacle: str = ""


@dataclass
class OwnerRow:
    """Who owns a task."""

    digest: str
    fingerprint: str
    armed_at: Instant
    decided_at: Instant
    next_number: int
    mutex: str = ""
    settled: bool = False
    host: str = ""
    incarnation: str = ""
    term: int = 0


@dataclass
class RecordRow:
    """A record of a task that one host runs."""

    host: str
    event: Event
    claimed_by: str = ""
    term: int = 0


class NotHeld(Exception):
    """The lease of this host has run out."""


@dataclass
class SimulatedDatabase:
    """The rows; `clock` is that of the database."""

    clock: Callable[[], Instant]
    started_at: Instant = 0
    hosts: dict[str, HostRow] = field(default_factory=dict)
    owners: dict[str, OwnerRow] = field(default_factory=dict)
    records: list[RecordRow] = field(default_factory=list)
    news: list[RecordRow] = field(default_factory=list)
    """What was recorded, in order, with each growth of an interval of misses."""
    open_runs: dict[str, tuple[RecordRow, Run]] = field(default_factory=dict)
    """The runs without an end, by id."""
    digests: dict[str, Mapping[str, str]] = field(default_factory=dict)
    mutexes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Host and incarnation that own each."""
    terms: list[tuple[str, int, str]] = field(default_factory=list)
    """Each change of an owner: task, term, host."""
    unrecordable: set[str] = field(default_factory=set)
    """The tasks of which it takes no record."""
    freed: list[str] = field(default_factory=list)
    """The tasks that were handed back, in order."""

    def join(self, host: str, incarnation: str, lease: Duration, lost_after: Duration, own: Instant) -> bool:
        """Take the name; whoever joins owns nothing."""
        known = self.hosts.get(host)
        now = self.clock()
        self.hosts[host] = HostRow(incarnation, now + lease, now, lost_after, min(now, own))
        if known is not None:
            self.release([task for task, row in self.owners.items() if row.host == host], known.decided_at)
        return True

    def renew(self, host: str, incarnation: str, lease: Duration, undecided: Duration, own: Instant) -> None:
        """Renew the lease, unless it has run out."""
        row = self.hosts[host]
        if row.incarnation != incarnation or row.lease_until <= self.clock():
            raise NotHeld
        row.lease_until, row.seen_at, row.beat = self.clock() + lease, self.clock(), row.beat + 1
        row.decided_at = min(self.clock(), own) - undecided

    def leave(self, host: str) -> None:
        """Go on purpose."""
        self.hosts[host].lease_until = self.clock()

    def release(self, tasks: Iterable[str], since: Instant) -> None:
        """Have these owned by nobody."""
        for task in tasks:
            row = self.owners[task]
            row.host = row.incarnation = ""
            self.freed.append(task)
            row.decided_at = max(row.decided_at, since) if row.settled else row.decided_at
        owned = {(row.mutex, row.host, row.incarnation) for row in self.owners.values()}
        self.mutexes = {name: by for name, by in self.mutexes.items() if (name, *by) in owned}

    def settle(self, host: str, incarnation: str, tasks: Iterable[str]) -> None:
        """Note that what was missed before has been recorded."""
        for task in tasks:
            row = self.owners[task]
            row.settled |= (row.host, row.incarnation) == (host, incarnation)

    def describe(self, host: str, incarnation: str, definitions: Iterable[Definition]) -> None:
        """Note what the tasks are by now that this host owns."""
        for one in definitions:
            row = self.owners[one.name]
            if (row.host, row.incarnation) == (host, incarnation):
                row.armed_at = row.armed_at if row.fingerprint == one.fingerprint else one.armed_at
                row.digest, row.fingerprint = one.digest, one.fingerprint

    def add(self, definitions: Iterable[Definition]) -> None:
        """Add the tasks that are new."""
        for one in definitions:
            row = OwnerRow(one.digest, one.fingerprint, one.armed_at, one.armed_at, one.next_number, one.mutex)
            self.owners.setdefault(one.name, row)

    def past(self, names: Collection[str]) -> tuple[list[OwnedTask], list[SharedEvent]]:
        """Return what is known of these tasks."""
        facts = [OwnedTask(name, self.owners[name].armed_at, self.owners[name].next_number) for name in names]
        return facts, [SharedEvent(row.host, row.event) for row in self.records if task_of(row.event) in names]

    def left_open(self, host: str, incarnation: str) -> list[Run]:
        """Return the runs that earlier daemons of this host have claimed and that have no end."""
        return [run for row, run in self._open() if row.host == host and row.claimed_by != incarnation]

    def close(self, host: str, runs: Iterable[Run]) -> None:
        """Record that they were cut off."""
        for run in runs:
            self._append(host, Finished(run, End(Action.CRASH, Cause.DOWN, self.clock(), message="closed")))

    def claim(self, host: str, incarnation: str, claims: Sequence[Claim]) -> tuple[set[str], set[str]]:
        """Record what this host owns; return what was granted, and what was refused."""
        granted: set[str] = set()
        if self.unrecordable & {one.task for one in claims}:
            raise FleetError("no run has such a number", temporary=True, about_data=True)
        for one in claims:
            row = self.owners[one.task]
            if (row.host, row.incarnation, row.term) != (host, incarnation, one.term) or not self._alive(host):
                continue
            if row.mutex and self.mutexes.get(row.mutex) != (host, incarnation):
                continue
            change = one.change
            if isinstance(change, Missed):
                self._miss(host, change)
                granted.add(one.run_id)
            elif change.run.number >= row.next_number:
                row.next_number = change.run.number + 1
                self._append(host, change, incarnation, one.term)
                granted.add(one.run_id)
            elif any(isinstance(known.event, Started) and known.event.run == change.run for known in self.records):
                granted.add(one.run_id)
        return granted, {one.run_id for one in claims} - granted

    def send(self, host: str, events: Iterable[Event]) -> None:
        """Take what a host has recorded for itself: of claimed runs the first end counts."""
        for event in events:
            if isinstance(event, Finished | Withdrawn):
                claimed = self.open_runs.get(event.run.run_id)
                if claimed is not None and claimed[0].host == host:
                    self._append(host, self._in_time(event, claimed[0]))
            elif isinstance(event, Missed) and any(
                isinstance(row.event, Missed) and row.event.run_id == event.run_id for row in self.records
            ):
                self._miss(host, event)

    def elsewhere(self, watched: Collection[str]) -> list[RunOfHost]:
        """Return the active runs with these ids, each with the last sign of life of its host."""
        found = [(run, row.host, self.hosts[row.host]) for row, run in self._open() if run.run_id in watched]
        return [
            RunOfHost(run.run_id, f"{host} {row.incarnation} {row.beat}", row.lost_after, said_lost=False)
            for run, host, row in found
        ]

    def judge(self, host: str, lost: Collection[str]) -> None:
        """Record that these runs were lost, if their hosts are."""
        for run in [run for row, run in self._open() if run.run_id in lost and self._is_lost(row.host)]:
            self._append(host, Finished(run, End(Action.CRASH, Cause.DOWN, self.clock(), message="lost")))

    def look(
        self, host: str, incarnation: str, request: ExchangeRequest, owned: Mapping[str, int], take_over: TakeOver
    ) -> tuple[dict[str, Owner], list[TakenTask], dict[str, int], Duration]:
        """Take over what no live host owns; return the owners, what was taken and is owned, and the shortest lease."""
        known = {one.name: one for one in request.definitions}
        rows = {name: self.owners[name] for name in known}
        free = [name for name, row in rows.items() if not self._is_held(row) or self._unknown(row, host, name, owned)]
        free = [name for name in free if name not in request.avoided]
        live = {
            name: digests
            for name, digests in self.digests.items()
            if self._alive(name) and not self.hosts[name].obstacle
        }
        holders = {mutex: by[0] for mutex, by in self.mutexes.items() if self._is_held_by(*by)}
        tasks = [
            FreeTask(
                name,
                rows[name].digest,
                {one: found[name] for one, found in live.items() if name in found},
                known[name].mutex,
                holders.get(known[name].mutex, ""),
            )
            for name in free
        ]
        wanted = take_over.choose(tasks)
        wanted += [name for name in free if self._unknown(rows[name], host, name, owned) and name not in wanted]
        kept = {name: owned[name] for name, row in rows.items() if row.host == host and owned.get(name) == row.term}
        may = not request.obstacle and self._alive(host)
        wanted = [name for name in wanted if may and self._take_mutex(host, incarnation, known[name].mutex, known)]
        taken = [self._take(host, incarnation, known[name]) for name in wanted]
        owners = {
            name: Owner(row.host, self._is_held(row), row.digest != known[name].digest) for name, row in rows.items()
        }
        leases = [self.hosts[row.host].lease_until - self.clock() for row in rows.values() if self._is_held(row)]
        kept |= {one.task.name: one.term for one in taken}
        return owners, taken, kept, min(leases, default=0)

    def _take_mutex(self, host: str, incarnation: str, mutex: str, known: Mapping[str, Definition]) -> bool:
        """Own it, unless another live host does, or a run has it of a task that this host does not know."""
        by = self.mutexes.get(mutex, ("", ""))
        if mutex and by != (host, incarnation):
            with_it = [run for _, run in self._open() if self.owners[run.task].mutex == mutex]
            unknown = [run for run in with_it if run.task not in known or known[run.task].mutex != mutex]
            if unknown or (by[0] != host and self._is_held_by(*by)):
                return False
            self.mutexes[mutex] = host, incarnation
        return True

    def _is_held_by(self, host: str, incarnation: str) -> bool:
        return bool(host) and self._alive(host) and self.hosts[host].incarnation == incarnation

    def _take(self, host: str, incarnation: str, one: Definition) -> TakenTask:
        row = self.owners[one.name]
        holder = self.hosts.get(row.host)
        since = row.decided_at
        if row.settled and holder is not None and holder.incarnation == row.incarnation:
            since = max(since, holder.decided_at)
        row.host, row.incarnation, row.term = host, incarnation, row.term + 1
        row.decided_at, row.settled = since, False
        if row.fingerprint != one.fingerprint:
            row.fingerprint, row.armed_at = one.fingerprint, self.clock()
        row.digest, row.mutex = one.digest, one.mutex
        self.terms.append((one.name, row.term, host))
        return TakenTask(OwnedTask(one.name, row.armed_at, row.next_number), row.term, since)

    @staticmethod
    def _unknown(row: OwnerRow, host: str, name: str, owned: Mapping[str, int]) -> bool:
        return row.host == host and owned.get(name) != row.term

    def _is_held(self, row: OwnerRow) -> bool:
        return self._is_held_by(row.host, row.incarnation)

    def _alive(self, host: str) -> bool:
        return host in self.hosts and self.hosts[host].lease_until > self.clock()

    def _is_lost(self, host: str) -> bool:
        row, now = self.hosts[host], self.clock()
        return not self._alive(host) and row.seen_at + row.lost_after < now and self.started_at + row.lost_after < now

    def _open(self) -> list[tuple[RecordRow, Run]]:
        return [*self.open_runs.values()]

    def _miss(self, host: str, missed: Missed) -> None:
        for row in self.records:
            if isinstance(row.event, Missed) and row.event.run_id == missed.run_id:
                if missed.count > row.event.count:
                    row.event = missed
                    self.news.append(replace(row))
                return
        self._append(host, missed)

    def _in_time(self, event: Finished | Withdrawn, claimed: RecordRow) -> Event:
        """Turn a run that was taken back too late into one that was cut off."""
        owner = self.owners[event.run.task]
        if isinstance(event, Finished) or (owner.host, owner.term) == (claimed.host, claimed.term):
            return event
        return Finished(event.run, End(Action.CRASH, Cause.DOWN, event.at, message="taken back too late"))

    def _append(self, host: str, event: Event, claimed_by: str = "", term: int = 0) -> None:
        row = RecordRow(host, event, claimed_by, term)
        if isinstance(event, Started):
            self.open_runs[event.run.run_id] = row, event.run
        elif isinstance(event, Finished | Withdrawn):
            assert self.open_runs.pop(event.run.run_id, None), "it has an end"
        self.records.append(row)
        self.news.append(replace(row))
