"""Makes Red Bird importable beside Pydantic 2. The only module that imports it.

Red Bird 0.7 is written for Pydantic 1, which Pydantic 2 carries as `pydantic.v1`. While a module of Red Bird runs,
its `import pydantic` gives that one, because the module gets an import function of its own. Nothing is put in
`sys.modules` for a while and taken out again, so no other thread can catch the wrong Pydantic, and every later
`import redbird`, by whomever, works as well.

Its repository for SQL uses `sqlalchemy.orm` without importing it, so that is imported with it.
"""

import builtins
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Final, Protocol

import pydantic

_NAME: Final = "redbird"
_USES_ORM: Final = f"{_NAME}.repos.sqlalchemy"


_PYDANTIC_1: Final = pydantic.VERSION.split(".")[0] == "1"


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,  # noqa: A002 - the signature of `__import__`
    locals: Mapping[str, object] | None = None,  # noqa: A002 - as above
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    if level == 0 and name == "pydantic" and not _PYDANTIC_1:
        return import_module("pydantic.v1")
    return builtins.__import__(name, globals, locals, fromlist or (), level)


class _Loader(Loader):
    """Runs a module of Red Bird with `_import` as its import function."""

    def __init__(self, wrapped: Loader) -> None:
        self._wrapped = wrapped

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._wrapped.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # A module that finds `__builtins__` among its names keeps it (Python's execution model, "Builtins").
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": _import}
        if module.__name__ == _USES_ORM:
            import_module("sqlalchemy.orm")
        self._wrapped.exec_module(module)


class _Finder(MetaPathFinder):
    """Finds what `sys.path` has under `redbird`, and lets `_Loader` run it."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname != _NAME and not fullname.startswith(f"{_NAME}."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


_lock: Final = Lock()


def make_importable() -> None:
    """From now on `import redbird` works, whichever Pydantic there is. A second call changes nothing."""
    with _lock:
        if _NAME not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())


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
