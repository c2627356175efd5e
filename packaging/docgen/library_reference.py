"""Makes docs/reference/library.md, the reference of the Python library, from its docstrings.

`PYTHONPATH=.:packaging python -m docgen.library_reference > docs/reference/library.md` writes it anew.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

from rocketd import Config, Grouper, Rocketd, Session, Task, args, exc, log, repos
from rocketd.app.explanation import Why, WhyPart
from rocketd.app.preview import SimulatedRun
from rocketd.app.task_log import TaskLog
from rocketd.app.task_options import TaskOptions

HEAD: Final = """\
# The Python library, name by name

Everything that a program uses of rocketd, from the docstrings of the code.
[The how-to](../how-to/python-library.md) shows how the parts go together; [Conditions](conditions.md) has every word of
`rocketd.conds`; [Rocketry, name by name](rocketry.md) says what became of each name of Rocketry 2.5.

```python
from rocketd import Rocketd
from rocketd.conds import daily

app = Rocketd(timezone="Europe/Berlin")


@app.task(daily)
def tidy_up(): ...
```

A duration is text such as `"10 min"`, a number of seconds, or a `timedelta`.
An instant is an aware `datetime`, or seconds since the epoch.
"""
CLASSES: Final[dict[str, tuple[type, ...]]] = {
    "Applications": (Rocketd, Grouper),
    "Sessions": (Session,),
    "Tasks": (Task, TaskLog),
    "What a task and a simulation tell": (Why, WhyPart, SimulatedRun),
}
OPTIONS: Final = (
    (
        "Options of an application",
        "`Rocketd(…)` and `Session(…)` take them by name, or together as `config={…}`.",
        Config,
    ),
    (
        "Options of a task",
        "`app.task(…)` and `session.create_task(…)` take them by name; see `Task` for what each means.",
        TaskOptions,
    ),
)
INTERNAL: Final = frozenset(
    {"changed", "configure", "how", "how_overlaps", "is_command", "process", "renamed", "runner", "storage", "syntax"}
)
"""What has no underscore only because other modules use it."""
MODULES: Final = (
    ("Arguments", "rocketd.args", args),
    ("Exceptions", "rocketd.exc", exc),
    ("Run records", "rocketd.log", log),
)


def reference() -> str:
    """Return the page."""
    return "\n".join([HEAD, *_classes(), *_options(), *_modules(), *_repositories()]).rstrip() + "\n"


def _classes() -> Iterator[str]:
    for title, classes in CLASSES.items():
        yield f"## {title}\n"
        for shown in classes:
            yield f"### `{shown.__name__}`\n\n{_text(shown)}\n"
            yield from _members(shown)


def _members(shown: type) -> Iterator[str]:
    documented = _attributes(shown)
    for name in dict.fromkeys([*_own(shown), *documented]):
        if name in INTERNAL:
            continue
        member = inspect.getattr_static(shown, name, None)
        if isinstance(member, property):
            yield _entry(name, _text(member))
        elif inspect.isfunction(member):
            yield _entry(_signature(name, member), _text(member))
        elif name in documented:
            yield _entry(name, documented[name])
    yield ""


def _own(shown: type) -> list[str]:
    """The public names of a class and of its bases of ours, in the order of the code."""
    bases = [base for base in reversed(shown.__mro__) if base.__module__.startswith("rocketd.")]
    return [name for base in bases for name in vars(base) if not name.startswith("_") or name == "__getitem__"]


def _attributes(shown: type) -> dict[str, str]:
    """The attributes that have a docstring below them."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(shown)))
    found: dict[str, str] = {}
    for body in [tree.body[0], *(node for node in ast.walk(tree) if getattr(node, "name", "") == "__init__")]:
        statements = getattr(body, "body", [])
        for one, following in pairwise(statements):
            target = (
                one.target
                if isinstance(one, ast.AnnAssign)
                else one.targets[0]
                if isinstance(one, ast.Assign)
                else None
            )
            name = getattr(target, "attr", getattr(target, "id", ""))
            text = following.value if isinstance(following, ast.Expr) else None
            if name and not name.startswith("_") and isinstance(text, ast.Constant) and isinstance(text.value, str):
                found[name] = _flat(text.value)
    return found


def _options() -> Iterator[str]:
    for title, head, shown in OPTIONS:
        documented = _attributes(shown)
        yield f"## {title}\n\n{head}\n\n| option | value | |\n|---|---|---|"
        for name, kind in shown.__annotations__.items():
            default = getattr(shown, name, None)
            value = f"{_type(kind)}, default `{default!r}`" if isinstance(default, bool | int | str) else _type(kind)
            value = _type(kind) if name == "max_process_count" else value
            yield f"| `{name}` | {value} | {documented.get(name, '')} |"
        yield ""


def _modules() -> Iterator[str]:
    for title, path, module in MODULES:
        yield f"## {title}: `{path}`\n"
        for name in sorted(module.__all__):
            yield _entry(name, _text(getattr(module, name)))
        yield ""


def _repositories() -> Iterator[str]:
    yield f"## Repositories: `rocketd.repos`\n\n{_flat(repos.__doc__ or '')}\n"
    yield from (f"- `{name}`" for name in repos.__all__)


def _entry(name: str, text: str) -> str:
    return f"- `{name}`: {text}" if text else f"- `{name}`"


def _signature(name: str, function: Any) -> str:  # noqa: ANN401 - whatever inspect finds
    parameters = inspect.signature(function).parameters.values()
    shown: list[str] = []
    for one in parameters:
        if one.name in ("self", "_params"):
            continue
        if one.kind is inspect.Parameter.KEYWORD_ONLY and not any(text.startswith("*") for text in shown):
            shown.append("*")
        star = "**" if one.kind is one.VAR_KEYWORD else "*" if one.kind is one.VAR_POSITIONAL else ""
        default = "" if one.default is inspect.Parameter.empty else f"={one.default!r}"
        shown.append(f"{star}{one.name}{default}")
    return f"{name}({', '.join(shown)})"


_MODULES: Final = (
    "rocketd.core.model.condition.",
    "rocketd.core.model.task.",
    "typing.",
    "datetime.",
    "pathlib._local.",  # in Python 3.13
    "pathlib.",
)
"""What is left out of a type."""


def _type(kind: object) -> str:
    parts = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)  # `Optional[…]` before Python 3.14
    text = " | ".join(_spelled(part) for part in parts)
    for module in _MODULES:
        text = text.replace(module, "")
    return f"`{text}`".replace("|", r"\|")


def _spelled(kind: object) -> str:
    if kind is NoneType:
        return "None"
    return kind if isinstance(kind, str) else inspect.formatannotation(kind)


def _text(shown: object) -> str:
    return _flat(inspect.getdoc(shown) or "")


def _flat(text: str) -> str:
    """Join a docstring's lines; a paragraph stays one."""
    return " ".join(" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n"))


if __name__ == "__main__":
    sys.stdout.write(reference())
