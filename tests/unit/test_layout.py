"""The rules of the layout that import-linter cannot say."""

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final, get_args

import pytest
from docgen import diagrams

import rocketd
from rocketd.core.model.events import Event, Finished

PACKAGE = Path(rocketd.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
CORE = sorted((PACKAGE / "core").rglob("*.py"))

# No clock, file, socket, thread, logger or randomness among them. (Of signal, the names of the signals.)
CORE_MAY_IMPORT = {
    "__future__", "abc", "ast", "bisect", "calendar", "collections", "dataclasses", "datetime", "difflib", "enum",
    "functools", "hashlib", "heapq", "itertools", "math", "operator", "re", "signal", "string", "types", "typing",
    "warnings",
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


# -- sizes: what is larger is two things ---------------------------------------------------------

MODULE_LINES: Final = 300
FUNCTION_LINES: Final = 40
CONSTRUCTOR_PARAMETERS: Final = 7

# What may be larger, up to this size: these lists only get shorter.
LONG_MODULES: Final[Mapping[str, int]] = {}
LONG_FUNCTIONS: Final[Mapping[str, int]] = {}
WIDE_CONSTRUCTORS: Final[Mapping[str, int]] = {}
SAME_NAMES: Final = {"Config", "Session", "Task"}


def definitions(path: Path) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """The classes and functions of a file, nested ones as well."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONG_MODULES.get(name_of(path), MODULE_LINES)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    for node in definitions(path):
        if not isinstance(node, ast.ClassDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= LONG_FUNCTIONS.get(f"{name_of(path)}:{node.name}", FUNCTION_LINES), node.name


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_constructor_takes_few_parameters(path: Path) -> None:
    """What connects more takes one frozen dataclass of them."""
    for node in definitions(path):
        if node.name == "__init__" and not isinstance(node, ast.ClassDef):
            given = node.args
            count = len([*given.posonlyargs, *given.args, *given.kwonlyargs]) - 1
            assert count <= WIDE_CONSTRUCTORS.get(name_of(path), CONSTRUCTOR_PARAMETERS), node.lineno


# -- names: an outsider knows them, and each stands for one thing -----------------------------------


GLOSSARY: Final = Path(__file__).parents[2] / "docs/reference/glossary.md"
STRANGE: Final[frozenset[str]] = frozenset()
"""Words that nobody outside would expect: still to be replaced, and none to be added."""
FIELD: Final = re.compile(r"<!-- field -->\n(.*?)<!-- end -->", re.DOTALL)


def class_names() -> Counter[str]:
    """How often each class name of the package is defined."""
    return Counter(node.name for path in MODULES for node in definitions(path) if isinstance(node, ast.ClassDef))


def words_of(name: str) -> list[str]:
    """The words of `SqliteRunStore`, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def known_words() -> set[str]:
    """The words that the glossary explains, and those of the field that it only lists."""
    page = GLOSSARY.read_text()
    entries = re.findall(r"^\| (.*?) \|", page, re.MULTILINE)
    explained = {
        word for term in re.findall(r"\*\*(.+?)\*\*", " ".join(entries)) for word in re.findall(r"[a-z]+", term.lower())
    }
    listed = FIELD.search(page)
    return explained | set(re.findall(r"[a-z]+", listed[1] if listed else ""))


def is_known(word: str, known: set[str]) -> bool:
    """Whether it is a known word, or a plural of one."""
    return bool({word, word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word)} & known)


def test_the_words_of_class_names_are_known() -> None:
    """A new word goes into docs/reference/glossary.md; if nobody outside would know it, take another one."""
    known = known_words() | STRANGE
    unknown = {name for name in class_names() if not all(is_known(word, known) for word in words_of(name))}
    assert not unknown


def test_no_class_name_is_defined_twice() -> None:
    assert {name for name, count in class_names().items() if count > 1} <= SAME_NAMES


# -- the pictures of docs/explanation/architecture.md ----------------------------------------------


def test_the_pictures_are_what_the_code_is() -> None:
    """`PYTHONPATH=.:packaging python -m docgen.diagrams .` draws them again."""
    page = (TOP / diagrams.PAGE).read_text()
    assert diagrams.filled(page, TOP) == page, "call PYTHONPATH=.:packaging python -m docgen.diagrams ."
    assert all(f"<!-- diagram: {which} -->" in page for which in diagrams.PICTURES)


def test_every_event_is_in_the_life_of_a_run() -> None:
    assert {*diagrams.STEPS, Finished} == set(get_args(Event))


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


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/explanation/architecture.md"])
def test_the_files_that_a_page_names_are_there(page: str) -> None:
    named = set(re.findall(r"(?:`|^# )([a-z_]+/[a-z_/]+\.(?:py|md|catalog))\b", (TOP / page).read_text(), re.MULTILINE))
    assert named - {"journal/null.py"}
    missing = {path for path in named if not ((TOP / path).exists() or (PACKAGE / path).exists())}
    assert missing <= {"journal/null.py"}  # which is an example


def test_the_files_that_a_module_runs_lie_beside_it() -> None:
    """All but the launcher, which the build makes."""
    beside = re.compile(r"Path\(__file__\)\.with_name\(\"(.+?)\"\)")
    named = {path.with_name(name) for path in MODULES for name in beside.findall(path.read_text())}
    assert {path.name for path in named if not path.exists()} <= {"launcher"}
    assert {path.name for path in named} > {"launcher"}


TESTS = sorted((TOP / "tests").rglob("*.py"))
IMPORTED = re.compile(r"^\s*from (rocketd[\w.]*) import (\w+(?:, \w+)*)$", re.MULTILINE)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(TOP / "tests")))
def test_what_a_text_of_a_test_imports_is_there(path: Path) -> None:
    """The programs that tests run stand in texts, where no type checker looks."""
    for module, names in IMPORTED.findall(path.read_text()):
        found = import_module(module)
        for name in names.split(", "):
            assert hasattr(found, name) or find_spec(f"{module}.{name}"), f"{module}.{name}"
