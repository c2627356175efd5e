"""Figures about runs, counted by SQLite: how long tasks took, how runs went in each stretch of time, and when they ran.

A disk or a program may have put a text where a number belongs: what is not a number is left out.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from rocketd.core.instant import SECOND, Duration, Instant
from rocketd.core.model.run import Action
from rocketd.core.model.run_figures import RunsOfStretch, RunSpan, RunSpans, SpanPlace
from rocketd.store.sqlite.rows import ACTIONS, seconds
from rocketd.store.sqlite.schema import is_end, is_hand

_RUNTIMES: Final = f"""
    SELECT runtime FROM (
        SELECT * FROM (SELECT id, runtime FROM log INDEXED BY log_newest
            WHERE task_name = :task AND action = 'success' AND {is_hand()} = 0 ORDER BY id DESC LIMIT :limit)
        UNION ALL
        SELECT * FROM (SELECT id, runtime FROM log INDEXED BY log_newest
            WHERE task_name = :task AND action = 'success' AND {is_hand()} = 1 ORDER BY id DESC LIMIT :limit))
    WHERE typeof(runtime) IN ('real', 'integer') ORDER BY id DESC LIMIT :limit
"""  # noqa: S608 - our own words

_STRETCHES: Final = """
    SELECT CAST((created - :begin) / :step AS INTEGER) AS stretch, action,
        sum(CASE WHEN action = 'missed' AND typeof(times) = 'integer' THEN max(times, 1) ELSE 1 END),
        sum(CASE WHEN typeof(runtime) IN ('real', 'integer') THEN runtime ELSE 0 END)
    FROM log INDEXED BY {index}
    WHERE created >= :begin AND created < :end AND action NOT IN ('run', 'withdrawn') {of_task}
    GROUP BY stretch, action ORDER BY stretch
"""

_SPANS: Final = f"""
    SELECT begun.id, begun.created, begun.task_name, begun.number, begun.action, begun.start, begun.due, begun."end",
        ended.action, ended."end"
    FROM log AS begun INDEXED BY log_created
    LEFT JOIN log AS ended ON ended.task_name = begun.task_name AND ended.number = begun.number AND {is_end("ended")}
        AND begun.action = 'run'
    WHERE (begun.created, begun.id) > (:after, :after_id) AND begun.created >= :after AND begun.created < :end
        AND begun.action IN ('run', 'missed')
    ORDER BY begun.created, begun.id LIMIT :limit
"""  # noqa: S608 - our own words


def runtimes(database: sqlite3.Connection, tasks: Sequence[str], limit: int) -> dict[str, list[Duration]]:
    """Return how long the last successful runs of tasks took, the newest first."""
    return {
        task: [round(value * SECOND) for (value,) in database.execute(_RUNTIMES, {"task": task, "limit": limit})]
        for task in tasks
    }


def stretches(
    database: sqlite3.Connection, begin: Instant, end: Instant, step: Duration, task: str
) -> list[RunsOfStretch]:
    """Count the runs that ended in each stretch of that length, and what was missed, by action; only what there is."""
    of_task = "AND task_name = :task" if task else ""
    statement = _STRETCHES.format(index="log_newest" if task else "log_created", of_task=of_task)
    values = {"begin": seconds(begin), "end": seconds(end), "step": step / SECOND, "task": task}
    return [
        RunsOfStretch(begin + stretch * step, ACTIONS[action], count, round(total * SECOND))
        for stretch, action, count, total in database.execute(statement, values)
        if action in ACTIONS
    ]


def spans(database: sqlite3.Connection, begin: Instant, end: Instant, after: SpanPlace | None, limit: int) -> RunSpans:
    """Return when runs that began in that time ran, in the order of their beginning, and what was missed."""
    place, place_id = after or (seconds(begin), -1)
    values = {"after": place, "after_id": place_id, "end": seconds(end), "limit": limit}
    rows = database.execute(_SPANS, values).fetchall()
    following = (rows[-1][1], rows[-1][0]) if len(rows) == limit else None
    return RunSpans([span for row in rows if (span := _span(row[2:]))], following)


def _span(row: tuple[object, ...]) -> RunSpan | None:
    task, number, action, start, due, last, ended_as, ended_at = row
    if not isinstance(task, str) or not isinstance(number, int | None):
        return None
    if action == Action.MISSED:
        first = _instant(due) or _instant(start)
        return None if first is None else RunSpan(task, 0, first, _instant(last), Action.MISSED)
    begin = _instant(start)
    if begin is None or ended_as == Action.WITHDRAWN:
        return None
    return RunSpan(task, number or 0, begin, _instant(ended_at), ACTIONS.get(str(ended_as), Action.RUN))


def _instant(value: object) -> Instant | None:
    return round(value * SECOND) if isinstance(value, int | float) else None
