"""Statements about many rows at once.

Each step of a statement lets go of the interpreter's lock and asks for it again, which costs more than the step if the
loop wants it at the same time. So a transaction takes as few steps as it can: a statement is prepared for 1, 2, 4 …
rows, and any number of rows is a few of these.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final, TypeAlias, TypeVar

from rocketd.core.escaping import storable

MAX_ROWS: Final = 64
"""Rows in one step. SQLite takes 32,766 values."""

T = TypeVar("T")
Values: TypeAlias = tuple[object, ...]
StatementBuilder: TypeAlias = Callable[[int], str]
"""Gives the statement for so many rows."""


def statement(prefix: str, row: str, suffix: str = "", *, separator: str = ", ") -> StatementBuilder:
    """Make a statement of what comes before its rows, one row, and what comes after them."""

    @lru_cache
    def build(rows: int) -> str:
        return f"{prefix} {separator.join([row] * rows)} {suffix}"

    return build


def placeholders(count: int) -> str:
    """A row of that many values."""
    return f"({', '.join('?' * count)})"


def write(database: sqlite3.Connection, build: StatementBuilder, rows: Sequence[Values]) -> None:
    """Execute the statement about all of these rows, in their order."""
    for chunk in chunks(rows):
        values = tuple(chain.from_iterable(chunk))
        try:
            database.execute(build(len(chunk)), values)
        except UnicodeEncodeError:  # a text that no database takes must not keep the others out of it
            database.execute(build(len(chunk)), tuple(map(_storable, values)))


def _storable(value: object) -> object:
    return storable(value) if isinstance(value, str) else value


def chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Divide rows into portions of 1, 2, 4 … rows, as few as possible."""
    at, size = 0, MAX_ROWS
    while at < len(rows):
        while size > len(rows) - at:
            size //= 2
        yield rows[at : at + size]
        at += size
