"""What a host exchanges with the database about the tasks that one host of its fleet runs; on the member's thread.

    looks     what others have recorded, who owns what; takes over what no live host owns; judges runs of lost hosts
    claims    records starts and intervals of misses, if this host owns their tasks: else they are refused
    hands back, or tells what the tasks are by now

A claim whose outcome is not known, because the connection failed in its commit, is made again on the next connection:
it is there already then, or it is made now, or another host owns the task by then and it is refused. Whatever belongs
to an earlier epoch is not done, and its answer is ignored.
"""

import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rocketd.core.instant import Duration
from rocketd.core.model.events import Missed, Started
from rocketd.core.scheduler.standby import OwnedTask
from rocketd.core.scheduler.take_over import FreeTask, TakeOver
from rocketd.fleet import owner_statements as sql
from rocketd.fleet.announcements import CHANGED, FREE, announce
from rocketd.fleet.exchange_types import (
    Claim,
    Definition,
    ExchangeRequest,
    Owner,
    OwnershipResult,
    TakenTask,
    boottime,
)
from rocketd.fleet.membership import Membership
from rocketd.fleet.mutexes import LOCK_OF_TASKS, RELEASE, Mutexes
from rocketd.fleet.record_reader import LoggedRow
from rocketd.fleet.records import as_json
from rocketd.fleet.shared_history import SharedEvent, SharedHistory
from rocketd.fleet.silence import LostHosts, RunOfHost
from rocketd.store.sqlite.rows import Origin, row_of, seconds

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_ASYNCHRONOUS: Final = "a standby of the fleet's database is asynchronous: if it takes over, runs could begin twice"


