"""The tasks of all hosts of a fleet, a page at a time: searched and counted in the database, not here.

What a host shows of its tasks is JSON that nobody has checked: no expression here can fail, whatever it is.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.escaping import storable
from rocketd.core.model.fleet_filter import FLEET_STATES, FleetTaskFilter
from rocketd.core.model.task_patterns import TaskPattern, is_pattern

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_NOW: Final = """to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')"""
_ONE: Final = """task.shown @> '{"run_on": "one"}'"""
_STATES: Final[Mapping[str, str]] = {
    "running": """task.shown @> '{"running": true}'""",
    "failed": """task.shown @> '{"failing": true}'""",
    "late": f"""left(task.shown ->> 'overdue_at', 19) COLLATE "C" <= {_NOW}""",
    "missed": """task.shown @> '{"last_action": "missed"}'""",
    "paused": """task.shown @> '{"paused": true}'""",
    "one": _ONE,
}
_FOUND: Final = """
    FROM rocketd.task AS task
    JOIN rocketd.host AS host ON host.fleet = task.fleet AND host.name = task.host
    LEFT JOIN rocketd.owner AS owner ON owner.fleet = task.fleet AND owner.task = task.name
    WHERE task.fleet = %(fleet)s
"""
_MATCHES: Final = """
    position(lower(%(match)s) IN lower(concat_ws(
        E'\\n', task.name, task.shown ->> 'description', task.shown ->> 'when', task.shown ->> 'tags'
    ))) > 0
"""
_COUNTS: Final = ", ".join(f"count(*) FILTER (WHERE {_STATES[state]})" for state in FLEET_STATES)
_NAMES: Final = "SELECT DISTINCT name FROM rocketd.task WHERE fleet = %(fleet)s"
_ROW: Final = f"""
    SELECT task.host, task.name, task.shown, host.lease_until > clock_timestamp(), CASE WHEN {_ONE} THEN owner.host END
"""
_ORDER: Final = 'ORDER BY task.name COLLATE "C", task.host COLLATE "C" LIMIT %(limit)s'
_AFTER: Final = '(task.name COLLATE "C", task.host COLLATE "C") > (%(task)s, %(host_after)s)'


class FleetTask(NamedTuple):
    """A task of some host, as that host shows it."""

    host: str
    name: str
    shown: object
    """JSON that nobody has checked."""
    alive: bool
    """Whether the host is heard of."""
    owner: str | None
    """The host that has owned it last, if one host runs it; None: that is not so, or it has been handed back."""


class FleetTaskPage(NamedTuple):
    """A page of the tasks of all hosts."""

    tasks: list[FleetTask]
    """One more than asked for if there are more."""
    total: int
    """How many there are on all pages."""
    counts: Mapping[str, int]
    """How many of those that match are in each state."""


def tasks(connection: "Connection[TupleRow]", fleet: str, wanted: FleetTaskFilter) -> FleetTaskPage:
    """Return a page of the tasks of all hosts, by name and then by host."""
    terms, values = [_FOUND], {"fleet": fleet, "limit": wanted.limit + 1}
    if wanted.host:
        terms.append("task.host = %(host)s")
        values["host"] = _text(wanted.host)
    if is_pattern(wanted.match):
        matches = TaskPattern.of(wanted.match).matches
        names = [name for (name,) in connection.execute(_NAMES, values).fetchall() if matches(name)]
        terms.append("task.name = ANY(%(names)s)")
        values["names"] = names
    elif wanted.match:
        terms.append(_MATCHES)
        values["match"] = _text(wanted.match)
    found = " AND ".join(terms)
    counted = connection.execute(f"SELECT count(*), {_COUNTS} {found}", values).fetchall()[0]
    counts = dict(zip(FLEET_STATES, counted[1:], strict=True))
    if wanted.state:
        found = f"{found} AND {_STATES[wanted.state]}"
    if wanted.after:
        found = f"{found} AND {_AFTER}"
        values["task"], values["host_after"] = map(_text, wanted.after)
    rows = connection.execute(f"{_ROW} {found} {_ORDER}", values).fetchall()
    total = counts[wanted.state] if wanted.state else counted[0]
    return FleetTaskPage([FleetTask(*row) for row in rows], total, counts)


def _text(value: str) -> str:
    """Return a text that PostgreSQL can be asked about."""
    return storable(value).replace("\0", "")
