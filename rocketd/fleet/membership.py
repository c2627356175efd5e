"""The statements by which a host holds its name in the fleet, and sends what it has.

A name is held by an incarnation: a random id of one process. It is taken over only when the sign of life of its holder
has run out, or by the next daemon in the same place, which can only be there when the other is gone.
"""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rocketd.core.dataclass import dataclass
from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.instant_text import timestamp
from rocketd.core.model.run import Action
from rocketd.fleet.announcements import CHANGED, announce
from rocketd.fleet.owner_statements import DECIDED_BEFORE, RELEASE_ALL, RELEASE_ALL_MUTEXES
from rocketd.fleet.record_reader import LoggedRow, LogPlace
from rocketd.fleet.records import INSERT, LOCK_OWNERS, as_json

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

ANNOUNCEMENTS: Final = "rocketd.{fleet}"
"""Where others hear that a host has sent records: LISTEN "rocketd.default"."""

_JOIN: Final = """
    INSERT INTO rocketd.host AS host (
        fleet, name, incarnation, state_id, place, lease_until, lost_after, version, tags, sent_id
    ) VALUES (
        %(fleet)s, %(host)s, %(incarnation)s, %(state_id)s, %(place)s,
        clock_timestamp() + %(lease)s * interval '1 microsecond', %(lost_after)s * interval '1 microsecond',
        %(version)s, %(tags)s, %(sent_elsewhere)s
    )
    ON CONFLICT (fleet, name) DO UPDATE SET
        incarnation = excluded.incarnation, place = excluded.place, lease_until = excluded.lease_until,
        lost_after = excluded.lost_after, version = excluded.version, tags = excluded.tags, beat = host.beat + 1,
        joined_at = clock_timestamp(), seen_at = clock_timestamp(), left_at = NULL, obstacle = '',
        decided_at = least(clock_timestamp(), to_timestamp(%(now)s)), state_id = excluded.state_id,
        sent_id = CASE WHEN host.state_id = excluded.state_id THEN host.sent_id ELSE excluded.sent_id END,
        sent_run = CASE WHEN host.state_id = excluded.state_id THEN host.sent_run ELSE '' END
    WHERE host.lease_until <= clock_timestamp()
        OR host.incarnation = excluded.incarnation
        OR (host.state_id = excluded.state_id AND host.place = excluded.place)
    RETURNING sent_id, sent_run
"""
_HOLDER: Final = """
    SELECT incarnation::text, beat, version, (extract(epoch FROM joined_at) * 1000000)::bigint, state_id::text
    FROM rocketd.host WHERE fleet = %(fleet)s AND name = %(host)s
"""
# The same condition as that of _JOIN, which newer servers refuse as a whole where another role holds the name.
_HELD_BY_OTHER: Final = f"""
    {_HOLDER} AND role <> current_user AND lease_until > clock_timestamp() AND incarnation <> %(incarnation)s
        AND NOT (state_id = %(state_id)s AND place = %(place)s)
"""
_RENEW: Final = """
    UPDATE rocketd.host SET
        lease_until = clock_timestamp() + %(lease)s * interval '1 microsecond', seen_at = clock_timestamp(),
        beat = beat + 1, tasks = %(tasks)s, running = %(running)s, waiting = %(waiting)s, obstacle = %(obstacle)s,
        clock_offset = %(clock_offset)s,
        decided_at = least(clock_timestamp(), to_timestamp(%(now)s)) - %(undecided)s * interval '1 microsecond'
    WHERE fleet = %(fleet)s AND name = %(host)s AND incarnation = %(incarnation)s
        AND lease_until > clock_timestamp()
    RETURNING (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, drained
"""
_LEAVE: Final = """
    UPDATE rocketd.host SET lease_until = clock_timestamp(), left_at = clock_timestamp(), running = 0
    WHERE fleet = %(fleet)s AND name = %(host)s AND incarnation = %(incarnation)s
"""
_SENT: Final = """
    UPDATE rocketd.host SET sent_id = %(sent_id)s, sent_run = %(sent_run)s
    WHERE fleet = %(fleet)s AND name = %(host)s AND incarnation = %(incarnation)s
    RETURNING 1
"""
_NOTIFY: Final = "SELECT pg_notify(%(channel)s, %(told)s)"
_PUBLISH: Final = """
    INSERT INTO rocketd.task AS task (fleet, host, name, digest, shown)
    SELECT %(fleet)s, %(host)s, given.name, given.digest, given.shown
    FROM jsonb_to_recordset(%(tasks)s::jsonb) AS given (name text, digest text, shown jsonb)
    ON CONFLICT (fleet, host, name) DO UPDATE SET
        shown = excluded.shown, digest = excluded.digest,
        digest_since = CASE WHEN task.digest = excluded.digest THEN task.digest_since ELSE clock_timestamp() END
"""
_REMOVE: Final = """
    DELETE FROM rocketd.task WHERE fleet = %(fleet)s AND host = %(host)s AND NOT (name = ANY(%(names)s))
"""
_STILL_HELD: Final = """
    SELECT 1 FROM rocketd.host
    WHERE fleet = %(fleet)s AND name = %(host)s AND incarnation = %(incarnation)s FOR SHARE
"""


class NotHolder(Exception):
    """This incarnation does not hold the name any more."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a name."""

    incarnation: str
    beat: int
    version: str
    joined_at: Instant
    state_id: str

    def __str__(self) -> str:
        """Which daemon it is, for people."""
        since = timestamp(self.joined_at)
        return f"rocketd {self.version}, since {since}, of the state directory {self.state_id[:8]}"


