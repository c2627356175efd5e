"""What others have sent: hosts and runs of the whole fleet. Each function is one or two statements.

Whatever stands in the database may be anybody's: it is checked like a damaged store, and only shown.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.escaping import storable
from rocketd.core.instant import SECOND
from rocketd.core.model.fleet_filter import FleetRunName
from rocketd.core.model.records import RunFilter, RunView
from rocketd.fleet.overview import FleetHost, TaskDigest
from rocketd.fleet.records import columns_of, row_of
from rocketd.store.sqlite.column_values import ColumnFaults, validated
from rocketd.store.sqlite.rows import ACTIONS, Row, end_of, run_of

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_MICROS: Final = "(extract(epoch FROM {}) * 1000000)::bigint"
_HOSTS: Final = f"""
    SELECT name, state_id::text, left(version, 40), tags, {_MICROS.format("joined_at")}, {_MICROS.format("seen_at")},
        left_at IS NOT NULL, {_MICROS.format("lease_until - clock_timestamp()")},
        {_MICROS.format("clock_timestamp() - seen_at")}, {_MICROS.format("lost_after")},
        clock_offset, tasks, running, waiting, (
            SELECT count(*) FROM rocketd.owner WHERE owner.fleet = host.fleet AND owner.host = host.name
                AND owner.incarnation = host.incarnation
        ), CASE WHEN drained THEN 'drained' ELSE obstacle END
    FROM rocketd.host AS host WHERE fleet = %(fleet)s ORDER BY name
"""  # noqa: S608 - our own words
_DIGESTS: Final = """
    SELECT host, name, digest FROM rocketd.task WHERE fleet = %(fleet)s AND name IN (
        SELECT name FROM rocketd.task WHERE fleet = %(fleet)s GROUP BY name HAVING count(DISTINCT digest) > 1
    )
"""
_RUNS: Final = f"""
    SELECT coalesce(host.lease_until > clock_timestamp() AND host.state_id::text = begun.scope, false),
        coalesce(host.state_id::text, ''), begun.scope, {columns_of("begun")}, {columns_of("ended")}
    FROM rocketd.record AS begun
    LEFT JOIN rocketd.host AS host ON host.fleet = begun.fleet AND host.name = begun.host
    LEFT JOIN rocketd.record AS ended ON ended.fleet = begun.fleet AND ended.run_id = begun.run_id
        AND ended.kind = 'end' AND begun.kind = 'run' AND CASE WHEN begun.term IS NULL
            THEN ended.host = begun.host AND ended.scope = begun.scope ELSE ended.term IS NOT NULL END
    WHERE begun.fleet = %(fleet)s AND begun.kind <> 'end'
"""  # noqa: S608 - our own words
_WIDTH: Final = len(Row._fields)


class FleetRun(NamedTuple):
    """A run of some host."""

    host: str
    scope: str
    """The state directory that has counted it."""
    current: bool
    """Whether that is the one that the host has now."""
    alive: bool
    """Whether the host that recorded it is heard of: else nobody knows whether an open run goes on."""
    view: RunView


def hosts(connection: "Connection[TupleRow]", fleet: str) -> list[FleetHost]:
    """Return all hosts that have ever joined, by name."""
    return [_host(row) for row in connection.execute(_HOSTS, {"fleet": fleet}).fetchall()]


def _host(row: "TupleRow") -> FleetHost:
    name, state_id, version, tags, joined, seen, stopped, left, silent, lost_after, offset, *counts = row
    tasks, running, waiting, owned, obstacle = counts
    return FleetHost(
        name=name,
        state_id=state_id,
        version=version,
        tags=tuple(tag for tag in tags if isinstance(tag, str)),
        joined_at=joined,
        seen_at=seen,
        stopped=stopped,
        lease_left=left,
        silent_for=silent,
        lost_after=lost_after,
        clock_offset=None if offset is None or abs(offset) > 2**40 else round(offset * SECOND),
        tasks=tasks,
        running=running,
        waiting=waiting,
        owned=owned,
        obstacle=obstacle,
    )


def digests(connection: "Connection[TupleRow]", fleet: str) -> list[TaskDigest]:
    """Return what hosts have as those tasks that are not the same on all of them."""
    return [TaskDigest(*row) for row in connection.execute(_DIGESTS, {"fleet": fleet}).fetchall()]


_AFTER: Final = """(begun.created, begun.id) < (
    SELECT created, id FROM rocketd.record
    WHERE fleet = %(fleet)s AND host = %(after_host)s AND scope = %(scope)s AND run_id = %(run_id)s AND kind <> 'end'
    ORDER BY id DESC LIMIT 1
)"""
_LOOKS: Final = 5
"""How often more is read instead of records that are not valid."""


def runs(
    connection: "Connection[TupleRow]",
    fleet: str,
    run_filter: RunFilter,
    host: str = "",
    after: FleetRunName | None = None,
) -> list[FleetRun]:
    """Return runs of all hosts or of one, newest start first, by task, time, action and limit, after one of them."""
    found: list[FleetRun] = []
    for _ in range(_LOOKS):
        rows = _rows(connection, fleet, run_filter, host, after)
        found += _runs(rows)
        if len(rows) < run_filter.limit or len(found) >= run_filter.limit:
            break
        _, _, scope, *columns = rows[-1]
        last = row_of(columns[:_WIDTH])
        after = FleetRunName(str(last.host), scope, str(last.run_id))
    return found[: run_filter.limit]


def _rows(
    connection: "Connection[TupleRow]", fleet: str, run_filter: RunFilter, host: str, after: FleetRunName | None
) -> list["TupleRow"]:
    terms, values = [_RUNS], {"fleet": fleet, "limit": run_filter.limit}
    if after:
        terms.append(_AFTER)
        values |= dict(zip(("after_host", "scope", "run_id"), map(_storable, after), strict=True))
    if host:
        terms.append("begun.host = %(host)s")
        values["host"] = _storable(host)
    if run_filter.task:
        terms.append("begun.task_name = %(task)s")
        values["task"] = _storable(run_filter.task)
    if run_filter.since is not None:
        terms.append("begun.created >= to_timestamp(%(since)s::double precision)")
        values["since"] = run_filter.since / SECOND
    if run_filter.until is not None:
        terms.append("begun.created < to_timestamp(%(until)s::double precision)")
        values["until"] = run_filter.until / SECOND
    if run_filter.actions:
        terms.append("coalesce(ended.action, begun.action) = ANY(%(actions)s)")
        values["actions"] = [str(action) for action in run_filter.actions]
    query = " AND ".join(terms) + " ORDER BY begun.created DESC, begun.id DESC LIMIT %(limit)s"
    return connection.execute(query, values).fetchall()


def _storable(text: str) -> str:
    """Return a text without what PostgreSQL takes in none."""
    return storable(text).replace("\0", "")


def _runs(rows: Sequence["TupleRow"]) -> list[FleetRun]:
    faults, found = ColumnFaults(), []
    for alive, current, scope, *columns in rows:
        start = validated(row_of(columns[:_WIDTH]), faults)
        end = validated(row_of(columns[_WIDTH:]), faults) if columns[_WIDTH] is not None else None
        if start is not None:
            host = str(columns[Row._fields.index("host")])
            found.append(FleetRun(host, scope, current == scope, alive, _view(start, end, host)))
    return found


def _view(start: Row, end: Row | None, host: str) -> RunView:
    return RunView(run_of(start), ACTIONS[(end or start).action], end_of(end) if end else None, 0, host)
