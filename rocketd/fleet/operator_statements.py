"""What an operator says about this host and the tasks that it owns, and about hosts that are gone: one function each.

Each is one transaction, as the role of this host, which can change its own row and the tasks that it owns alone.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rocketd.core.model.events import Refusal
from rocketd.core.suggestion import did_you_mean
from rocketd.fleet.announcements import FREE, channel_of

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_DRAIN: Final = """
    UPDATE rocketd.host SET drained = %(drained)s WHERE fleet = %(fleet)s AND name = %(here)s RETURNING 1
"""
_OWNER: Final = """
    SELECT coalesce(holder.name, ''), owner.mutex FROM rocketd.owner AS owner
    LEFT JOIN rocketd.host AS holder ON holder.fleet = owner.fleet AND holder.name = owner.host
        AND holder.incarnation = owner.incarnation AND holder.lease_until > clock_timestamp()
    WHERE owner.fleet = %(fleet)s AND owner.task = %(task)s
"""
_TASKS: Final = "SELECT task FROM rocketd.owner WHERE fleet = %(fleet)s ORDER BY task"
_HOSTS: Final = """
    SELECT name, lease_until > clock_timestamp(), obstacle,
        greatest(extract(epoch FROM lease_until - clock_timestamp()), 0)::bigint,
        extract(epoch FROM clock_timestamp() - seen_at)::bigint,
        EXISTS (SELECT 1 FROM rocketd.task AS task WHERE task.fleet = host.fleet AND task.host = host.name
            AND task.name = %(task)s AND task.digest <> '')
    FROM rocketd.host AS host WHERE fleet = %(fleet)s ORDER BY name
"""
_MOVE: Final = """
    UPDATE rocketd.owner SET preferred = %(host)s
    WHERE fleet = %(fleet)s AND host = %(here)s AND (task = %(task)s OR (mutex <> '' AND mutex = %(mutex)s))
    RETURNING task
"""
_LOST: Final = """
    INSERT INTO rocketd.lost_host (fleet, host, state_id, seen_at, said_by)
    SELECT fleet, name, state_id, seen_at, %(here)s FROM rocketd.host
    WHERE fleet = %(fleet)s AND name = %(host)s AND lease_until < clock_timestamp()
    ON CONFLICT DO NOTHING
"""
_OPEN: Final = """
    SELECT claimed.task_name || '/' || claimed.number FROM rocketd.record AS claimed
    WHERE claimed.fleet = %(fleet)s AND claimed.host = %(host)s AND claimed.kind = 'run' AND claimed.term IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM rocketd.record AS ended WHERE ended.fleet = claimed.fleet
            AND ended.run_id = claimed.run_id AND ended.kind = 'end' AND ended.term IS NOT NULL)
    ORDER BY claimed.id
"""
_LOOK: Final = "SELECT pg_notify(%(channel)s, %(text)s)"


def drain(connection: "Connection[TupleRow]", fleet: str, here: str, drained: bool) -> None:  # noqa: FBT001 - one value
    """Note whether this host must not own any task. Raises Refusal."""
    if connection.execute(_DRAIN, {"fleet": fleet, "here": here, "drained": drained}).fetchone() is None:
        raise Refusal("this host has not joined its fleet yet", hint="see rocketctl status")


def move(connection: "Connection[TupleRow]", fleet: str, here: str, task: str, host: str) -> list[str]:
    """Have that host take over a task that this one owns, and those with its mutex; return which. Raises Refusal."""
    values = {"fleet": fleet, "here": here, "task": task, "host": host}
    row = connection.execute(_OWNER, values).fetchone()
    if row is None:
        known = [str(one[0]) for one in connection.execute(_TASKS, values).fetchall()]
        raise Refusal(f'no host of the fleet has a task {task!r} with run_on = "one"', hint=did_you_mean(task, known))
    owner, mutex = row
    if owner == host:
        raise Refusal(f"{host} owns task {task!r} already")
    _check_target(_hosts(connection, values), task, host)
    if not owner:
        raise Refusal(f"no live host owns task {task!r} at the moment", hint="a host takes it over; then move it")
    if owner != here:
        raise Refusal(f"{owner} owns task {task!r}", hint=f"rocketctl -H {owner} fleet move {task} {host}")
    return sorted(str(one[0]) for one in connection.execute(_MOVE, {**values, "mutex": mutex}).fetchall())


def say_lost(connection: "Connection[TupleRow]", fleet: str, here: str, host: str) -> list[str]:
    """Note that a silent host is dead; return its runs that are over with that. Raises Refusal."""
    values = {"fleet": fleet, "here": here, "task": "", "host": host}
    _, alive, _, left, *_ = _of(_hosts(connection, values), host)
    if alive:
        message = f"{host} is alive: it has been heard of, and its lease runs for {left} s"
        raise Refusal(message, hint=f"to have others own its tasks: rocketctl -H {host} fleet drain")
    connection.execute(_LOST, values)
    runs = [str(row[0]) for row in connection.execute(_OPEN, values).fetchall()]
    connection.execute(_LOOK, {"channel": channel_of(fleet), "text": FREE})
    return runs


def _hosts(connection: "Connection[TupleRow]", values: dict[str, str]) -> Sequence["TupleRow"]:
    return connection.execute(_HOSTS, values).fetchall()


def _of(hosts: Sequence["TupleRow"], name: str) -> "TupleRow":
    for row in hosts:
        if row[0] == name:
            return row
    names = [str(row[0]) for row in hosts]
    raise Refusal(f"no host of the fleet is called {name!r}", hint=did_you_mean(name, names) or "see rocketctl fleet")


def _check_target(hosts: Sequence["TupleRow"], task: str, host: str) -> None:
    _, alive, obstacle, _, silent, has = _of(hosts, host)
    if not alive:
        raise Refusal(f"{host} has not been heard of for {silent} s", hint="see rocketctl fleet")
    if not has:
        raise Refusal(f"{host} has no task {task!r}", hint="give it the file of the task, and reload there")
    if obstacle:
        raise Refusal(f"{host} must not own tasks: {obstacle}", hint=f"see rocketctl -H {host} why {task}")
