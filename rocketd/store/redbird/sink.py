"""One Red Bird repository as a place for run records: putting them in, finding them, deleting them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from rocketd.core.errors import StoreError
from rocketd.core.escaping import storable
from rocketd.core.model.run import Action
from rocketd.store.redbird.compat import BaseRepo, In, KeyFoundError
from rocketd.store.redbird.mapping import (
    as_datetime,
    columns_of,
    datetime_columns,
    fields_of,
    model_fields,
    read_log,
    required_fields,
)
from rocketd.store.redbird.repair import (
    add_new_columns,
    allow_long_fields,
    csv_of,
    header_error,
    repair,
    replacing_file,
)
from rocketd.store.redbird.required_columns import LOG_ATTRIBUTES, log_attributes, required_columns
from rocketd.store.sqlite.rows import Row
from rocketd.store.sqlite.schema import COLUMNS

_REQUIRED: Final = frozenset({"created", "task_name", "action"})
_ALWAYS: Final = _REQUIRED | {"run_id", "host"}
"""What every record has."""
_UPDATED: Final = ("created", "due", "end", "times", "reason", "message")
"""What changes when a stretch of missed times goes on."""
_TRIES: Final = 1000
"""How many keys are tried for a record whose key is taken: one a microsecond."""
_ASSIGNS_IDS: Final = ("model_orm", "columns", "object")
"""What only repositories over an SQL table have: there, an id is the database's to give."""
_COMPARES: Final = ("columns", "get_collection")
"""What only repositories have that keep numbers as such: `RunRepo` and Mongo's."""