@dataclass(frozen=True, slots=True)
class Counts:
    """What is told with each sign of life."""

    tasks: int
    running: int
    waiting: int
    """Records that are not sent yet."""
    undecided: Duration = 0
    """For how long something may have happened to tasks of the fleet that has not been recorded."""
    obstacle: str = ""
    """Why this host owns no tasks; empty: it may."""


@dataclass(frozen=True, slots=True)
class SharedTask:
    """A task as others see it: what it is, as a digest, and what a list shows of it."""

    name: str
    digest: str
    shown: str
    """JSON."""


@dataclass(frozen=True, slots=True)
class Membership:
    """This incarnation of a host. Every method is one statement or transaction on an open connection."""

    fleet: str
    host: str
    incarnation: str
    state_id: str
    place: str
    sent_elsewhere: int
    lease: Duration
    lost_after: Duration
    version: str
    tags: Sequence[str]
    output: bool

    def join(self, connection: "Connection[TupleRow]") -> LogPlace | Holder:
        """Take the name, in a transaction, and return up to where records were sent; or return who holds it.

        Whoever joins owns no task: those of an earlier incarnation, or of this one before its lease ran out, are free.
        """
        if (held := connection.execute(_HELD_BY_OTHER, self._values).fetchone()) is not None:
            return _holder(held)
        decided = connection.execute(DECIDED_BEFORE, self._values).fetchone()
        row = connection.execute(_JOIN, self._values).fetchone()
        if row is not None:
            if decided is not None:
                connection.execute(RELEASE_ALL, {**self._values, "decided_at": decided[0]})
                connection.execute(RELEASE_ALL_MUTEXES, self._values)
            return LogPlace(int(row[0]), str(row[1]))
        row = connection.execute(_HOLDER, self._values).fetchone()
        if row is None:
            raise NotHolder  # gone in between: the next try succeeds
        return _holder(row)

    def renew(
        self, connection: "Connection[TupleRow]", counts: Counts, clock_offset: Duration | None
    ) -> tuple[Instant, bool]:
        """Renew the lease; return the time of the database, and whether this host is drained. Raises NotHolder."""
        offset = None if clock_offset is None else clock_offset / SECOND
        told: dict[str, object] = {"tasks": counts.tasks, "running": counts.running, "waiting": counts.waiting}
        told |= {"clock_offset": offset, "undecided": counts.undecided, "obstacle": counts.obstacle[:200]}
        row = connection.execute(_RENEW, {**self._values, **told}).fetchone()
        if row is None:
            raise NotHolder
        return int(row[0]), bool(row[1])

    def leave(self, connection: "Connection[TupleRow]") -> None:
        """Say that this host is gone on purpose."""
        connection.execute(_LEAVE, self._values)

    def send(self, connection: "Connection[TupleRow]", records: Sequence[LoggedRow], position: LogPlace | None) -> None:
        """Send records, inside a transaction, and keep up to where that was; None: that stays. Raises NotHolder."""
        kept = None if position is None else {"sent_id": position.id, "sent_run": position.run}
        held = connection.execute(_STILL_HELD if kept is None else _SENT, {**self._values, **(kept or {})}).fetchone()
        if held is None:
            raise NotHolder
        if records:
            values = {**self._values, "scope": self.state_id, "rows": as_json(records, output=self.output)}
            if taken_back := sorted({one.row.task_name for one in records if one.row.action == Action.WITHDRAWN}):
                connection.execute(LOCK_OWNERS, {**self._values, "names": taken_back})
            sent = connection.execute(INSERT, values).fetchall()
            announce(connection, self.fleet, CHANGED, {str(row[1]) for row in sent if row[1] is not None})
            ids = [int(row[0]) for row in sent]
            if ids:  # one for all of them: each NOTIFY makes commits wait for each other
                told = json.dumps({"host": self.host, "first": min(ids), "last": max(ids)})
                connection.execute(_NOTIFY, {"channel": ANNOUNCEMENTS.format(fleet=self.fleet), "told": told})

    def publish(
        self, connection: "Connection[TupleRow]", tasks: Sequence[SharedTask], names: Collection[str] | None
    ) -> None:
        """Show these tasks to others, inside a transaction; `names`: all that there are, None: as before."""
        if connection.execute(_STILL_HELD, self._values).fetchone() is None:
            raise NotHolder
        if names is not None:
            connection.execute(_REMOVE, {**self._values, "names": list(names)})
        if tasks:
            listed = [{"name": one.name, "digest": one.digest, "shown": json.loads(one.shown)} for one in tasks]
            connection.execute(_PUBLISH, {**self._values, "tasks": json.dumps(listed)})

    @property
    def _values(self) -> Mapping[str, object]:
        return {
            "fleet": self.fleet,
            "host": self.host,
            "incarnation": self.incarnation,
            "state_id": self.state_id,
            "place": self.place,
            "sent_elsewhere": self.sent_elsewhere,
            "lease": self.lease,
            "lost_after": self.lost_after,
            "version": self.version,
            "tags": list(self.tags),
            "now": time.time(),  # whichever clock is behind says up to when all is decided: one may have been set
        }


def _holder(row: "TupleRow") -> Holder:
    incarnation, beat, version, joined_at, state_id = row
    return Holder(incarnation, beat, str(version)[:40], int(joined_at), state_id)
