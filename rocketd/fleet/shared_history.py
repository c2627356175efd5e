"""What all hosts have recorded of the tasks that one of them runs, in the order of the fleet.

Records are never read by `id > last`: a transaction that commits later with a lower id would be missed. What comes
after a snapshot is what no transaction had ended by then, or what had ended and was not read yet.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import Duration
from rocketd.core.model.events import Event
from rocketd.core.scheduler.standby import OwnedTask
from rocketd.fleet.membership import Membership
from rocketd.fleet.owner_statements import FACTS
from rocketd.fleet.records import columns_of, row_of
from rocketd.store.sqlite.column_values import ColumnFaults, validated
from rocketd.store.sqlite.rows import ACTIONS, Row, event_of

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

NEWEST: Final = 400
"""Records of each task that are always read; more, if its conditions look back further."""
_XMIN: Final = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
_ROW: Final = columns_of("record", without=("output", "exc_text"))
_COLUMNS: Final = f"record.id, record.x::text, coalesce(record.times, 0), record.host, {_ROW}"
_OF_TASK: Final = "FROM rocketd.record WHERE fleet = %(fleet)s AND task_name = wanted.name AND term IS NOT NULL"
_PAST: Final = f"""
    SELECT {_COLUMNS} FROM rocketd.record AS record WHERE record.id IN (
        SELECT found.id FROM unnest(%(names)s::text[]) AS wanted(name), LATERAL (
            (SELECT id {_OF_TASK} ORDER BY id DESC LIMIT %(newest)s)
            UNION ALL (SELECT max(id) {_OF_TASK} GROUP BY action)
            UNION ALL (SELECT id {_OF_TASK} AND created > clock_timestamp() - %(reach)s * interval '1 microsecond')
        ) AS found
    ) ORDER BY record.id
"""  # noqa: S608 - our own words; values are bound
_NEWS: Final = f"""
    SELECT {_COLUMNS} FROM rocketd.record AS record
    WHERE record.fleet = %(fleet)s AND record.term IS NOT NULL AND record.x >= %(cursor)s::xid8 ORDER BY record.id
"""  # noqa: S608 - as above


class SharedEvent(NamedTuple):
    """An event, and the host that recorded it."""

    host: str
    event: Event


@dataclass(slots=True)
class SharedHistory:
    """Reads what is recorded: all that matters, and then what is new. Every method is called in a transaction."""

    membership: Membership
    _cursor: str = "0"
    _seen: set[tuple[int, int]] = field(default_factory=set)
    """What was read of transactions after the cursor: records, and how many times an interval of misses had grown."""

    def past(
        self, connection: "Connection[TupleRow]", names: Collection[str], reach: Duration
    ) -> tuple[list[OwnedTask], list[SharedEvent]]:
        """Return what is known of these tasks, and the events that still matter."""
        values = {"fleet": self.membership.fleet, "names": list(names), "newest": NEWEST, "reach": reach}
        cursor = self._xmin(connection)
        facts = [OwnedTask(*row) for row in connection.execute(FACTS, values).fetchall()]
        self._seen = set()
        events = self._read(connection.execute(_PAST, values).fetchall(), cursor)
        return facts, events

    def news(self, connection: "Connection[TupleRow]") -> list[SharedEvent]:
        """Return what has been recorded since the last call of this, or of `past`."""
        cursor = self._xmin(connection)
        values = {"fleet": self.membership.fleet, "cursor": self._cursor}
        return self._read(connection.execute(_NEWS, values).fetchall(), cursor)

    @staticmethod
    def _xmin(connection: "Connection[TupleRow]") -> str:
        row = connection.execute(_XMIN).fetchone()
        assert row is not None  # noqa: S101 - a function returns a row
        return str(row[0])

    def _read(self, rows: Sequence["TupleRow"], cursor: str) -> list[SharedEvent]:
        before, self._cursor = self._seen, cursor
        self._seen = {(row[0], row[2]) for row in rows if int(row[1]) >= int(cursor)}
        return [found for row in rows if (row[0], row[2]) not in before and (found := _event(row)) is not None]

    def forget_news(self, cursor: tuple[str, set[tuple[int, int]]]) -> None:
        """Go back to where it was: the transaction has failed."""
        self._cursor, self._seen = cursor

    @property
    def place(self) -> tuple[str, set[tuple[int, int]]]:
        """Where it is now, for `forget_news`."""
        return self._cursor, self._seen


def _event(values: "TupleRow") -> SharedEvent | None:
    row = validated(Row._make(row_of(values[4:])), ColumnFaults())
    if row is None or row.action not in ACTIONS:
        return None
    return SharedEvent(str(values[3]), event_of(row))