class RepositorySink:
    """Raises StoreError if the repository lacks a field without which it cannot be the run log."""

    def __init__(self, repo: BaseRepo) -> None:
        self.repo = repo
        """Only the thread of the replicator may use it."""
        add_new_columns(repo)
        self.fields = fields_of(repo)
        columns = columns_of(repo)
        self._demanded = required_columns(repo) & LOG_ATTRIBUTES
        self._inserts_dicts = bool(columns) and (not model_fields(repo.model) <= columns or bool(self._demanded))
        self._datetimes = datetime_columns(repo)
        self._sets_id = "id" in self.fields and not any(hasattr(repo, name) for name in _ASSIGNS_IDS)
        self.repaired = ""
        """What of it was moved aside, as it was half a record; empty: nothing."""
        self.skipped_reason = ""
        """Why records of it could not be read, the last time that there were such."""
        self._is_http = hasattr(repo, "url_params")
        """Whether it asks a server over HTTP, which compares texts and cannot be asked for one of many."""
        self._check()
        if self._is_http:
            _raise_http_errors(repo)
        if csv_of(repo):
            allow_long_fields()

    def _check(self) -> None:
        hint = "the least is rocketd.log.MinimalRecord, the whole is rocketd.log.RunRecord"
        if hasattr(self.repo, "get_collection") and self.repo.id_field not in self.fields:
            documents = "take rocketd.log.RunRecord as its model, or one with a field id, and id_field='id'"
            raise StoreError("the run log's repository cannot tell its documents apart", hint=documents)
        if wrong := header_error(self.repo):
            named = "docs/reference/rocketry.md says how to take the records of another program along"
            raise StoreError(f"the run log's repository cannot be used: {wrong}", hint=named)
        if missing := _REQUIRED - self.fields:
            raise StoreError(f"the run log's repository has no field {' and no '.join(sorted(missing))}", hint=hint)
        if unknown := required_fields(self.repo.model) - _ALWAYS - {"id" if self._sets_id else ""}:
            names = ", ".join(sorted(unknown))
            raise StoreError(
                f"the model of the run log's repository requires {names}, which not every record has", hint=hint
            )

        if unknown := required_columns(self.repo) - LOG_ATTRIBUTES - frozenset(COLUMNS):
            names = ", ".join(sorted(unknown))
            raise StoreError(
                f"the table of the run log's repository requires {names}, which no record has",
                hint="allow NULL there, or give it a default",
            )

    @property
    def missing_fields(self) -> Sequence[str]:
        """The fields of a run record that this repository does not keep."""
        return [name for name in COLUMNS if name not in self.fields]

    @property
    def is_unique(self) -> bool:
        """Whether it refuses by itself a start or an end that it has."""
        return bool(getattr(self.repo, "is_unique", False))

    @property
    def can_compare(self) -> bool:
        """Whether it finds records by an age without reading all: what reads a file has other types for a number."""
        return any(hasattr(self.repo, name) for name in _COMPARES)

    def storable_row(self, row: Row) -> Row:
        """The record as it will be there, so that it is known for the same once it has arrived."""
        values = zip(COLUMNS, row, strict=True)
        return Row._make(_storable(value) if name in self.fields else None for name, value in values)

    def repair(self, rows: Iterable[tuple[int, Row]]) -> None:
        """Take away what may be half there of the records that are sent next, each with the key it is to have."""
        self.repaired = repair(self.repo, (self._values_with_key(row, key) for key, row in rows)) or self.repaired

    def read(self, query: Mapping[str, object]) -> list[Row]:
        """Read the records that are found, in log order; a server may give more than what it was asked for."""
        texts = [(name, value) for name, value in query.items() if isinstance(value, str)]
        try:
            rows = self._read(query)
            return [row for row in rows if all(getattr(row, name) == value for name, value in texts)]
        finally:
            self.end_transaction()

    def _read(self, query: Mapping[str, object]) -> list[Row]:
        """Read them; where one of them is none of its model, the others all the same."""
        previous = self.repo.errors_query
        try:
            return read_log(self.repo, query)
        except ValueError as error:
            if previous != "raise":
                raise
            self.repo.errors_query = "discard"
            rows = read_log(self.repo, query)
            self.skipped_reason = first_line(error)
            return rows
        finally:
            self.repo.errors_query = previous

    def write(self, row: Row, key: int, *, may_exist: bool) -> None:
        """Add a record; `may_exist`: unless it is there, where only what changes of it is renewed."""
        if may_exist and row.action == Action.MISSED and "run_id" not in self.fields:
            return  # it cannot say which stretch it has, and twice is worse than not at all
        if may_exist and self.has(row):
            self.update(row)
            return
        self._add_with_free_key(row, self._values_with_key(row, key))

    def update(self, row: Row) -> None:
        """Change what changes of a record that is there."""
        if row.action == Action.MISSED:
            changed = {name: value for name, value in self._values(row).items() if name in _UPDATED}
            with replacing_file(self.repo):
                self.repo.filter_by(**self.identity(row)).update(**changed)

    @property
    def has_transactions(self) -> bool:
        """Whether it takes many records together, or none of them."""
        return hasattr(self.repo, "insert_many") and "run_id" in self.fields

    def existing(self, rows: Sequence[Row]) -> set[Row]:
        """Which of these are there already: asked once for all of them."""
        if not rows:
            return set()
        found = {(row.run_id, row.action) for row in self.read({"run_id": In([row.run_id for row in rows])})}
        return {row for row in rows if (row.run_id, row.action) in found}

    def add_all(self, rows: Sequence[Row]) -> bool:
        """Add all of these; False: it has one of them, and none were added."""
        try:
            self.repo.insert_many([self._values(row) for row in rows])  # type: ignore[attr-defined]  # has_transactions
        except KeyFoundError:
            return False
        return True

    def _values(self, row: Row) -> dict[str, object]:
        """What is known and has a field; models have their own defaults for the rest."""
        return {name: value for name, value in row._asdict().items() if name in self.fields and value is not None}

    def _values_with_key(self, row: Row, key: int) -> dict[str, object]:
        return self._values(row) | ({"id": key} if self._sets_id else {})

    def _add_with_free_key(self, row: Row, values: dict[str, object]) -> None:
        """Add it. If its key is taken by another record, as can be where `created` is the key, take the next one.

        Where another run has its number, it is there without one: its host has the name of another, or its state
        directory was put back to an older copy while the repository was away.
        """
        for _ in range(_TRIES):
            try:
                self._add(values)
            except KeyFoundError:
                self.end_transaction()
                if self.has(row):
                    return
                self._next_key(values)
            else:
                return
        raise StoreError("the run log's repository has no free key for a record")

    def _add(self, values: dict[str, object]) -> None:
        if self._inserts_dicts:  # `add` would make an item of the model, with fields that the table lacks
            values = log_attributes(self._demanded, values) | values
            self.repo.insert(_RecordValues({name: self._for_column(name, value) for name, value in values.items()}))
        else:
            self.repo.add(values)

    def _for_column(self, name: str, value: object) -> object:
        return as_datetime(value) if name in self._datetimes and isinstance(value, float) else value

    def _next_key(self, values: dict[str, object]) -> None:
        key = values.get(self.repo.id_field or "")
        if isinstance(key, float):
            values["created"] = round(key * 1_000_000 + 1) / 1_000_000
        elif isinstance(key, int):
            values["id"] = key + 1
        elif self.is_unique and "number" in values:
            del values["number"]
        else:
            raise StoreError(f"the run log's repository takes only one record for each {self.repo.id_field}")

    def identity(self, row: Row) -> dict[str, object]:
        """A query that finds this record and no other, by the best that the repository keeps."""
        query: dict[str, object] = {"task_name": row.task_name, "action": row.action}
        name = next((name for name in ("run_id", "number") if name in self.fields and getattr(row, name)), "created")
        return query | {name: getattr(row, name)}

    def has(self, row: Row) -> bool:
        """Whether this record is there."""
        return bool(self.read(self.identity(row)))

    def delete(self, rows: Collection[Row]) -> None:
        """Delete these records, in one go where they have ids."""
        with replacing_file(self.repo):
            self._delete(rows)

    def _delete(self, rows: Collection[Row]) -> None:
        ids = {row.run_id for row in rows if row.run_id}
        if "run_id" in self.fields and all(row.run_id for row in rows) and not self._is_http:
            self.repo.filter_by(run_id=In(list(ids))).delete()
            return
        for row in rows:
            self.repo.filter_by(**self.identity(row)).delete()

    def end_transaction(self) -> None:
        """End the transaction that an SQL session keeps open after a read, or that an error has broken."""
        rollback = getattr(getattr(self.repo, "session", None), "rollback", None)
        if callable(rollback):
            rollback()


