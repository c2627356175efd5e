"""Makes Red Bird importable beside Pydantic 2, whoever imports it and whenever.

Red Bird 0.7 is written for Pydantic 1, which Pydantic 2 carries as `pydantic.v1`. While a module of Red Bird runs,
its `import pydantic` gives that one, because the module gets an import function of its own. Nothing is put in
`sys.modules` for a while and taken out again, so no other thread can catch the wrong Pydantic, and every later
`import redbird`, by whomever, works as well.

Its repository for SQL uses `sqlalchemy.orm` without importing it, so that is imported with it.

`rocketd.pth` calls `make_importable` whenever an interpreter starts in whose environment rocketd is installed, so that
a program may import Red Bird before rocketd, as sorted imports do. So nothing is imported here that costs time.
"""

from __future__ import annotations

import builtins
import sys
from importlib import import_module
from importlib.machinery import PathFinder

TYPE_CHECKING = False  # not of typing: see above
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_NAME = "redbird"
_USES_ORM = f"{_NAME}.repos.sqlalchemy"


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,  # noqa: A002 - the signature of `__import__`
    locals: Mapping[str, object] | None = None,  # noqa: A002 - as above
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    module = builtins.__import__(name, globals, locals, fromlist or (), level)
    if level == 0 and name == "pydantic" and not module.VERSION.startswith("1."):
        return import_module("pydantic.v1")
    return module


class _Loader:
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


class _Finder:
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
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment]  # all that is called of a loader
        return spec


def make_importable() -> None:
    """From now on `import redbird` works, whichever Pydantic there is. A second call changes nothing."""
    if _NAME not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
