# ruff: noqa: S608 - statements are joined from names of this package alone; values are always bound

"""Throwing old records away, a few at a time, and never one that a condition can still ask about.

The walk goes by age, oldest first, and remembers where it was: what has to stay would otherwise be looked at again
with every call, once tasks by the thousand have their newest records among the oldest.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from rocketd.core.history import CRASHES_KEPT
from rocketd.core.instant import BEGINNING, Duration, Instant
from rocketd.core.run import Action
from rocketd.store.database import Database
from rocketd.store.rows import seconds
from rocketd.store.schema import ENDS, is_hand

Spare = Mapping[tuple[str, Action], Duration]

_OTHER_ENDS: Final = ", ".join(f"'{action}'" for action in ENDS if action != "crash")


def _later(older: str, actions: str) -> str:
    """Rows after `older` of its task with one of these actions, by hand if it is by hand."""
    return f"""
        SELECT 1 FROM log AS later WHERE later.task_name = {older}.task_name AND later.action IN ({actions})
            AND {is_hand("later")} = {is_hand(older)}
            AND later.id > {older}.id
    """


# What `Store.past` would give, asked about one record: the newest of its kind, a crash of the last series.
_CANDIDATES: Final = f"""
    SELECT ended.id, ended.created, ended.task_name, ended.action, begun.id, begun.created,
        EXISTS ({_later("ended", "ended.action")})
        AND (begun.id IS NULL OR EXISTS ({_later("begun", "'run'")}))
        AND (ended.action <> 'crash' OR ended.cause IS 'shutdown'
             OR EXISTS ({_later("ended", "'crash'")} AND later.cause IS NOT 'shutdown'))
        AND (ended.action <> 'crash' OR ended."trigger" IS 'hand'
             OR EXISTS ({_later("ended", _OTHER_ENDS)})
             OR EXISTS ({_later("ended", "'crash'")} LIMIT 1 OFFSET {CRASHES_KEPT - 1}))
    FROM log AS ended
    LEFT JOIN log AS begun ON begun.task_name = ended.task_name AND begun.number = ended.number
        AND begun.action = 'run'
    WHERE (ended.created, ended.id) > (?, ?) AND ended.created < ? AND ended.action <> 'run'
    ORDER BY ended.created, ended.id LIMIT ?
"""
_DELETE: Final = "DELETE FROM log WHERE id IN (SELECT value FROM json_each(?))"


class _Candidate(NamedTuple):
    """The record of an end, or of missed times, with the start that goes with it."""

    id: int
    created: float
    task: str
    action: str
    begun_id: int | None
    begun: float | None
    newer: int
    """Whether newer records make this one and its start useless for `past`."""

    @property
    def ids(self) -> list[int]:
        return [self.id] if self.begun_id is None else [self.begun_id, self.id]


_START: Final = (seconds(BEGINNING), 0)


class Retention:
    """Prunes one store, chunk after chunk."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._place: tuple[float, int] = _START

    def prune(self, before: Instant, spare: Spare, now: Instant, limit: int) -> int:
        """Delete up to `limit` records, but both of a run; 0 says that the whole log has been walked."""
        while candidates := self._next(before, limit):
            last = candidates[-1]
            ids = list(_useless(candidates, seconds(before), spare, now))
            if ids:
                with self._database.writing() as database:
                    database.execute(_DELETE, (json.dumps(ids),))
            self._place = (last.created, last.id)
            if ids:
                return len(ids)
        self._place = _START
        return 0

    def _next(self, before: Instant, limit: int) -> list[_Candidate]:
        """Read the next records, half as many as may be deleted: each can bring its start along."""
        with self._database.reading() as database:
            rows = database.execute(_CANDIDATES, (*self._place, seconds(before), max(limit // 2, 1)))
            return [_Candidate._make(row) for row in rows]


def _useless(candidates: list[_Candidate], before: float, spare: Spare, now: Instant) -> Iterator[int]:
    for one in candidates:
        begun_late = one.begun is not None and one.begun >= before
        if one.newer and not begun_late and not _asked(one, spare, now):
            yield from one.ids


def _asked(one: _Candidate, spare: Spare, now: Instant) -> bool:
    """Whether a loaded condition may count the end, or the start that would go with it."""
    return _young(one.task, Action(one.action), one.created, spare, now) or (
        one.begun is not None and _young(one.task, Action.RUN, one.begun, spare, now)
    )


def _young(task: str, action: Action, created: float, spare: Spare, now: Instant) -> bool:
    reach = spare.get((task, action))
    return reach is not None and created >= seconds(now - reach)