class _RecordValues(dict[str, object]):
    """Values that Red Bird may ask for the key as it asks a model, as it does where that key is taken."""

    def __getattr__(self, name: str) -> object:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def _storable(value: str | float | None) -> str | float | None:
    """A value that every repository takes: some databases have no text with a NUL in it, none one that is no UTF-8."""
    return storable(value).replace("\0", r"\x00") if isinstance(value, str) else value


def _raise_http_errors(repo: BaseRepo) -> None:
    """Raise for an HTTP error: Red Bird takes any answer of a server for success."""
    hooks: dict[str, list[Callable[..., None]]] = repo.session.hooks  # type: ignore[attr-defined]  # requests.Session
    if _raise_for_status not in hooks["response"]:
        hooks["response"].append(_raise_for_status)


def _raise_for_status(answer: "HttpAnswer", **_: object) -> None:
    answer.raise_for_status()


class HttpAnswer(Protocol):
    """What requests gives."""

    def raise_for_status(self) -> None: ...


@contextmanager
def translating_repo_errors() -> Iterator[None]:
    """Raise StoreError for what a repository raises inside; that it fails now does not say that it will for ever."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        hint = "check that its file, server or table is there"
        raise StoreError(f"the run log's repository failed: {first_line(error)}", hint=hint, temporary=True) from error


def first_line(error: BaseException) -> str:
    """Return the sentence of an error without the statement and its values, which SQLAlchemy adds."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
