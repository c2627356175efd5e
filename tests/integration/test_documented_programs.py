"""Each example of the documentation in a fresh process: a program, or a file to check."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from support.task_files import Folder

TOP = Path(__file__).parents[2]
PAGES = [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TOML = re.compile(r"^```toml\n(.*?)^```$", re.DOTALL | re.MULTILINE)

NO_PROGRAM = ("class Verdict(NamedTuple)",)
"""What shows a piece of rocketd itself."""

RUNNER = "import sys; exec(compile(sys.stdin.read(), 'example', 'exec'), {'__name__': 'example'})"


class Example(NamedTuple):
    page: Path
    number: int
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.stem}-{self.number}"


def bound(code: str) -> set[str]:
    """The names that an example leaves to those after it."""
    found: set[str] = set()
    for one in ast.parse(code).body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(one.name)
        elif isinstance(one, ast.Import | ast.ImportFrom):
            found.update(alias.asname or alias.name.split(".")[0] for alias in one.names)
        elif isinstance(one, ast.Assign):
            found.update(target.id for target in one.targets if isinstance(target, ast.Name))
    return found


def used(code: str) -> set[str]:
    """The names that it needs, and those of tasks, as in `session["fetch"]`."""
    nodes = [*ast.walk(ast.parse(code))]
    tasks = [one.slice for one in nodes if isinstance(one, ast.Subscript)]
    names = {one.id for one in nodes if isinstance(one, ast.Name)}
    return names | {str(one.value) for one in tasks if isinstance(one, ast.Constant)}


def needed(blocks: list[str], place: int) -> set[int]:
    """The examples before that one which bind the names it uses, the nearest of each, and what these need."""
    found: set[int] = set()
    for name in used(blocks[place]) - bound(blocks[place]):
        binding = [number for number in range(place) if name in bound(blocks[number])]
        if binding:
            found |= {binding[-1]} | needed(blocks, binding[-1])
    return found


def programs() -> Iterator[Example]:
    for page in PAGES:
        blocks = PYTHON.findall(page.read_text(encoding="utf-8"))
        for place, block in enumerate(blocks):
            if not any(text in block for text in NO_PROGRAM):
                parts = [blocks[number] for number in sorted(needed(blocks, place))]
                yield Example(page, place + 1, "\n".join([*parts, block]))


@pytest.mark.parametrize("example", [*programs()], ids=lambda example: example.name)
def test_every_python_example_works_in_a_fresh_process(example: Example, tmp_path: Path) -> None:
    """All but those that need a package which is not here: these are at least Python."""
    if "fastapi" in example.text:
        pytest.importorskip("fastapi")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUNNER],
        input=example.text,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{example.text}\n{done.stderr}"


def pages() -> Iterator[Example]:
    """All the examples of a page, one after the other."""
    for page in PAGES:
        blocks = PYTHON.findall(page.read_text(encoding="utf-8"))
        shown = [block for block in blocks if not any(text in block for text in (*NO_PROGRAM, "fastapi"))]
        if len(shown) > 1:
            yield Example(page, 0, "\n".join(shown))


RUNS = """
app.task(name="stop", func=app.session.shut_down)
app.session["stop"].run()
app.run()
print([record.action for record in app.session["do_things"].logger.get_records()])
"""
"""Runs the application of a page until it has done what was due."""


def run_example(text: str, directory: Path) -> str:
    call = [sys.executable, "-W", "error", "-c", RUNNER]
    done = subprocess.run(call, input=text, cwd=directory, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("example", [*pages()], ids=lambda example: example.page.stem)
def test_every_page_works_from_top_to_bottom_and_once_more_in_the_same_place(example: Example, tmp_path: Path) -> None:
    """As a reader types it in, and starts it again."""
    for _ in range(2):
        run_example(example.text, tmp_path)


def test_the_program_of_a_page_about_restarts_goes_on(tmp_path: Path) -> None:
    """What has run on this day does not run again."""
    (example,) = [one for one in pages() if one.page.stem == "robust-applications"]
    for _ in range(2):
        assert run_example(f"{example.text}\n{RUNS}", tmp_path) == "['run', 'success']\n"


def files() -> Iterator[Example]:
    for page in PAGES:
        for place, block in enumerate(TOML.findall(page.read_text(encoding="utf-8"))):
            yield Example(page, place + 1, f"{completed(block)}{block}")


def completed(block: str) -> str:
    """The tasks of which an example shows but a part, or a key of the tasks."""
    lines = block.splitlines()
    parts = [line.removesuffix(".mail]") for line in lines if re.fullmatch(r"\[task\.\w+\.mail\]", line)]
    bare = ["[task.t"] if lines[0].startswith("when = ") else []
    return "".join(f'{part}]\ncommand = ["/bin/true"]\n' for part in [*parts, *bare])


SETTINGS = re.compile(r"^\[(rocketd|store|mail|logging)\b", re.MULTILINE)


@pytest.mark.parametrize("example", [*files()], ids=lambda example: example.name)
def test_every_file_that_is_shown_has_no_mistake(example: Example, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "etc")
    text = example.text
    if example.name == "conditions-1":  # twice the same key: it shows two spellings
        text = text.rpartition("when")[0]
    folder.write("rocketd.toml" if SETTINGS.search(text) else "tasks.toml", text)
    script = "from rocketd.cli.rocketctl import main; raise SystemExit(main())"
    call = [sys.executable, "-c", script, "--config-dir", str(folder.path), "check"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
