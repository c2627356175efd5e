"""The table of run records for SQLAlchemy, on any database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy
from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

from rocketd.store.sqlite.schema import COLUMNS, USAGE_COLUMNS, is_end

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine
    from sqlalchemy.engine.reflection import Inspector
    from sqlalchemy.schema import SchemaItem

_SECONDS: Final = ("created", "due", "start", "end", "runtime", "cpu_time")
_NUMBERS: Final = ("number", "attempt", "exit_code", "signal", "pid", "pid_start", "times", *USAGE_COLUMNS[1:])
_SENTENCES: Final = ("reason", "message", "exc_text", "output")
_REQUIRED: Final = ("created", "task_name", "action")
_NAME_LENGTH: Final = 255
"""Some databases index no longer text; a task's name has up to 128 characters."""
_NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")
"""Many hosts together write more than 2**31 records. SQLite numbers its rows by itself under this name alone."""


def run_table(engine: Engine, name: str) -> Table:
    """Return the table as it is, with whatever columns it has; make it if it is missing."""
    inspector = sqlalchemy.inspect(engine)
    if inspector.has_table(name):
        return Table(name, MetaData(), *_columns_there(inspector, name))
    table = Table(name, MetaData(), Column("id", _NUMBER, primary_key=True), *map(_column, COLUMNS))
    _index(table, engine.dialect.name)
    table.create(engine)
    return table


def _columns_there(inspector: Inspector, name: str) -> Iterator[SchemaItem]:
    keys = inspector.get_pk_constraint(name)["constrained_columns"]
    for column in inspector.get_columns(name):
        yield Column(column["name"], column["type"], primary_key=column["name"] in keys)


def _column(name: str) -> SchemaItem:
    return Column(name, _type(name), nullable=name not in _REQUIRED)


def _type(name: str) -> Float[float] | BigInteger | String:
    if name in _SECONDS:
        return Float(53)  # the bits of a double: with fewer, microseconds are lost
    if name in _NUMBERS:
        return _NUMBER
    return Text() if name in _SENTENCES else String(_NAME_LENGTH)


def _index(table: Table, dialect: str) -> None:
    name, columns = table.name, table.columns
    Index(f"{name}_task", columns.task_name, columns.action, columns.created)
    Index(f"{name}_created", columns.created)
    if dialect not in (
        "sqlite",
        "postgresql",
    ):  # no partial indexes: only the daemon keeps a record from coming twice
        return
    for what, where in (("start", "action = 'run'"), ("end", is_end().removeprefix("log."))):
        host = sqlalchemy.func.coalesce(columns.host, "")  # many hosts may share a table, each with numbers of its own
        key, only = (columns.task_name, columns.number, host), sqlalchemy.text(where)
        Index(f"{name}_{what}", *key, unique=True, sqlite_where=only, postgresql_where=only)
