"""Red Bird's names, with types. The only module that imports it."""

from collections.abc import Collection, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from rocketd.store.redbird.import_hook import make_importable

make_importable()

if TYPE_CHECKING:
    # Red Bird has no types. These are the parts that we build on, as its documentation has them.
    from pydantic.v1 import BaseModel

    class KeyFoundError(Exception):
        """An item with this key is there already."""

    class Operation:
        """What a field of a query may be compared with."""

        value: object
        __py_magic__: str

        def evaluate(self, value: object) -> bool:
            """Whether the value fits."""

    class Between(Operation):
        """From start to end, both included."""

        def __init__(self, start: object, end: object) -> None:
            self.start = start
            self.end = end

    class In(Operation):
        """One of these."""

        value: Collection[object]

        def __init__(self, value: Collection[object]) -> None: ...

    class Result(Protocol):
        """What a query has found: still to be read, updated or deleted."""

        def __iter__(self) -> Iterator[object]: ...
        def all(self) -> list[object]: ...
        def update(self, **values: object) -> int | None: ...
        def delete(self) -> int | None: ...
        def count(self) -> int: ...

    class BaseRepo(BaseModel):
        """Any Red Bird repository."""

        model: type = dict
        id_field: str | None = None
        errors_query: str = "raise"
        ordered: bool = False

        def add(self, item: object, if_exists: str = "raise") -> None: ...
        def insert(self, item: object) -> None: ...
        def filter_by(self, **query: object) -> Result: ...
        def item_to_dict(self, item: object, exclude_unset: bool = True) -> dict[str, object]: ...  # noqa: FBT001, FBT002 - Red Bird's
        def to_item(self, item: object) -> object: ...
        def data_to_item(self, data: object) -> object: ...

    class TemplateRepo(BaseRepo):
        """What a repository of one's own is derived from."""

    skip: Operation

    def skip_or_raise(repo: BaseRepo, data: object) -> None:
        """Do what `errors_query` says about the error that is being handled."""

else:
    from redbird.base import BaseRepo
    from redbird.base import BaseResult as Result
    from redbird.exc import KeyFoundError
    from redbird.exc import _handle_conversion_error as skip_or_raise
    from redbird.oper import Between, In, Operation, skip
    from redbird.templates import TemplateRepo

__all__ = [
    "BaseRepo",
    "Between",
    "In",
    "KeyFoundError",
    "Operation",
    "Result",
    "TemplateRepo",
    "repository",
    "skip",
    "skip_or_raise",
]


def repository(name: str) -> type[BaseRepo]:
    """Return the repository class of this name from `redbird.repos`; raises AttributeError."""
    found: type[BaseRepo] = getattr(import_module("redbird.repos"), name)
    return found
