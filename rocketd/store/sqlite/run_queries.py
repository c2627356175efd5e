"""Runs as people look at them: the two records of a run joined, newest first."""

# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from rocketd.core.escaping import storable
from rocketd.core.instant import SECOND
from rocketd.core.model.records import RunFilter, RunPage, RunPlace, RunView
from rocketd.core.model.run import Action
from rocketd.store.sqlite.column_values import ColumnFaults, validated
from rocketd.store.sqlite.rows import ACTIONS, Row, end_of, first_report, run_of, seconds
from rocketd.store.sqlite.schema import COLUMNS, USAGE_COLUMNS, USAGE_VERSION, is_end, is_rare

_WIDTH: Final = len(COLUMNS)
_SAME_RUN: Final = "ended.task_name = begun.task_name AND ended.number = begun.number"
_WITH_END: Final = f"LEFT JOIN log AS ended ON {_SAME_RUN} AND {is_end('ended')}"

_LAST: Final = "\U0010ffff"
"""Sorts after whatever a run id may go on with."""

_PLACE: Final = (
    f"CAST(round(begun.created * {SECOND}) AS INTEGER), begun.task_name, coalesce(begun.number, 0), "
    "coalesce(begun.run_id, '')"
)
"""As `RunPlace`."""
_TIES: Final = "begun.task_name DESC, coalesce(begun.number, 0) DESC, coalesce(begun.run_id, '') DESC"
"""The order of runs that started at the same instant, as all do that were due at once."""

_Parameter: TypeAlias = str | int | float


class _Source(NamedTuple):
    """Where to look for runs, so that the few wanted ones are found without a walk through the log.

    CROSS JOIN keeps the order of the tables, INDEXED BY the index; the planner alone guesses wrong about both.
    """

    tables: str
    condition: str
    has_end: bool = True
    order: str = "begun.created"
    action: str = "coalesce(ended.action, begun.action)"


_ALL: Final = _Source(f"log AS begun {_WITH_END}", "begun.action IN ('run', 'missed')")
_OF_TASK: Final = _Source(f"log AS begun {_WITH_END}", "begun.action = 'run'", order="begun.number")
_OF_RUN_ID: Final = _Source(f"log AS begun INDEXED BY log_run_id {_WITH_END}", "begun.action = 'run'")
_ACTIVE: Final = _Source(
    f"open_run CROSS JOIN log AS begun ON begun.task_name = open_run.task AND begun.number = open_run.number "
    f"{_WITH_END}",
    "begun.action = 'run'",
)
_MISSED: Final = _Source(
    "log AS begun", f"begun.action = 'missed' AND {is_rare('begun')}", has_end=False, action="begun.action"
)
_MISSED_OF_RUN_ID: Final = _MISSED._replace(
    tables="log AS begun INDEXED BY log_missed", condition="begun.action = 'missed'"
)
_SUCCEEDED: Final = _Source(
    f"log AS begun INDEXED BY log_created CROSS JOIN log AS ended ON {_SAME_RUN} AND {is_end('ended')}",
    "begun.action = 'run' AND ended.action = 'success'",
)


def _ended_rarely(action: Action) -> _Source:
    """Begin with the ends, of which there are few."""
    return _Source(
        f"log AS ended INDEXED BY log_rare CROSS JOIN log AS begun ON {_SAME_RUN} AND begun.action = 'run'",
        f"{is_rare('ended')} AND ended.action = '{action.value}'",
    )


def _sources(run_filter: RunFilter) -> Iterator[_Source]:
    if run_filter.run_id:
        yield from (_OF_RUN_ID, _MISSED_OF_RUN_ID)
    elif run_filter.task:
        yield from (_OF_TASK, _MISSED)
    elif not run_filter.actions:
        yield _ALL
    else:
        yield from map(_source_of, set(run_filter.actions))


def _source_of(action: Action) -> _Source:
    known = {Action.RUN: _ACTIVE, Action.MISSED: _MISSED, Action.SUCCESS: _SUCCEEDED}
    return known.get(action) or _ended_rarely(action)


def find(database: sqlite3.Connection, run_filter: RunFilter, faults: ColumnFaults) -> list[RunView]:
    """Read the runs that are wanted, newest start first."""
    rows = (row for part in _parts(run_filter) for source in _sources(part) for row in _rows(database, source, part))
    return _newest_first(_views(rows, faults), run_filter)


_FEW_TASKS: Final = 100
"""So many tasks are looked up one by one; of more, each part of the log has some."""


def _parts(run_filter: RunFilter) -> list[RunFilter]:
    if run_filter.task or run_filter.run_id or run_filter.tasks is None or len(run_filter.tasks) > _FEW_TASKS:
        return [run_filter]
    return [replace(run_filter, task=name, tasks=None) for name in run_filter.tasks]


_PAGE_RECORDS: Final = 5_000
"""Records that one part looks through at most."""

