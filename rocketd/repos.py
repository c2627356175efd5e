"""Repositories for run records: Red Bird's, and `RunRepo`, which works on any SQLAlchemy URL.

Each is imported when it is first named: SQLAlchemy alone takes 0.3 s.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from rocketd.store.redbird.compat import BaseRepo, repository

_REDBIRD: Final = ("CSVFileRepo", "JSONDirectoryRepo", "MemoryRepo", "MongoRepo", "RESTRepo", "SQLExprRepo", "SQLRepo")

if TYPE_CHECKING:

    class CreatableRepo(BaseRepo):
        """One whose file or table can be made."""

        def create(self) -> None: ...

    CSVFileRepo: Callable[..., CreatableRepo]
    JSONDirectoryRepo: Callable[..., CreatableRepo]
    MemoryRepo: Callable[..., BaseRepo]
    MongoRepo: Callable[..., BaseRepo]
    RESTRepo: Callable[..., BaseRepo]
    SQLExprRepo: Callable[..., BaseRepo]
    SQLRepo: Callable[..., CreatableRepo]
    from rocketd.store.redbird.run_repo import RunRepo

__all__ = [
    "CSVFileRepo",
    "JSONDirectoryRepo",
    "MemoryRepo",
    "MongoRepo",
    "RESTRepo",
    "RunRepo",
    "SQLExprRepo",
    "SQLRepo",
]


def __getattr__(name: str) -> type[BaseRepo]:
    if name == "RunRepo":
        from rocketd.store.redbird.run_repo import RunRepo  # noqa: PLC0415 - see above

        return RunRepo
    if name in _REDBIRD:
        return repository(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
