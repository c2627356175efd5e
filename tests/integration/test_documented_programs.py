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
    names = {one.id for one in nodes if isinstance(one, ast.Name)}
    return names | {one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)}


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


RUN = """
import asyncio
from rocketd import Rocketd as _Application


def _run(app, due):
    def stop():
        app.session.shut_down()
        for task in app.session.tasks:
            task.terminate()  # one may go on until it is told to stop

    app.session.create_task(func=stop, name="stop", execution="main", start_cond=due, priority=-1000)
    app.run()


def _due(names):
    condition = conds.true
    for name in names:
        condition &= conds.succeeded(name)
    return condition


async def _serve(web):
    async with web.router.lifespan_context(web):
        scope = {{"type": "http", "method": "POST", "path": "/fetch", "query_string": b"", "headers": []}}
        answers = []

        async def answer(part):
            answers.append(part)

        await web(scope, asyncio.Event().wait, answer)
        assert answers[0]["status"] == 200, answers
        while app.session["fetch"].status != "success":
            await asyncio.sleep(0)


from rocketd import conds
for _name, _value in [*globals().items()]:
    if _name.startswith("test_"):
        _value()
if "web" in globals() and {serve}:
    asyncio.run(_serve(web))
for _value in [*globals().values()]:
    if isinstance(_value, _Application):
        _run(_value, _due({due!r}))
        print(*sorted({{record.task_name for record in _value.session.get_task_log(action="success")}}))
"""
"""Calls the tests of an example, serves its web application, and runs its application until these tasks succeeded."""

COUNTS = """
for _value in [*globals().values()]:
    if isinstance(_value, _Application):
        print(*(sum(1 for _ in _value.session[name].logger.get_records(action="run")) for name in {due!r}))
"""
"""Says how often each of them has run."""

RUNS = {
    "python-library": ["look_around", "code", "jobs.clean:main", "fetch", "load", "import_orders"],
    "robust-applications": ["do_things"],
    "library": ["tidy_up"],
}
"""What an application does on any day, by page; some tasks of these need the night, or programs that are not here."""


def run_program(text: str, directory: Path) -> str:
    (directory / "jobs").mkdir(exist_ok=True)
    (directory / "jobs" / "clean.py").write_text("def main(): ...")  # which a page names
    call = [sys.executable, "-W", "error", "-c", RUNNER]
    done = subprocess.run(call, input=text, cwd=directory, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("example", [*programs()], ids=lambda example: example.name)
def test_every_python_example_runs_in_a_process_of_its_own(example: Example, tmp_path: Path) -> None:
    """With the examples before it that it needs."""
    due = [name for name in RUNS.get(example.page.stem, []) if name in bound(example.text)]
    (tmp_path / "de-by.dates").write_text("2026-12-25\n")
    text = example.text.replace("/etc/rocketd/holidays", str(tmp_path))
    ran = run_program(f"{text}\n{RUN.format(due=due, serve=True)}", tmp_path).split()
    assert set(due) <= set(ran)


def pages() -> Iterator[Example]:
    """All the examples of a page, one after the other."""
    for page in PAGES:
        blocks = PYTHON.findall(page.read_text(encoding="utf-8"))
        shown = [block for block in blocks if not any(text in block for text in NO_PROGRAM)]
        if len(shown) > 1:
            yield Example(page, 0, "\n".join(shown))


@pytest.mark.parametrize("example", [*pages()], ids=lambda example: example.page.stem)
def test_every_page_runs_from_top_to_bottom_and_goes_on_at_its_second_start(example: Example, tmp_path: Path) -> None:
    """As a reader types it in, and starts it again in the same place: what has run on this day does not run again."""
    due = RUNS[example.page.stem]
    for _ in range(2):
        told = run_program(f"{example.text}\n{RUN.format(due=due, serve=False)}{COUNTS.format(due=due)}", tmp_path)
        assert told.splitlines()[-1].split() == ["1"] * len(due)


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


SETTINGS = re.compile(r"^\[\[?(?!task\b|defaults\b)", re.MULTILINE)

ELSEWHERE = re.compile("task '.*' is not loaded$|there is no such file$|there is no user '.*' on this host$")
"""What is only wrong with a file because another one, or its user, is not there."""
TASK = '[task.backup]\ncommand = ["/bin/true"]\nwhen = "daily"\n'


@pytest.mark.parametrize("example", [*files()], ids=lambda example: example.name)
def test_every_file_that_is_shown_has_no_mistake(example: Example, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "etc")
    text = example.text
    if example.page.stem == "conditions":  # spellings of a condition, a line each: to be read, not to be in one file
        lines = [line for line in text.splitlines() if line.startswith("when")]
        text = "".join(f"[task.t{number}]\ncommand = ['/bin/true']\n{line}\n" for number, line in enumerate(lines))
    if text.startswith("ping = "):  # one line of a task
        text = f"{TASK}{text}"
    if 'run_on = "one"' in text:  # which needs a fleet
        folder.write("rocketd.toml", '[fleet]\nurl = "postgresql://rocketd@db.example.com/rocketd"\n')
    folder.write("rocketd.toml" if SETTINGS.search(text) else "tasks.toml", text)
    script = "from rocketd.cli.rocketctl import main; raise SystemExit(main())"
    call = [sys.executable, "-c", script, "--config-dir", str(folder.path), "check"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line and not ELSEWHERE.search(line)]
    assert (errors, done.stderr) == ([], "")
