"""Throwing old records away, a few at a time, and never one that a condition can still ask about.

The walk goes from task to task, each from its oldest run on: the records of one task lie together in the indexes, so
that deleting them changes a fifth of the pages that deleting by age would. It stops after every few hundred records,
and remembers where.
"""

# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from rocketd.core.history.history import CRASHES_KEPT
from rocketd.core.instant import Duration, Instant
from rocketd.core.model.run import Action
from rocketd.store.sqlite.connection import Database
from rocketd.store.sqlite.rows import seconds
from rocketd.store.sqlite.schema import ENDS, is_end, is_hand, is_withdrawn

Protected: TypeAlias = Mapping[tuple[str, Action], Duration]

_PAGE: Final = 32
"""Runs of one task that are looked at together. After as many in a row that are not old, the younger ones are not
looked at: a clock that was wrong for a few runs does not hide what comes after them."""

_ROOM: Final = 2**31
"""For counting, as good as endless."""

_KNOWN_ENDS: Final = ", ".join(f"'{action}'" for action in Action if action not in (Action.RUN, Action.MISSED))
_OTHER_ENDS: Final = ", ".join(f"'{action}'" for action in ENDS if action != "crash")


def _later(older: str, actions: str) -> str:
    """Rows after `older` of its task with one of these actions, by hand if it is by hand."""
    return f"""
        SELECT 1 FROM log AS later WHERE later.task_name = {older}.task_name AND later.action IN ({actions})
            AND {is_hand("later")} = {is_hand(older)} AND later.id > {older}.id
    """


# What `Store.recovery_events` would give, asked about one run: the newest of its kind, a crash of the last series.
_RUNS: Final = f"""
    SELECT ended.number, ended.id, ended.created, ended.action, begun.id, begun.created,
        ended.created < :before AND coalesce(begun.created < :before, TRUE)
        AND (ended.action = 'withdrawn' OR EXISTS ({_later("ended", "ended.action")})
             AND (begun.id IS NULL OR EXISTS ({_later("begun", "'run'")} AND NOT {is_withdrawn("later")})))
        AND (ended.action <> 'crash' OR ended.cause IS 'shutdown'
             OR EXISTS ({_later("ended", "'crash'")} AND later.cause IS NOT 'shutdown'))
        AND (ended.action <> 'crash' OR ended."trigger" IS 'hand'
             OR EXISTS ({_later("ended", _OTHER_ENDS)})
             OR EXISTS ({_later("ended", "'crash'")} LIMIT 1 OFFSET {CRASHES_KEPT - 1}))
    FROM log AS ended
    LEFT JOIN log AS begun ON begun.task_name = ended.task_name AND begun.number = ended.number
        AND begun.action = 'run'
    WHERE ended.task_name = :task AND ended.number > :number AND {is_end("ended")}
        AND typeof(ended.number) = 'integer' AND typeof(ended.created) IN ('real', 'integer')
        AND ended.action IN ({_KNOWN_ENDS})
        AND typeof(begun.created) IN ('real', 'integer', 'null')
    ORDER BY ended.number LIMIT :limit
"""
_MISSED: Final = f"""
    SELECT old.id FROM log AS old
    WHERE old.task_name = :task AND old.action = 'missed' AND {is_hand("old")} = 0 AND old.created < :before
        AND EXISTS ({_later("old", "'missed'")})
    LIMIT :limit
"""
_DELETE: Final = "DELETE FROM log WHERE id IN (SELECT value FROM json_each(?))"


class _Run(NamedTuple):
    """The records of a run that has ended."""

    number: int
    end_id: int
    ended: float
    action: str
    start_id: int | None
    started: float | None
    prunable: int
    """Whether it is old, and newer records make it useless for `recovery_events`."""

    @property
    def ids(self) -> list[int]:
        return [self.end_id] if self.start_id is None else [self.start_id, self.end_id]


class RetentionQuery:
    """Prunes one store, chunk after chunk."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.deleted = 0
        """How many records so far."""
        self._tasks: list[str] = []
        """Those that are still to be looked at; the last one comes next."""
        self._number = 0
        """Its runs up to this number have been looked at."""
        self._young = 0
        """How many of them, the last ones, were not old."""

    def prune(self, before: Instant, protected: Protected, now: Instant, limit: int) -> int:
        """Delete up to `limit` records, but both of a run.

        Returns how many; 1 if it found none in a while, and there are more to look at; 0 when all have been looked at.
        """
        ids: list[int] = []
        with self._database.reading() as database:
            self._tasks = self._tasks or self._all_tasks(database)
            checked = 0
            while self._tasks and checked < limit and len(ids) < limit:
                prunable = list(self._check_next(database, before, protected, now, limit - len(ids)))
                ids += prunable
                checked += 1 + len(prunable)
        self._delete(ids)
        return max(len(ids), 1) if self._tasks else len(ids)

    def count(self, before: Instant, protected: Protected, now: Instant) -> int:
        """How many records all of `prune` would delete."""
        with self._database.reading() as database:
            self._tasks, found = self._all_tasks(database), 0
            while self._tasks:
                found += sum(1 for _ in self._check_next(database, before, protected, now, _ROOM))
        return found

    def _delete(self, ids: list[int]) -> None:
        if ids:
            with self._database.writing() as database:
                database.execute(_DELETE, (json.dumps(ids),))
            self.deleted += len(ids)

    def _all_tasks(self, database: sqlite3.Connection) -> list[str]:
        self._number = self._young = 0
        return [name for (name,) in database.execute("SELECT name FROM task_state ORDER BY name DESC")]

    def _check_next(
        self, database: sqlite3.Connection, before: Instant, protected: Protected, now: Instant, limit: int
    ) -> Iterator[int]:
        """Look at the next runs of the task whose turn it is, or at last at what it missed; gives what may go."""
        task = self._tasks[-1]
        oldest = seconds(before)
        parameters = {"task": task, "number": self._number, "before": oldest, "limit": _PAGE}
        runs = [_Run._make(row) for row in database.execute(_RUNS, parameters)]
        prunable: list[int] = []
        for run in runs:
            ids = run.ids if run.prunable and not _is_protected(task, run, protected, now) else []
            if prunable and len(prunable) + len(ids) > limit:  # the next look begins with it
                yield from prunable
                return
            prunable += ids
            self._number = run.number
            self._young = 0 if run.ended < oldest else self._young + 1
            if self._young == _PAGE:
                break
        yield from prunable
        if len(runs) == _PAGE and self._young < _PAGE:
            return
        self._tasks.pop()
        self._number = self._young = 0
        reach = protected.get((task, Action.MISSED))
        parameters["before"] = oldest if reach is None else min(oldest, seconds(now - reach))
        parameters["limit"] = max(limit - len(prunable), 0)
        yield from (one for (one,) in database.execute(_MISSED, parameters))


def _is_protected(task: str, run: _Run, protected: Protected, now: Instant) -> bool:
    """Whether a loaded condition may count its end, or its start, which would go with it."""
    if run.action == Action.WITHDRAWN:  # it never began, so nobody counts it
        return False
    return _young(task, Action(run.action), run.ended, protected, now) or (
        run.started is not None and _young(task, Action.RUN, run.started, protected, now)
    )


def _young(task: str, action: Action, created: float, protected: Protected, now: Instant) -> bool:
    reach = protected.get((task, action))
    return reach is not None and created >= seconds(now - reach)