class TaskExchange:
    """One host's part. Every method is called in a transaction, unless it says otherwise."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        self._mutexes = Mutexes(self._values)
        self._lost_hosts = LostHosts()
        self._history = SharedHistory(membership)
        self._take_over = TakeOver(membership.host)
        self._owned: dict[str, int] = {}
        self._origin = Origin(membership.host, "")
        self.is_rebuilt = False
        self.obstacle = ""
        """Why the database allows no host to own anything; empty: it may."""

    def begin(self) -> None:
        """Own nothing: the host joins, perhaps again. Not in a transaction."""
        self._owned.clear()
        self._take_over = TakeOver(self._membership.host)
        self.is_rebuilt = False

    def rebuild(
        self, connection: "Connection[TupleRow]", request: ExchangeRequest
    ) -> tuple[list[OwnedTask], list[SharedEvent]]:
        """Return what the fleet knows of the tasks; those that it does not know are added."""
        names = [one.name for one in request.definitions]
        connection.execute(sql.ADD, {**self._values, "tasks": _as_json(request.definitions)})
        self._mutexes.add(connection, request.definitions)
        return self._history.past(connection, names, request.reach)

    def left_open(self, connection: "Connection[TupleRow]") -> list[str]:
        """Return the runs that an earlier daemon of this state directory has claimed, and that have no end."""
        return [str(row[0]) for row in connection.execute(sql.LEFT_OPEN, self._values).fetchall()]

    def close_unknown(self, connection: "Connection[TupleRow]", runs: Collection[str]) -> None:
        """Record that these were cut off: this host knows nothing of them."""
        if runs:
            connection.execute(sql.CLOSE, {**self._values, "runs": list(runs)})

    def claim(self, connection: "Connection[TupleRow]", claims: Sequence[Claim]) -> tuple[set[str], set[str]]:
        """Claim what is this host's to claim; return the ids of what was granted, and of what was refused."""
        connection.execute(sql.DURABLE)
        names = sorted({one.task for one in claims})
        connection.execute(sql.LOCK, {**self._values, "names": names})
        connection.execute(LOCK_OF_TASKS, {**self._values, "names": names})
        held: dict[str, int] = dict(connection.execute(sql.HELD, {**self._values, "names": names}).fetchall())
        fit = [one for one in claims if held.get(one.task) == one.term]
        granted: set[str] = {one.run_id for one in fit if isinstance(one.change, Missed)}
        if fit:
            rows = as_json([LoggedRow(0, row_of(one.change, self._origin)) for one in fit], output=False)
            connection.execute(sql.CLAIM, {**self._values, "rows": rows})
            connection.execute(sql.COUNT, {**self._values, "rows": rows})
            runs = [one.run_id for one in fit if isinstance(one.change, Started)]
            found = connection.execute(sql.CLAIMED, {**self._values, "runs": runs}).fetchall()
            granted |= {str(row[0]) for row in found}
            announce(connection, self._membership.fleet, CHANGED, {one.task for one in fit})
        return granted, {one.run_id for one in claims} - granted

    def release(self, connection: "Connection[TupleRow]", released: Mapping[str, Duration], obstacle: str = "") -> None:
        """Hand these tasks back; `obstacle` keeps others from leaving them to this host."""
        connection.execute(sql.SET_OBSTACLE, {**self._values, "obstacle": obstacle[:200]})
        for since in sorted(set(released.values())):
            names = [name for name, at in released.items() if at == since]
            undecided = max(boottime() - since, 0)
            connection.execute(
                sql.RELEASE, {**self._values, "names": names, "undecided": undecided, "now": time.time()}
            )
        connection.execute(RELEASE, self._values)
        announce(connection, self._membership.fleet, FREE, released)

    def settle(self, connection: "Connection[TupleRow]", names: Collection[str]) -> None:
        """Note that all that was missed before these were taken over has been recorded."""
        connection.execute(sql.SETTLE, {**self._values, "names": list(names)})

    def describe(self, connection: "Connection[TupleRow]", definitions: Sequence[Definition]) -> None:
        """Tell what the tasks are by now that this host owns."""
        connection.execute(sql.DESCRIBE, {**self._values, "tasks": _as_json(definitions)})

    def look(
        self, connection: "Connection[TupleRow]", request: ExchangeRequest
    ) -> tuple[OwnershipResult, dict[str, int], Duration]:
        """Look at what others have done, and take over what no live host owns.

        Returns what came of it, what this host owns then, and when the next lease of an owner runs out, in
        microseconds from now; 0: none that is known. It counts once it is committed.
        """
        connection.execute(sql.DURABLE)
        self._judge(connection, request.watched)
        self.obstacle = self._unreliable(connection)
        obstacle = request.obstacle or self.obstacle
        definitions = {one.name: one for one in request.definitions}
        rows = connection.execute(sql.OWNERS, {**self._values, "names": list(definitions)}).fetchall()
        holders = self._mutexes.holders(connection, request.definitions)
        unowned = [row for row in rows if row[0] not in request.avoided and (not row[5] or self._is_unknown_own(row))]
        free = self._free(unowned, connection, definitions, holders)
        wanted = [] if obstacle else self._take_over.choose(free)
        wanted += [row[0] for row in rows if not obstacle and self._is_unknown_own(row) and row[0] not in wanted]
        owned = {row[0]: self._owned[row[0]] for row in rows if row[4] and row[5] and self._owned.get(row[0]) == row[2]}
        taken = self._take(connection, [definitions[name] for name in wanted], request) if wanted else []
        owners = {
            row[0]: Owner(row[1], row[5], row[3] != (one := definitions[row[0]]).digest, holders.get(one.mutex, ""))
            for row in rows
        }
        events = self._history.news(connection)
        leases = [row[6] for row in rows if row[5]]
        owned |= {one.task.name: one.term for one in taken}
        return OwnershipResult(events, owners, taken, obstacle), owned, min(leases, default=0)

    def _judge(self, connection: "Connection[TupleRow]", watched: Collection[str]) -> None:
        """Record that runs were lost whose hosts have been silent for long enough."""
        values = {**self._values, "runs": list(watched)}
        found = connection.execute(sql.ELSEWHERE, values).fetchall() if watched else []
        if lost := self._lost_hosts.lost((RunOfHost(*row) for row in found), boottime()):
            judged = connection.execute(sql.JUDGE, {**values, "runs": lost}).fetchall()
            announce(connection, self._membership.fleet, CHANGED, {str(row[0]) for row in judged})

    def looked(self, owned: Mapping[str, int]) -> None:
        """Note that a look was committed. Not in a transaction."""
        self._owned = dict(owned)

    @property
    def history(self) -> SharedHistory:
        """What has been read of the records."""
        return self._history

    def forget(self, names: Iterable[str]) -> None:
        """Own these no longer. Not in a transaction."""
        for name in names:
            self._owned.pop(name, None)

    def _is_unknown_own(self, row: "TupleRow") -> bool:
        """Whether this host owns the task by the row alone: the commit by which it took it over was in doubt."""
        return bool(row[4]) and self._owned.get(row[0]) != row[2]

    def _free(
        self,
        rows: Sequence["TupleRow"],
        connection: "Connection[TupleRow]",
        definitions: Mapping[str, Definition],
        holders: Mapping[str, str],
    ) -> list[FreeTask]:
        if not rows:
            self._take_over.choose([])
            return []
        own = self._membership.host
        digests: dict[str, dict[str, str]] = {row[0]: {own: definitions[row[0]].digest} for row in rows}
        values = {**self._values, "names": list(digests)}
        for name, host, digest in connection.execute(sql.DIGESTS, values).fetchall():
            digests[name][host] = digest
        mutexes = {row[0]: definitions[row[0]].mutex for row in rows}
        return [
            FreeTask(row[0], row[3], digests[row[0]], mutexes[row[0]], holders.get(mutexes[row[0]], ""), row[7])
            for row in rows
        ]

    def _take(
        self, connection: "Connection[TupleRow]", definitions: Sequence[Definition], request: ExchangeRequest
    ) -> list[TakenTask]:
        names = [one.name for one in definitions]
        connection.execute(sql.LOCK, {**self._values, "names": names})
        mutexes = self._mutexes.take(connection, definitions, request.definitions)
        names = [one.name for one in definitions if not one.mutex or one.mutex in mutexes]
        free: dict[str, int] = dict(connection.execute(sql.FREE, {**self._values, "names": names}).fetchall())
        if not free:
            return []
        given = [{**json_of(one), "decided_at": seconds(free[one.name])} for one in definitions if one.name in free]
        values = {**self._values, "names": list(free), "tasks": json.dumps(given)}
        rows = connection.execute(sql.TAKE, values).fetchall()
        return [TakenTask(OwnedTask(name, armed, number), term, free[name]) for name, term, armed, number in rows]

    def _unreliable(self, connection: "Connection[TupleRow]") -> str:
        row = connection.execute(sql.ASYNCHRONOUS_STANDBYS).fetchone()
        return _ASYNCHRONOUS if row is not None and row[0] else ""

    @property
    def _values(self) -> dict[str, object]:
        one = self._membership
        return {"fleet": one.fleet, "host": one.host, "incarnation": one.incarnation, "state_id": one.state_id}


def json_of(one: Definition) -> dict[str, object]:
    """Return it as the statements take it."""
    return {**one._asdict(), "armed_at": seconds(one.armed_at)}


def _as_json(definitions: Sequence[Definition]) -> str:
    return json.dumps([json_of(one) for one in definitions])
