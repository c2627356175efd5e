"""Run records on their way to the fleet's database and back: as JSON there, as rows and runs here."""

import json
from collections.abc import Collection, Iterable, Sequence
from math import isfinite
from typing import Final

from rocketd.core.escaping import storable
from rocketd.fleet.record_reader import LoggedRow
from rocketd.store.sqlite.rows import Row, is_end

_TIMES: Final = ("created", "due", "start", "end")
LOCAL: Final = ("host", "boot_id", "pid", "pid_start")
"""What only says something on the host itself."""
TYPES: Final = {
    **dict.fromkeys(("task_name", "action", "run_id", "trigger", "cause", "reason", "cause_task"), "text"),
    **dict.fromkeys(("cause_run_id", "message", "exc_text", "output"), "text"),
    **dict.fromkeys(("number", "times", "memory_peak", "io_read", "io_written"), "bigint"),
    **dict.fromkeys(("attempt", "exit_code", "signal"), "integer"),
    **dict.fromkeys((*_TIMES, "runtime", "cpu_time"), "double precision"),
}
"""The fields of a record that the tables have, and how they are sent: one more is a step of `schema`."""
COLUMNS: Final = tuple(name for name in Row._fields if name in TYPES)
_EARLIEST: Final = -62_135_510_400.0
_LATEST: Final = 253_402_214_400.0
"""Seconds: what lies outside of the years 1 to 9999 is a bit that a disk has changed."""
_MAX_INTEGER: Final = 2**31 - 1


def value_of(name: str) -> str:
    """Return the value of a column, as it is given in JSON."""
    return f'to_timestamp(given."{name}")' if name in _TIMES else f'given."{name}"'


NAMES: Final = ", ".join(f'"{name}"' for name in COLUMNS)
_GROWN: Final = ", ".join(
    f'"{name}" = excluded."{name}"' for name in ("created", "due", "end", "times", "reason", "message")
)

_CLAIMED: Final = """(SELECT claimed.term FROM rocketd.record AS claimed WHERE claimed.fleet = %(fleet)s
        AND claimed.run_id = given.run_id AND claimed.kind = 'run' AND claimed.term IS NOT NULL
        AND claimed.task_name = given.task_name AND claimed.number = given.number
        AND given.action NOT IN ('run', 'missed') AND (claimed.host = %(host)s AND claimed.scope = %(scope)s
            OR EXISTS (SELECT 1 FROM rocketd.owner AS owner WHERE owner.fleet = claimed.fleet
                AND owner.task = claimed.task_name AND owner.host = %(host)s AND owner.term > claimed.term)))"""
_HAS_END: Final = """EXISTS (SELECT 1 FROM rocketd.record AS ended WHERE ended.fleet = %(fleet)s
        AND ended.run_id = given.run_id AND ended.kind = 'end' AND ended.term IS NOT NULL
        AND given.action NOT IN ('run', 'missed'))"""

# A run that was claimed and taken back gives its chance back only while its host owns the task in that term: else
# others have decided about later chances by now, and it is a run that was cut off.
_TOO_LATE: Final = """(given.action = 'withdrawn' AND EXISTS (SELECT 1 FROM rocketd.record AS claimed
        WHERE claimed.fleet = %(fleet)s AND claimed.run_id = given.run_id AND claimed.kind = 'run'
        AND claimed.term IS NOT NULL AND claimed.host = %(host)s AND claimed.scope = %(scope)s
        AND NOT EXISTS (SELECT 1 FROM rocketd.owner AS owner WHERE owner.fleet = claimed.fleet
            AND owner.task = claimed.task_name AND owner.term = claimed.term AND owner.host = claimed.host)))"""
LOCK_OWNERS: Final = """
    SELECT 1 FROM rocketd.owner WHERE fleet = %(fleet)s AND task = ANY(%(names)s) ORDER BY task FOR SHARE
"""


