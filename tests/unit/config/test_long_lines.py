"""However long a line is, and however much is wrong in a file, little is told, and in the right place."""

import json
import subprocess
import sys

import pytest

from rocketd.cli.commands.check import from_json
from rocketd.config.loader import load
from rocketd.config.problems import MAX_MISTAKES, MAX_TEXT, Problem
from rocketd.config.task_files import MAX_BYTES
from rocketd.config.toml_positions import MAX_LINE
from support.task_files import Folder, names

MUCH = MAX_BYTES - 1_000
TASK = '[task.a]\ncommand = ["/bin/true"]\n'
WITHIN = 3 * MAX_LINE + 3 * MAX_TEXT
"""Characters of a problem, all in all."""

LONG = {
    "NULs": "\0" * MUCH,
    "no line end": "x" * MUCH,
    "key": "k" * MUCH + " = 1\n",
    "table": f"[{'t' * MUCH}]\n",
    "task": f'[task.{"t" * MUCH}]\ncommand = ["/bin/true"]\n',
    "string": TASK + f'on = "{"s" * MUCH}"\n',
    "user": TASK + f'user = "{"s" * MUCH}"\n',
    "zone": TASK + f'timezone = "{"s" * MUCH}"\n',
    "condition": TASK + f'when = "{"daily & " * (MUCH // 8)}daily"\n',
    "program": f'[task.a]\ncommand = ["/{"s" * MUCH}"]\n',
    "number": TASK + f"nice = {'1' * MUCH}\n",
    "comment": "#" * MUCH + "\n[",
    "array": f"a = [{'1,' * (MUCH // 2)}]\n",
    "nesting": f"a = {'[' * (MUCH // 2)}{']' * (MUCH // 2)}\n",
    "dots": f"{'a.' * (MUCH // 2)}a = 1\n",
    "caret at the end": TASK + f"limits = {{ nofile = 1, {' ' * MUCH}x = 1 }}\n",
    "not ASCII": TASK + f"limits = {{ nofile = 1, # {'é' * (MUCH // 2)}\n",
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("file", ["a.toml", "rocketd.toml"])
def test_of_a_long_line_what_is_around_the_mistake_is_shown(folder: Folder, name: str, file: str) -> None:
    folder.write(file, LONG[name])
    loaded = load([folder.path])
    assert loaded.problems
    for problem in loaded.problems:
        assert len(str(problem)) < WITHIN + len(problem.file) + len(problem.task)
        (again,) = from_json([json.loads(json.dumps(problem.as_json()))])
        assert str(again) == str(problem)


def shown(problem: Problem) -> str:
    """What the caret stands under."""
    _, line, caret, *_ = str(problem).splitlines()
    return line[caret.index("^") : caret.rindex("^") + 1]


@pytest.mark.parametrize("before", [0, 50, 1_000, 100_000])
@pytest.mark.parametrize("after", [0, 1_000, 100_000])
@pytest.mark.parametrize("filler", ["x", "é"])
def test_the_caret_stands_under_the_mistake(folder: Folder, before: int, after: int, filler: str) -> None:
    text = f'[task.a]\ncommand = ["/bin/true"]\nenvironment = {{ A = "{filler * before}", ROCKETD_X = "1" }}'
    (problem,) = folder.load(f"{text} # {filler * after}\n").problems
    assert (problem.line, problem.column) == (3, 25 + before)
    assert shown(problem) == "ROCKETD_X"


def test_a_value_that_is_longer_than_what_is_shown_is_underlined_as_far_as_it_is_shown(folder: Folder) -> None:
    (problem,) = folder.load(TASK + f'on = "{"s" * 10_000}"\n').problems
    assert set(shown(problem).strip('"')) == {"s"}


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{number} = 1\n" for number in range(50_000)),
        "".join(f"[task.t{number}]\nx = 1\n" for number in range(30_000)),
        TASK + f"limits = {{ {', '.join(f'k{number} = 1' for number in range(50_000))} }}\n",
        f"[task.a]\ncommand = [{'1,' * 100_000}]\n",
        "".join(f"[task.t{number}]\ncommand = ['a']\nwhen = 'x'\n" for number in range(20_000)),
    ],
    ids=["keys", "tasks", "table", "array", "conditions"],
)
def test_of_very_many_mistakes_some_are_told(folder: Folder, text: str) -> None:
    problems = folder.load(text).problems
    assert len(problems) == MAX_MISTAKES + 1
    more = f"this file has more problems than these {MAX_MISTAKES}"
    assert more in [problem.message for problem in problems]


def test_an_error_is_told_before_very_many_warnings(folder: Folder) -> None:
    many = "".join(f"[task.t{number}]\ncommand = ['/none/{number}']\n" for number in range(1_000))
    loaded = folder.load(many + "[task.x]\nnice = 'x'\n")
    assert [problem.task for problem in loaded.problems if problem.severity == "error"] == ["x", "x"]
    assert len(loaded.missing) == 1_001


def test_of_very_many_unknown_zones_each_task_is_known_to_be_missing(folder: Folder) -> None:
    many = "".join(f"[task.t{number}]\ncommand = ['/bin/true']\ntimezone = 'X{number}'\n" for number in range(1_000))
    loaded = folder.load(many + "[task.good]\ncommand = ['/bin/true']\n")
    assert (names(loaded), len(loaded.missing)) == (["good"], 1_000)


_MEASURED = """
import resource, sys
from pathlib import Path
from rocketd.config.loader import load
size = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
load([Path(sys.argv[1]) / "none"])
before = size()
print(sum(len(str(problem)) for problem in load([Path(sys.argv[1])]).problems), size() - before)
"""


@pytest.mark.parametrize("content", ["\0", "x", "k = 1\n"], ids=["NULs", "no line end", "the same key"])
@pytest.mark.parametrize("size", [MUCH, 64 * MAX_BYTES], ids=["1 MiB", "64 MiB"])
def test_a_long_file_takes_no_memory(folder: Folder, content: str, size: int) -> None:
    folder.write("a.toml", content * (size // len(content)))
    done = subprocess.run([sys.executable, "-c", _MEASURED, folder.path], capture_output=True, text=True, check=True)
    told, kilobytes = map(int, done.stdout.split())
    assert 0 < told < WITHIN
    assert kilobytes < 16 * 1024
