"""The rules of the layout that import-linter cannot say."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import rocketd

PACKAGE = Path(rocketd.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
CORE = sorted((PACKAGE / "core").rglob("*.py"))

# No clock, file, socket, thread, logger or randomness among them. (Of signal, the names of the signals.)
CORE_MAY_IMPORT = {
    "__future__", "abc", "ast", "bisect", "calendar", "collections", "dataclasses", "datetime", "difflib", "enum",
    "functools", "hashlib", "heapq", "itertools", "math", "operator", "re", "signal", "string", "types", "typing",
}  # fmt: skip
READS_THE_WORLD = {"now", "today", "utcnow", "open", "print", "input", "__import__", "eval", "exec"}


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def imports(path: Path) -> Iterator[str]:
    """The modules a file imports, lazy imports included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def calls(path: Path) -> Iterator[str]:
    """The last part of each name that a file calls: `now` of `x.now()`, `open` of `open()`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Attribute(attr=name) | ast.Name(id=name):
                    yield name


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_core_imports_nothing_that_reaches_the_world(path: Path) -> None:
    foreign = {name for name in imports(path) if not name.startswith("rocketd.core")}
    assert {name.partition(".")[0] for name in foreign} <= CORE_MAY_IMPORT


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_core_asks_no_clock_and_opens_no_file(path: Path) -> None:
    assert not READS_THE_WORLD & set(calls(path))


def test_one_module_imports_redbird() -> None:
    """It alone knows how Red Bird and Pydantic get on."""
    importers = [name_of(path) for path in MODULES if any(name.split(".")[0] == "redbird" for name in imports(path))]
    assert len(importers) <= 1


# -- the tree as docs/explanation/architecture.md draws it ---------------------------------------

TOP = Path(__file__).parents[2]
DRAWING = re.compile(r"^( *)(\S+)", re.MULTILINE)


def drawn() -> set[str]:
    """The paths in the drawing, directories with a slash at the end."""
    page = (TOP / "docs/explanation/architecture.md").read_text()
    drawing = page.partition("The tree:\n\n```\n")[2].partition("```")[0]
    paths, parent = set(), ""
    for indent, name in DRAWING.findall(drawing):
        parent = parent if indent else name
        paths.add(parent + name if indent else name)
    return paths


def there() -> set[str]:
    """The directories at the top, those one level below, and the modules beside the packages."""
    files = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files"], cwd=TOP, capture_output=True, text=True, check=True
    ).stdout.split()
    directories = {f"{parent}/" for file in files for parent in Path(file).parents if 1 <= len(parent.parts) <= 2}
    return directories | {file for file in files if re.fullmatch(r"rocketd/[^/]+", file)}


@pytest.mark.skipif(not (TOP / ".git").exists(), reason="what is there is what git knows")
def test_the_tree_drawn_in_the_documentation_is_the_tree_that_is_there() -> None:
    assert drawn() == there()