def _sent(name: str) -> str:
    """Return the value of a column of what a host sends of its own records."""
    value = value_of(name)
    instead = {"action": "'crash'", "cause": "'down'"}
    return f"CASE WHEN {_TOO_LATE} THEN {instead[name]} ELSE {value} END" if name in instead else value


_INTO: Final = f"""
    INSERT INTO rocketd.record (fleet, host, scope, term, {NAMES})
    SELECT %(fleet)s, %(host)s, %(scope)s, {_CLAIMED}, {", ".join(map(_sent, COLUMNS))} FROM given
"""  # noqa: S608 - names of this package alone; values are bound
_CAME: Final = "RETURNING id, CASE WHEN term IS NOT NULL THEN task_name END"

# The end of a run that was handed off to an engine may come from the host that has taken over its task.
# A record that comes again changes nothing, but an interval of misses that has grown. Of a run that one host of the
# fleet had claimed, the first end counts: it may have counted as lost meanwhile.
# Only intervals may be updated, and newer servers refuse DO UPDATE if there is a row that may not be,
# whatever its WHERE says.
INSERT: Final = f"""
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb)
            AS given ({", ".join(f'"{name}" {TYPES[name]}' for name in COLUMNS)})
    ), added AS (
        {_INTO} WHERE given.action <> 'missed' AND NOT ({_CLAIMED} IS NOT NULL AND {_HAS_END})
        ON CONFLICT DO NOTHING {_CAME}
    ), grown AS (
        {_INTO} WHERE given.action = 'missed'
        ON CONFLICT (fleet, host, scope, run_id, kind) DO UPDATE SET {_GROWN} WHERE excluded.times >= record.times
        {_CAME}
    )
    SELECT * FROM added UNION ALL SELECT * FROM grown
"""  # noqa: S608 - as above


def as_json(records: Iterable[LoggedRow], *, output: bool) -> str:
    """Return records as one JSON array; without `output`, what runs printed stays here."""
    objects = {(_run_id(one.row), is_end(one.row), one.row.action == "missed"): one.row for one in records}
    return json.dumps([_object(row, output=output) for row in objects.values()])


def run_name(row: Row) -> str:
    """Return the id of its run, or what stands for it in a record from elsewhere that has none."""
    return storable(row.run_id or "").replace("\0", "")


def _run_id(row: Row) -> str:
    return run_name(row) or f"{row.task_name}/{row.number}/{row.created}"


def _object(row: Row, *, output: bool) -> dict[str, object]:
    values = {name: _storable(name, value) for name, value in row._asdict().items() if name in COLUMNS}
    values["run_id"] = _storable("run_id", _run_id(row))
    if not output:
        values["output"] = values["exc_text"] = None
    return values


def _storable(name: str, value: object) -> object:
    """Return what PostgreSQL can keep of a value: no NUL in a text, no lone surrogate, no number out of range."""
    if isinstance(value, str):
        return storable(value).replace("\0", "\\x00")
    if isinstance(value, int) and TYPES.get(name) == "integer":
        return value if abs(value) <= _MAX_INTEGER else None
    if isinstance(value, int | float) and TYPES.get(name) == "double precision":
        if not isfinite(value):
            return None
        return min(max(value, _EARLIEST), _LATEST) if name in _TIMES else value
    return value


def _read(name: str, table: str, without: Collection[str]) -> str:
    column = f'{table}."{name}"'
    if name not in TYPES or name in without:
        return f"{table}.host" if name == "host" else "NULL"
    return f"extract(epoch FROM {column})::double precision" if name in _TIMES else column


def columns_of(table: str, without: Collection[str] = ()) -> str:
    """Return the columns of a `Row`, in its order, read from `record` under this name; `without`: as NULL."""
    return ", ".join(_read(name, table, without) for name in Row._fields)


def row_of(values: Sequence[object]) -> Row:
    """Return what was read of `columns_of` as a row that nobody has checked."""
    return Row._make(values)
