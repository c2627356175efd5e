"""Runs as people look at them: the two records of a run joined, newest first."""

import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from rocketd.core.records import RunFilter, RunView
from rocketd.core.run import Action
from rocketd.store.rows import Row, end_of, run_of, seconds
from rocketd.store.schema import COLUMNS, is_end, is_rare

_WIDTH: Final = len(COLUMNS)
_SELECT: Final = "SELECT " + ", ".join(f'{table}."{name}"' for table in ("begun", "ended") for name in COLUMNS)
_SAME_RUN: Final = "ended.task_name = begun.task_name AND ended.number = begun.number"
_ENDED: Final = f"LEFT JOIN log AS ended ON {_SAME_RUN} AND {is_end('ended')}"

_Parameter: TypeAlias = str | int | float


class _Source(NamedTuple):
    """Where to look for runs: a FROM clause, and what is true of all of them."""

    tables: str
    condition: str


_ALL: Final = _Source(f"log AS begun {_ENDED}", "begun.action IN ('run', 'missed')")
_GOING: Final = _Source(
    f"open_run JOIN log AS begun ON begun.task_name = open_run.task AND begun.number = open_run.number {_ENDED}",
    "begun.action = 'run'",
)
_MISSED: Final = _Source("log AS begun LEFT JOIN log AS ended ON FALSE", "begun.action = 'missed'")
_SUCCEEDED: Final = _Source(f"log AS begun {_ENDED}", "begun.action = 'run' AND ended.action = 'success'")


def _ended_rarely(action: Action) -> _Source:
    """Begin with the ends, of which there are few, instead of looking for them from start to start."""
    return _Source(
        f"log AS ended INDEXED BY log_rare CROSS JOIN log AS begun ON {_SAME_RUN} AND begun.action = 'run'",
        f"{is_rare('ended')} AND ended.action = '{action.value}'",
    )


def _sources(wanted: RunFilter) -> Iterator[_Source]:
    if not wanted.actions or wanted.task:
        yield _ALL
        return
    for action in set(wanted.actions):
        match action:
            case Action.RUN:
                yield _GOING
            case Action.MISSED:
                yield _MISSED
            case Action.SUCCESS:
                yield _SUCCEEDED
            case _:
                yield _ended_rarely(action)


def find(database: sqlite3.Connection, wanted: RunFilter) -> list[RunView]:
    """Read the runs that are wanted, newest start first."""
    views = [_view(row) for source in _sources(wanted) for row in _rows(database, source, wanted)]
    views.sort(key=lambda view: (view.run.start, view.run.task, view.run.number), reverse=True)
    return views[: wanted.limit]


def _rows(database: sqlite3.Connection, source: _Source, wanted: RunFilter) -> sqlite3.Cursor:
    terms = dict(_terms(wanted))
    where = " AND ".join([source.condition, *terms])
    parameters = [value for values in terms.values() for value in values]
    sql = f"{_SELECT} FROM {source.tables} WHERE {where} ORDER BY begun.created DESC LIMIT ?"
    return database.execute(sql, (*parameters, wanted.limit))


def _terms(wanted: RunFilter) -> Iterator[tuple[str, tuple[_Parameter, ...]]]:
    """Each thing that is wanted, as an SQL term and its parameters."""
    if wanted.task:
        yield "begun.task_name = ?", (wanted.task,)
    if wanted.run_id:
        yield "begun.run_id = ?", (wanted.run_id,)
    if wanted.number is not None:
        yield "begun.number = ?", (wanted.number,)
    if wanted.since is not None:
        yield "begun.created >= ?", (seconds(wanted.since),)
    if wanted.until is not None:
        yield "begun.created < ?", (seconds(wanted.until),)
    if wanted.actions:
        places = ", ".join("?" * len(wanted.actions))
        yield f"coalesce(ended.action, begun.action) IN ({places})", tuple(a.value for a in wanted.actions)


def _view(values: tuple[_Parameter | None, ...]) -> RunView:
    begun = Row(*values[:_WIDTH])  # type: ignore[arg-type]  # the columns' types are the schema's to know
    pid = begun.pid or 0
    if values[_WIDTH] is None:
        return RunView(run_of(begun), Action(begun.action), None, pid)
    ended = Row(*values[_WIDTH:])  # type: ignore[arg-type]  # as above
    return RunView(run_of(begun), Action(ended.action), end_of(ended), pid)
