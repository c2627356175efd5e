"""The statements by which one host owns all tasks that have a mutex.

The mutex itself is then a matter of that host alone: there is no lock between hosts. Whoever takes a task over takes
its mutex with it, and each claim locks the row of the mutex: so the next owner waits for it, and then sees it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rocketd.core.dataclass import dataclass
from rocketd.fleet.owner_statements import NO_END

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

    from rocketd.fleet.exchange_types import Definition

_ADD: Final = """
    INSERT INTO rocketd.mutex (fleet, name) SELECT %(fleet)s, unnest(%(mutexes)s::text[]) ON CONFLICT DO NOTHING
"""
_HOLDERS: Final = """
    SELECT mutex.name, mutex.host FROM rocketd.mutex AS mutex
    JOIN rocketd.host AS holder ON holder.fleet = mutex.fleet AND holder.name = mutex.host
        AND holder.incarnation = mutex.incarnation AND holder.lease_until > clock_timestamp()
    WHERE mutex.fleet = %(fleet)s AND mutex.name = ANY(%(mutexes)s)
"""
_LOCK: Final = """
    SELECT 1 FROM rocketd.mutex WHERE fleet = %(fleet)s AND name = ANY(%(mutexes)s) ORDER BY name FOR UPDATE
"""
LOCK_OF_TASKS: Final = """
    SELECT 1 FROM rocketd.mutex WHERE fleet = %(fleet)s AND name IN (
        SELECT owner.mutex FROM rocketd.owner AS owner
        WHERE owner.fleet = %(fleet)s AND owner.task = ANY(%(names)s) AND owner.mutex <> ''
    ) ORDER BY name FOR UPDATE
"""
_ON_LOST_HOST: Final = """EXISTS (
    SELECT 1 FROM rocketd.host AS silent JOIN rocketd.lost_host AS said ON said.fleet = silent.fleet
        AND said.host = silent.name AND said.state_id = silent.state_id AND said.seen_at = silent.seen_at
    WHERE silent.fleet = claimed.fleet AND silent.name = claimed.host AND silent.lease_until < clock_timestamp()
)"""
_OWN: Final = "mutex.host = %(host)s AND mutex.incarnation = %(incarnation)s"
# An active run of a task that this host does not know, or knows with another mutex, would be forgotten; unless an
# operator has said that its host is dead: perhaps no other host will ever know its task, and record its end.
_FREE: Final = f"""
    SELECT mutex.name FROM rocketd.mutex AS mutex
    LEFT JOIN rocketd.host AS holder ON holder.fleet = mutex.fleet AND holder.name = mutex.host
        AND holder.incarnation = mutex.incarnation
    WHERE mutex.fleet = %(fleet)s AND mutex.name = ANY(%(mutexes)s)
        AND (mutex.host IS NULL OR mutex.host = %(host)s OR holder.name IS NULL
            OR holder.lease_until <= clock_timestamp())
        AND (({_OWN}) OR NOT EXISTS (
            SELECT 1 FROM rocketd.owner AS other
            JOIN rocketd.record AS claimed ON claimed.fleet = other.fleet AND claimed.task_name = other.task
                AND claimed.kind = 'run' AND claimed.term IS NOT NULL
            WHERE other.fleet = mutex.fleet AND other.mutex = mutex.name AND {NO_END} AND NOT {_ON_LOST_HOST}
                AND NOT EXISTS (SELECT 1 FROM jsonb_to_recordset(%(known)s::jsonb) AS known (name text, mutex text)
                    WHERE known.name = other.task AND known.mutex = mutex.name)
        ))
"""  # noqa: S608 - our own words; values are bound
_TAKE: Final = """
    UPDATE rocketd.mutex SET host = %(host)s, incarnation = %(incarnation)s
    WHERE fleet = %(fleet)s AND name = ANY(%(mutexes)s)
"""
RELEASE: Final = f"""
    UPDATE rocketd.mutex AS mutex SET host = NULL, incarnation = NULL
    WHERE mutex.fleet = %(fleet)s AND {_OWN} AND NOT EXISTS (
        SELECT 1 FROM rocketd.owner AS owner WHERE owner.fleet = mutex.fleet AND owner.mutex = mutex.name
            AND owner.host = %(host)s AND owner.incarnation = %(incarnation)s
    )
"""  # noqa: S608 - as above


@dataclass(frozen=True, slots=True)
class Mutexes:
    """The mutexes of tasks that one host runs. Every method is called in a transaction."""

    values: Mapping[str, object]
    """The fleet, and this host in it."""

    def add(self, connection: "Connection[TupleRow]", definitions: Iterable["Definition"]) -> None:
        """Add those that are new."""
        if names := _names(definitions):
            connection.execute(_ADD, {**self.values, "mutexes": names})

    def holders(self, connection: "Connection[TupleRow]", definitions: Iterable["Definition"]) -> dict[str, str]:
        """Return which live hosts own which of them."""
        if not (names := _names(definitions)):
            return {}
        return dict(connection.execute(_HOLDERS, {**self.values, "mutexes": names}).fetchall())

    def take(
        self, connection: "Connection[TupleRow]", wanted: Iterable["Definition"], all_here: Sequence["Definition"]
    ) -> set[str]:
        """Own those of the wanted tasks that no live host owns; return which this host owns then."""
        if not (names := _names(wanted)):
            return set()
        known = json.dumps([{"name": one.name, "mutex": one.mutex} for one in all_here if one.mutex])
        values = {**self.values, "mutexes": names, "known": known}
        connection.execute(_LOCK, values)
        values["mutexes"] = found = [str(row[0]) for row in connection.execute(_FREE, values).fetchall()]
        connection.execute(_TAKE, values)
        return set(found)


def _names(definitions: Iterable["Definition"]) -> list[str]:
    return sorted({one.mutex for one in definitions if one.mutex})
