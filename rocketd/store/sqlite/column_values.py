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
from rocketd.store.sqlite.schema import USAGE_COLUMNS

_INTEGERS: Final = frozenset(
    {"number", "attempt", "exit_code", "signal", "pid", "pid_start", "times", *USAGE_COLUMNS[1:]}
)
_SECONDS: Final = frozenset({"created", "due", "start", "end", "runtime", "cpu_time"})
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "trigger": frozenset(trigger.value for trigger in Trigger),
    "cause": frozenset(cause.value for cause in Cause),
}
_MAX_VALUE: Final = 2**62
MAX_NUMBER: Final = 2**48
"""Runs of one task: nobody gets there by counting."""
_STOPPED: Final = frozenset({Cause.TIMEOUT, Cause.STOP_WHEN, Cause.OPERATOR, Cause.REPLACE})

_MAX_FAULTS: Final = 100
"""Faults that are remembered."""


class ColumnFaults:
    """What was found in columns that must not hold it, by sentences: each once, and not too many."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}
        self._row_name = ""

    def at_row(self, row_name: str) -> "ColumnFaults":
        """From now on they are in that row."""
        self._row_name = row_name
        return self

    def add(self, column: str, value: object) -> None:
        """Note what a column held."""
        self.note(f"{self._row_name} has {shown(value)} in {column}")

    def note(self, sentence: str) -> None:
        """Note something else that is wrong."""
        if len(self._found) < _MAX_FAULTS:
            self._found[sentence] = None

    def __str__(self) -> str:
        """The first three of them; empty: there are none."""
        first = "; ".join([*self._found][:3])
        return first + (f"; and {len(self._found) - 3} more" if len(self._found) > 3 else "")  # noqa: PLR2004 - as above

    def __bool__(self) -> bool:
        return bool(self._found)


_NUMBERS: Final = range(MAX_NUMBER + 1)
_valid_kinds: Final[set[tuple[object, ...]]] = set()
"""Types, trigger and cause of records that were found to be sound: the next ones of that kind need no closer look."""


def validated(row: Row, faults: ColumnFaults) -> Row | None:
    """The record, with None for what cannot be trusted; None: it does not tell what happened to which task, or when."""
    kind = (*map(type, row), row.action, row.trigger, row.cause)
    if kind in _valid_kinds and _is_in_range(row):
        return row
    faulty: list[tuple[str, object]] = []
    values = {name: _checked(name, value, faulty) for name, value in row._asdict().items()}
    completed = _completed(Row(**values), faulty)  # type: ignore[arg-type]  # each value has the type of its column by now
    for column, value in faulty:
        faults.add(column, value)
    if completed is not None and not faulty:
        _valid_kinds.add(kind)
    return completed


def _is_in_range(row: Row) -> bool:
    """Whether numbers that have the right type are in their range as well."""
    number, attempt, created = row.number, row.attempt, row.created
    return (number or 0) in _NUMBERS and (attempt or 0) in _NUMBERS and -_MAX_VALUE < created < _MAX_VALUE


def _checked(name: str, value: object, faulty: list[tuple[str, object]]) -> object:
    if value is None or _is_valid(name, value):
        return value
    faulty.append((name, value))
    return None


def _is_valid(name: str, value: object) -> bool:
    if name in _INTEGERS:
        if not isinstance(value, int):
            return False
        return value in _NUMBERS if name in {"number", "attempt"} else abs(value) <= _MAX_VALUE
    if name in _SECONDS:
        return isinstance(value, int | float) and isfinite(value) and abs(value) < _MAX_VALUE
    if not isinstance(value, str):
        return False
    return name not in _WORDS or value in _WORDS[name]


def _completed(row: Row, faulty: list[tuple[str, object]]) -> Row | None:
    """Put what a record cannot do without in the place of what is not to be trusted."""
    created: float | None = row.created
    if created is None:
        faulty.append(("created", None))
        created = row.end if row.end is not None else row.start
    if not row.task_name or created is None or any(column == "number" for column, _ in faulty):
        return None
    if row.action in ACTIONS:
        return row._replace(created=created)
    faulty.append(("action", row.action))
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
