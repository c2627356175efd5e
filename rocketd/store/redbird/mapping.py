"""Run records in any Red Bird repository: which fields it has, how a record gets in, and how it is read back.

A repository with fewer fields gets those that it has. What it lacks is made up when it is read: due = start, the
number counted from record to record, the attempt = failures in a row + 1, the cause unknown.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import isfinite
from operator import attrgetter, itemgetter
from typing import Final

from pydantic.v1 import BaseModel

from rocketd.core.dataclass import dataclass, field
from rocketd.core.model.run import Action, Cause, Trigger
from rocketd.store.redbird.compat import BaseRepo
from rocketd.store.sqlite.column_values import ColumnFaults, validated
from rocketd.store.sqlite.rows import ACTIONS, Row, is_end
from rocketd.store.sqlite.schema import COLUMNS, USAGE_COLUMNS

_ALL: Final = frozenset({"id", *COLUMNS})
_NUMBERS: Final = ("number", "attempt", "exit_code", "signal", "pid", "pid_start", "times", *USAGE_COLUMNS[1:])
_SECONDS: Final = ("created", "due", "start", "end", "runtime", "cpu_time")
_DATETIMES: Final = frozenset({"DateTime", "DATETIME", "TIMESTAMP"})
"""SQLAlchemy's types of a point in time."""
_FAILURES: Final = (Action.FAIL, Action.TERMINATE, Action.CRASH)
_KNOWN: Final = {"trigger": frozenset(Trigger), "cause": frozenset(Cause)}


def fields_of(repo: BaseRepo) -> frozenset[str]:
    """The fields of a run record that this repository keeps."""
    spoilt = datetime_columns(repo) & {"runtime"}  # SQLite's columns for a timedelta, which take none when found again
    return _ALL & (model_fields(repo.model) or _ALL) & (columns_of(repo) or _ALL) - spoilt


def model_fields(model: type) -> frozenset[str]:
    """The fields of the repository's model; empty: it takes whatever it is given."""
    return frozenset(model.__fields__) if issubclass(model, BaseModel) else frozenset()


def required_fields(model: type) -> frozenset[str]:
    """The fields that an item of this model must have."""
    fields = model.__fields__.items() if issubclass(model, BaseModel) else ()
    return frozenset(name for name, field in fields if field.required)


def columns_of(repo: BaseRepo) -> frozenset[str]:
    """What the repository's table has, whatever its model says; empty: it has no table."""
    table = getattr(getattr(repo, "model_orm", None), "__table__", None)
    if table is not None:
        return frozenset(table.columns.keys())
    return frozenset(getattr(repo, "columns", None) or getattr(repo, "fieldnames", None) or ())


def datetime_columns(repo: BaseRepo) -> frozenset[str]:
    """The columns of the repository's table that take datetimes where a record has seconds."""
    table = getattr(getattr(repo, "model_orm", None), "__table__", None)
    columns = () if table is None else table.columns
    return frozenset(column.name for column in columns if type(column.type).__name__ in _DATETIMES)


def as_datetime(seconds: float) -> datetime:
    """Turn seconds into a datetime as such a column has it: in UTC, as some databases keep no zone."""
    return datetime.fromtimestamp(seconds, UTC)


def read_log(repo: BaseRepo, query: Mapping[str, object]) -> list[Row]:
    """Read the records that are found, in log order as far as the repository can tell; those of others are skipped."""
    read = [_mapping(item) for item in repo.filter_by(**query)]
    found = [(values.get("id"), row) for values in read if (row := row_of_values(values)) is not None]
    by_id = all(isinstance(key, int) for key, _ in found)
    if by_id:
        found.sort(key=itemgetter(0))
    rows = [row for _, row in found]
    return rows if by_id or repo.ordered else list(in_order_of_time(rows))


