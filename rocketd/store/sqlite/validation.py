"""Values that a column must not hold: a disk has changed a bit, or a program has written what rocketd never would.

SQLite keeps a text in a column of numbers if it is given one. What is read counts as far as it can be trusted: an end
whose action is unreadable is told from its exit code, a trigger that nobody knows counts as the schedule. So no task is
forgotten, and none runs twice, because of one word.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Final

from rocketd.core.model.run import Action, Cause, Trigger
from rocketd.store.sqlite.rows import ACTIONS, Row

_INTEGERS: Final = frozenset({"number", "attempt", "exit_code", "signal", "pid", "pid_start", "times"})
_SECONDS: Final = frozenset({"created", "due", "start", "end", "runtime"})
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "trigger": frozenset(trigger.value for trigger in Trigger),
    "cause": frozenset(cause.value for cause in Cause),
}
_MOST: Final = 2**62
MAX_NUMBER: Final = 2**48
"""Runs of one task: nobody gets there by counting."""
_STOPPED: Final = frozenset({Cause.TIMEOUT, Cause.STOP_WHEN, Cause.OPERATOR, Cause.REPLACE})

_MANY: Final = 100
"""Faults that are remembered."""


class ColumnFaults:
    """What was found in columns that must not hold it, by sentences: each once, and not too many."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}
        self._where = ""

    def at_row(self, where: str) -> "ColumnFaults":
        """From now on they are in that row."""
        self._where = where
        return self

    def add(self, column: str, value: object) -> None:
        """Note what a column held."""
        self.note(f"{self._where} has {shown(value)} in {column}")

    def note(self, sentence: str) -> None:
        """Note something else that is wrong."""
        if len(self._found) < _MANY:
            self._found[sentence] = None

    def __str__(self) -> str:
        """The first three of them; empty: there are none."""
        first = "; ".join([*self._found][:3])
        return first + (f"; and {len(self._found) - 3} more" if len(self._found) > 3 else "")  # noqa: PLR2004 - as above

    def __bool__(self) -> bool:
        return bool(self._found)


_NUMBERS: Final = range(MAX_NUMBER + 1)
_usual: Final[set[tuple[object, ...]]] = set()
"""Types, trigger and cause of records that were found to be sound: the next ones of that kind need no closer look."""


def validated(row: Row, faults: ColumnFaults) -> Row | None:
    """The record, with None for what cannot be trusted; None: it does not tell what happened to which task, or when."""
    kind = (*map(type, row), row.action, row.trigger, row.cause)
    if kind in _usual and _is_plain(row):
        return row
    found: list[tuple[str, object]] = []
    values = {name: _checked(name, value, found) for name, value in row._asdict().items()}
    mended = _whole(Row(**values), found)  # type: ignore[arg-type]  # each value has the type of its column by now
    for column, value in found:
        faults.add(column, value)
    if mended is not None and not found:
        _usual.add(kind)
    return mended


def _is_plain(row: Row) -> bool:
    """Whether numbers that have the right type are in their range as well."""
    number, attempt, created = row.number, row.attempt, row.created
    return (number or 0) in _NUMBERS and (attempt or 0) in _NUMBERS and -_MOST < created < _MOST


def _checked(name: str, value: object, found: list[tuple[str, object]]) -> object:
    if value is None or _is_good(name, value):
        return value
    found.append((name, value))
    return None


def _is_good(name: str, value: object) -> bool:
    if name in _INTEGERS:
        if not isinstance(value, int):
            return False
        return value in _NUMBERS if name in {"number", "attempt"} else abs(value) <= _MOST
    if name in _SECONDS:
        return isinstance(value, int | float) and isfinite(value) and abs(value) < _MOST
    if not isinstance(value, str):
        return False
    return name not in _WORDS or value in _WORDS[name]


def _whole(row: Row, found: list[tuple[str, object]]) -> Row | None:
    """Put what a record cannot do without in the place of what is not to be trusted."""
    created: float | None = row.created
    if created is None:
        found.append(("created", None))
        created = row.end if row.end is not None else row.start
    if not row.task_name or created is None or any(column == "number" for column, _ in found):
        return None
    if row.action in ACTIONS:
        return row._replace(created=created)
    found.append(("action", row.action))
    return row._replace(created=created, action=_action_of(row))


def _action_of(row: Row) -> Action:
    """What a record tells, by the rest of it."""
    if row.end is None and row.cause is None:
        return Action.RUN
    if row.cause in _STOPPED:
        return Action.TERMINATE
    if row.cause in (Cause.SHUTDOWN, Cause.DOWN):
        return Action.CRASH
    return Action.SUCCESS if row.exit_code == 0 else Action.FAIL


def shown(value: object) -> str:
    """The value in a sentence, not too long."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"  # noqa: PLR2004 - so that a line holds it