_PAGE_END: Final = "SELECT max(id) FROM (SELECT id FROM log WHERE id > ? ORDER BY id LIMIT ?)"
_PAGE: Final = f"""
    FROM log AS begun NOT INDEXED {_WITH_END}
    WHERE begun.id > ? AND begun.id <= ? AND begun.action IN ('run', 'missed')
"""


def page(database: sqlite3.Connection, run_filter: RunFilter, after: int, faults: ColumnFaults) -> RunPage:
    """Read the next of the runs that are wanted, the first recorded first, as far as one look goes."""
    (end,) = database.execute(_PAGE_END, (after, _PAGE_RECORDS)).fetchone()
    if end is None:
        return RunPage([], None)
    terms = list(_terms(run_filter, _ALL.action))
    where = " AND ".join([_PAGE, *(term for term, _ in terms)])
    sql = f"SELECT begun.id, {_columns(database, has_end=True)} {where} ORDER BY begun.id LIMIT ?"
    values = (value for _, values in terms for value in values)
    rows = database.execute(sql, (after, end, *values, run_filter.limit)).fetchall()
    return RunPage([*_views((row[1:] for row in rows), faults)], rows[-1][0] if len(rows) == run_filter.limit else end)


def _rows(database: sqlite3.Connection, source: _Source, run_filter: RunFilter) -> sqlite3.Cursor:
    terms = list(_terms(run_filter, source.action))
    where = " AND ".join([source.condition, *(term for term, _ in terms)])
    columns = _columns(database, has_end=source.has_end)
    sql = f"SELECT {columns} FROM {source.tables} WHERE {where} ORDER BY {source.order} DESC, {_TIES} LIMIT ?"
    return database.execute(sql, (*(value for _, values in terms for value in values), run_filter.limit))


def _columns(database: sqlite3.Connection, *, has_end: bool) -> str:
    """Return those of the start and of the end; a store of an older version, which is only read, lacks the newest."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    recorded = set(COLUMNS) if version >= USAGE_VERSION else set(COLUMNS) - {*USAGE_COLUMNS}
    begun = [f'begun."{name}"' if name in recorded else "NULL" for name in COLUMNS]
    ended = [f'ended."{name}"' if has_end and name in recorded else "NULL" for name in COLUMNS]
    return ", ".join([*begun, *ended])


def _terms(run_filter: RunFilter, action: str) -> Iterator[tuple[str, tuple[_Parameter, ...]]]:
    """Each thing that is wanted, as an SQL term and its parameters."""
    if run_filter.task:
        yield "begun.task_name = ?", (storable(run_filter.task),)
    if run_filter.tasks is not None:
        names = json.dumps([storable(name) for name in run_filter.tasks])
        yield "begun.task_name IN (SELECT value FROM json_each(?))", (names,)
    if run_filter.run_id:
        run_id = storable(run_filter.run_id)
        yield "begun.run_id BETWEEN ? AND ?", (run_id, f"{run_id}{_LAST}")
    if run_filter.number is not None:
        yield "begun.number = ?", (run_filter.number,)
    if run_filter.since is not None:
        yield "begun.created >= ?", (seconds(run_filter.since),)
    if run_filter.until is not None:
        yield "begun.created < ?", (seconds(run_filter.until),)
    if run_filter.after is not None:
        start, task, number, run_id = run_filter.after
        place = (start, storable(task), number, storable(run_id))
        yield f"begun.created < ? AND ({_PLACE}) < (?, ?, ?, ?)", (seconds(start + 1), *place)
    if run_filter.triggers:
        places = ", ".join("?" * len(run_filter.triggers))
        yield f"coalesce(begun.\"trigger\", 'schedule') IN ({places})", tuple(one.value for one in run_filter.triggers)
    if run_filter.actions:
        places = ", ".join("?" * len(run_filter.actions))
        yield f"{action} IN ({places})", tuple(one.value for one in run_filter.actions)


def _newest_first(views: Iterable[RunView], run_filter: RunFilter) -> list[RunView]:
    """Put runs in order, and cut them to the limit."""
    ordered = sorted(views, key=lambda view: RunPlace.of(view.run), reverse=True)
    return ordered[: run_filter.limit]


def _views(rows: Iterable[tuple[_Parameter | None, ...]], faults: ColumnFaults) -> Iterator[RunView]:
    for values in rows:
        row, end = Row._make(values[:_WIDTH]), values[_WIDTH:]
        row_faults = faults.at_row(f"a record of {row.task_name}/{row.number}")
        if start := validated(row, row_faults):
            yield _joined(start, validated(Row._make(end), row_faults) if end[0] is not None else None)


def _joined(start: Row, end: Row | None) -> RunView:
    """Join the records of one run, or show a stretch of missed times as a run without a number."""
    newest = end or start
    return RunView(
        run_of(start),
        ACTIONS[newest.action],
        end_of(end) if end else None,
        start.pid or 0,
        start.host or "",
        start.boot_id or "",
        start.pid_start or 0,
        first_report(start),
    )