def in_order_of_time(rows: Iterable[Row]) -> Iterator[Row]:
    """Sort records by time; of those of one moment, an end comes first if its task has an open run.

    start 1, end 1 and start 2 at once, end 2      and not: start 1, start 2, end 1, end 2
    """
    open_runs: Counter[str] = Counter()
    for _, moment in groupby(sorted(rows, key=attrgetter("created")), key=attrgetter("created")):
        tasks: dict[str, list[Row]] = defaultdict(list)
        for row in moment:
            tasks[row.task_name].append(row)
        for name, same in tasks.items():
            starts = deque(row for row in same if row.action == Action.RUN)
            others = deque(row for row in same if row.action != Action.RUN)
            while starts or others:
                row = (others if others and (open_runs[name] or not starts) else starts).popleft()
                if row.action == Action.RUN:
                    open_runs[name] += 1
                elif is_end(row) and open_runs[name]:
                    open_runs[name] -= 1
                yield row


def _mapping(item: object) -> Mapping[str, object]:
    if isinstance(item, Mapping):
        return item
    return item.dict() if isinstance(item, BaseModel) else vars(item)


def row_of_values(values: Mapping[str, object]) -> Row | None:
    """Read a record, whatever types its repository made of the fields; None: it is none of a run."""
    seconds = {name: _number(values.get(name)) for name in _SECONDS}
    numbers = {name: _integer(values.get(name)) for name in _NUMBERS}
    texts = {name: _text(values.get(name)) for name in COLUMNS if name not in seconds and name not in numbers}
    if seconds["created"] is None or not texts["task_name"] or texts["action"] not in ACTIONS:
        return None
    for name, allowed in _KNOWN.items():
        texts[name] = texts[name] if texts[name] in allowed else None
    row = Row(**(seconds | numbers | texts))  # type: ignore[arg-type]  # each column has been given its type above
    return validated(row, ColumnFaults())


def _number(value: object) -> float | None:
    """Turn into seconds what Pydantic or a file has made of them. A datetime without a zone is in UTC, as written."""
    match value:
        case datetime():
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
        case timedelta():
            return value.total_seconds()
        case int() | float() | str() if value != "":
            try:
                return float(value)
            except (ValueError, OverflowError):  # a file that somebody has damaged
                return None
    return None


def _integer(value: object) -> int | None:
    number = _number(value)
    return None if number is None or not isfinite(number) else round(number)


def _text(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


@dataclass
class _TaskProgress:
    """What is made up for one task, while its records go by."""

    number: int
    active: dict[int, str | None] = field(default_factory=dict)
    """The run id of each open run, by its number; None: it has none."""
    failures: int = 0

    def ended(self, run_id: str | None) -> int:
        """Return the number of the run that has ended: the one with that id, else the newest without one."""
        ended = [number for number, active in self.active.items() if run_id and active == run_id]
        ended = ended or [number for number, active in self.active.items() if not (run_id and active)]
        return ended[-1] if ended else min(self.active, default=self.number) - 1  # its start is not among the records


def numbered_anew(rows: list[Row], fields: frozenset[str]) -> tuple[list[Row], frozenset[str]]:
    """Let go of the numbers of records that are of several hosts, each of which has counted from 1."""
    if len({row.host for row in rows}) <= 1:
        return rows, fields
    return [row._replace(number=None) for row in rows], fields - {"number"}


def fill_missing_fields(rows: Iterable[Row], fields: frozenset[str], next_numbers: Mapping[str, int]) -> list[Row]:
    """Make up the numbers and attempts that the repository does not keep.

    The newest start gets the number before the task's next one, so that what is made up fits what will be given out.
    """
    rows = list(rows)
    if {"number", "attempt"} <= fields and all(row.number or row.action == Action.MISSED for row in rows):
        return rows
    starts = Counter(row.task_name for row in rows if row.action == Action.RUN)
    tasks = {
        name: _TaskProgress(max(next_numbers.get(name, 1) - starts[name], 1)) for name in {r.task_name for r in rows}
    }
    return [_completed(row, tasks[row.task_name]) for row in rows]


def _completed(row: Row, task: _TaskProgress) -> Row:
    if row.action == Action.MISSED:
        return row
    attempt = row.attempt or task.failures + 1  # for an end as well: it is counted below, after it
    if row.action == Action.RUN:
        number = row.number or task.number
        task.number = number + 1
        task.active[number] = row.run_id
    else:
        number = row.number or task.ended(row.run_id)
        task.active.pop(number, None)
        if row.action != Action.WITHDRAWN:  # that is no try
            task.failures = task.failures + 1 if row.action in _FAILURES else 0
    return row._replace(number=number, attempt=attempt)
