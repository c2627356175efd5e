"""The run log as a Red Bird repository, over SQLAlchemy Core: for applications, notebooks and other databases.

On the store's own file it shows what the daemon writes; on any other SQLAlchemy URL it can hold the log instead.
Red Bird's own SQL repository reads every row for `first` and `last`, needs the ORM, and stays broken after an error;
this one lets the database do it.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

import sqlalchemy
from pydantic.v1 import Field, PrivateAttr
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from rocketd.store.redbird.compat import Between, In, KeyFoundError, Operation, TemplateRepo, skip, skip_or_raise
from rocketd.store.redbird.models import RunRecord
from rocketd.store.redbird.run_table import run_table
from rocketd.store.sqlite.connection import BUSY_TIMEOUT, no_store
from rocketd.store.sqlite.migrations import check
from rocketd.store.sqlite.schema import COLUMNS, FILE_NAME, USAGE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import ColumnElement, Select, Table
    from sqlalchemy.engine import Connection, Engine

_NEEDED: Final = frozenset(COLUMNS) - {*USAGE_COLUMNS}
"""The columns of the oldest tables that we have made."""


class RunRepo(TemplateRepo):
    """A table of run records; made if it is missing, and used with the columns that it has if it is there.

    `url` is an SQLAlchemy URL; an `engine` of one's own may be given instead. Safe to use from several threads.
    """

    ordered: bool = Field(default=True, const=True)
    _engine: Engine = PrivateAttr()
    _owns_engine: bool = PrivateAttr(default=False)
    _table: Table = PrivateAttr()

    def __init__(  # noqa: PLR0913 - the arguments of every Red Bird repository
        self,
        url: str = "",
        *,
        engine: Engine | None = None,
        table: str = "log",
        model: type = RunRecord,
        id_field: str | None = "id",
        errors_query: str = "raise",
    ) -> None:
        super().__init__(model=model, id_field=id_field, errors_query=errors_query)
        self._owns_engine = engine is None
        self._engine = engine or sqlalchemy.create_engine(url, future=True)
        self._table = run_table(self._engine, table)

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the table has."""
        return frozenset(self._table.columns.keys())

    @property
    def is_unique(self) -> bool:
        """Whether the database refuses a second start or end of a run: by partial indexes, in a table of ours."""
        return self._engine.dialect.name in ("sqlite", "postgresql") and self.columns >= _NEEDED

    def close(self) -> None:
        """Close the connections; using the repository again opens new ones."""
        self._engine.dispose()

    def __del__(self) -> None:
        """Close the connections that it opened itself: Python 3.13 warns of those that are left to it."""
        if self._owns_engine:
            with suppress(Exception):  # the interpreter may be on its way out
                self.close()

    # What Red Bird asks of a repository: writing

    def insert(self, item: object) -> None:
        """Add a record; raises KeyFoundError if one with this key, or this start or end of a run, is there."""
        with self._engine.begin() as connection:
            self._insert(connection, item)

    def insert_many(self, items: Sequence[Mapping[str, object]]) -> None:
        """Add these records in one transaction; raises KeyFoundError, with none of them added, if one is there."""
        names = dict.fromkeys(name for item in items for name in item if name in self._table.columns)
        rows = [{name: item.get(name) for name in names} for item in items]
        if rows:
            with self._engine.begin() as connection, _translating_duplicates():
                connection.execute(self._table.insert(), rows)

    def upsert(self, item: object) -> None:
        """Add a record, or replace the one with this key."""
        values = self._values(item)
        key = values.pop(self.id_field or "", None)
        with self._engine.begin() as connection:
            updated = key is not None and self._update(connection, self._key() == key, values)
            if not updated:
                self._insert(connection, item)

    def query_update(self, query: ColumnElement[bool], values: Mapping[str, object]) -> int:
        """Change these fields of all that are found, and say how many."""
        with self._engine.begin() as connection:
            return self._update(connection, query, values)

    def query_delete(self, query: ColumnElement[bool]) -> int:
        """Delete all that are found, and say how many."""
        with self._engine.begin() as connection:
            return connection.execute(self._table.delete().where(query)).rowcount

    def query_replace(self, query: ColumnElement[bool], values: dict[str, object]) -> None:
        """Put a record in the place of the one that is found, in one transaction; KeyError if there are several."""
        with self._engine.begin() as connection:
            if connection.execute(self._table.delete().where(query)).rowcount > 1:
                raise KeyError("only one record may be replaced")  # and the transaction takes the deletion back
            self._insert(connection, self.to_item(values))

    def _insert(self, connection: Connection, item: object) -> None:
        with _translating_duplicates():
            connection.execute(self._table.insert(), self._values(item))

    def _update(self, connection: Connection, query: ColumnElement[bool], values: Mapping[str, object]) -> int:
        return connection.execute(self._table.update().where(query).values(**values)).rowcount

    def _values(self, item: object) -> dict[str, object]:
        """The fields for which there is a column; an empty key is the database's to fill."""
        values = self.item_to_dict(item, exclude_unset=False)
        known = self._table.columns
        return {name: value for name, value in values.items() if name in known and (name != self.id_field or value)}

    # What Red Bird asks of a repository: reading

    def query_data(self, query: ColumnElement[bool]) -> Iterator[Mapping[str, object]]:
        """Read all that are found, in log order."""
        yield from self._rows(self._table.select().where(query).order_by(self._key()))

    def query_read_first(self, query: ColumnElement[bool]) -> object:
        """Read the first in log order; None if there is none."""
        return next(iter(self._read_some(query, self._key(), 1)), None)

    def query_read_last(self, query: ColumnElement[bool]) -> object:
        """Read the last in log order; None if there is none."""
        return next(iter(self._read_some(query, self._key().desc(), 1)), None)

    def query_read_limit(self, query: ColumnElement[bool], n: int) -> list[object]:
        """Read the first n in log order."""
        return self._read_some(query, self._key(), n)

    def query_count(self, query: ColumnElement[bool]) -> int:
        """Count them, in the database."""
        statement = sqlalchemy.select(sqlalchemy.func.count()).select_from(self._table).where(query)
        with self._engine.connect() as connection:
            return connection.execute(statement).scalar_one()

    def format_query(self, query: Mapping[str, object]) -> ColumnElement[bool]:
        """Turn a query into SQL; raises AttributeError for a field that the table lacks."""
        terms = [self._term(name, value) for name, value in query.items()]
        return sqlalchemy.and_(sqlalchemy.true(), *terms)

    def _read_some(self, query: ColumnElement[bool], order: ColumnElement[object], n: int) -> list[object]:
        """Read n records; of those that Red Bird is to skip, the database cannot know."""
        statement = self._table.select().where(query).order_by(order)
        if self.errors_query == "raise":
            return [self.data_to_item(row) for row in self._rows(statement.limit(n))]
        return list(islice(self._readable(statement), n))

    def _readable(self, statement: Select[tuple[object, ...]]) -> Iterator[object]:
        for row in self._rows(statement):
            try:
                yield self.data_to_item(row)
            except ValueError:
                skip_or_raise(self, row)

    def _rows(self, statement: Select[tuple[object, ...]]) -> Iterator[Mapping[str, object]]:
        with self._engine.connect() as connection:
            for row in connection.execute(statement).mappings():
                yield dict(row)

    def _key(self) -> ColumnElement[object]:
        columns = self._table.columns
        return columns[self.id_field] if self.id_field and self.id_field in columns else columns["created"]

    def _term(self, name: str, value: object) -> ColumnElement[bool]:
        try:
            column = self._table.columns[name]
        except KeyError:
            raise AttributeError(f"the table {self._table.name} has no column {name}") from None
        match value:
            case Between():
                return column.between(value.start, value.end)
            case In():
                return column.in_(value.value)
            case slice():
                return _sliced(column, value)
            case Operation() if value is skip:
                return sqlalchemy.true()
            case Operation():
                compared: ColumnElement[bool] = getattr(column, value.__py_magic__)(value.value)
                return compared
        return column == value


@contextmanager
def _translating_duplicates() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise KeyFoundError(f"the record is there already: {error.orig}") from error


def _sliced(column: ColumnElement[object], value: slice) -> ColumnElement[bool]:
    """From start to stop, both included, as Red Bird's SQL repository reads a slice."""
    terms = [sqlalchemy.true()]
    if value.start is not None:
        terms.append(column >= value.start)
    if value.stop is not None:
        terms.append(column <= value.stop)
    return sqlalchemy.and_(*terms)


def open_run_repo(directory: Path) -> RunRepo:
    """The run log of a state directory, beside a running daemon or without one; raises StoreError.

    The log is the daemon's to write; what others delete from it conditions can no longer ask for.
    """
    path = (directory / FILE_NAME).absolute()
    if not check(path):
        raise no_store(path)
    address = URL.create("sqlite", database=path.as_uri(), query={"mode": "rw", "uri": "true"})
    # No pool: a connection that waits in it would go on with a file that has been replaced meanwhile.
    engine = sqlalchemy.create_engine(address, connect_args={"timeout": BUSY_TIMEOUT}, poolclass=NullPool)
    return RunRepo(engine=engine)
